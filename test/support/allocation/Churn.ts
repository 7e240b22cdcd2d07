import { mesosAllocatorSettings } from "../../../core/allocation/Settings.ts"
import { nextBelow, type Prng, seedPrng } from "../../../core/Prng.ts"
import {
  addResources,
  quantitiesToResources,
  type Resources,
  resourcesToText,
} from "../../../core/resources/Resources.ts"
import type { AgentForm, Command, FrameworkForm, Scenario } from "./Command.ts"
import { everyFrameworkCapability, ports, reserved, revocable, volume } from "./Fixtures.ts"
import type { MakeAllocator } from "./Implementations.ts"
import { type LiveCount, liveCountOf } from "./LiveCount.ts"
import { answersOf } from "./Story.ts"
import { World } from "./World.ts"

/** How large the cluster is while it is alive. Ids, roles and volumes are never used twice. */
const agentsAtMost = 60
const frameworksAtMost = 25

export interface Checkpoint {
  readonly events: number
  readonly offers: number
  /** With everybody gone; then the cluster begins anew. */
  readonly live: LiveCount
  /** After garbage collection, where the process may ask for one. */
  readonly heapBytes: number | null
}

/**
 * A long life of a cluster in which agents and frameworks come and go for good. At each checkpoint its books are compared with those
 * of an allocator that is built from the master's records, and the next cycle of both; then everybody goes.
 *
 * @param events in all, ten checkpoints among them
 */
export const churn = (
  make: MakeAllocator,
  seed: number,
  events: number,
  onCheckpoint: (checkpoint: Checkpoint) => void,
): void => {
  const settings: Scenario["settings"] = {
    ...mesosAllocatorSettings,
    minAllocatable: [{ cpus: 100 }],
    quotas: { r0: { guarantees: { cpus: 4_000 }, limits: { mem: 64_000 } } },
    backoffMsMax: 8_000,
    partMin: { cpus: 4_000 },
  }
  const world = new World(make, { settings, seed, commands: [] })
  const life = new Life(world, seedPrng(`churn ${seed}`))
  let offers = 0
  for (let event = 1; event <= events; event++) {
    world.run(life.nextCommand())
    world.allocator.takeChanged()
    offers += world.made.length
    // Whoever is gone is gone for good.
    world.away = []
    if (event % Math.ceil(events / 10) !== 0) continue
    compareWithRebuilt(world)
    life.endEverything()
    const collect = (globalThis as { gc?: () => void }).gc
    collect?.()
    const heapBytes = collect === undefined ? null : process.memoryUsage().heapUsed
    onCheckpoint({ events: event, offers, live: liveCountOf(world.allocator), heapBytes })
  }
}

/**
 * What grows with the number of events rather than with the size of the cluster, in words. Tables keep the size of the largest
 * cluster they have seen, so the last checkpoints may have somewhat more than the third; a thing kept for each that is gone
 * would be thousands more.
 */
export const growthOf = (checkpoints: ReadonlyArray<Checkpoint>): ReadonlyArray<string> => {
  const early = checkpoints[2]!
  const late = checkpoints[checkpoints.length - 1]!
  const measures: ReadonlyArray<readonly [what: string, before: number, after: number, factor: number]> = [
    ["objects", early.live.objects, late.live.objects, 1.5],
    ["entries", early.live.entries, late.live.entries, 1.5],
    ["bytes of typed arrays", early.live.bytes, late.live.bytes, 2],
    ["bytes of heap", early.heapBytes ?? 0, late.heapBytes ?? 0, 1.5],
  ]
  return measures
    .filter(([, before, after, factor]) => after > before * factor)
    .map(([what, before, after]) => `${what} grew from ${before} to ${after}`)
}

const compareWithRebuilt = (world: World): void => {
  const rebuilt = world.copy()
  const ours = answersOf(world)
  const theirs = answersOf({ ...world, allocator: rebuilt } as World)
  for (const [question, answer] of ours) {
    if (theirs.get(question) === answer) continue
    throw new Error(`${question}: ${answer}, but rebuilt from records ${theirs.get(question)}`)
  }
  const toText = (made: World["made"]) =>
    made.map(
      ({ frameworkId, role, agentId, resources }) =>
        `${frameworkId} as ${role}: ${resourcesToText(resources)} of ${agentId}`,
    )
  const expected = rebuilt.allocate(world.nowMs, "all")
  const made = Array.from({ length: expected.count }, (_, index) => expected.at(index))
  world.run({ type: "cycle", scope: "changed" })
  if (toText(made).join() !== toText(world.made).join()) {
    throw new Error(
      `offers ${toText(world.made).join("\n")}\nbut rebuilt from records ${toText(made).join("\n")}`,
    )
  }
}

/** Draws what happens next. */
class Life {
  private born = 0
  private readonly world: World
  private readonly prng: Prng

  constructor(world: World, prng: Prng) {
    this.world = world
    this.prng = prng
  }

  nextCommand(): Command {
    const { agents, frameworks } = this.world
    if (agents.size === 0 || (agents.size < agentsAtMost && this.isOneIn(40))) {
      return { type: "putAgent", agent: this.newName("h"), form: this.agentForm(), keepsTasks: true }
    }
    if (frameworks.size === 0 || (frameworks.size < frameworksAtMost && this.isOneIn(40))) {
      return {
        type: "putFramework",
        framework: this.newName("f"),
        form: this.frameworkForm(),
        rescindsFirst: true,
      }
    }
    return this.dailyCommand()
  }

  private dailyCommand(): Command {
    const draw = nextBelow(this.prng, 100)
    const number = nextBelow(this.prng, 1_000)
    const agent = this.pick(this.world.agents)
    const framework = this.pick(this.world.frameworks)
    const refuseMs = [null, 1_000, 30_000, 600_000][number % 4]!
    if (draw < 30) return { type: "cycle", scope: draw === 0 ? "all" : "changed" }
    if (draw < 50) {
      return { type: "accept", offer: number, quarters: 1 + (number % 4), isBookedAnew: draw < 35, refuseMs }
    }
    if (draw < 63) return { type: "decline", offer: number, refuseMs }
    if (draw < 83) return { type: "end", task: number, wakes: draw < 70 }
    if (draw < 90) return { type: "pass", ms: number * 4 }
    if (draw < 92) return { type: "loseAgent", agent }
    if (draw < 93) return { type: "removeFramework", framework, leavesTasks: number % 2 === 0 }
    if (draw < 94)
      return { type: "putFramework", framework, form: this.frameworkForm(), rescindsFirst: false }
    if (draw < 95) return { type: "putAgent", agent, form: this.agentForm(), keepsTasks: true }
    if (draw < 96) return { type: "reserve", agent, stack: [this.roleName()], amounts: { cpus: 500 } }
    if (draw < 97) return { type: "connect", framework, isActive: number % 3 > 0 }
    if (draw < 98) return { type: "revive", framework, roles: null }
    if (draw < 99) return { type: "activateAgent", agent, isActive: number % 3 > 0 }
    return { type: "setReserve", agent, reserve: { cpus: number } }
  }

  /** Until nobody is there and nothing is held. */
  endEverything(): void {
    const { world } = this
    for (const framework of Array.from(world.frameworks.keys())) {
      world.run({ type: "removeFramework", framework, leavesTasks: true })
    }
    for (const agent of Array.from(world.agents.keys())) world.run({ type: "loseAgent", agent })
    world.run({ type: "cycle", scope: "changed" })
    world.allocator.takeChanged()
    const rows = world.allocator.snapshot()
    if (rows.length > 0) throw new Error(`rows of nobody: ${JSON.stringify(rows[0])}`)
  }

  private agentForm(): AgentForm {
    const size = 1 + nextBelow(this.prng, 8)
    const extras: ReadonlyArray<Resources> = [
      reserved({ cpus: 1_000 }, this.roleName()),
      ports(31_000, 31_000 + size),
      revocable({ cpus: 500 }),
      volume(this.newName("v"), 1_000, "r0", size > 4),
    ]
    const own = quantitiesToResources({ cpus: size * 1_000, mem: size * 2_000 })
    const total = [own, ...extras.filter(() => this.isOneIn(3))]
    return {
      total: total.reduce(addResources),
      reserve: {},
      rack: this.isOneIn(5) ? this.newName("rack") : null,
      capabilities: ["MULTI_ROLE", "HIERARCHICAL_ROLE", "RESERVATION_REFINEMENT"],
      region: null,
    }
  }

  private frameworkForm(): FrameworkForm {
    const roles = Array.from(new Set([this.roleName(), ...(this.isOneIn(3) ? [this.roleName()] : [])]))
    return {
      roles,
      suppressedRoles: this.isOneIn(8) ? roles : [],
      isActive: true,
      capabilities: everyFrameworkCapability,
      minAllocatable: this.isOneIn(6) ? { [roles[0]!]: [{ cpus: 1_000 }] } : {},
      constraints: {},
    }
  }

  /** Half of them are known, half are new and deep. */
  private roleName(): string {
    const known = `r${nextBelow(this.prng, 6)}`
    return this.isOneIn(2) ? known : `${known}/${this.newName("s")}`
  }

  private newName(prefix: string): string {
    return `${prefix}${this.born++}`
  }

  private pick(things: ReadonlyMap<string, unknown>): string {
    return Array.from(things.keys())[nextBelow(this.prng, things.size)]!
  }

  private isOneIn(count: number): boolean {
    return nextBelow(this.prng, count) === 0
  }
}
