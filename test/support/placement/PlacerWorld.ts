import type { AllocationScope } from "../../../core/allocation/Allocator.ts"
import type { Placement, PlacementGroup, Placer } from "../../../core/allocation/Placement.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import { quantitiesToResources } from "../../../core/resources/Resources.ts"
import type { Command } from "../allocation/Command.ts"
import type { MakeAllocator, PlacingAllocator } from "../allocation/Implementations.ts"
import { type Held, World } from "../allocation/World.ts"
import type { PlacerCommand, PlacerScenario } from "./PlacerCommand.ts"

export interface PlacedTask {
  readonly groupId: string
  readonly agentId: string
  readonly resources: Quantities
}

/**
 * A world in which tasks are placed on request beside those that are launched from offers. Its tasks are a list of their own; those of a
 * group that is removed become tasks like any others.
 */
export class PlacerWorld extends World {
  placer: Placer
  readonly groups = new Map<string, PlacementGroup>()
  placed: ReadonlyArray<PlacedTask> = []
  /** On agents that are not there any more; the placer has not been told yet. */
  lost: ReadonlyArray<PlacedTask> = []
  /** What the last command was answered, if it asked for a place. */
  answer: Placement | null = null

  constructor(make: MakeAllocator, scenario: PlacerScenario) {
    super(make, { ...scenario, commands: [] })
    this.placer = (this.allocator as PlacingAllocator).placer()
  }

  do(command: PlacerCommand): void {
    this.answer = null
    this.made = []
    switch (command.type) {
      case "putGroup":
        this.groups.set(command.group.groupId, command.group)
        return this.placer.putGroup(command.group)
      case "removeGroup":
        return this.removeGroup(command.groupId)
      case "place":
        return this.place(command.groupId, command.resources)
      case "adoptTask":
        return this.adoptTask(command)
      case "endTask":
        return this.endPlaced(command.task)
      case "loseAgentFirst":
        return this.loseAgentFirst(command.agentId)
      default:
        return this.doElse(command)
    }
  }

  private doElse(command: Command): void {
    switch (command.type) {
      case "loseAgent":
        for (const task of this.placedOn(command.agent)) this.endOne(task)
        return this.agents.has(command.agent) ? this.run(command) : undefined
      case "putAgent":
        this.forgetLost(command.agent)
        return this.run(command)
      case "restart":
        this.run(command)
        this.placer = (this.allocator as PlacingAllocator).placer()
        // Another order than before: nothing may depend on it.
        for (const group of Array.from(this.groups.values()).reverse()) this.placer.putGroup(group)
        for (const task of this.placed) this.placer.adopt(task.groupId, task.agentId, task.resources)
        this.lost = []
        return
      default:
        return this.run(command)
    }
  }

  override holdingsOn(agentId: string): ReadonlyArray<Held> {
    const placed = this.placedOn(agentId).map((task) => this.toHeld(task))
    return [...super.holdingsOn(agentId), ...placed]
  }

  placedOn(agentId: string): ReadonlyArray<PlacedTask> {
    return this.placed.filter((task) => task.agentId === agentId)
  }

  private toHeld({ groupId, agentId, resources }: PlacedTask): Held {
    const { frameworkId, role } = this.groups.get(groupId)!
    const scope: AllocationScope = { frameworkId, role, agentId }
    return { scope, resources: quantitiesToResources(resources), sinceMs: 0 }
  }

  private removeGroup(groupId: string): void {
    if (!this.groups.has(groupId)) return
    this.lost = this.lost.filter((task) => task.groupId !== groupId)
    const own = this.placed.filter((task) => task.groupId === groupId).map((task) => this.toHeld(task))
    // A task that holds nothing leaves nothing.
    this.tasks = [...this.tasks, ...own.filter(({ resources }) => resources.length > 0)]
    this.placed = this.placed.filter((task) => task.groupId !== groupId)
    this.groups.delete(groupId)
    this.placer.removeGroup(groupId)
  }

  private place(groupId: string, resources: Quantities): void {
    if (!this.groups.has(groupId)) return
    this.answer = this.placer.place(groupId, resources)
    if (this.answer.type === "refused") return
    this.placed = [...this.placed, { groupId, agentId: this.answer.agentId, resources }]
  }

  private adoptTask({ groupId, agentId, resources }: PlacedTask): void {
    if (!this.groups.has(groupId) || !this.agents.has(agentId)) return
    this.placer.adopt(groupId, agentId, resources)
    this.placed = [...this.placed, { groupId, agentId, resources }]
  }

  private endPlaced(index: number): void {
    const all = [...this.placed, ...this.lost]
    const task = all[index % all.length]
    if (task !== undefined) this.endOne(task)
  }

  private endOne(task: PlacedTask): void {
    this.placer.end(task.groupId, task.agentId, task.resources)
    this.placed = this.placed.filter((other) => other !== task)
    this.lost = this.lost.filter((other) => other !== task)
  }

  private loseAgentFirst(agentId: string): void {
    if (!this.agents.has(agentId)) return
    const gone = this.placedOn(agentId)
    for (const { scope, resources } of gone.map((task) => this.toHeld(task))) {
      this.allocator.release(scope, resources)
    }
    this.placed = this.placed.filter((task) => !gone.includes(task))
    this.lost = [...this.lost, ...gone]
    this.run({ type: "loseAgent", agent: agentId })
  }

  private forgetLost(agentId: string): void {
    if (this.agents.has(agentId)) return
    for (const task of this.lost.filter((other) => other.agentId === agentId)) this.endOne(task)
  }
}
