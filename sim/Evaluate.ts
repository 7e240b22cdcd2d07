import { createPolicy, type PolicySpec, printPolicySpec } from "../core/policies/PolicySpec.ts"
import { capacitiesOf, sharesOf, type Trace } from "../traces/Trace.ts"
import {
  describeMask,
  type EvaluationRow,
  type EvaluationSettings,
  horizonStepsOf,
  type TraceEvaluation,
} from "./Evaluation.ts"
import { createHostBlock } from "./HostBlock.ts"
import { createTally, type Tally, tallyPolicy } from "./Stepping.ts"

/** Hosts stepped together: enough to amortise a step's overhead, few enough for the state to stay in the cache. */
const blockHosts = 64

/** Hosts of one trace that have been evaluated so far. */
export interface EvaluationProgress {
  readonly hostsDone: number
  readonly hosts: number
}

/**
 * Judges policies on one trace. A generator, so that the caller decides what happens between blocks of hosts (show
 * progress, let other work run, stop); it does no I/O and knows no clock. The trace must have the resource.
 */
export function* evaluate(
  trace: Trace,
  policies: ReadonlyArray<PolicySpec>,
  settings: EvaluationSettings,
): Generator<EvaluationProgress, TraceEvaluation> {
  const shares = sharesOf(trace, settings.resource)!
  const kept = keepHosts(trace, settings)
  // The yardstick is a policy like the others, stepped once even when it is also among them.
  const specs = new Map<string, PolicySpec>()
  for (const spec of [settings.yardstick, ...policies]) specs.set(printPolicySpec(spec), spec)
  const tallies = new Map<string, Tally>()
  for (const name of specs.keys()) tallies.set(name, createTally(kept.length))
  const machineSteps = new Float64Array(kept.length)

  for (let first = 0; first < kept.length; first += blockHosts) {
    yield { hostsDone: first, hosts: kept.length }
    const block = createHostBlock({ trace, shares, hosts: kept.slice(first, first + blockHosts) }, settings)
    machineSteps.set(block.machineSteps, first)
    for (const [name, spec] of specs) {
      const tally = tallyPolicy(createPolicy(spec, block.hosts, trace.intervalMs), block)
      const whole = tallies.get(name)!
      whole.lent.set(tally.lent, first)
      whole.violations.set(tally.violations, first)
      whole.depth.set(tally.depth, first)
    }
  }
  yield { hostsDone: kept.length, hosts: kept.length }

  const capacities = capacitiesOf(trace, settings.resource)
  const weights = kept.map((host) => (settings.weights === "equal" ? 1 : capacities[host]!))
  const summary: Summary = { trace, settings, kept, weights, machineSteps }
  const oracle = tallies.get(printPolicySpec(settings.yardstick))!
  return {
    trace,
    settings,
    rows: policies.map((spec) => toRow(summary, spec, tallies.get(printPolicySpec(spec))!, oracle)),
    policies,
    samples: kept.reduce((sum, host) => sum + countKnown(trace, shares, host), 0),
    hostsLeftOut: trace.hosts.length - kept.length,
  }
}

/** Runs a generator of progress to its end. */
export const finish = <A>(running: Generator<unknown, A>): A => {
  let step = running.next()
  while (step.done !== true) step = running.next()
  return step.value
}

interface Summary {
  readonly trace: Trace
  readonly settings: EvaluationSettings
  readonly kept: ReadonlyArray<number>
  readonly weights: ReadonlyArray<number>
  readonly machineSteps: Float64Array
}

const countKnown = (trace: Trace, shares: Float32Array, host: number): number => {
  let known = 0
  for (let index = host * trace.steps; index < (host + 1) * trace.steps; index++) {
    if (shares[index]! >= 0) known++
  }
  return known
}

/** Whether a host uses CPU and has a day of samples is a question about CPU, also when memory is judged. */
const keepHosts = (trace: Trace, settings: EvaluationSettings): ReadonlyArray<number> => {
  const all = trace.hosts.map((_, host) => host)
  if (!settings.usedHostsOnly) return all
  const stepsPerDay = 86_400_000 / trace.intervalMs
  return all.filter((host) => {
    const own = trace.cpu.subarray(host * trace.steps, (host + 1) * trace.steps)
    return own.some((share) => share > 0) && countKnown(trace, trace.cpu, host) >= stepsPerDay
  })
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0)

const weightedSum = (values: Float64Array, weights: ReadonlyArray<number>): number =>
  values.reduce((total, value, index) => total + value * weights[index]!, 0)

const toRow = (summary: Summary, spec: PolicySpec, tally: Tally, oracle: Tally): EvaluationRow => {
  const { trace, settings, kept, weights, machineSteps } = summary
  const steps = sum(machineSteps)
  const violations = sum(tally.violations)
  const lent = weightedSum(tally.lent, weights)
  const lentByOracle = weightedSum(oracle.lent, weights)
  const rates: Array<number> = []
  let worst = -1
  let worstRate = 0
  machineSteps.forEach((own, index) => {
    if (own === 0) return
    const rate = tally.violations[index]! / own
    rates.push(rate)
    if (rate > worstRate) {
      worst = index
      worstRate = rate
    }
  })
  return {
    trace: trace.name,
    policy: printPolicySpec(spec),
    resource: settings.resource,
    horizonMs: horizonStepsOf(settings, trace) * trace.intervalMs,
    hosts: rates.length,
    machineSteps: steps,
    harvestShare: ratioOf(lent, weightedSum(machineSteps, weights)),
    oracleShare: ratioOf(lent, lentByOracle),
    violationRate: steps === 0 ? 0 : violations / steps,
    meanDepth: violations === 0 ? 0 : sum(tally.depth) / violations,
    worstHost: worst < 0 ? null : trace.hosts[kept[worst]!]!,
    worstHostViolationRate: worstRate,
    p95HostViolationRate: percentile(rates, 0.95),
    oracle: !spec.kind.causal,
    synthetic: trace.synthetic,
    preset: settings.preset,
    mask: describeMask(settings),
    weights: settings.weights,
    yardstick: printPolicySpec(settings.yardstick),
  }
}

const ratioOf = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null)

/** Linear interpolation between the neighbours, as NumPy's default does. */
const percentile = (values: ReadonlyArray<number>, share: number): number => {
  if (values.length === 0) return 0
  const sorted = [...values].sort((a, b) => a - b)
  const place = share * (sorted.length - 1)
  const below = Math.floor(place)
  const lower = sorted[below]!
  return lower + (sorted[Math.min(below + 1, sorted.length - 1)]! - lower) * (place - below)
}
