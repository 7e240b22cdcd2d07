import { assert } from "../Assert.ts"
import {
  addQuantities,
  amountOf,
  containsQuantities,
  isNoQuantities,
  noQuantities,
  type Quantities,
  quantitiesToText,
  shortages,
  smallerQuantities,
  subtractQuantities,
} from "../resources/Quantities.ts"

/** One agent's amounts. `reserve` is what is wanted for the host's own work, more than there is included. */
interface AgentAccount {
  readonly total: Quantities
  reserve: Quantities
  allocated: Quantities
  /** Computed when asked for; undefined after a change. Each offer asks three times. */
  available: Quantities | undefined
}

/**
 * Who holds what, summed up for the allocator: allocated resources by agent, by role and by framework within a role,
 * and each agent's reserve. "Allocated" includes outstanding offers, as in Mesos (spec/mesos.md §1.4). Law L1 in its
 * terms: `allocated + held ≤ total` on every agent, name by name, where `held` is the part of the reserve that could
 * be taken so far. The only exception is an agent that came back smaller than its tasks: it holds nothing. The ledger is
 * derived from offers, tasks and agents; it is rebuilt on restore and never stored, except for the grant counters, which
 * only grow.
 */
export class Ledger {
  private total: Quantities = noQuantities
  private readonly agents = new Map<string, AgentAccount>()
  private readonly byRole = new Map<string, Quantities>()
  private readonly byFramework = new Map<string, Map<string, Quantities>>()

  /** Sum over all agents known to the allocator, reserves included as in Mesos (spec/mesos.md §1.13, 6): the
   * denominators of dominant shares. */
  get clusterTotal(): Quantities {
    return this.total
  }

  addAgent(agentId: string, total: Quantities, reserve: Quantities = noQuantities): void {
    this.agents.set(agentId, { total, reserve, allocated: noQuantities, available: undefined })
    this.total = addQuantities(this.total, total)
  }

  /** The agent must hold nothing any more: release its offers and tasks first. */
  removeAgent(agentId: string): void {
    const agent = this.agents.get(agentId)
    if (agent === undefined) return
    this.agents.delete(agentId)
    this.total = subtractQuantities(this.total, agent.total)
  }

  /** Wants this much of the agent for the host's own work: what is free at once, the rest as it becomes free. */
  setReserve(agentId: string, reserve: Quantities): void {
    const agent = this.agents.get(agentId)
    if (agent === undefined) return
    agent.reserve = reserve
    agent.available = undefined
  }

  /**
   * What nobody holds on this agent and the reserve leaves: `total − allocated − reserve`, name by name, at least 0.
   * So what a task gives back goes to an unfilled reserve first. Zero, too, where an agent came back smaller than what
   * runs on it: that keeps running, and nothing more is given out until it fits again.
   */
  availableOn(agentId: string): Quantities {
    const agent = this.agents.get(agentId)
    if (agent === undefined) return noQuantities
    if (agent.available === undefined) agent.available = shortages(agent.reserve, freeOf(agent))
    return agent.available
  }

  /** The part of the reserve that is taken already: `min(reserve, total − allocated)`. */
  heldOn(agentId: string): Quantities {
    const agent = this.agents.get(agentId)
    return agent === undefined ? noQuantities : smallerQuantities(agent.reserve, freeOf(agent))
  }

  /** The part of the reserve that tasks and offers still hold, as far as the agent has it at all. */
  missingFromReserveOf(agentId: string): Quantities {
    const agent = this.agents.get(agentId)
    if (agent === undefined) return noQuantities
    return shortages(freeOf(agent), smallerQuantities(agent.reserve, agent.total))
  }

  allocatedOn(agentId: string): Quantities {
    const agent = this.agents.get(agentId)
    return agent === undefined ? noQuantities : agent.allocated
  }

  /** Books resources of an agent for a framework; more than is available breaks law L1 and asserts. */
  charge(frameworkId: string, role: string, agentId: string, resources: Quantities): void {
    assert(
      containsQuantities(this.availableOn(agentId), resources),
      `agent ${agentId} has ${quantitiesToText(this.availableOn(agentId))} left, not ${quantitiesToText(resources)}`,
    )
    this.adopt(frameworkId, role, agentId, resources)
  }

  /** Books what is held already, whether or not it still fits: tasks of an agent that comes back. */
  adopt(frameworkId: string, role: string, agentId: string, resources: Quantities): void {
    const agent = this.agents.get(agentId)
    if (agent === undefined || isNoQuantities(resources)) return
    agent.allocated = addQuantities(agent.allocated, resources)
    agent.available = undefined
    this.byRole.set(role, addQuantities(this.allocatedToRole(role), resources))
    const frameworks = this.byFramework.get(role) || new Map<string, Quantities>()
    frameworks.set(frameworkId, addQuantities(frameworks.get(frameworkId) || noQuantities, resources))
    this.byFramework.set(role, frameworks)
  }

  /** The reverse of {@link charge} and {@link adopt}. */
  release(frameworkId: string, role: string, agentId: string, resources: Quantities): void {
    const agent = this.agents.get(agentId)
    if (agent === undefined || isNoQuantities(resources)) return
    agent.allocated = subtractQuantities(agent.allocated, resources)
    agent.available = undefined
    setOrDelete(this.byRole, role, subtractQuantities(this.allocatedToRole(role), resources))
    const frameworks = this.byFramework.get(role)
    if (frameworks === undefined) return
    setOrDelete(
      frameworks,
      frameworkId,
      subtractQuantities(frameworks.get(frameworkId) || noQuantities, resources),
    )
    if (frameworks.size === 0) this.byFramework.delete(role)
  }

  allocatedToRole(role: string): Quantities {
    return this.byRole.get(role) || noQuantities
  }

  allocatedToFramework(role: string, frameworkId: string): Quantities {
    const frameworks = this.byFramework.get(role)
    return frameworks?.get(frameworkId) || noQuantities
  }
}

const freeOf = ({ total, allocated }: AgentAccount): Quantities => shortages(allocated, total)

const setOrDelete = (map: Map<string, Quantities>, key: string, resources: Quantities): void => {
  if (isNoQuantities(resources)) map.delete(key)
  else map.set(key, resources)
}

/**
 * Dominant share (Ghodsi et al., "Dominant Resource Fairness", NSDI 2011, §4): the largest share of any one resource of
 * the cluster, divided by the weight. Names the cluster has none of are left out.
 */
export const dominantShare = (allocated: Quantities, clusterTotal: Quantities, weight: number): number => {
  let largest = 0
  for (const name of Object.keys(allocated)) {
    const total = amountOf(clusterTotal, name)
    if (total > 0) largest = Math.max(largest, amountOf(allocated, name) / total)
  }
  return largest / weight
}
