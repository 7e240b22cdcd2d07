import { assert } from "../Assert.ts"
import type { EntityRef, Step } from "../Machine.ts"
import type { MonitorAction } from "./Action.ts"
import { observeUse, reserveMilliOf, settleReserve, stepPolicy } from "./Estimate.ts"
import type { BlockSample, MonitorEvent, MonitorEventOf } from "./Event.ts"
import { moveCeiling, type StepTime, takeCeiling } from "./Guard.ts"
import type { MonitorState } from "./State.ts"
import { advancePeaks, notePeak, type Track, unknown } from "./Track.ts"

/**
 * The monitor: how much of each host of a block is lent, and how fast it is taken back (design §5). `Guard.ts` is the fast
 * loop, which moves ceilings, `Estimate.ts` the slow one, which moves reserves.
 *
 * Nothing but a usable sample raises a ceiling or lowers a reserve, so a missing, delayed or repeated one never lends
 * more (L5). A sample that stands for longer than `staleMs` is a gap and counts as missing. Ceilings and tasks exist only
 * for hosts whose agent has handed them over; without a lease a ceiling may still fall, and the shell writes it only where
 * it is below the one in force.
 *
 * Samples are too frequent to be journaled, so `changed` is always empty: a shell stores `snapshotMonitor` instead.
 * Whom to freeze or evict is not decided yet; tasks are only remembered, `tasksMost` per host.
 */
export const stepMonitor = (state: MonitorState, event: MonitorEvent): Step<MonitorAction> => {
  const { nowMs } = event
  assert(nowMs >= state.nowMs, () => `time went back from ${state.nowMs} to ${nowMs}`)
  state.nowMs = nowMs
  if (state.startedAtMs === unknown) start(state, nowMs)
  const actions: Array<MonitorAction> = []
  switch (event.type) {
    case "Sampled":
      onSampled(state, event.sample, nowMs, actions)
      break
    case "TimePassed":
      state.cpu.isKnown.fill(0)
      state.mem.isKnown.fill(0)
      decide(state, { nowMs, spanMs: 0 }, actions)
      break
    case "LeaseGranted":
      onLeaseGranted(state, event, actions)
      break
    case "LeaseLost":
      checkHost(state, event.host)
      state.hasLease[event.host] = 0
      break
    case "TasksTold":
      checkHost(state, event.host)
      takeTasks(state, event)
      break
  }
  return { actions, wakeAtMs: state.wakeAtMs, changed: nothing }
}

const nothing: ReadonlyArray<EntityRef> = []

const checkHost = (state: MonitorState, host: number): void =>
  assert(host >= 0 && host < state.hosts, () => `host ${host} is not in this block of ${state.hosts}`)

const takeTasks = ({ tasks, cpu, mem, settings }: MonitorState, event: MonitorEventOf<"TasksTold">): void => {
  tasks[event.host] = event.tasks.slice(0, settings.tasksMost)
  cpu.promisedMilli[event.host] = event.tasks.reduce((sum, { cpuMilli }) => sum + cpuMilli, 0)
  mem.promisedMilli[event.host] = event.tasks.reduce((sum, { memMilli }) => sum + memMilli, 0)
}

/** The time without samples begins with the first event. */
const start = (state: MonitorState, nowMs: number): void => {
  state.startedAtMs = nowMs
  state.cpu.knownAtMs.fill(nowMs)
  state.mem.knownAtMs.fill(nowMs)
}

const onSampled = (
  state: MonitorState,
  sample: BlockSample,
  nowMs: number,
  actions: Array<MonitorAction>,
): void => {
  // A second sample of the same moment stands for no time: it is the first again.
  if (nowMs === state.sampledAtMs) return
  const spanMs = state.sampledAtMs === unknown ? 0 : nowMs - state.sampledAtMs
  const time: StepTime = { nowMs, spanMs }
  if (state.intervalFromMs === unknown) state.intervalFromMs = nowMs
  state.sampledAtMs = nowMs
  const { primaryCpuMilli, primaryMemMilli, harvestCpuMilli, harvestMemMilli } = sample
  take(state, state.cpu, time, sample.capacityCpuMilli, primaryCpuMilli, harvestCpuMilli)
  take(state, state.mem, time, sample.capacityMemMilli, primaryMemMilli, harvestMemMilli)
  endIntervals(state, nowMs)
  decide(state, time, actions)
}

/** What a sample says of one resource. A use below 0 within the headroom is two counters read apart, and is 0. */
const take = (
  state: MonitorState,
  track: Track,
  { nowMs, spanMs }: StepTime,
  capacities: Float64Array,
  uses: Float64Array,
  harvests: Float64Array,
): void => {
  const { hosts, settings } = state
  assert(
    capacities.length === hosts && uses.length === hosts && harvests.length === hosts,
    "sample of a block of another size",
  )
  advancePeaks(track, nowMs)
  const isGap = spanMs > settings.staleMs
  for (let host = 0; host < hosts; host++) {
    const capacity = capacities[host]!
    const measured = uses[host]!
    const isUsable =
      !isGap &&
      capacity > 0 &&
      capacity <= Number.MAX_SAFE_INTEGER &&
      measured >= -settings.headroomShare * capacity &&
      measured <= Number.MAX_SAFE_INTEGER
    track.isKnown[host] = isUsable ? 1 : 0
    if (!isUsable) continue
    const use = measured > 0 ? measured : 0
    track.knownAtMs[host] = nowMs
    track.capacityMilli[host] = capacity
    track.useMilli[host] = use
    if (harvests[host]! >= 0 && harvests[host]! <= Number.MAX_SAFE_INTEGER)
      track.harvestMilli[host] = harvests[host]!
    notePeak(track, host, use)
    if (spanMs > 0) observeUse(track, settings, host, use < capacity ? use / capacity : 1, spanMs)
  }
}

/** Intervals lie on a fixed grid; a sample belongs to the one that it ends in, or just after. */
const endIntervals = (state: MonitorState, nowMs: number): void => {
  const { intervalMs } = state.policy
  const passed = Math.floor((nowMs - state.intervalFromMs) / intervalMs)
  if (passed < 1) return
  const emptySteps = Math.min(passed - 1, state.settings.emptyStepsMost)
  stepPolicy(state.cpu, intervalMs, emptySteps)
  stepPolicy(state.mem, intervalMs, emptySteps)
  state.intervalFromMs += passed * intervalMs
}

/** Both loops over all hosts; what to say of each, the ceiling first. */
const decide = (state: MonitorState, time: StepTime, actions: Array<MonitorAction>): void => {
  const { cpu, mem, settings, hosts } = state
  let wakeAtMs = Number.POSITIVE_INFINITY
  for (let host = 0; host < hosts; host++) {
    const hasLease = state.hasLease[host] === 1
    const cpuMoved = moveCeiling(cpu, settings, host, time, hasLease)
    const memMoved = moveCeiling(mem, settings, host, time, hasLease)
    if (cpuMoved || memMoved) actions.push(setCeiling(state, host))
    settleReserve(cpu, settings, host, time.nowMs)
    settleReserve(mem, settings, host, time.nowMs)
    holdReserve(state, host, time.nowMs, actions)
    wakeAtMs = Math.min(wakeAtMs, wakeOf(state, cpu, host), wakeOf(state, mem, host))
  }
  state.wakeAtMs = wakeAtMs === Number.POSITIVE_INFINITY ? null : wakeAtMs
}

/** When the lack of a sample has its next consequence. */
const wakeOf = ({ nowMs, settings }: MonitorState, track: Track, host: number): number => {
  const knownAtMs = track.knownAtMs[host]!
  const staleAtMs = knownAtMs + settings.staleMs
  if (staleAtMs > nowMs) return staleAtMs
  const reserveAllAtMs = knownAtMs + settings.reserveAllAfterMs
  return reserveAllAtMs > nowMs ? reserveAllAtMs : Number.POSITIVE_INFINITY
}

const setCeiling = (state: MonitorState, host: number): MonitorAction => ({
  type: "SetCeiling",
  host,
  cpuMilli: state.cpu.ceilingMilli[host]!,
  memMilli: state.mem.ceilingMilli[host]!,
})

/**
 * Growth by a step is said at once; shrinkage by a step at most every `sayAgainMs`, and only on a usable sample; the first
 * reserve always.
 */
const holdReserve = (
  state: MonitorState,
  host: number,
  nowMs: number,
  actions: Array<MonitorAction>,
): void => {
  const { cpu, mem } = state
  const cpuMilli = reserveMilliOf(cpu, host)
  const memMilli = reserveMilliOf(mem, host)
  if (cpuMilli === unknown || memMilli === unknown) return
  const cpuChange = changeOf(state, cpu, host, cpuMilli)
  const memChange = changeOf(state, mem, host, memMilli)
  const isGrowth = cpuChange > 0 || memChange > 0
  const mayShrink =
    nowMs - state.saidAtMs[host]! >= state.settings.sayAgainMs &&
    cpu.isKnown[host] === 1 &&
    mem.isKnown[host] === 1
  if (!isGrowth && !(mayShrink && (cpuChange < 0 || memChange < 0))) return
  cpu.saidMilli[host] = mayShrink ? cpuMilli : Math.max(cpuMilli, cpu.saidMilli[host]!)
  mem.saidMilli[host] = mayShrink ? memMilli : Math.max(memMilli, mem.saidMilli[host]!)
  state.saidAtMs[host] = nowMs
  actions.push({
    type: "HoldReserve",
    host,
    cpuMilli: cpu.saidMilli[host]!,
    memMilli: mem.saidMilli[host]!,
  })
}

/** 1: what is kept has grown so much that it must be said; -1: shrunk; 0: neither. */
const changeOf = (state: MonitorState, track: Track, host: number, milli: number): number => {
  const said = track.saidMilli[host]!
  if (said === unknown) return 1
  const step = Math.max(1, Math.floor(state.settings.stepShare * track.capacityMilli[host]!))
  if (milli - said >= step) return 1
  if (milli > said && track.reserveShare[host] === 1) return 1
  return said - milli >= step ? -1 : 0
}

const onLeaseGranted = (
  state: MonitorState,
  event: MonitorEventOf<"LeaseGranted">,
  actions: Array<MonitorAction>,
): void => {
  const { host, nowMs } = event
  checkHost(state, host)
  state.hasLease[host] = 1
  const { cpu, mem, settings } = state
  const cpuMoved = takeCeiling(cpu, settings, host, nowMs, event.lentCpuMilli, event.ceilingCpuMilli)
  const memMoved = takeCeiling(mem, settings, host, nowMs, event.lentMemMilli, event.ceilingMemMilli)
  if (cpuMoved || memMoved) actions.push(setCeiling(state, host))
  const wakeAtMs = Math.min(
    state.wakeAtMs === null ? Number.POSITIVE_INFINITY : state.wakeAtMs,
    wakeOf(state, cpu, host),
    wakeOf(state, mem, host),
  )
  state.wakeAtMs = wakeAtMs === Number.POSITIVE_INFINITY ? null : wakeAtMs
}
