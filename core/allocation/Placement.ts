import type { Quantities } from "../resources/Quantities.ts"
import type { OfferConstraints } from "./Constraints.ts"

/** By what hosts are told apart when tasks are counted: the hosts of one value are a *domain*. */
export type Topology =
  | { readonly type: "hostname" | "region" | "zone" }
  | { readonly type: "attribute"; readonly name: string }

/**
 * What placing a task observes of the tasks that are there. `of`: the groups whose tasks are meant; the own may be among them. A
 * host without the topology's value takes tasks under `apart` and `atMost`, none under `near` and `spread`.
 */
export type PlacementRule =
  /** Into domains where there is such a task; anywhere while no domain has one, if the own group is meant. */
  | { readonly type: "near"; readonly topology: Topology; readonly of: ReadonlyArray<string> }
  /** Into domains without such a task. It binds both ways: the groups that are meant keep away from domains with a task of
   * this one. */
  | { readonly type: "apart"; readonly topology: Topology; readonly of: ReadonlyArray<string> }
  /** No more than `count` of the own group in a domain. */
  | { readonly type: "atMost"; readonly topology: Topology; readonly count: number }
  /** With the task its domain has at most `maxSkew` more of the own group than the one that has fewest, of those in which
   * hosts meet the group's constraints. */
  | { readonly type: "spread"; readonly topology: Topology; readonly maxSkew: number }

/** Tasks that are placed alike and counted together, as the instances of a service are. */
export interface PlacementGroup {
  readonly groupId: string
  /** Whose tasks they are; the framework must be known to the allocator. */
  readonly frameworkId: string
  readonly role: string
  /** Which hosts may be used at all; null = no matter. Those of the framework's role bind besides. */
  readonly constraints: OfferConstraints | null
  readonly rules: ReadonlyArray<PlacementRule>
  /** Of several hosts the one of which least is used, so that tasks disturb each other and the host least; or the one of which most is
   * used, so that there is room for large tasks elsewhere. */
  readonly prefer: "idle" | "busy"
}

/** Why there is no place for a task; in the order in which it is asked. */
export type PlacementRefusal =
  /** The framework is not there, or not active. */
  | "inactive"
  /** The quota of the top-level role leaves no room. */
  | "limit"
  /** It must stay free for the guarantees of other roles. */
  | "headroom"
  /** No host that is there meets the constraints and what the capabilities of framework and agents demand. */
  | "constraints"
  /** The rules admit none of those. */
  | "rules"
  /** None of these has as much left. */
  | "short"

export type Placement =
  | { readonly type: "placed"; readonly agentId: string }
  | { readonly type: "refused"; readonly reason: PlacementRefusal }

/**
 * Places tasks one at a time on the allocator's books, without offers: for schedulers that know what they want to run. What
 * it books is held by the group's framework in its role, like a task that was launched from an offer; gates, constraints, quotas
 * and reserves bind as in a cycle, filters do not. Fairness is the caller's: it decides whose task comes next.
 *
 * A task takes unreserved scalars. Of the hosts that admit it, it gets the one that the group prefers by *use*, the largest share of
 * a scalar that is not available; of equal ones that with the lower hash of the agent id (`VisitOrder.ts`), then the lower
 * id. So the same books give the same places, also after a restart.
 */
export interface Placer {
  /** Adds a group or replaces what is known of it; its tasks stay. Constraints that do not compile assert. */
  putGroup(group: PlacementGroup): void
  /** Its tasks are not counted any more; what they hold stays booked. */
  removeGroup(groupId: string): void
  /** Chooses a host and books it. Amounts in milli-units by name. */
  place(groupId: string, resources: Quantities): Placement
  /** Books a task that runs already, whether or not it fits or observes the rules. */
  adopt(groupId: string, agentId: string, resources: Quantities): void
  /** The reverse of {@link place} and {@link adopt}. */
  end(groupId: string, agentId: string, resources: Quantities): void
  /** Tasks of the group on an agent. */
  countOn(groupId: string, agentId: string): number
}
