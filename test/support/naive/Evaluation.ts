import { type PolicySpec, printPolicySpec } from "../../../core/policies/PolicySpec.ts"
import type { EvaluationSettings } from "../../../sim/Evaluation.ts"
import { capacitiesOf, type Segment, sharesOf, type Trace } from "../../../traces/Trace.ts"
import { naiveReserves } from "./Policies.ts"

/** The figures of an evaluation row that follow from the definitions of design §6 and spec/baselines.md §2. */
export interface NaiveRow {
  readonly policy: string
  readonly hosts: number
  readonly machineSteps: number
  readonly harvestShare: number | null
  readonly oracleShare: number | null
  readonly violationRate: number
  readonly meanDepth: number
  readonly worstHost: string | null
  readonly worstHostViolationRate: number
}

/** Slot by slot and host by host, each decision about the mask taken anew from the raw series. */
export const naiveEvaluate = (
  trace: Trace,
  policies: ReadonlyArray<PolicySpec>,
  settings: EvaluationSettings,
): ReadonlyArray<NaiveRow> => {
  const oracle = judge(trace, settings.yardstick, settings)
  return policies.map((spec) => {
    const own = judge(trace, spec, settings)
    const steps = own.hosts.reduce((sum, host) => sum + host.steps, 0)
    const violations = own.hosts.flatMap((host) => host.depths)
    const rated = own.hosts.filter((host) => host.steps > 0)
    const worst = rated.reduce<(typeof rated)[number] | undefined>(
      (best, host) =>
        host.depths.length > 0 &&
        (best === undefined || host.depths.length / host.steps > best.depths.length / best.steps)
          ? host
          : best,
      undefined,
    )
    return {
      policy: printPolicySpec(spec),
      hosts: rated.length,
      machineSteps: steps,
      harvestShare: own.capacity > 0 ? own.lent / own.capacity : null,
      oracleShare: oracle.lent > 0 ? own.lent / oracle.lent : null,
      violationRate: steps === 0 ? 0 : violations.length / steps,
      meanDepth:
        violations.length === 0 ? 0 : violations.reduce((sum, depth) => sum + depth, 0) / violations.length,
      worstHost: worst?.name ?? null,
      worstHostViolationRate: worst === undefined ? 0 : worst.depths.length / worst.steps,
    }
  })
}

const judge = (trace: Trace, spec: PolicySpec, settings: EvaluationSettings) => {
  let lent = 0
  let capacity = 0
  const hosts = trace.hosts.flatMap((name, host) => {
    const seriesOf = (shares: Float32Array) =>
      Array.from(shares.slice(host * trace.steps, (host + 1) * trace.steps))
    const cpu = seriesOf(trace.cpu)
    const samples = cpu.filter((usage) => !Number.isNaN(usage)).length
    const isUsed = cpu.some((usage) => usage > 0) && samples * trace.intervalMs >= 86_400_000
    if (settings.usedHostsOnly && !isUsed) return []
    const series = seriesOf(sharesOf(trace, settings.resource)!)
    const reserves = naiveReserves(spec, series, trace.segments, trace.intervalMs)
    const weight = settings.weights === "equal" ? 1 : capacitiesOf(trace, settings.resource)[host]!
    const depths: Array<number> = []
    let steps = 0
    for (const segment of trace.segments) {
      for (let step = segment.firstStep; step < segment.firstStep + segment.steps; step++) {
        const peak = peakWithin(series, segment, step, settings, trace.intervalMs)
        if (peak === undefined) continue
        steps++
        lent += weight * (1 - reserves[step]!)
        capacity += weight
        if (peak - reserves[step]! > 1e-6) depths.push(peak - reserves[step]!)
      }
    }
    return [{ name, steps, depths }]
  })
  return { lent, capacity, hosts }
}

/** Highest usage within the horizon, or undefined when the machine-step does not count. */
const peakWithin = (
  series: ReadonlyArray<number>,
  { firstStep, steps }: Segment,
  step: number,
  settings: EvaluationSettings,
  intervalMs: number,
): number | undefined => {
  const end = firstStep + steps
  const isKnown = (usage: number) => !Number.isNaN(usage)
  const horizon = Math.ceil(settings.horizonMs / intervalMs)
  if (!isKnown(series[step]!) || step + horizon >= end) return undefined
  const ahead = series.slice(step + 1, step + 1 + horizon)
  if (!ahead.every(isKnown)) return undefined
  if (settings.neighbourhood !== null) {
    const window = Math.ceil(settings.neighbourhood.windowMs / intervalMs)
    if (step - window + 1 < firstStep || step + window >= end) return undefined
    const before = series.slice(step - window + 1, step + 1).filter(isKnown).length
    const after = series.slice(step + 1, step + 1 + window).filter(isKnown).length
    if (before < settings.neighbourhood.knownLeast || after < settings.neighbourhood.knownLeast)
      return undefined
  }
  return Math.max(...ahead)
}
