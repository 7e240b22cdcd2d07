import type { Unstamped } from "../../core/Machine.ts"
import type { MonitorAction } from "../../core/monitor/Action.ts"
import type { MonitorEvent } from "../../core/monitor/Event.ts"
import type { MonitorPolicy } from "../../core/monitor/State.ts"
import { stepMonitor } from "../../core/monitor/Step.ts"
import { printPolicySpec } from "../../core/policies/PolicySpec.ts"
import { isContainerId } from "../cgroups/ContainerId.ts"
import type { HostSample } from "../host/HostSampler.ts"
import { beatMsMost, type HostAmounts, type ToldTask } from "../protocol/MonitorProtocol.ts"
import type { Recorder } from "../recording/Recorder.ts"
import { createSampleFold } from "../recording/SampleFold.ts"
import { type CeilingCounts, type Harvest, type HarvestOptions, openHarvest } from "./Harvest.ts"
import { type Beat, type Granted, startLeaseClient } from "./LeaseClient.ts"
import { createQuietLog } from "./QuietLog.ts"
import { createBlock, startWarm } from "./WarmStart.ts"

export interface MonitorOptions
  extends Pick<HarvestOptions, "kernel" | "log" | "openSampler" | "writeMemory"> {
  readonly socketPath: string
  readonly folder: string
  readonly host: string
  readonly policy: MonitorPolicy
  readonly guardPeriodMs: number
  readonly version: string
  readonly recorder: Recorder
  /** Monotonic ms with fractions, and ms since 1970. */
  readonly nowMs: () => number
  readonly wallMs: () => number
  readonly chance: () => number
  /** A law broke outside of `guard`. */
  readonly onDefect: (error: Error) => void
}

/** What is shown of the monitor. Amounts that are not known are undefined. */
export interface MonitorView {
  readonly sample: HostSample
  readonly reserve: HostAmounts | null
  readonly ceilingCpuMilli: number | undefined
  readonly ceilingMemMilli: number | undefined
  readonly hasLease: boolean
  readonly counts: CeilingCounts
  readonly missedSamples: number
  /** Since the last sample of which cpu and memory were measured; since the start before it. */
  readonly sampleAgeMs: number
}

/** The shell of the monitor's machine: measures, steps, writes, beats, records; all plain and synchronous. */
export interface Monitor {
  /** One guard period. Throws only when a law breaks. */
  readonly guard: (lateMs: number, skipped: number) => void
  /** Each `beatMsMost` between longer guard periods. */
  readonly beat: () => void
  readonly replacePolicy: (policy: MonitorPolicy) => void
  readonly view: () => MonitorView
  /** Leaves the ceiling as it is. */
  readonly stop: () => Promise<void>
}

/** Recorded and shown once per second, whatever the guard period is. */
export const recordMs = 1_000
/** The agent's default; it tells its own with the lease. */
const firstCgroupParent = "gleaner"

export const printMonitorPolicy = ({ cpu, mem, intervalMs }: MonitorPolicy): string =>
  `cpu ${printPolicySpec(cpu)} mem ${printPolicySpec(mem)} every ${intervalMs} ms`

export const createMonitor = (options: MonitorOptions): Monitor => {
  const { guardPeriodMs, recorder, nowMs, wallMs } = options
  // The guard loop may have the same to say ten times a second; a lease is granted and lost one at a time.
  const quietLog = createQuietLog(options.log, nowMs)
  const startedMs = nowMs()
  const counts: CeilingCounts = { lowered: 0, raised: 0, notBiting: 0 }
  const block = createBlock()
  const fold = createSampleFold()
  let policy = options.policy
  let machine = startWarmAt(options, policy)
  let reserve: HostAmounts | null = null
  let granted: Granted | undefined
  /** Until the agent has named the parent, the ceiling that is read may be another one's: nothing is lent on it. */
  let isParentKnown = false
  let own = new Map<string, ToldTask>()
  let samples = 0
  let missedSamples = 0
  let worstLateMs = 0
  let knownAtMs = startedMs
  let sampledAtMs = Number.NaN
  let recordedAtMs = startedMs
  let recordedMoves = { lowered: 0, raised: 0, lowestCpuMilli: Number.NaN }

  const client = startLeaseClient({
    socketPath: options.socketPath,
    hello: () => ({ pid: process.pid, version: options.version, policy: printMonitorPolicy(policy) }),
    beat: () => beatLine(),
    tickMs: Math.min(guardPeriodMs, beatMsMost),
    nowMs,
    chance: options.chance,
    onGranted: (next) => guarded(() => onGranted(next)),
    onTasks: (tasks) => guarded(() => onTasks(tasks)),
    onLost: () => guarded(() => onLost()),
    log: options.log,
  })

  const openParent = (cgroupParent: string): Harvest =>
    openHarvest({
      ...options,
      log: quietLog,
      cgroupParent,
      periodMs: guardPeriodMs,
      mayRaise: () => client.isTrusted(),
      onRaiseNotTrusted: () =>
        client.handOverAnew("a raise was due while the agent had not answered recently"),
      counts,
      onMemoryWritten: () => client.tellSoon(),
    })
  let harvest = openParent(firstCgroupParent)
  let sample = harvest.sampler.sample(startedMs, wallMs())
  harvest.readBack()
  holdWarmReserve()

  function guarded(run: () => void) {
    try {
      run()
    } catch (error) {
      options.onDefect(error as Error)
    }
  }

  function holdWarmReserve() {
    if (machine.reserve !== undefined) perform([machine.reserve])
  }

  function step(event: Unstamped<MonitorEvent>) {
    const stamp = { nowMs: Math.floor(machine.offsetMs + nowMs()), wallMs: wallMs() }
    perform(stepMonitor(machine.state, { ...event, ...stamp } as MonitorEvent).actions)
  }

  function perform(actions: ReadonlyArray<MonitorAction>) {
    for (const action of actions)
      switch (action.type) {
        case "HoldReserve":
          reserve = { cpuMilli: action.cpuMilli, memMilli: action.memMilli }
          client.tellSoon()
          recorder.row("e", timeNow(), [action.cpuMilli, action.memMilli])
          break
        case "SetCeiling":
          harvest.move(action.cpuMilli, action.memMilli, own)
          noteLowest()
          client.tellSoon()
          break
        case "FreezeTask":
          client.order({ type: "Freeze", containerId: action.containerId, why: action.why })
          break
        case "ThawTask":
          client.order({ type: "Thaw", containerId: action.containerId })
          break
        case "EvictTask":
          client.order({ type: "Evict", containerId: action.containerId, why: action.why })
          break
      }
  }

  function onGranted(next: Granted) {
    if (next.cgroupParent !== harvest.cgroupParent) {
      harvest.sampler.close()
      harvest = openParent(next.cgroupParent)
      harvest.sampler.sample(nowMs(), wallMs())
    }
    isParentKnown = true
    granted = next
    own = byId(next.tasks)
    tellLease()
    client.tellSoon()
    client.tick()
  }

  function tellLease() {
    if (granted === undefined) return
    harvest.readBack()
    harvest.accept()
    // Before the ceiling, which may not fall below what they were promised.
    step({ type: "TasksTold", host: 0, tasks: Array.from(own.values()) })
    step({
      type: "LeaseGranted",
      host: 0,
      lentCpuMilli: granted.lent.cpuMilli,
      lentMemMilli: granted.lent.memMilli,
      ceilingCpuMilli: harvest.cpuMilli() ?? null,
      ceilingMemMilli: harvest.memMilli() ?? null,
    })
  }

  function onTasks(tasks: ReadonlyArray<ToldTask>) {
    own = byId(tasks)
    step({ type: "TasksTold", host: 0, tasks })
  }

  function onLost() {
    granted = undefined
    step({ type: "LeaseLost", host: 0 })
  }

  function noteLowest() {
    const cpuMilli = harvest.cpuMilli()
    if (cpuMilli !== undefined && !(recordedMoves.lowestCpuMilli <= cpuMilli))
      recordedMoves.lowestCpuMilli = cpuMilli
  }

  function timeNow() {
    return { nowMs: nowMs(), wallMs: wallMs() }
  }

  function measure(skipped: number) {
    const time = timeNow()
    sample = harvest.sampler.sample(time.nowMs, time.wallMs)
    samples += 1
    missedSamples += skipped
    for (const failure of sample.failures) quietLog("warning", failure.message)
    const isKnown = sample.primaryCpuMilli >= 0 && sample.primaryMemMilli >= 0
    if (isKnown) knownAtMs = time.nowMs
    else if (samples > 1) missedSamples += 1
    block.capacityCpuMilli[0] = sample.capacityCpuMilli
    block.capacityMemMilli[0] = sample.capacityMemMilli
    block.primaryCpuMilli[0] = sample.primaryCpuMilli
    block.primaryMemMilli[0] = sample.primaryMemMilli
    block.harvestCpuMilli[0] = sample.harvestCpuMilli
    block.harvestMemMilli[0] = sample.harvestMemMilli
    recorder.capacity(time, sample.capacityCpuMilli, sample.capacityMemMilli)
    fold.add(sample)
    return time
  }

  /** Once per second: one row of samples, one of the guard's moves, and another try at a memory limit that did not fit. */
  function record(time: { readonly nowMs: number; readonly wallMs: number }) {
    if (time.nowMs - recordedAtMs < recordMs - guardPeriodMs / 2) return
    // On the grid of the timer, so that rows are a whole second apart however late a period ran.
    recordedAtMs += Math.max(1, Math.round((time.nowMs - recordedAtMs) / recordMs)) * recordMs
    recorder.row("s", time, fold.take())
    harvest.retryMemory()
    const lowered = counts.lowered - recordedMoves.lowered
    const raised = counts.raised - recordedMoves.raised
    if (lowered + raised > 0)
      recorder.row("g", time, [
        harvest.cpuMilli() ?? Number.NaN,
        harvest.memMilli() ?? Number.NaN,
        recordedMoves.lowestCpuMilli,
        lowered,
        raised,
      ])
    recordedMoves = { lowered: counts.lowered, raised: counts.raised, lowestCpuMilli: Number.NaN }
  }

  function beatLine(): Omit<Beat, "type" | "number"> {
    const lateMs = Math.round(worstLateMs)
    worstLateMs = 0
    return {
      reserve: isParentKnown ? reserve : null,
      use: {
        capacity: { cpuMilli: sample.capacityCpuMilli || 0, memMilli: sample.capacityMemMilli || 0 },
        primary: { cpuMilli: orNull(sample.primaryCpuMilli), memMilli: orNull(sample.primaryMemMilli) },
        harvest: { cpuMilli: orNull(sample.harvestCpuMilli), memMilli: orNull(sample.harvestMemMilli) },
      },
      ceiling: { cpuMilli: harvest.cpuMilli() ?? null, memMilli: harvest.memMilli() ?? null },
      notBiting: counts.notBiting,
      missedSamples,
      lowered: counts.lowered,
      raised: counts.raised,
      lateMs,
    }
  }

  return {
    guard: (lateMs, skipped) => {
      worstLateMs = Math.max(worstLateMs, lateMs)
      const time = measure(skipped)
      step({ type: "Sampled", sample: block })
      harvest.check(sample, time.nowMs - sampledAtMs, granted !== undefined, own)
      sampledAtMs = time.nowMs
      record(time)
      client.tick()
    },
    beat: client.tick,
    replacePolicy: (next) => {
      policy = next
      machine = startWarmAt(options, policy)
      holdWarmReserve()
      tellLease()
    },
    view: () => ({
      sample,
      reserve,
      ceilingCpuMilli: harvest.cpuMilli(),
      ceilingMemMilli: harvest.memMilli(),
      hasLease: client.isTrusted(),
      counts,
      missedSamples,
      sampleAgeMs: nowMs() - knownAtMs,
    }),
    stop: async () => {
      client.stop()
      harvest.sampler.close()
      await harvest.close()
    },
  }
}

const orNull = (value: number): number | null => (value >= 0 ? value : null)

/** By the name of their cgroup; what cannot be one has none. */
const byId = (tasks: ReadonlyArray<ToldTask>): Map<string, ToldTask> =>
  new Map(
    tasks.filter((task) => isContainerId(task.containerId)).map((task) => [task.containerId, task] as const),
  )

/** A warm machine whose time goes on from now. */
const startWarmAt = (options: MonitorOptions, policy: MonitorPolicy) => {
  const wallMs = options.wallMs()
  const { folder, host, guardPeriodMs } = options
  const warm = startWarm({ policy, guardPeriodMs, folder, host, wallMs })
  options.log("info", "the policy runs", {
    policy: printMonitorPolicy(policy),
    recordedSamples: warm.samples,
  })
  return { state: warm.state, reserve: warm.reserve, offsetMs: warm.nowMs - options.nowMs() }
}
