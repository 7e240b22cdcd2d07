import type { MonitorAction } from "../../core/monitor/Action.ts"
import type { BlockSample } from "../../core/monitor/Event.ts"
import {
  initialMonitorState,
  type MonitorPolicy,
  type MonitorState,
  monitorSettingsFor,
} from "../../core/monitor/State.ts"
import { stepMonitor } from "../../core/monitor/Step.ts"
import type { PolicySpec } from "../../core/policies/PolicySpec.ts"
import { readRecentSamples } from "../recording/RecentSamples.ts"

export interface WarmStartOptions {
  readonly policy: MonitorPolicy
  readonly guardPeriodMs: number
  /** The monitor's own recordings of this host. */
  readonly folder: string
  readonly host: string
  readonly wallMs: number
}

export interface WarmMachine {
  readonly state: MonitorState
  /** The machine's time at `wallMs`: it has lived through what was recorded before. */
  readonly nowMs: number
  readonly reserve: Extract<MonitorAction, { readonly type: "HoldReserve" }> | undefined
  /** Recorded samples that it was told of. */
  readonly samples: number
}

/** What a policy can remember is bounded, and so is how far back a start looks. */
const windowMsMost = 7 * 86_400_000

const longestWindowMs = (spec: PolicySpec): number =>
  spec.kind.parameters.reduce(
    (longest, parameter, index) =>
      parameter.unit === "duration" ? Math.max(longest, spec.values[index]!) : longest,
    0,
  )

/**
 * A machine that has been told what was recorded within its policy's windows, so that a restart does not reserve
 * everything for an hour. Rows lie on the recorder's grid; a missing one is a gap for the machine, as it was for the host.
 */
export const startWarm = (options: WarmStartOptions): WarmMachine => {
  const { policy, wallMs } = options
  const settings = monitorSettingsFor(options.guardPeriodMs)
  const state = initialMonitorState(1, policy, settings)
  const windowMs = Math.min(windowMsMost, Math.max(longestWindowMs(policy.cpu), longestWindowMs(policy.mem)))
  // A little more than the window, so that the machine's time begins above 0 whatever the rounding.
  const nowMs = windowMs + 3_600_000
  const block = createBlock()
  let lastWallMs = Number.NaN
  let atMs = 0
  let samples = 0
  let reserve: WarmMachine["reserve"]
  const take = (actions: ReadonlyArray<MonitorAction>) => {
    for (const action of actions) if (action.type === "HoldReserve") reserve = action
  }

  readRecentSamples(options.folder, options.host, wallMs - windowMs, (row) => {
    // A clock that was set: the past is not later than now, and nothing is told twice.
    if (row.wallMs >= wallMs || row.wallMs <= lastWallMs || row.intervalMs > settings.staleMs) return
    const steps = Math.round((row.wallMs - lastWallMs) / row.intervalMs)
    if (steps === 0) return
    atMs = Number.isNaN(lastWallMs) ? nowMs - Math.round(wallMs - row.wallMs) : atMs + steps * row.intervalMs
    lastWallMs = row.wallMs
    if (atMs >= nowMs) return
    block.capacityCpuMilli[0] = row.capacityCpuMilli
    block.capacityMemMilli[0] = row.capacityMemMilli
    block.primaryCpuMilli[0] = row.primaryCpuMilliMean
    block.primaryMemMilli[0] = row.primaryMemMilliMax
    take(stepMonitor(state, { type: "Sampled", nowMs: atMs, wallMs: row.wallMs, sample: block }).actions)
    samples += 1
  })
  if (samples > 0) take(stepMonitor(state, { type: "TimePassed", nowMs, wallMs }).actions)
  return { state, nowMs, reserve, samples }
}

/** A block of one host, nothing known. */
export const createBlock = (): BlockSample => {
  const unknown = () => new Float64Array(1).fill(Number.NaN)
  return {
    capacityCpuMilli: unknown(),
    capacityMemMilli: unknown(),
    primaryCpuMilli: unknown(),
    primaryMemMilli: unknown(),
    harvestCpuMilli: unknown(),
    harvestMemMilli: unknown(),
  }
}
