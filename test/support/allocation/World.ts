import type {
  Allocation,
  AllocationScope,
  Allocator,
  AllocatorAgent,
  AllocatorFramework,
  Refusal,
} from "../../../core/allocation/Allocator.ts"
import type { AllocatorSettings } from "../../../core/allocation/Settings.ts"
import type { Entity } from "../../../core/Machine.ts"
import { type Prng, seedPrng } from "../../../core/Prng.ts"
import { smallerQuantities } from "../../../core/resources/Quantities.ts"
import { isIndivisible, isUnreserved, type Resource } from "../../../core/resources/Resource.ts"
import {
  addResources,
  containsResources,
  noResources,
  pickResources,
  plainQuantities,
  quantitiesToResources,
  type Resources,
  subtractResources,
  toResources,
} from "../../../core/resources/Resources.ts"
import type { AgentForm, Command, FrameworkForm, Scenario } from "./Command.ts"
import { agentOf, listOf, reserved, scopeOf } from "./Fixtures.ts"
import type { MakeAllocator } from "./Implementations.ts"

/** What somebody holds: an offer, as long as it is not answered, or a task. */
export interface Held {
  readonly scope: AllocationScope
  readonly resources: Resources
  readonly sinceMs: number
}

export interface Refused {
  readonly scope: AllocationScope
  readonly resources: Resources
  readonly refusal: Refusal
}

/**
 * A master reduced to what an allocator notices of it, with books of its own: plain lists of the offers and tasks that there are.
 * It makes only calls that the contract allows.
 */
export class World {
  allocator: Allocator
  settings: AllocatorSettings
  nowMs = 0
  readonly agents = new Map<string, AllocatorAgent>()
  readonly frameworks = new Map<string, AllocatorFramework>()
  offers: ReadonlyArray<Held> = []
  tasks: ReadonlyArray<Held> = []
  /** Tasks on agents that are away: running, and unknown to the allocator. */
  away: ReadonlyArray<Held> = []
  /** Of the last command, if it was a cycle. */
  made: ReadonlyArray<Allocation> = []
  /** What was refused by the last command. */
  refused: ReadonlyArray<Refused> = []
  /** Whom the last command woke because a task of his ended. */
  woken: string | null = null
  private readonly make: MakeAllocator
  private readonly prng: Prng

  constructor(make: MakeAllocator, { settings, seed }: Scenario) {
    this.make = make
    this.settings = settings
    this.prng = seedPrng(seed)
    this.allocator = make(settings, this.prng)
  }

  run(command: Command): void {
    this.made = []
    this.refused = []
    this.woken = null
    switch (command.type) {
      case "pass":
        this.nowMs += command.ms
        return
      case "cycle":
        return this.cycle(command.scope)
      case "accept":
        return this.withOffer(command.offer, (offer) => this.accept(offer, command))
      case "decline":
        return this.withOffer(command.offer, (offer) => this.decline(offer, command.refuseMs))
      case "declineAll":
        for (const offer of this.offersTo(command.framework)) this.decline(offer, command.refuseMs)
        return
      case "rescind":
        return this.withOffer(command.offer, (offer) => this.rescind(offer))
      case "end":
        return this.end(command.task, command.wakes)
      case "claim":
        return this.claim(command.task, command.framework)
      case "putAgent":
        return this.putAgent(command.agent, command.form, command.keepsTasks)
      case "loseAgent":
        return this.loseAgent(command.agent)
      case "activateAgent":
        return this.activateAgent(command.agent, command.isActive)
      case "setReserve":
        return this.withAgent(command.agent, (agent) => {
          this.agents.set(command.agent, { ...agent, reserve: command.reserve })
          this.allocator.setReserve(command.agent, command.reserve)
        })
      case "reserve":
        return this.withAgent(command.agent, (agent) => {
          const free = plainQuantities(this.allocator.availableOn(command.agent))
          const amounts = smallerQuantities(command.amounts, free)
          this.convert(agent, quantitiesToResources(amounts), reserved(amounts, ...command.stack))
        })
      case "unreserve":
        return this.withAgent(command.agent, (agent) => this.unreserve(agent))
      case "putFramework":
        return this.putFramework(command.framework, command.form, command.rescindsFirst)
      case "connect":
        return this.withFramework(command.framework, (framework) => {
          this.putFramework(command.framework, { ...framework, isActive: command.isActive }, false)
        })
      case "removeFramework":
        return this.removeFramework(command.framework, command.leavesTasks)
      case "suppress":
        return this.withFramework(command.framework, (framework) => {
          const suppressedRoles = framework.roles.filter((role) => command.roles.includes(role))
          this.putFramework(command.framework, { ...framework, suppressedRoles }, false)
        })
      case "revive":
        return this.revive(command.framework, command.roles)
      case "wake":
        return this.allocator.wake(command.framework, this.nowMs)
      case "setWeight": {
        const weights = { ...this.settings.weights, [command.role]: command.weight }
        this.settings = { ...this.settings, weights }
        return this.allocator.setWeight(command.role, command.weight)
      }
      case "setQuota": {
        const others = Object.entries(this.settings.quotas).filter(([role]) => role !== command.role)
        const own = command.quota === null ? [] : [[command.role, command.quota] as const]
        this.settings = { ...this.settings, quotas: Object.fromEntries([...others, ...own]) }
        return this.allocator.setQuota(command.role, command.quota)
      }
      case "restart":
        this.allocator = this.restored(this.prng)
    }
  }

  /** An allocator made of the rows and of the master's records, which knows nothing else of this one. */
  restored(prng: Prng): Allocator {
    const rows = JSON.parse(JSON.stringify(this.allocator.snapshot())) as ReadonlyArray<Entity>
    const allocator = this.make(this.settings, prng, rows)
    for (const agent of this.agents.values()) allocator.putAgent(agent)
    for (const framework of this.frameworks.values()) allocator.putFramework(framework)
    for (const { scope, resources } of [...this.offers, ...this.tasks]) allocator.adopt(scope, resources)
    return allocator
  }

  /** One that goes on as this one would, for questions that disturb nobody. */
  copy(): Allocator {
    return this.restored(Array.from(this.prng) as Prng)
  }

  holdingsOn(agentId: string): ReadonlyArray<Held> {
    return [...this.offers, ...this.tasks].filter(({ scope }) => scope.agentId === agentId)
  }

  // --- offers and tasks ---

  private cycle(scope: "changed" | "all"): void {
    this.made = listOf(this.allocator.allocate(this.nowMs, scope))
    const offers = this.made.map(({ frameworkId, role, agentId, resources }) => ({
      scope: scopeOf(frameworkId, role, agentId),
      resources,
      sinceMs: this.nowMs,
    }))
    this.offers = [...this.offers, ...offers]
  }

  private accept(offer: Held, command: Extract<Command, { type: "accept" }>): void {
    const { scope } = offer
    const task = partOf(offer.resources, command.quarters)
    const rest = subtractResources(offer.resources, task)
    this.offers = this.offers.filter((other) => other !== offer)
    this.allocator.release(scope, command.isBookedAnew ? offer.resources : rest)
    if (command.isBookedAnew) {
      const shared = pickResources(task, ({ kind }) => kind.shared)
      this.book(scope, task)
      if (shared.length > 0) this.book(scope, shared)
    } else this.addTask(scope, task)
    if (task.length > 0) this.allocator.noteAccepted(scope.frameworkId, scope.role)
    if (rest.length > 0) this.refuse(offer, rest, command.refuseMs, task.length === 0)
  }

  private book(scope: AllocationScope, resources: Resources): void {
    // What was offered need no longer be available once it is given back: the reserve may have grown meanwhile.
    if (containsResources(this.allocator.availableOn(scope.agentId), resources)) {
      this.allocator.charge(scope, resources)
    } else this.allocator.adopt(scope, resources)
    this.addTask(scope, resources)
  }

  private addTask(scope: AllocationScope, resources: Resources): void {
    if (resources.length > 0) this.tasks = [...this.tasks, { scope, resources, sinceMs: this.nowMs }]
  }

  private decline(offer: Held, refuseMs: number | null): void {
    this.rescind(offer)
    this.refuse(offer, offer.resources, refuseMs, true)
  }

  private refuse(offer: Held, resources: Resources, refuseMs: number | null, isDecline: boolean): void {
    const { scope, sinceMs: offeredAtMs } = offer
    const refusal = { refuseMs, offeredAtMs, nowMs: this.nowMs, isDecline }
    this.refused = [...this.refused, { scope, resources, refusal }]
    this.allocator.refuse(scope, resources, refusal)
  }

  private rescind(offer: Held): void {
    this.offers = this.offers.filter((other) => other !== offer)
    this.allocator.release(offer.scope, offer.resources)
  }

  private end(index: number, wakes: boolean): void {
    const task = this.tasks[index % this.tasks.length]
    if (task === undefined) return
    this.endTask(task)
    if (!wakes) return
    this.woken = task.scope.frameworkId
    this.allocator.wake(this.woken, this.nowMs)
  }

  private claim(index: number, frameworkId: string): void {
    const task = this.tasks[index % this.tasks.length]
    if (task === undefined) return
    const scope = { ...task.scope, frameworkId }
    this.allocator.adopt(scope, task.resources)
    this.addTask(scope, task.resources)
  }

  private endTask(task: Held): void {
    this.tasks = this.tasks.filter((other) => other !== task)
    this.allocator.release(task.scope, task.resources)
  }

  private offersTo(frameworkId: string): ReadonlyArray<Held> {
    return this.offers.filter(({ scope }) => scope.frameworkId === frameworkId)
  }

  private withOffer(index: number, use: (offer: Held) => void): void {
    const offer = this.offers[index % this.offers.length]
    if (offer !== undefined) use(offer)
  }

  // --- agents ---

  private putAgent(agentId: string, form: AgentForm, keepsTasks: boolean): void {
    const { total, reserve, rack, capabilities, region, zone = null, hostname = `${agentId}.example` } = form
    const attributes = rack === null ? [] : [{ name: "rack", type: "text" as const, value: rack }]
    for (const { scope, resources } of this.offers.filter((offer) => offer.scope.agentId === agentId)) {
      this.allocator.release(scope, resources)
    }
    this.offers = this.offers.filter((offer) => offer.scope.agentId !== agentId)
    const agent = agentOf(agentId, total, { hostname, reserve, attributes, capabilities, region, zone })
    this.agents.set(agentId, agent)
    this.allocator.putAgent(agent)
    const returning = this.away.filter(({ scope }) => scope.agentId === agentId)
    this.away = this.away.filter(({ scope }) => scope.agentId !== agentId)
    for (const { scope, resources } of keepsTasks ? returning : []) {
      this.allocator.adopt(scope, resources)
      this.addTask(scope, resources)
    }
  }

  private loseAgent(agentId: string): void {
    const gone = this.holdingsOn(agentId)
    for (const { scope, resources } of gone) this.allocator.release(scope, resources)
    this.away = [...this.away, ...this.tasks.filter((task) => gone.includes(task))]
    this.tasks = this.tasks.filter((task) => !gone.includes(task))
    this.offers = this.offers.filter((offer) => !gone.includes(offer))
    this.agents.delete(agentId)
    this.allocator.removeAgent(agentId)
  }

  private activateAgent(agentId: string, isActive: boolean): void {
    this.withAgent(agentId, (agent) => {
      const changed = { ...agent, isActive }
      this.agents.set(agentId, changed)
      this.allocator.putAgent(changed)
      const offers = this.offers.filter(({ scope }) => scope.agentId === agentId)
      for (const offer of isActive ? [] : offers) this.rescind(offer)
    })
  }

  private unreserve(agent: AllocatorAgent): void {
    const free = pickResources(
      this.allocator.availableOn(agent.agentId),
      ({ kind }) => !isUnreserved(kind) && kind.disk === null && kind.type === "scalar",
    )
    const amounts = free.map(({ kind, value }) => quantitiesToResources({ [kind.name]: value as number }))
    this.convert(agent, free, amounts.reduce(addResources, noResources))
  }

  private convert(agent: AllocatorAgent, before: Resources, after: Resources): void {
    const total = addResources(subtractResources(agent.total, before), after)
    this.agents.set(agent.agentId, { ...agent, total })
    this.allocator.putAgent({ ...agent, total })
  }

  private withAgent(agentId: string, use: (agent: AllocatorAgent) => void): void {
    const agent = this.agents.get(agentId)
    if (agent !== undefined) use(agent)
  }

  // --- frameworks ---

  private putFramework(frameworkId: string, form: FrameworkForm, rescindsFirst: boolean): void {
    const framework = { ...form, frameworkId }
    const stale = this.offersTo(frameworkId).filter(
      ({ scope }) => !framework.isActive || !framework.roles.includes(scope.role),
    )
    if (rescindsFirst) for (const offer of stale) this.rescind(offer)
    this.frameworks.set(frameworkId, framework)
    this.allocator.putFramework(framework)
    if (!rescindsFirst) for (const offer of stale) this.rescind(offer)
  }

  private removeFramework(frameworkId: string, leavesTasks: boolean): void {
    this.frameworks.delete(frameworkId)
    this.allocator.removeFramework(frameworkId)
    for (const offer of this.offersTo(frameworkId)) this.rescind(offer)
    const tasks = this.tasks.filter(({ scope }) => scope.frameworkId === frameworkId)
    for (const task of leavesTasks ? [] : tasks) this.endTask(task)
  }

  private revive(frameworkId: string, roles: ReadonlyArray<string> | null): void {
    this.withFramework(frameworkId, (framework) => {
      const suppressedRoles = framework.suppressedRoles.filter(
        (role) => roles !== null && !roles.includes(role),
      )
      this.frameworks.set(frameworkId, { ...framework, suppressedRoles })
      this.allocator.putFramework({ ...framework, suppressedRoles })
      this.allocator.dropFilters(frameworkId, roles)
    })
  }

  private withFramework(frameworkId: string, use: (framework: AllocatorFramework) => void): void {
    const framework = this.frameworks.get(frameworkId)
    if (framework !== undefined) use(framework)
  }
}

/** So many quarters of everything that can be divided, rounded down; the rest as a whole from two quarters on. */
const partOf = (resources: Resources, quarters: number): Resources =>
  toResources(
    resources.flatMap(({ kind, value }): ReadonlyArray<Resource> => {
      if (isIndivisible(kind)) return quarters >= 2 ? [{ kind, value }] : []
      if (typeof value === "number") return [{ kind, value: Math.floor((value * quarters) / 4) }]
      const list = value as ReadonlyArray<number> | ReadonlyArray<string>
      // Ranges are cut between two of them, or taken as a whole.
      const kept = kind.type === "ranges" ? Math.ceil((list.length / 2) * (quarters / 4)) * 2 : quarters
      return [{ kind, value: list.slice(0, kept) as ReadonlyArray<number> }]
    }),
  )
