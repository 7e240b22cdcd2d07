import type { MonitorAction } from "../../../core/monitor/Action.ts"
import type { MonitorEvent, MonitorEventOf } from "../../../core/monitor/Event.ts"
import type { MonitorPolicy, MonitorSettings } from "../../../core/monitor/State.ts"
import type { PolicySpec } from "../../../core/policies/PolicySpec.ts"
import { naiveReserves } from "./Policies.ts"

// Slow, obvious twin of core/monitor for one host: it keeps everything that ever happened in lists and looks through them
// again at every step. Written from the rules in the docstrings, not from the code.

interface Measured {
  readonly atMs: number
  readonly spanMs: number
  readonly capacity: number
  readonly use: number
}

interface Move {
  readonly atMs: number
  readonly by: number
}

/** The same settings and events; the actions of each event. */
export const naiveMonitor = (
  policy: MonitorPolicy,
  settings: MonitorSettings,
  events: ReadonlyArray<MonitorEvent>,
): ReadonlyArray<ReadonlyArray<MonitorAction>> => {
  const startMs = events[0]?.nowMs ?? 0
  const cpu = new NaiveResource(policy.cpu, policy.intervalMs, settings, startMs, false)
  const mem = new NaiveResource(policy.mem, policy.intervalMs, settings, startMs, true)
  const told: Array<{ atMs: number; cpu: number; mem: number }> = []
  let hasLease = false

  const reserves = (nowMs: number): ReadonlyArray<MonitorAction> => {
    const [cpuMilli, memMilli] = [cpu.reserveMilli(), mem.reserveMilli()]
    if (cpuMilli === undefined || memMilli === undefined) return []
    const last = told[told.length - 1]
    const steps = [
      Math.max(1, Math.floor(0.01 * cpu.last()!.capacity)),
      Math.max(1, Math.floor(0.01 * mem.last()!.capacity)),
    ]
    const grown = [cpuMilli - (last?.cpu ?? -1), memMilli - (last?.mem ?? -1)]
    const isGrowth =
      last === undefined ||
      grown.some((by, index) => by >= steps[index]!) ||
      (grown[0]! > 0 && cpu.reserve === 1) ||
      (grown[1]! > 0 && mem.reserve === 1)
    const mayShrink =
      last === undefined || (nowMs - last.atMs >= settings.sayAgainMs && cpu.isFresh && mem.isFresh)
    const isShrinkage = grown.some((by, index) => -by >= steps[index]!)
    if (!isGrowth && !(isShrinkage && mayShrink)) return []
    const said = mayShrink
      ? { atMs: nowMs, cpu: cpuMilli, mem: memMilli }
      : { atMs: nowMs, cpu: Math.max(cpuMilli, last.cpu), mem: Math.max(memMilli, last.mem) }
    told.push(said)
    return [{ type: "HoldReserve", host: 0, cpuMilli: said.cpu, memMilli: said.mem }]
  }

  const ceilings = (haveMoved: ReadonlyArray<boolean>): ReadonlyArray<MonitorAction> =>
    haveMoved.includes(true)
      ? [{ type: "SetCeiling", host: 0, cpuMilli: cpu.ceiling!, memMilli: mem.ceiling! }]
      : []

  const sampledAt: Array<number> = []
  return events.map((event) => {
    const { nowMs } = event
    if (event.type === "LeaseLost") hasLease = false
    if (event.type === "TasksTold") mem.promised = event.tasks.reduce((sum, task) => sum + task.memMilli, 0)
    if (event.type === "LeaseGranted") {
      hasLease = true
      return ceilings([
        cpu.takeOver(nowMs, event.lentCpuMilli, event.ceilingCpuMilli),
        mem.takeOver(nowMs, event.lentMemMilli, event.ceilingMemMilli),
      ])
    }
    if (event.type !== "Sampled" && event.type !== "TimePassed") return []
    if (event.type === "Sampled") {
      if (sampledAt[sampledAt.length - 1] === nowMs) return []
      const { sample } = event as MonitorEventOf<"Sampled">
      const beforeMs = sampledAt[sampledAt.length - 1] ?? nowMs
      sampledAt.push(nowMs)
      cpu.take(
        nowMs,
        beforeMs,
        sample.capacityCpuMilli[0]!,
        sample.primaryCpuMilli[0]!,
        sample.harvestCpuMilli[0]!,
      )
      mem.take(
        nowMs,
        beforeMs,
        sample.capacityMemMilli[0]!,
        sample.primaryMemMilli[0]!,
        sample.harvestMemMilli[0]!,
      )
    } else {
      cpu.isFresh = false
      mem.isFresh = false
    }
    const spanMs = event.type === "Sampled" ? nowMs - (sampledAt[sampledAt.length - 2] ?? nowMs) : 0
    const moved = [cpu.guard(nowMs, spanMs, hasLease), mem.guard(nowMs, spanMs, hasLease)]
    cpu.settle(nowMs, sampledAt)
    mem.settle(nowMs, sampledAt)
    return [...ceilings(moved), ...reserves(nowMs)]
  })
}

class NaiveResource {
  ceiling: number | undefined
  reserve = 1
  isFresh = false
  /** What borrowed tasks were promised together; of memory only. */
  promised = 0
  private readonly log: Array<Measured> = []
  private readonly moves: Array<Move> = []
  private lent = 0
  private harvest: number | undefined
  /** Numbers of the moves that are the first after the ceiling was handed over. */
  private readonly handovers = new Set<number>()
  private tooLowMs = 0
  private raisingFrom: number | undefined
  /** Samples before this one are forgotten by the short windows. */
  private shortFrom = 0
  private stepsTaken = 0
  private mayFall = false
  private newestBucket = 0

  constructor(
    private readonly spec: PolicySpec,
    private readonly intervalMs: number,
    private readonly settings: MonitorSettings,
    private readonly startMs: number,
    private readonly isLevel: boolean,
  ) {}

  last(): Measured | undefined {
    return this.log[this.log.length - 1]
  }

  take(atMs: number, beforeMs: number, capacity: number, use: number, harvest: number): void {
    const spanMs = atMs - beforeMs
    this.newestBucket = Math.floor(atMs / (this.settings.holdMs / 10))
    this.isFresh =
      spanMs <= this.settings.staleMs &&
      capacity > 0 &&
      Number.isFinite(capacity) &&
      use >= -this.settings.headroomShare * capacity &&
      Number.isFinite(use)
    if (!this.isFresh) return
    this.log.push({ atMs, spanMs, capacity, use: Math.max(0, use) })
    if (harvest >= 0 && Number.isFinite(harvest)) this.harvest = harvest
  }

  private silentMs(nowMs: number): number {
    return nowMs - (this.last()?.atMs ?? this.startMs)
  }

  takeOver(nowMs: number, lent: number, ceiling: number | null): boolean {
    this.lent = lent
    this.ceiling = ceiling ?? Number.MAX_SAFE_INTEGER
    this.handovers.add(this.moves.length)
    return this.guard(nowMs, 0, false)
  }

  guard(nowMs: number, spanMs: number, hasLease: boolean): boolean {
    if (this.ceiling === undefined) return false
    const floor = this.isLevel ? this.settings.floorMemMilli : this.settings.floorCpuMilli
    const within = (milli: number) => Math.max(floor, Math.min(this.lent, milli))
    const last = this.last()
    const base = Math.min(last?.capacity ?? 0, this.lent)
    const step = Math.max(1, Math.floor(this.settings.stepShare * base))
    const held = this.log.filter(
      (one) => Math.floor(one.atMs / (this.settings.holdMs / 10)) >= this.newestBucket - 10,
    )
    const free =
      last === undefined
        ? Number.POSITIVE_INFINITY
        : Math.floor(
            last.capacity -
              Math.max(last.use, ...held.map((one) => one.use)) -
              this.settings.headroomShare * last.capacity,
          )
    const goal = within(free - step)
    if (this.silentMs(nowMs) >= this.settings.staleMs) {
      this.tooLowMs = 0
      this.raisingFrom = undefined
      const memory =
        this.harvest === undefined
          ? within(free)
          : Math.min(within(free), Math.max(Math.ceil(this.harvest), this.promised))
      return this.lowerTo(nowMs, this.isLevel ? Math.max(floor, memory) : floor)
    }
    if (this.ceiling > within(free) || !hasLease) {
      this.tooLowMs = 0
      this.raisingFrom = undefined
      return this.ceiling > within(free) && this.lowerTo(nowMs, goal)
    }
    if (!this.isFresh) return false
    const isKept = this.ceiling < Math.min(goal, this.promised)
    if (isKept) this.ceiling = Math.min(goal, this.promised)
    return this.raise(nowMs, spanMs, goal, base, step) || isKept
  }

  private raise(nowMs: number, spanMs: number, goal: number, base: number, step: number): boolean {
    const last = this.last()
    const gap = goal - this.ceiling!
    if (this.raisingFrom === undefined) {
      const isTooLow = gap >= Math.max(1, Math.floor(this.settings.raiseBandShare * base))
      this.tooLowMs = isTooLow ? this.tooLowMs + spanMs : 0
      if (isTooLow && this.tooLowMs >= this.waitMs()) this.raisingFrom = nowMs
      return false
    }
    const perSecond = this.settings.raiseSharePerSecond * last!.capacity
    const earned = Math.floor((perSecond * Math.min(1000, nowMs - this.raisingFrom)) / 1000)
    const by = Math.min(gap, earned)
    if (by === gap || gap < 1) {
      this.raisingFrom = undefined
      this.tooLowMs = 0
    }
    if (gap < 1 || (by < gap && by < step)) return false
    if (by < gap) this.raisingFrom = nowMs
    this.ceiling! += by
    this.moves.push({ atMs: nowMs, by })
    return true
  }

  private lowerTo(nowMs: number, to: number): boolean {
    if (this.ceiling! <= to) return false
    this.moves.push({ atMs: nowMs, by: to - this.ceiling! })
    this.ceiling = to
    return true
  }

  /** From all moves: each raise that a lowering ended within `regretMs` lengthens the wait. */
  private waitMs(): number {
    const { raiseAfterMs, raiseWaitFactor, raiseWaitMsMost, regretMs } = this.settings
    let waitMs = raiseAfterMs
    this.moves.forEach((move, index) => {
      const before = this.moves[index - 1]
      if (move.by > 0 || before === undefined || before.by < 0 || this.handovers.has(index)) return
      waitMs =
        move.atMs - before.atMs <= regretMs
          ? Math.min(raiseWaitMsMost, waitMs * raiseWaitFactor)
          : raiseAfterMs
    })
    return waitMs
  }

  settle(nowMs: number, sampledAt: ReadonlyArray<number>): void {
    const firstMs = sampledAt[0] ?? nowMs
    const stepsOver = Math.floor(((sampledAt[sampledAt.length - 1] ?? nowMs) - firstMs) / this.intervalMs)
    if (stepsOver > this.stepsTaken) this.mayFall = true
    this.stepsTaken = stepsOver
    if (this.silentMs(nowMs) >= this.settings.reserveAllAfterMs) {
      this.reserve = 1
      this.mayFall = true
      this.shortFrom = this.log.length
      return
    }
    const load = this.load()
    const wanted = Math.max(this.policyAnswer(firstMs), load.share)
    if (this.isFresh && this.mayFall && load.isKnown) {
      this.reserve = wanted
      this.mayFall = false
    } else this.reserve = Math.max(this.reserve, wanted)
  }

  reserveMilli(): number | undefined {
    const last = this.last()
    return last === undefined ? undefined : Math.ceil(this.reserve * last.capacity)
  }

  private shareOf(one: Measured): number {
    return Math.min(1, one.use / one.capacity)
  }

  /** Mean of the time that samples stand for, resp. their maximum; samples that stand for no time do not count. */
  private summary(samples: ReadonlyArray<Measured>): number {
    if (this.isLevel) return Math.max(0, ...samples.map((one) => this.shareOf(one)))
    const sum = samples.reduce((total, one) => total + this.shareOf(one) * one.spanMs, 0)
    return sum / knownMsOf(samples)
  }

  private load(): { readonly share: number; readonly isKnown: boolean } {
    let before: number | undefined
    let current: Array<Measured> = []
    for (const one of this.log.slice(this.shortFrom).filter((some) => some.spanMs > 0)) {
      current.push(one)
      if (knownMsOf(current) < this.settings.runningMs) continue
      before = this.summary(current)
      current = []
    }
    const isLong = knownMsOf(current) >= this.settings.runningMsLeast
    const running = isLong || this.isLevel ? this.summary(current) : -1
    return { share: Math.max(before ?? -1, running), isKnown: isLong || before !== undefined }
  }

  /** The policy's answer to all intervals that are over. A sample belongs to the interval that its span begins in. */
  private policyAnswer(gridMs: number): number {
    if (this.stepsTaken === 0) return 1
    const series: Array<number> = []
    for (let interval = 0; interval < this.stepsTaken; interval++) {
      const inside = this.log.filter(
        (one) =>
          one.spanMs > 0 && Math.floor((one.atMs - one.spanMs - gridMs) / this.intervalMs) === interval,
      )
      series.push(2 * knownMsOf(inside) < this.intervalMs ? Number.NaN : this.summary(inside))
    }
    const whole = [{ firstStep: 0, steps: series.length }]
    return naiveReserves(this.spec, series, whole, this.intervalMs)[series.length - 1]!
  }
}

const knownMsOf = (samples: ReadonlyArray<Measured>): number =>
  samples.reduce((total, one) => total + one.spanMs, 0)
