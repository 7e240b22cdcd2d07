import { createPolicy, printPolicySpec } from "../../core/policies/PolicySpec.ts"
import { type Segment, sharesOf } from "../../traces/Trace.ts"
import { type EvaluationRow, type TraceEvaluation, violationTolerance } from "../Evaluation.ts"
import { createHostBlock } from "../HostBlock.ts"
import { stepPolicy } from "../Stepping.ts"

/** One host over a readable span, with what each policy kept for it. Shares of capacity; NaN is unknown. */
export interface TellingHost {
  readonly name: string
  /** Why this host and this span, in a sentence. */
  readonly reason: string
  readonly segment: Segment
  readonly firstStep: number
  readonly usage: ReadonlyArray<number>
  readonly policies: ReadonlyArray<HostReserve>
}

export interface HostReserve {
  readonly policy: string
  /** The reserve in force at each step: what was decided at the end of the step before. */
  readonly reserve: ReadonlyArray<number>
  /** Decisions within the span whose horizon usage exceeded. */
  readonly violationsShown: number
  /** Steps of the span at which usage first exceeded a reserve whose horizon covers them. */
  readonly isExceeded: ReadonlyArray<boolean>
  /** Violations of this host by this policy over the whole trace. */
  readonly violations: number
}

/** How much time is shown: long enough for a daily rhythm, short enough to tell single steps apart. */
const spanDays = 3

/** Violation rate up to which a policy counts as good when the host to show is chosen. */
const goodRate = 0.01

/** Picks the worst host of the best causal policy and the stretch with most of its violations. */
export const findTellingHost = (evaluation: TraceEvaluation): TellingHost => {
  const { trace, settings, policies } = evaluation
  const chosen = chooseHost(evaluation)
  const host = trace.hosts.indexOf(chosen.host)
  const shares = sharesOf(trace, settings.resource)!
  const block = createHostBlock({ trace, shares, hosts: [host] }, settings)
  const reserves = policies.map((spec) => {
    const reserve = new Float64Array(trace.steps)
    stepPolicy(createPolicy(spec, 1, trace.intervalMs), block, (step, kept) => {
      reserve[step] = kept[0]!
    })
    return reserve
  })
  const isViolated = (policy: number, step: number) =>
    block.peaks[step]! - reserves[policy]![step]! > violationTolerance

  const spanSteps = Math.round((spanDays * 86_400_000) / trace.intervalMs)
  const weighOf = (step: number) => {
    if (chosen.policy !== undefined) return isViolated(chosen.policy, step) ? 1 : 0
    return block.usage[step]! >= 0 ? block.usage[step]! : 0
  }
  const span = findHeaviestSpan(trace.segments, spanSteps, weighOf)
  const steps = Array.from({ length: span.steps }, (_, index) => span.firstStep + index)
  return {
    name: chosen.host,
    reason: chosen.reason,
    segment: span.segment,
    firstStep: span.firstStep,
    usage: steps.map((step) => block.usage[step]!),
    policies: policies.map((spec, policy): HostReserve => {
      const exceeded = new Set<number>()
      for (const step of steps) {
        if (isViolated(policy, step)) exceeded.add(findExceeded(block.usage, step, reserves[policy]![step]!))
      }
      return {
        policy: printPolicySpec(spec),
        reserve: steps.map((step) =>
          step > span.segment.firstStep ? reserves[policy]![step - 1]! : Number.NaN,
        ),
        violationsShown: steps.filter((step) => isViolated(policy, step)).length,
        isExceeded: steps.map((step) => exceeded.has(step)),
        violations: block.peaks.reduce((sum, _, step) => sum + (isViolated(policy, step) ? 1 : 0), 0),
      }
    }),
  }
}

/** The first step after a violated decision at which usage is above its reserve. */
const findExceeded = (usage: Float32Array, decided: number, reserve: number): number => {
  let step = decided + 1
  while (step < usage.length - 1 && !(usage[step]! - reserve > violationTolerance)) step++
  return step
}

interface Choice {
  readonly host: string
  /** Index of the policy whose violations decide the span; undefined when there is none. */
  readonly policy: number | undefined
  readonly reason: string
}

const chooseHost = ({ rows, trace, settings }: TraceEvaluation): Choice => {
  const violated = rows.filter((row) => !row.oracle && row.worstHost !== null)
  const best = bestOf(violated)
  if (best === undefined) {
    const shares = sharesOf(trace, settings.resource)!
    return {
      host: trace.hosts[findBusiest(shares, trace.hosts.length, trace.steps)]!,
      policy: undefined,
      reason: "the busiest host, because no causal policy was violated anywhere",
    }
  }
  return {
    host: best.worstHost!,
    policy: rows.indexOf(best),
    reason: `the host that ${best.policy} fails most often (${(best.worstHostViolationRate * 100).toFixed(2)} % of its steps); ${best.policy} was chosen as the causal policy with ${
      best.violationRate <= goodRate
        ? `the highest harvest among those violated in at most ${goodRate * 100} % of machine-steps`
        : "the fewest violations"
    }`,
  }
}

const bestOf = (rows: ReadonlyArray<EvaluationRow>): EvaluationRow | undefined => {
  const good = rows.filter((row) => row.violationRate <= goodRate)
  const byHarvest = [...good].sort((a, b) => (b.harvestShare ?? 0) - (a.harvestShare ?? 0))
  const byViolation = [...rows].sort((a, b) => a.violationRate - b.violationRate)
  return byHarvest[0] ?? byViolation[0]
}

const findBusiest = (shares: Float32Array, hosts: number, steps: number): number => {
  let busiest = 0
  let most = -1
  for (let host = 0; host < hosts; host++) {
    let sum = 0
    for (let index = host * steps; index < (host + 1) * steps; index++)
      sum += shares[index]! >= 0 ? shares[index]! : 0
    if (sum > most) {
      busiest = host
      most = sum
    }
  }
  return busiest
}

interface Span {
  readonly segment: Segment
  readonly firstStep: number
  readonly steps: number
}

/** The stretch of at most `spanSteps` within one segment that weighs most; the earliest on a tie. */
const findHeaviestSpan = (
  segments: ReadonlyArray<Segment>,
  spanSteps: number,
  weighOf: (step: number) => number,
): Span => {
  let best: Span | undefined
  let bestWeight = -1
  for (const segment of segments) {
    const steps = Math.min(spanSteps, segment.steps)
    let weight = 0
    for (let offset = 0; offset < segment.steps; offset++) {
      weight += weighOf(segment.firstStep + offset)
      if (offset >= steps) weight -= weighOf(segment.firstStep + offset - steps)
      if (offset < steps - 1 || weight <= bestWeight) continue
      best = { segment, firstStep: segment.firstStep + offset - steps + 1, steps }
      bestWeight = weight
    }
  }
  return best!
}
