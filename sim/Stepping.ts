import type { Policy } from "../core/policies/Policy.ts"
import { violationTolerance } from "./Evaluation.ts"
import type { HostBlock } from "./HostBlock.ts"

/** Sums of one policy per host, over its evaluated machine-steps. */
export interface Tally {
  /** Σ (1 − reserve): what was lent, in shares of the host's capacity. */
  readonly lent: Float64Array
  readonly violations: Float64Array
  /** Σ (peak − reserve) over the violations. */
  readonly depth: Float64Array
}

export const createTally = (hosts: number): Tally => ({
  lent: new Float64Array(hosts),
  violations: new Float64Array(hosts),
  depth: new Float64Array(hosts),
})

/** What a block's policy reserved at one step; the array is reused. */
export type OnReserve = (step: number, reserve: Float64Array) => void

/**
 * Steps a policy through a block from the first sample to the last; this is what production does with a block of one.
 * A policy that looks ahead is fed the future: before a segment's first step it gets the samples that its window needs
 * there, at step t the one `lookahead` further on, and nothing known behind the segment's end.
 */
export const stepPolicy = (policy: Policy, block: HostBlock, onReserve: OnReserve): void => {
  const { hosts, usage } = block
  const { lookahead } = policy
  const row = new Float64Array(hosts)
  const reserve = new Float64Array(hosts)
  for (const { firstStep, steps } of block.segments) {
    const end = firstStep + steps
    policy.interrupt()
    for (let ahead = Math.min(0, 1 - lookahead); ahead < steps; ahead++) {
      const fed = firstStep + ahead + lookahead
      if (fed < end) {
        const from = fed * hosts
        for (let host = 0; host < hosts; host++) row[host] = usage[from + host]!
      } else row.fill(Number.NaN)
      policy.observe(row, reserve)
      if (ahead >= 0) onReserve(firstStep + ahead, reserve)
    }
  }
}

/** Steps a policy through a block and adds up what it lent and where it was exceeded. */
export const tallyPolicy = (policy: Policy, block: HostBlock): Tally => {
  const { hosts, peaks } = block
  const tally = createTally(hosts)
  const { lent, violations, depth } = tally
  stepPolicy(policy, block, (step, reserve) => {
    const from = step * hosts
    for (let host = 0; host < hosts; host++) {
      const peak = peaks[from + host]!
      if (peak >= 0) {
        const kept = reserve[host]!
        lent[host]! += 1 - kept
        const over = peak - kept
        if (over > violationTolerance) {
          violations[host]! += 1
          depth[host]! += over
        }
      }
    }
  })
  return tally
}
