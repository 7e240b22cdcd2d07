import type { Label } from "../Task.ts"
import type { Ranges } from "./Ranges.ts"

/**
 * One level of a reservation stack (spec/mesos.md §1.8). Principal and labels are part of the identity: two
 * reservations that differ in either never merge.
 */
export interface Reservation {
  readonly type: "static" | "dynamic"
  readonly role: string
  readonly principal: string | null
  readonly labels: ReadonlyArray<Label>
}

/** What makes a disk resource more than an amount: a volume that keeps its data, where it comes from. */
export interface DiskInfo {
  readonly persistence: { readonly id: string; readonly principal: string | null } | null
  readonly volume: { readonly containerPath: string; readonly mode: "RW" | "RO" } | null
  readonly source: {
    readonly type: "PATH" | "MOUNT" | "BLOCK" | "RAW"
    readonly root: string | null
    readonly id: string | null
    readonly profile: string | null
  } | null
}

/**
 * What a resource is, apart from how much of it there is. Two resources merge, and one is taken from the other, only if
 * their kinds are the same (spec/mesos.md §1.7, "Addable/subtractable").
 */
export interface ResourceKind {
  /** Canonical text of all the other fields: equal kinds, equal keys. Also the order within {@link Resources}. */
  readonly key: string
  readonly name: string
  readonly type: "scalar" | "ranges" | "set"
  /** The stack, outermost role first; empty = unreserved. */
  readonly reservations: ReadonlyArray<Reservation>
  readonly disk: DiskInfo | null
  readonly revocable: boolean
  readonly shared: boolean
  readonly providerId: string | null
}

/** Milli-units of a scalar, ranges (ports), or the sorted items of a set; which of them `kind.type` says. */
export type ResourceValue = number | Ranges | ReadonlyArray<string>

export interface Resource {
  readonly kind: ResourceKind
  readonly value: ResourceValue
}
