import { parseDurationMs } from "../../../core/policies/Duration.ts"
import { type PolicySpec, parsePolicySpec, printPolicySpec } from "../../../core/policies/PolicySpec.ts"
import { type CommandFailure, refuseInput } from "../CommandFailure.ts"

/** The options of `gleaner evaluate` as they were written. */
export interface WrittenOptions {
  readonly traces: ReadonlyArray<string>
  readonly policies: ReadonlyArray<string>
  readonly horizon: string | undefined
  readonly resource: "cpu" | "mem"
  readonly preset: "baselines" | undefined
  readonly badLines: "fail" | "skip"
  readonly seed: number | undefined
  readonly json: boolean
  readonly report: string | undefined
}

/** What is to be evaluated: checked as far as that is possible without opening a file. */
export interface EvaluationRequest {
  readonly traces: ReadonlyArray<string>
  /** Empty for the defaults. */
  readonly policies: ReadonlyArray<PolicySpec>
  readonly horizonMs: number
  readonly resource: "cpu" | "mem"
  readonly preset: "baselines" | null
  readonly badLines: "fail" | "skip"
  readonly seed: number
  readonly json: boolean
  readonly report: string | undefined
}

const defaultHorizonMs = 600_000

/** Nobody can say anything about a year ahead, and the longest trace is a month. */
const horizonMsMost = 31 * 86_400_000

/** Checks the options; every wrong policy spec is named, not only the first. */
export const toRequest = (written: WrittenOptions): EvaluationRequest | CommandFailure => {
  const parsed = written.policies.map(parsePolicySpec)
  const refused = parsed.flatMap((result) => (result._tag === "Refused" ? [result.reason] : []))
  if (refused.length > 0) return refuseInput(refused.join("\n"))
  if (written.preset !== undefined && written.horizon !== undefined) {
    return refuseInput(
      "--horizon: the preset baselines has its own horizon, the next 5 minutes. Leave out one of the two",
    )
  }
  if (written.seed !== undefined && written.traces.length > 0) {
    return refuseInput("--seed: only the synthetic fleet has a seed, and it is used without --trace")
  }
  const horizonMs = written.horizon === undefined ? defaultHorizonMs : parseDurationMs(written.horizon)
  if (horizonMs === undefined || horizonMs <= 0 || horizonMs > horizonMsMost) {
    return refuseInput(`--horizon: "${written.horizon}" is not a duration up to 31d, like 10m or 1h`)
  }
  const specs = parsed.flatMap((result) => (result._tag === "Accepted" ? [result.spec] : []))
  return {
    ...written,
    // Written twice, shown once.
    policies: [...new Map(specs.map((spec) => [printPolicySpec(spec), spec])).values()],
    horizonMs,
    preset: written.preset ?? null,
    seed: written.seed ?? 1,
  }
}
