import type { Entity, EntityRef } from "../Machine.ts"
import type { Attribute } from "../resources/Attribute.ts"
import type { PlainResources } from "../resources/PlainForm.ts"
import type { Quantities } from "../resources/Quantities.ts"
import type { Resources } from "../resources/Resources.ts"
import type { OfferConstraints } from "./Constraints.ts"
import type { Quota } from "./Settings.ts"

/** A host as the allocator sees it. */
export interface AllocatorAgent {
  readonly agentId: string
  readonly hostname: string
  readonly total: Resources
  /** Wanted for the host's own work, of its unreserved scalars; may be more than can be had at the moment. */
  readonly reserve: Quantities
  readonly attributes: ReadonlyArray<Attribute>
  /** Names of agent capabilities: MULTI_ROLE, HIERARCHICAL_ROLE, RESERVATION_REFINEMENT … */
  readonly capabilities: ReadonlyArray<string>
  readonly region: string | null
  readonly zone: string | null
  /** False: nothing of it is offered (away, drained, deactivated); it counts in the cluster's total all the same. */
  readonly isActive: boolean
}

/** A framework as the allocator sees it. With one of its roles it is a *client*: one place in the fair order. */
export interface AllocatorFramework {
  readonly frameworkId: string
  readonly roles: ReadonlyArray<string>
  readonly suppressedRoles: ReadonlyArray<string>
  /** False: it gets no offers (disconnected, deactivated); what it holds still counts. */
  readonly isActive: boolean
  /** Names of framework capabilities (spec/mesos.md §1.12). */
  readonly capabilities: ReadonlyArray<string>
  /** By role: takes the place of `AllocatorSettings.minAllocatable`. */
  readonly minAllocatable: { readonly [role: string]: ReadonlyArray<Quantities> }
  /** By role: hosts that violate them are not offered. */
  readonly constraints: { readonly [role: string]: OfferConstraints }
}

/** Whom something concerns: a framework in one of its roles, on one host. */
export interface AllocationScope {
  readonly frameworkId: string
  readonly role: string
  readonly agentId: string
}

/** One decision of a cycle: this client gets an offer of these resources of this host. */
export interface Allocation extends AllocationScope {
  readonly resources: Resources
}

/** The decisions of a cycle in the order in which they were made; at most one for each (framework, role, agent). Valid until
 * the next cycle, whose decisions may be written over them. */
export interface Allocations {
  readonly count: number
  at(index: number): Allocation
}

/** What a framework says when it leaves resources on the table. */
export interface Refusal {
  /** What it asked for; null = nothing (the default), 0 = no filter. */
  readonly refuseMs: number | null
  /** When the offer was made: all declines of one round of offers count once for the back-off. */
  readonly offeredAtMs: number
  readonly nowMs: number
  /** Declined whole, rather than the unused rest of an accepted offer. */
  readonly isDecline: boolean
}

/**
 * Who gets what is free on which host, after spec/mesos.md §1. It keeps books (who holds how much of what) and filters, and
 * decides in cycles. Pure and deterministic; the only chance is two draws of the master's generator a cycle.
 *
 * The books follow the master's records, which are the truth: after a restart the master builds a new allocator from the rows of
 * `snapshot()`, then repeats `putAgent`, `putFramework` and `adopt`. What is left goes on exactly as the original.
 *
 * **A cycle** (`allocate`):
 *
 * 1. Filters that are due expire. Two numbers are drawn. Candidates are all active hosts (`"all"`), or those on which something
 *    changed since they were last candidates (`"changed"`): available resources, filters, or for all of them a framework that
 *    wants more than before, or a quota. A host on which nothing changed has nobody to offer to, so both scopes make the same offers
 *    but for the order of hosts.
 * 2. Stage 1, only if some role has a guarantee: hosts in the order of the first draw (`VisitOrder.ts`), on each the top-level roles
 *    that lack something of theirs in fair order, in each the clients of its subtree in fair order (spec §1.3, step 5): a guarantee
 *    serves the whole subtree, as a limit binds it.
 * 3. Stage 2: hosts in the order of the second draw; the same loops for all roles (spec §1.3, step 6).
 *
 * **Fair order** among siblings of the role tree: higher priority first, then the lower weighted dominant share, then fewer grants
 * (bookings made by cycles so far), then the path; among the frameworks of a role the same without priority and weight, by
 * framework id. Orders are fixed while one host is visited and brought up to date before the next.
 *
 * **Parts** (`partMin`): with `parts = min(⌊clients that want offers / active hosts⌋, ⌊total / partMin⌋ over the names of partMin)`
 * above 1, stage 2 goes through a host twice. First each client gets at most `⌈total / parts⌉` of each unreserved scalar, and of each
 * unreserved range and set the lowest `⌈count / parts⌉` that are left; then, in the order brought up to date, whoever takes it gets the
 * rest.
 */
export interface Allocator {
  /** Adds an agent or replaces what is known of it. Changed attributes, capabilities or domain drop its filters. */
  putAgent(agent: AllocatorAgent): void
  /** The agent must hold nothing any more: release its offers and tasks first. Its filters are dropped. */
  removeAgent(agentId: string): void
  /** Takes what is free of it at once, the rest as it becomes free; never what is allocated. */
  setReserve(agentId: string, reserve: Quantities): void

  /** Adds a framework or replaces what is known of it. Inactivity drops its filters, a role it leaves those of the role. */
  putFramework(framework: AllocatorFramework): void
  /** It gets no offers any more, its filters are dropped; what it holds counts until it is released. */
  removeFramework(frameworkId: string): void

  setWeight(role: string, weight: number): void
  /** Null = none. Top-level roles only. */
  setQuota(role: string, quota: Quota | null): void

  /** Books resources of an agent for a client; more than is available breaks law L1 and asserts. */
  charge(scope: AllocationScope, resources: Resources): void
  /** Books what is held already, whether or not it still fits: tasks of an agent that comes back. */
  adopt(scope: AllocationScope, resources: Resources): void
  /** The reverse of {@link charge}, {@link adopt} and of the bookings of a cycle. */
  release(scope: AllocationScope, resources: Resources): void

  /** Keeps refused resources away from who refused them, for a while (spec/mesos.md §1.5). */
  refuse(scope: AllocationScope, resources: Resources, refusal: Refusal): void
  /** REVIVE: drops the filters of a framework in these roles (null = all) and ends its back-off. Un-suppressing is
   * {@link putFramework}'s. */
  dropFilters(frameworkId: string, roles: ReadonlyArray<string> | null): void
  /** It used an offer: its back-off in the role ends. */
  noteAccepted(frameworkId: string, role: string): void
  /** Something changed for it (a task ended): its back-off ends, and filters that are longer than it asked for are cut to
   * that. */
  wake(frameworkId: string, nowMs: number): void

  allocate(nowMs: number, scope: "changed" | "all"): Allocations
  /** Whether a cycle over `"changed"` has anything to look at. */
  hasCandidates(): boolean
  /** Filters that a framework has in a role, on all agents together. */
  filterCountOf(frameworkId: string, role: string): number
  /** When the next filter expires; null without filters. */
  nextExpiryMs(): number | null

  /** Scalars of all agents, reserves and reservations included: the denominators of dominant shares. */
  clusterTotal(): Quantities
  /** All that could be offered of an agent to somebody: `total − allocated − reserve`, at least nothing. */
  availableOn(agentId: string): Resources
  allocatedOn(agentId: string): Resources
  /** The part of the reserve that is taken already: `min(reserve, total − allocated)`. */
  heldOn(agentId: string): Quantities
  /** The part of the reserve that offers and tasks still hold, as far as the agent has it at all. */
  missingFromReserveOf(agentId: string): Quantities
  /** All scalars held by the subtree of a role. */
  allocatedToRole(role: string): Quantities
  allocatedToFramework(role: string, frameworkId: string): Quantities
  /** Dominant share over weight of a role path; 0 for one that is unknown. */
  shareOf(role: string): number
  /** Quota consumption of a top-level role: reservations plus unreserved non-revocable allocation of its subtree. */
  consumedQuotaOf(role: string): Quantities

  /** The rows that are the allocator's own, in a fixed order: of kind `role` (by path), `client` and `filter` (by JSON
   * of the ids). */
  snapshot(): ReadonlyArray<Entity>
  /** One of them; undefined when it is gone. */
  row(ref: EntityRef): unknown
  /** Rows changed since the last call, each once, in a fixed order. */
  takeChanged(): ReadonlyArray<EntityRef>
}

// --- rows ---

export interface RoleRow {
  /** Bookings made by cycles in the subtree so far. */
  readonly grants: number
}

export interface ClientRow {
  readonly grants: number
  /** Rounds of offers declined in a row, and when the last one began; see {@link Refusal}. */
  readonly declinedRounds: number
  readonly roundAtMs: number
}

/** The filters of one scope, in a fixed order; none covers another. */
export type FilterRow = ReadonlyArray<{
  readonly resources: PlainResources
  readonly expiresAtMs: number
  /** The part of it that back-off added. */
  readonly backoffMs: number
}>

/** A key no id or role can forge, since JSON quotes them. */
export const clientKey = (frameworkId: string, role: string): string => JSON.stringify([frameworkId, role])
export const filterKey = ({ frameworkId, role, agentId }: AllocationScope): string =>
  JSON.stringify([frameworkId, role, agentId])
