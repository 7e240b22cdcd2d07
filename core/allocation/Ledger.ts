import { assert } from "../Assert.ts"
import {
  addResources,
  amountOf,
  containsResources,
  emptyResources,
  isEmptyResources,
  type Resources,
  resourcesToText,
  shortages,
  subtractResources,
} from "../Resources.ts"

/**
 * Who holds what, summed up for the allocator: allocated resources by agent, by role and by framework within a role.
 * "Allocated" includes outstanding offers, as in Mesos (spec/mesos.md §1.4). The ledger is derived from offers and
 * tasks; it is rebuilt on restore and never stored, except for the grant counters, which only grow.
 */
export class Ledger {
  private total: Resources = emptyResources
  private readonly agents = new Map<string, { total: Resources; allocated: Resources }>()
  private readonly byRole = new Map<string, Resources>()
  private readonly byFramework = new Map<string, Map<string, Resources>>()

  /** Sum over all agents known to the allocator: the denominators of dominant shares. */
  get clusterTotal(): Resources {
    return this.total
  }

  addAgent(agentId: string, total: Resources): void {
    this.agents.set(agentId, { total, allocated: emptyResources })
    this.total = addResources(this.total, total)
  }

  /** The agent must hold nothing any more: release its offers and tasks first. */
  removeAgent(agentId: string): void {
    const agent = this.agents.get(agentId)
    if (agent === undefined) return
    this.agents.delete(agentId)
    this.total = subtractResources(this.total, agent.total)
  }

  /**
   * What nobody holds on this agent: `total − allocated`, name by name. Zero where an agent came back smaller than
   * what runs on it: that keeps running, and nothing more is given out until it fits again.
   */
  availableOn(agentId: string): Resources {
    const agent = this.agents.get(agentId)
    return agent === undefined ? emptyResources : shortages(agent.allocated, agent.total)
  }

  allocatedOn(agentId: string): Resources {
    const agent = this.agents.get(agentId)
    return agent === undefined ? emptyResources : agent.allocated
  }

  /** Books resources of an agent for a framework; more than is available breaks law L1 and asserts. */
  charge(frameworkId: string, role: string, agentId: string, resources: Resources): void {
    assert(
      containsResources(this.availableOn(agentId), resources),
      `agent ${agentId} has ${resourcesToText(this.availableOn(agentId))} left, not ${resourcesToText(resources)}`,
    )
    this.adopt(frameworkId, role, agentId, resources)
  }

  /** Books what is held already, whether or not it still fits: tasks of an agent that comes back. */
  adopt(frameworkId: string, role: string, agentId: string, resources: Resources): void {
    const agent = this.agents.get(agentId)
    if (agent === undefined || isEmptyResources(resources)) return
    agent.allocated = addResources(agent.allocated, resources)
    this.byRole.set(role, addResources(this.allocatedToRole(role), resources))
    const frameworks = this.byFramework.get(role) || new Map<string, Resources>()
    frameworks.set(frameworkId, addResources(frameworks.get(frameworkId) || emptyResources, resources))
    this.byFramework.set(role, frameworks)
  }

  /** The reverse of {@link charge} and {@link adopt}. */
  release(frameworkId: string, role: string, agentId: string, resources: Resources): void {
    const agent = this.agents.get(agentId)
    if (agent === undefined || isEmptyResources(resources)) return
    agent.allocated = subtractResources(agent.allocated, resources)
    setOrDelete(this.byRole, role, subtractResources(this.allocatedToRole(role), resources))
    const frameworks = this.byFramework.get(role)
    if (frameworks === undefined) return
    setOrDelete(
      frameworks,
      frameworkId,
      subtractResources(frameworks.get(frameworkId) || emptyResources, resources),
    )
    if (frameworks.size === 0) this.byFramework.delete(role)
  }

  allocatedToRole(role: string): Resources {
    return this.byRole.get(role) || emptyResources
  }

  allocatedToFramework(role: string, frameworkId: string): Resources {
    const frameworks = this.byFramework.get(role)
    return frameworks?.get(frameworkId) || emptyResources
  }
}

const setOrDelete = (map: Map<string, Resources>, key: string, resources: Resources): void => {
  if (isEmptyResources(resources)) map.delete(key)
  else map.set(key, resources)
}

/**
 * Dominant share (Ghodsi et al., "Dominant Resource Fairness", NSDI 2011, §4): the largest share of any one resource of
 * the cluster, divided by the weight. Names the cluster has none of are left out.
 */
export const dominantShare = (allocated: Resources, clusterTotal: Resources, weight: number): number => {
  let largest = 0
  for (const name of Object.keys(allocated)) {
    const total = amountOf(clusterTotal, name)
    if (total > 0) largest = Math.max(largest, amountOf(allocated, name) / total)
  }
  return largest / weight
}
