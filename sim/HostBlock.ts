import { durationToSteps } from "../core/policies/Catalogue.ts"
import type { Segment, Trace } from "../traces/Trace.ts"
import { type EvaluationSettings, horizonStepsOf } from "./Evaluation.ts"

/**
 * A block of hosts laid out for stepping: step-major, so that one step of all hosts is one stretch of memory.
 * `usage[step * hosts + h]` is NaN when missing. `peaks` is the highest usage within the horizon, and NaN where the
 * machine-step does not count: the mask and the truth in one array.
 */
export interface HostBlock {
  readonly hosts: number
  readonly segments: ReadonlyArray<Segment>
  readonly usage: Float32Array
  readonly peaks: Float32Array
  /** Evaluated machine-steps per host. */
  readonly machineSteps: Float64Array
}

/** Where a block's samples come from: the shares of one resource of some hosts. */
export interface BlockSource {
  readonly trace: Trace
  readonly shares: Float32Array
  readonly hosts: ReadonlyArray<number>
}

export const createHostBlock = (source: BlockSource, settings: EvaluationSettings): HostBlock => {
  const { trace, shares } = source
  const hosts = source.hosts.length
  const usage = new Float32Array(trace.steps * hosts)
  const peaks = new Float32Array(trace.steps * hosts)
  const machineSteps = new Float64Array(hosts)
  const hostPeaks = new Float32Array(trace.steps)
  const horizonSteps = horizonStepsOf(settings, trace)

  source.hosts.forEach((host, column) => {
    const own = shares.subarray(host * trace.steps, (host + 1) * trace.steps)
    for (const segment of trace.segments) {
      fillPeaks(own, segment, horizonSteps, hostPeaks)
      if (settings.neighbourhood !== null) {
        const windowSteps = durationToSteps(settings.neighbourhood.windowMs, trace.intervalMs)
        maskNeighbourhood(own, segment, windowSteps, settings.neighbourhood.knownLeast, hostPeaks)
      }
    }
    let counted = 0
    for (let step = 0, index = column; step < trace.steps; step++, index += hosts) {
      const peak = hostPeaks[step]!
      usage[index] = own[step]!
      peaks[index] = peak
      if (peak >= 0) counted++
    }
    machineSteps[column] = counted
  })
  return { hosts, segments: trace.segments, usage, peaks, machineSteps }
}

/**
 * Peak of steps t+1 … t+horizon for every step of a segment; NaN when one of them, or t itself, is unknown or lies
 * behind the segment. Walks backwards and looks again at the whole window only when its maximum leaves it.
 */
const fillPeaks = (
  own: Float32Array,
  { firstStep, steps }: Segment,
  horizon: number,
  peaks: Float32Array,
) => {
  const end = firstStep + steps
  /** Known steps in a row that begin at t+1. */
  let knownAhead = 0
  let maximumAt = -1
  for (let step = end - 1; step >= firstStep; step--) {
    peaks[step] = Number.NaN
    const now = own[step]!
    if (now >= 0 && knownAhead >= horizon) {
      if (maximumAt > step + horizon || maximumAt < 0) {
        maximumAt = step + 1
        for (let ahead = step + 2; ahead <= step + horizon; ahead++) {
          if (own[ahead]! > own[maximumAt]!) maximumAt = ahead
        }
      } else if (own[step + 1]! >= own[maximumAt]!) maximumAt = step + 1
      peaks[step] = own[maximumAt]!
    } else maximumAt = -1
    knownAhead = now >= 0 ? knownAhead + 1 : 0
  }
}

/** The mask of spec/baselines.md §2: enough known slots in the window up to t and in the window after it. */
const maskNeighbourhood = (
  own: Float32Array,
  { firstStep, steps }: Segment,
  windowSteps: number,
  knownLeast: number,
  peaks: Float32Array,
) => {
  const end = firstStep + steps
  let before = 0
  let after = 0
  for (let step = firstStep; step < Math.min(end, firstStep + windowSteps); step++)
    after += isKnown(own, step)
  for (let step = firstStep; step < end; step++) {
    before += isKnown(own, step)
    after -= isKnown(own, step)
    if (step - windowSteps >= firstStep) before -= isKnown(own, step - windowSteps)
    if (step + windowSteps < end) after += isKnown(own, step + windowSteps)
    const isInside = step - windowSteps + 1 >= firstStep && step + windowSteps < end
    if (!isInside || before < knownLeast || after < knownLeast) peaks[step] = Number.NaN
  }
}

const isKnown = (own: Float32Array, step: number): number => (own[step]! >= 0 ? 1 : 0)
