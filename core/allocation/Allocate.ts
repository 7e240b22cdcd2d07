import { type Prng, shuffle } from "../Prng.ts"
import { containsQuantities, isNoQuantities, type Quantities } from "../resources/Quantities.ts"
import { dominantShare, type Ledger } from "./Ledger.ts"

/** One decision of a cycle: this framework gets an offer of these resources of this agent for this role. */
export interface Allocation {
  readonly frameworkId: string
  readonly role: string
  readonly agentId: string
  readonly resources: Quantities
}

/** A role that wants offers, with its frameworks that do (connected, not suppressed). */
export interface AllocationRole {
  readonly role: string
  readonly weight: number
  /** Allocations made so far, ever: the tie-break after the share (spec/mesos.md §1.4). */
  grants: number
  readonly frameworks: ReadonlyArray<AllocationFramework>
}

export interface AllocationFramework {
  readonly frameworkId: string
  grants: number
}

export interface AllocationCycle {
  readonly agentIds: ReadonlyArray<string>
  readonly roles: ReadonlyArray<AllocationRole>
  readonly ledger: Ledger
  readonly prng: Prng
  /** An offer must contain at least one of these (Mesos's `min_allocatable_resources`). */
  readonly minimumOffers: ReadonlyArray<Quantities>
  readonly isFiltered: (frameworkId: string, role: string, agentId: string, resources: Quantities) => boolean
}

/**
 * One allocation cycle after spec/mesos.md §1.3, stage 2 (fair share), for flat roles without quota:
 *
 * 1. shuffle the agents, so that no agent is favoured;
 * 2. for each agent, order the roles by weighted dominant share, then grants, then name;
 * 3. within a role, order the frameworks the same way with weight 1;
 * 4. the first framework that does not filter it gets everything available on the agent.
 *
 * Each booking counts at once in the ledger and in `grants`, so the next agent sees it. Coarse-grained on purpose, as
 * in Mesos: fairness emerges across agents and cycles.
 */
export const allocate = (cycle: AllocationCycle): ReadonlyArray<Allocation> => {
  const made: Array<Allocation> = []
  for (const agentId of shuffle(cycle.prng, Array.from(cycle.agentIds))) {
    const resources = cycle.ledger.availableOn(agentId)
    if (!isWorthOffering(resources, cycle.minimumOffers)) continue
    const taker = findTaker(cycle, agentId, resources)
    if (taker === undefined) continue
    const { role, framework } = taker
    cycle.ledger.charge(framework.frameworkId, role.role, agentId, resources)
    role.grants++
    framework.grants++
    made.push({ frameworkId: framework.frameworkId, role: role.role, agentId, resources })
  }
  return made
}

const isWorthOffering = (resources: Quantities, minimumOffers: ReadonlyArray<Quantities>): boolean =>
  !isNoQuantities(resources) &&
  (minimumOffers.length === 0 || minimumOffers.some((minimum) => containsQuantities(resources, minimum)))

const findTaker = (
  cycle: AllocationCycle,
  agentId: string,
  resources: Quantities,
): { role: AllocationRole; framework: AllocationFramework } | undefined => {
  for (const role of byShare(cycle.roles, (role) => roleRank(cycle, role))) {
    for (const framework of byShare(role.frameworks, (framework) => frameworkRank(cycle, role, framework))) {
      if (!cycle.isFiltered(framework.frameworkId, role.role, agentId, resources)) return { role, framework }
    }
  }
  return undefined
}

/** Position in the order: lower share first, then fewer grants, then the name. */
interface Rank {
  readonly share: number
  readonly grants: number
  readonly name: string
}

const roleRank = (cycle: AllocationCycle, role: AllocationRole): Rank => ({
  share: dominantShare(cycle.ledger.allocatedToRole(role.role), cycle.ledger.clusterTotal, role.weight),
  grants: role.grants,
  name: role.role,
})

const frameworkRank = (
  cycle: AllocationCycle,
  role: AllocationRole,
  framework: AllocationFramework,
): Rank => ({
  share: dominantShare(
    cycle.ledger.allocatedToFramework(role.role, framework.frameworkId),
    cycle.ledger.clusterTotal,
    1,
  ),
  grants: framework.grants,
  name: framework.frameworkId,
})

const byShare = <A>(items: ReadonlyArray<A>, rankOf: (item: A) => Rank): ReadonlyArray<A> =>
  items
    .map((item) => ({ item, rank: rankOf(item) }))
    .sort((left, right) => compareRanks(left.rank, right.rank))
    .map(({ item }) => item)

/** A total order: names are unique among siblings, so sorting is the same with unstable old sorts (design §2). */
const compareRanks = (left: Rank, right: Rank): number =>
  left.share - right.share ||
  left.grants - right.grants ||
  (left.name < right.name ? -1 : left.name > right.name ? 1 : 0)
