import { assert } from "../Assert.ts"
import type { Label } from "../Task.ts"
import type { ItemSet } from "./ItemSet.ts"
import { isResourceName } from "./Quantities.ts"
import type { Ranges } from "./Ranges.ts"

/**
 * One level of a reservation stack (spec/mesos.md §1.8). Principal and labels are part of the identity: two
 * reservations that differ in either never merge.
 */
export interface Reservation {
  readonly type: "static" | "dynamic"
  readonly role: string
  readonly principal: string | null
  /** Sorted by key, then value: their order means nothing. */
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
  /**
   * Canonical text of the identity: equal kinds, equal keys; the bare name for a plain scalar. Also the order within
   * {@link Resources}, in which kinds of one name stand together, the plain scalar first. As in Mesos, two things of a disk are not
   * identity: where a task mounts the volume, and who made it.
   */
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
export type ResourceValue = number | Ranges | ItemSet

export interface Resource {
  readonly kind: ResourceKind
  readonly value: ResourceValue
}

/** Everything of a kind that has no default or differs from it. */
export type KindFields = Partial<Omit<ResourceKind, "key">> & Pick<ResourceKind, "name" | "type">

/** All resources are made here, so that engines see one shape of object. The value must be in normal form. */
export const resourceOf = (kind: ResourceKind, value: ResourceValue): Resource => ({ kind, value })

/** Fills in the defaults and computes the key. Asserts what {@link kindProblem} tells. */
export const toKind = (fields: KindFields): ResourceKind => {
  const problem = kindProblem(fields)
  assert(problem === null, () => `resource ${fields.name}: ${problem}`)
  const reservations = (fields.reservations ?? []).map(toReservation)
  const { name, type, revocable = false, shared = false, providerId = null } = fields
  const disk = (fields.disk ?? null) === null ? null : toDisk(fields.disk!)
  const kind = { name, type, reservations, disk, revocable, shared, providerId }
  return { key: keyOf(kind), ...kind }
}

/** Why there is no such kind, or null. Callers with input of strangers ask before {@link toKind} asserts it. */
export const kindProblem = ({ name, type, disk, shared, reservations }: KindFields): string | null => {
  if (!isResourceName(name)) {
    return "a name is a letter, then at most 63 letters, digits, '_', '.' or '-'"
  }
  if (type !== "scalar" && (disk ?? null) !== null) return `only a scalar can have disk info, not ${type}`
  if ((disk ?? null) !== null && disk!.volume !== null && disk!.persistence === null) {
    return "a volume without persistence is not supported: give it disk.persistence"
  }
  if (type !== "scalar" && shared === true) return `only a scalar can be shared, not ${type}`
  if (reservations?.some(({ role }) => role === "*" || role === "") === true) {
    return "reserved for no role: leave the reservation out"
  }
  return null
}

/** The kind of an unreserved, non-revocable scalar. */
export const plainScalar = (name: string): ResourceKind => {
  switch (name) {
    case "cpus":
      return plainCpus
    case "mem":
      return plainMem
    case "disk":
      return plainDisk
    case "gpus":
      return plainGpus
    default:
      return toKind({ name, type: "scalar" })
  }
}

export const isUnreserved = (kind: ResourceKind): boolean => kind.reservations.length === 0

/** Whom it is reserved for: the role of the innermost reservation, the last of the stack. Null = nobody. */
export const reservationRole = (kind: ResourceKind): string | null => {
  const depth = kind.reservations.length
  return depth === 0 ? null : kind.reservations[depth - 1]!.role
}

/** Unreserved, reserved for the role or for an ancestor of it (spec/mesos.md §1.7). */
export const isAllocatableTo = (kind: ResourceKind, role: string): boolean => {
  const owner = reservationRole(kind)
  if (owner === null || owner === role) return true
  return role.length > owner.length && role.charCodeAt(owner.length) === slash && role.startsWith(owner)
}

/** Reserved for exactly this role. */
export const isReservedFor = (kind: ResourceKind, role: string): boolean => reservationRole(kind) === role

/** A reservation on top of another one (spec/mesos.md §1.8). */
export const isRefined = (kind: ResourceKind): boolean => kind.reservations.length > 1

/** Nothing but a name and a type: unreserved, not revocable, not shared, no disk info, no provider. */
export const isPlain = (kind: ResourceKind): boolean =>
  kind.reservations.length === 0 &&
  kind.disk === null &&
  !kind.revocable &&
  !kind.shared &&
  kind.providerId === null

/** An unreserved scalar that is not revocable: what quotas, headroom and guarantees are about. Disks of a source are among
 * them. */
export const isFreeScalar = (kind: ResourceKind): boolean =>
  kind.type === "scalar" && kind.reservations.length === 0 && !kind.revocable

/**
 * Whether resources of the kind never merge and are never split: shared ones (each copy stands for itself), persistent volumes,
 * MOUNT and BLOCK disks, RAW disks that have an id (spec/mesos.md §1.7).
 */
export const isIndivisible = (kind: ResourceKind): boolean => {
  if (kind.shared) return true
  if (kind.disk === null) return false
  const { persistence, source } = kind.disk
  if (persistence !== null) return true
  if (source === null || source.type === "PATH") return false
  return source.type !== "RAW" || source.id !== null
}

const slash = "/".charCodeAt(0)

const toReservation = ({ type, role, principal, labels }: Reservation): Reservation => ({
  type,
  role,
  principal,
  labels: labels.map(({ key, value }) => ({ key, value })).sort(compareLabels),
})

/** In one order of fields, so that equal ones are stored as equal bytes; info that says nothing is none. */
const toDisk = ({ persistence, volume, source }: DiskInfo): DiskInfo | null => {
  if (persistence === null && volume === null && source === null) return null
  return {
    persistence: persistence && { id: persistence.id, principal: persistence.principal },
    volume: volume && { containerPath: volume.containerPath, mode: volume.mode },
    source: source && { type: source.type, root: source.root, id: source.id, profile: source.profile },
  }
}

const compareLabels = (left: Label, right: Label): number =>
  compareTexts(left.key, right.key) || compareTexts(left.value, right.value)

const compareTexts = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

/** A name has no space in it and what follows is JSON, so nobody can forge the key of another kind. */
const keyOf = (kind: Omit<ResourceKind, "key">): string => {
  const { name, type, reservations, disk, revocable, shared, providerId } = kind
  const identity = {
    ...(type === "scalar" ? {} : { type }),
    ...(reservations.length === 0 ? {} : { reservations: reservations.map(reservationIdentity) }),
    ...(disk === null ? {} : { disk: diskIdentity(disk) }),
    ...(revocable ? { revocable } : {}),
    ...(shared ? { shared } : {}),
    ...(providerId === null ? {} : { providerId }),
  }
  return Object.keys(identity).length === 0 ? name : `${name} ${JSON.stringify(identity)}`
}

const reservationIdentity = ({ type, role, principal, labels }: Reservation): ReadonlyArray<unknown> => [
  type,
  role,
  principal,
  labels.map(({ key, value }) => [key, value]),
]

const diskIdentity = ({ persistence, source }: DiskInfo): ReadonlyArray<unknown> => [
  persistence === null ? null : persistence.id,
  source === null ? null : [source.type, source.root, source.id, source.profile],
]

const plainCpus = toKind({ name: "cpus", type: "scalar" })
const plainMem = toKind({ name: "mem", type: "scalar" })
const plainDisk = toKind({ name: "disk", type: "scalar" })
const plainGpus = toKind({ name: "gpus", type: "scalar" })
