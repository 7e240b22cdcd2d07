import type { Quantities } from "../../resources/Quantities.ts"
import type { Resources } from "../../resources/Resources.ts"
import type { Allocator, AllocatorAgent, AllocatorFramework } from "../Allocator.ts"
import type { AllocatorSettings, Quota } from "../Settings.ts"

/** A framework in one of its roles. */
export interface AllocationClient {
  readonly frameworkId: string
  readonly role: string
}

/** What stands between a role and what is free: guarantees of other roles (spec/mesos.md §1.3, steps 3 and 4). */
export interface Headroom {
  /** `Σ max(0, guarantee − consumed)` over the roles with a quota, by name. */
  readonly required: Quantities
  /** What is free for anybody in the cluster: unallocated, unreserved, not revocable, not kept by a reserve. */
  readonly available: Quantities
}

/**
 * What explaining reads of an allocator. Reads only: they change nothing, draw no number and touch no candidate, so
 * that asking why never changes what happens. Most of it every {@link Allocator} has.
 *
 * Filters are read as rows of kind `filter`. Expired ones that no cycle has dropped yet may still be there.
 */
export interface AllocationView
  extends Pick<Allocator, "availableOn" | "heldOn" | "consumedQuotaOf" | "row" | "shareOf"> {
  readonly settings: AllocatorSettings
  /** All agents, inactive ones too, sorted. */
  agentIds(): ReadonlyArray<string>
  /** As it was put, with the reserve of today. */
  agent(agentId: string): AllocatorAgent | undefined
  /** Sorted. */
  frameworkIds(): ReadonlyArray<string>
  framework(frameworkId: string): AllocatorFramework | undefined
  /** Of a top-level role, as it is now; null = none. */
  quotaOf(role: string): Quota | null
  /** The top-level roles that have a quota, sorted. */
  quotaRoles(): ReadonlyArray<string>
  headroom(): Headroom
  /** The clients that want offers (active framework, role not suppressed) in the order in which a cycle that began now would
   * ask them about its first host, roles before frameworks. */
  fairOrder(): ReadonlyArray<AllocationClient>
}

/** Somebody's hold on a host, for those who know more than the books: an outstanding offer, or tasks. */
export interface Holding extends AllocationClient {
  readonly by: "offer" | "task"
  readonly resources: Resources
}

/** Who holds what on a host; the allocator itself only knows how much. */
export type HoldingsOn = (agentId: string) => ReadonlyArray<Holding>
