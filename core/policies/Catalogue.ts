import { createNSigma } from "./NSigma.ts"
import type { Policy } from "./Policy.ts"
import { createStaticReserve } from "./StaticReserve.ts"
import { createUsageMargin } from "./UsageMargin.ts"
import { createOracle, createWindowMax } from "./WindowMax.ts"

/** What a parameter's value is and how it is written. */
export type ParameterUnit = "share" | "duration" | "number"

/** One parameter of a policy. Values are shares 0 to 1, whole milliseconds, or plain numbers. */
export interface PolicyParameter {
  readonly name: string
  readonly unit: ParameterUnit
  readonly initial: number
  readonly least: number
  readonly most: number
  readonly meaning: string
}

/** One policy of the catalogue: the parser, the help text and the documentation all read this. */
export interface PolicyKind {
  readonly name: string
  readonly meaning: string
  readonly source: string
  /** False for the oracle, which needs the future and therefore exists in simulation only. */
  readonly causal: boolean
  readonly parameters: ReadonlyArray<PolicyParameter>
  readonly create: (hosts: number, values: ReadonlyArray<number>, intervalMs: number) => Policy
}

const hourMs = 3_600_000

/** Longest window: bounds the memory of a policy (design L10) at 31 days of samples per host. */
const windowMsMost = 31 * 24 * hourMs

const share = (name: string, initial: number, meaning: string): PolicyParameter => ({
  name,
  unit: "share",
  initial,
  least: 0,
  most: 1,
  meaning,
})

const window = (meaning: string): PolicyParameter => ({
  name: "window",
  unit: "duration",
  initial: hourMs,
  least: 1000,
  most: windowMsMost,
  meaning,
})

/** A duration in steps of a trace, rounded up: a window that does not divide evenly looks further, not less far. */
export const durationToSteps = (durationMs: number, intervalMs: number): number =>
  Math.max(1, Math.ceil(durationMs / intervalMs))

export const policyKinds: ReadonlyArray<PolicyKind> = [
  {
    name: "static",
    meaning: "keeps a fixed share of capacity, whatever the usage",
    source: "Koordinator's default threshold of 40 % of CPU (spec/policies.md §1)",
    causal: true,
    parameters: [share("reserve", 0.4, "share of capacity that is kept")],
    create: (hosts, [reserve]) => createStaticReserve(hosts, reserve!),
  },
  {
    name: "usage-margin",
    meaning: "keeps the last usage plus a margin",
    source: "current + 20pp of spec/baselines.md §2",
    causal: true,
    parameters: [share("margin", 0.2, "added to usage, in points of capacity")],
    create: (hosts, [margin]) => createUsageMargin(hosts, margin!),
  },
  {
    name: "window-max",
    meaning: "keeps the highest usage of the last window plus a margin",
    source: "max(last 1h) + 5pp of spec/baselines.md §2",
    causal: true,
    parameters: [
      window("how far back the maximum looks"),
      share("margin", 0.05, "added to the maximum, in points of capacity"),
    ],
    create: (hosts, [windowMs, margin], intervalMs) =>
      createWindowMax(hosts, { windowSteps: durationToSteps(windowMs!, intervalMs), marginShare: margin! }),
  },
  {
    name: "n-sigma",
    meaning: "keeps the mean of the last window plus n standard deviations",
    source:
      "mean + 3 sigma of spec/baselines.md §2; N-sigma of Bashir et al., EuroSys 2021 (spec/policies.md §2.1)",
    causal: true,
    parameters: [
      {
        name: "n",
        unit: "number",
        initial: 3,
        least: 0,
        most: 100,
        meaning: "standard deviations above the mean",
      },
      window("how far back mean and deviation look"),
    ],
    create: (hosts, [sigmas, windowMs], intervalMs) =>
      createNSigma(hosts, { sigmas: sigmas!, windowSteps: durationToSteps(windowMs!, intervalMs) }),
  },
  {
    name: "oracle",
    meaning: "keeps the highest usage of the next window plus a margin: knows the future, simulation only",
    source: "oracle-1h of spec/baselines.md §2",
    causal: false,
    parameters: [
      window("how far ahead the maximum looks"),
      share("margin", 0.05, "added to the maximum, in points of capacity"),
    ],
    create: (hosts, [windowMs, margin], intervalMs) =>
      createOracle(hosts, { windowSteps: durationToSteps(windowMs!, intervalMs), marginShare: margin! }),
  },
]
