import { durationToSteps } from "../core/policies/Catalogue.ts"
import { printDurationMs } from "../core/policies/Duration.ts"
import { type PolicySpec, policySpec } from "../core/policies/PolicySpec.ts"
import type { ResourceName, Trace } from "../traces/Trace.ts"

/** What is counted, over which machine-steps, with which weights. One definition everywhere (design §6). */
export interface EvaluationSettings {
  readonly resource: ResourceName
  /** Named set of definitions, or null for gleaner's own. */
  readonly preset: "baselines" | null
  /** How far ahead a reserve must hold. */
  readonly horizonMs: number
  /** Harvest is taken by this policy's too: the oracle whose harvest is 100 %. */
  readonly yardstick: PolicySpec
  readonly weights: "capacity" | "equal"
  /** A machine-step counts only with this many known samples in the windows before and after it. */
  readonly neighbourhood: { readonly windowMs: number; readonly knownLeast: number } | null
  /** Leaves out hosts that never use CPU or have fewer samples than a day has steps. */
  readonly usedHostsOnly: boolean
}

/** How one policy did on one trace. Shares and rates are fractions, 0 to 1. */
export interface EvaluationRow {
  readonly trace: string
  /** Canonical spec. */
  readonly policy: string
  readonly resource: ResourceName
  /** The horizon in force, a whole number of intervals. */
  readonly horizonMs: number
  /** Hosts with at least one evaluated machine-step. */
  readonly hosts: number
  readonly machineSteps: number
  /** Σ(C − R) / ΣC over the evaluated machine-steps. Null when no host has any capacity. */
  readonly harvestShare: number | null
  /** Harvest as a share of the yardstick's: Σ(C − R) / Σ(C − O). Null when even the oracle harvests nothing. */
  readonly oracleShare: number | null
  /** Share of machine-steps, all equal, whose peak within the horizon exceeded the reserve. */
  readonly violationRate: number
  /** Mean of peak − reserve over the violating machine-steps; 0 when there is none. */
  readonly meanDepth: number
  /** The host with the highest violation rate; null when nobody is violated. */
  readonly worstHost: string | null
  readonly worstHostViolationRate: number
  /** 95th percentile over hosts of their violation rates, linearly interpolated. */
  readonly p95HostViolationRate: number
  /** True when the policy knows the future. */
  readonly oracle: boolean
  readonly synthetic: boolean
  readonly preset: "baselines" | null
  readonly mask: string
  readonly weights: "capacity" | "equal"
  readonly yardstick: string
}

export interface TraceEvaluation {
  readonly trace: Trace
  readonly settings: EvaluationSettings
  readonly rows: ReadonlyArray<EvaluationRow>
  /** The policies in the order of the rows. */
  readonly policies: ReadonlyArray<PolicySpec>
  /** Known samples of the hosts that were kept. */
  readonly samples: number
  readonly hostsLeftOut: number
}

/** What a peak must exceed the reserve by to be a violation (spec/baselines.md §2). */
export const violationTolerance = 1e-6

const fiveMinutesMs = 300_000

/** gleaner's own definition (design §6). */
export const ownSettings = (resource: ResourceName, horizonMs: number): EvaluationSettings => ({
  resource,
  preset: null,
  horizonMs,
  yardstick: policySpec("oracle", { window: horizonMs, margin: 0 }),
  weights: "capacity",
  neighbourhood: null,
  usedHostsOnly: false,
})

/** The definitions of spec/baselines.md §2; its grid is 5 minutes, its horizon the next slot. */
export const baselineSettings = (resource: ResourceName): EvaluationSettings => ({
  resource,
  preset: "baselines",
  horizonMs: fiveMinutesMs,
  yardstick: policySpec("oracle", { window: 3_600_000, margin: 0.05 }),
  weights: "equal",
  neighbourhood: { windowMs: 3_600_000, knownLeast: 10 },
  usedHostsOnly: true,
})

/** The interval that `--preset baselines` is defined on. */
export const baselineIntervalMs = fiveMinutesMs

/** The policies that are compared when none is named. */
export const defaultPolicies = (settings: EvaluationSettings): ReadonlyArray<PolicySpec> =>
  settings.preset === "baselines"
    ? [policySpec("usage-margin"), policySpec("window-max"), policySpec("n-sigma"), policySpec("oracle")]
    : [
        policySpec("static"),
        policySpec("usage-margin"),
        policySpec("window-max"),
        policySpec("n-sigma"),
        settings.yardstick,
      ]

/** Steps of the horizon on this trace, rounded up. */
export const horizonStepsOf = (settings: EvaluationSettings, trace: Trace): number =>
  durationToSteps(settings.horizonMs, trace.intervalMs)

/** Which machine-steps count, in words. */
export const describeMask = (settings: EvaluationSettings): string => {
  const parts = ["usage now and at every step of the horizon known, horizon within the segment"]
  if (settings.neighbourhood !== null) {
    const { windowMs, knownLeast } = settings.neighbourhood
    const window = printDurationMs(windowMs)
    const slots = windowMs / fiveMinutesMs
    parts.push(
      `${knownLeast} of the ${slots} slots of the ${window} before and of the ${window} after known, both windows within the segment`,
    )
  }
  if (settings.usedHostsOnly) parts.push("hosts that never use CPU or have under one day of samples left out")
  return parts.join("; ")
}
