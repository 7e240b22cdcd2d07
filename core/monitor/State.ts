import { assert } from "../Assert.ts"
import type { PolicySpec } from "../policies/PolicySpec.ts"
import type { HarvestTask } from "./Event.ts"
import { defaultMonitorSettings, type MonitorSettings, monitorSettingsFor } from "./Settings.ts"
import { createTrack, noCeiling, type Track, unknown } from "./Track.ts"

export { defaultMonitorSettings, type MonitorSettings, monitorSettingsFor }

/** What the estimate loop runs; `core/policies/PolicyFile` makes it from a policy file. */
export interface MonitorPolicy {
  readonly cpu: PolicySpec
  readonly mem: PolicySpec
  /** Time between two steps of the policy, ms. */
  readonly intervalMs: number
}

/** The monitor of a block of hosts; production's block has one. */
export interface MonitorState {
  readonly hosts: number
  readonly settings: MonitorSettings
  readonly policy: MonitorPolicy
  nowMs: number
  /** When the first event came; -1 before it. */
  startedAtMs: number
  /** The last `Sampled`; -1 before it. */
  sampledAtMs: number
  /** Start of the policy's current interval; -1 before the first `Sampled`. */
  intervalFromMs: number
  wakeAtMs: number | null
  readonly cpu: Track
  readonly mem: Track
  /** 1 where the ceiling may be raised. */
  readonly hasLease: Uint8Array
  /** When `HoldReserve` last said something; -1 = never. */
  readonly saidAtMs: Float64Array
  readonly tasks: Array<ReadonlyArray<HarvestTask>>
}

/** Asserts a causal policy: one that needs the future exists in simulation only, and there only as a yardstick. */
export const initialMonitorState = (
  hosts: number,
  policy: MonitorPolicy,
  settings: MonitorSettings = defaultMonitorSettings,
): MonitorState => {
  const { cpu, mem, intervalMs } = policy
  const state: MonitorState = {
    hosts,
    settings,
    policy,
    nowMs: 0,
    startedAtMs: unknown,
    sampledAtMs: unknown,
    intervalFromMs: unknown,
    wakeAtMs: null,
    cpu: createTrack({ hosts, spec: cpu, intervalMs, settings, isLevel: false }),
    mem: createTrack({ hosts, spec: mem, intervalMs, settings, isLevel: true }),
    hasLease: new Uint8Array(hosts),
    saidAtMs: new Float64Array(hosts).fill(unknown),
    tasks: [],
  }
  for (let host = 0; host < hosts; host++) state.tasks.push([])
  assert(state.cpu.policy.lookahead === 0, `the policy ${cpu.kind.name} needs the future: simulation only`)
  assert(state.mem.policy.lookahead === 0, `the policy ${mem.kind.name} needs the future: simulation only`)
  return state
}

/** What is shown of one host; null = not known (yet). Thousandths of a cpu and of a MiB. */
export interface MonitorFigures {
  /** As `HoldReserve` last said. */
  readonly reserveCpuMilli: number | null
  readonly reserveMemMilli: number | null
  /** As `SetCeiling` or the lease last said. */
  readonly ceilingCpuMilli: number | null
  readonly ceilingMemMilli: number | null
  readonly hasLease: boolean
  /** When cpu and memory were both last measured, ms of the machine's time. */
  readonly knownAtMs: number | null
}

export const figuresOf = (state: MonitorState, host: number): MonitorFigures => ({
  reserveCpuMilli: figure(state.cpu.saidMilli[host]!),
  reserveMemMilli: figure(state.mem.saidMilli[host]!),
  ceilingCpuMilli: figure(state.cpu.ceilingMilli[host]!),
  ceilingMemMilli: figure(state.mem.ceilingMilli[host]!),
  hasLease: state.hasLease[host] === 1,
  knownAtMs:
    state.cpu.useMilli[host] === unknown || state.mem.useMilli[host] === unknown
      ? null
      : Math.min(state.cpu.knownAtMs[host]!, state.mem.knownAtMs[host]!),
})

const figure = (milli: number): number | null => (milli === unknown || milli === noCeiling ? null : milli)
