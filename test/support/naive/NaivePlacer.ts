import { assert } from "../../../core/Assert.ts"
import type { AllocationScope, AllocatorAgent } from "../../../core/allocation/Allocator.ts"
import { compileConstraints } from "../../../core/allocation/Constraints.ts"
import type {
  Placement,
  PlacementGroup,
  PlacementRefusal,
  PlacementRule,
  Placer,
  Topology,
} from "../../../core/allocation/Placement.ts"
import { hostHash } from "../../../core/allocation/VisitOrder.ts"
import { amountOf, type Quantities, sameQuantities } from "../../../core/resources/Quantities.ts"
import { plainQuantities, quantitiesToResources, type Resources } from "../../../core/resources/Resources.ts"
import type { Books } from "./allocator/Books.ts"
import { areMet, isHidden } from "./allocator/Gates.ts"

interface NaiveTask {
  readonly groupId: string
  readonly agentId: string
  readonly resources: Quantities
}

/** How what is decided gets into the books. */
export interface Booking {
  charge(scope: AllocationScope, resources: Resources): void
  adopt(scope: AllocationScope, resources: Resources): void
  release(scope: AllocationScope, resources: Resources): void
}

/**
 * The slow, obvious twin of the placer: a list of tasks and a list of groups, all hosts looked at for each request, straight from the
 * contract in core/allocation/Placement.ts. Where that leaves something open, a comment says "Reading".
 */
export class NaivePlacer implements Placer {
  private readonly books: Books
  private readonly booking: Booking
  private readonly groups = new Map<string, PlacementGroup>()
  private tasks: ReadonlyArray<NaiveTask> = []

  constructor(books: Books, booking: Booking) {
    this.books = books
    this.booking = booking
  }

  putGroup(group: PlacementGroup): void {
    const compiled = group.constraints === null ? null : compileConstraints(group.constraints)
    assert(typeof compiled !== "string", `constraints of group ${group.groupId}: ${String(compiled)}`)
    this.groups.set(group.groupId, group)
  }

  removeGroup(groupId: string): void {
    this.groups.delete(groupId)
    this.tasks = this.tasks.filter((task) => task.groupId !== groupId)
  }

  place(groupId: string, resources: Quantities): Placement {
    const group = this.groupOf(groupId)
    const found = this.isActive(group) ? this.findHost(group, resources) : "inactive"
    if (typeof found === "string") return { type: "refused", reason: found }
    this.booking.charge(scopeOf(group, found.agentId), quantitiesToResources(resources))
    this.tasks = [...this.tasks, { groupId, agentId: found.agentId, resources }]
    return { type: "placed", agentId: found.agentId }
  }

  adopt(groupId: string, agentId: string, resources: Quantities): void {
    this.booking.adopt(scopeOf(this.groupOf(groupId), agentId), quantitiesToResources(resources))
    this.tasks = [...this.tasks, { groupId, agentId, resources }]
  }

  end(groupId: string, agentId: string, resources: Quantities): void {
    const ended = this.tasksOn(groupId, agentId).find((task) => sameQuantities(task.resources, resources))
    assert(ended !== undefined, `group ${groupId} has no such task on agent ${agentId}`)
    this.booking.release(scopeOf(this.groupOf(groupId), agentId), quantitiesToResources(resources))
    this.tasks = this.tasks.filter((task) => task !== ended)
  }

  countOn(groupId: string, agentId: string): number {
    return this.tasksOn(groupId, agentId).length
  }

  private tasksOn(groupId: string, agentId: string): ReadonlyArray<NaiveTask> {
    return this.tasks.filter((task) => task.groupId === groupId && task.agentId === agentId)
  }

  private groupOf(groupId: string): PlacementGroup {
    const group = this.groups.get(groupId)
    assert(group !== undefined, `there is no group ${groupId}`)
    return group
  }

  // --- what stands against it, in the order of `PlacementRefusal` ---

  private findHost(group: PlacementGroup, resources: Quantities): AllocatorAgent | PlacementRefusal {
    const names = Object.keys(resources)
    if (names.some((name) => amountOf(resources, name) > this.books.limitLeft(group.role, name))) {
      return "limit"
    }
    if (names.some((name) => this.eatsHeadroom(group, name, amountOf(resources, name)))) return "headroom"
    const eligible = this.eligibleHosts(group)
    if (eligible.length === 0) return "constraints"
    const admitting = eligible.filter((agent) => this.isAdmitted(group, agent))
    if (admitting.length === 0) return "rules"
    const fitting = admitting.filter((agent) => this.hasLeft(agent, resources))
    if (fitting.length === 0) return "short"
    const better = (left: AllocatorAgent, right: AllocatorAgent) => this.compare(group, left, right)
    return [...fitting].sort(better)[0]!
  }

  /** Suppressed makes no difference: that is about offers. */
  private isActive({ frameworkId, role }: PlacementGroup): boolean {
    const framework = this.books.frameworks.get(frameworkId)
    return framework?.isActive === true && framework.roles.includes(role)
  }

  /**
   * The role's own guarantee is what the headroom is for. Reading: what lies wholly within it is never refused, even where less is
   * free than all guarantees together want; stage 1 of a cycle does the same.
   */
  private eatsHeadroom({ role }: PlacementGroup, name: string, milli: number): boolean {
    const guaranteed = Math.min(milli, amountOf(this.books.unmetGuarantee(role), name))
    return milli - guaranteed > this.books.surplus(name)
  }

  private eligibleHosts({ frameworkId, role, constraints }: PlacementGroup): ReadonlyArray<AllocatorAgent> {
    const framework = this.books.frameworks.get(frameworkId)
    if (framework === undefined) return []
    return Array.from(this.books.agents.values()).filter(
      (agent) =>
        agent.isActive &&
        !isHidden(agent, framework, role, this.books.settings) &&
        (constraints === null || areMet(constraints, agent)),
    )
  }

  private hasLeft({ agentId }: AllocatorAgent, resources: Quantities): boolean {
    const available = plainQuantities(this.books.availableOn(agentId))
    return Object.entries(resources).every(([name, milli]) => milli <= amountOf(available, name))
  }

  private compare({ prefer }: PlacementGroup, left: AllocatorAgent, right: AllocatorAgent): number {
    const difference = this.useOf(left) - this.useOf(right)
    return (
      (prefer === "idle" ? difference : -difference) ||
      hostHash(left.agentId) - hostHash(right.agentId) ||
      (left.agentId < right.agentId ? -1 : 1)
    )
  }

  private useOf({ agentId, total }: AllocatorAgent): number {
    const available = plainQuantities(this.books.availableOn(agentId))
    const shares = Object.entries(plainQuantities(total)).map(
      ([name, milli]) => (milli - amountOf(available, name)) / milli,
    )
    return Math.max(0, ...shares)
  }

  // --- rules ---

  private isAdmitted(group: PlacementGroup, agent: AllocatorAgent): boolean {
    if (!group.rules.every((rule) => this.admits(rule, group, agent))) return false
    return Array.from(this.groups.values()).every((other) =>
      other.rules.every(
        (rule) =>
          rule.type !== "apart" ||
          !rule.of.includes(group.groupId) ||
          this.countAt(rule.topology, agent, [other.groupId]) === 0,
      ),
    )
  }

  private admits(rule: PlacementRule, group: PlacementGroup, agent: AllocatorAgent): boolean {
    const { topology } = rule
    const own = [group.groupId]
    switch (rule.type) {
      case "near": {
        if (domainOf(topology, agent) === null) return false
        // Reading: a task on a host without a value is in no domain, so it is as good as none.
        const isFirst = Array.from(this.books.agents.values()).every(
          (other) => this.countAt(topology, other, rule.of) === 0,
        )
        return isFirst ? rule.of.includes(group.groupId) : this.countAt(topology, agent, rule.of) > 0
      }
      case "apart":
        return this.countAt(topology, agent, rule.of) === 0
      case "atMost":
        return this.countAt(topology, agent, own) < rule.count || domainOf(topology, agent) === null
      case "spread": {
        if (domainOf(topology, agent) === null) return false
        const counts = this.eligibleHosts(group)
          .filter((other) => domainOf(topology, other) !== null)
          .map((other) => this.countAt(topology, other, own))
        return this.countAt(topology, agent, own) + 1 - Math.min(...counts) <= rule.maxSkew
      }
    }
  }

  /** Tasks of these groups in the domain that a host is in; none where it has no value. Tasks of hosts that are not there count
   * nowhere. */
  private countAt(topology: Topology, agent: AllocatorAgent, groupIds: ReadonlyArray<string>): number {
    const value = domainOf(topology, agent)
    if (value === null) return 0
    return this.tasks.filter(({ groupId, agentId }) => {
      const host = this.books.agents.get(agentId)
      return groupIds.includes(groupId) && host !== undefined && domainOf(topology, host) === value
    }).length
  }
}

const scopeOf = ({ frameworkId, role }: PlacementGroup, agentId: string): AllocationScope => ({
  frameworkId,
  role,
  agentId,
})

/** Reading: of several attributes of one name the first counts, as for constraints; one that is no text is no value. */
const domainOf = (topology: Topology, agent: AllocatorAgent): string | null => {
  if (topology.type !== "attribute") return agent[topology.type]
  const attribute = agent.attributes.find(({ name }) => name === topology.name)
  return attribute?.type === "text" ? attribute.value : null
}
