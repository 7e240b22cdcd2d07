import type { PolicySpec } from "../../../core/policies/PolicySpec.ts"

// Slow, obvious twins of core/policies: at every step they look at the whole recorded series again and know no state.

export interface Stretch {
  readonly firstStep: number
  readonly steps: number
}

/** The reserve of every step of one host's series (NaN = missing), written down from the definitions. */
export const naiveReserves = (
  spec: PolicySpec,
  series: ReadonlyArray<number>,
  segments: ReadonlyArray<Stretch>,
  intervalMs: number,
): ReadonlyArray<number> => {
  const reserves: Array<number> = []
  for (const { firstStep, steps } of segments) {
    for (let step = firstStep; step < firstStep + steps; step++) {
      reserves[step] = naiveReserve(spec, series, { firstStep, steps }, step, intervalMs, reserves)
    }
  }
  return reserves
}

const naiveReserve = (
  spec: PolicySpec,
  series: ReadonlyArray<number>,
  { firstStep, steps }: Stretch,
  step: number,
  intervalMs: number,
  earlier: ReadonlyArray<number>,
): number => {
  const valueNamed = (name: string) =>
    spec.values[spec.kind.parameters.findIndex((parameter) => parameter.name === name)]!
  const known = (from: number, to: number) => series.slice(from, to).filter((usage) => !Number.isNaN(usage))
  const windowSteps = () => Math.ceil(valueNamed("window") / intervalMs)
  const lastWindow = () => known(Math.max(firstStep, step - windowSteps() + 1), step + 1)
  const clip = (share: number) => Math.min(1, Math.max(0, share))

  if (spec.kind.name === "oracle") {
    const future = known(step + 1, Math.min(firstStep + steps, step + 1 + windowSteps()))
    return future.length === 0 ? 1 : clip(Math.max(...future) + valueNamed("margin"))
  }
  if (spec.kind.name === "static") return known(0, step + 1).length === 0 ? 1 : valueNamed("reserve")
  if (Number.isNaN(series[step]!)) return step === firstStep ? 1 : earlier[step - 1]!
  if (spec.kind.name === "usage-margin") return clip(series[step]! + valueNamed("margin"))
  if (spec.kind.name === "window-max") return clip(Math.max(...lastWindow()) + valueNamed("margin"))
  if (spec.kind.name === "n-sigma") {
    const window = lastWindow()
    const mean = window.reduce((sum, usage) => sum + usage, 0) / window.length
    const variance = window.reduce((sum, usage) => sum + (usage - mean) * (usage - mean), 0) / window.length
    return clip(mean + valueNamed("n") * Math.sqrt(variance))
  }
  throw new Error(`no twin of ${spec.kind.name}`)
}
