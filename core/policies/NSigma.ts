import { clipShare, type Policy, toKnownShare } from "./Policy.ts"
import { allReserved, restoreState, snapshotState } from "./PolicyState.ts"

export interface NSigmaParameters {
  /** How many standard deviations are kept above the mean. */
  readonly sigmas: number
  /** Length of the window in steps, ≥ 1; it includes the sample just observed. */
  readonly windowSteps: number
}

/**
 * R = mean + n · population standard deviation of the known samples of the last window ("mean + 3 sigma (last 1h)" of
 * spec/baselines.md §2; N-sigma of Google's overcommit simulator, which takes the sample deviation, spec/policies.md §2.1).
 *
 * The window's (count, mean, M2 = Σ(u − mean)²) is the merger of two aggregates: the block being filled, kept by Welford's
 * update, and the rest of the block before, folded from its end once per window. Nothing is ever subtracted, so the sum
 * neither drifts nor cancels, however long the host runs; O(1) per step on average. Merging as in Chan, Golub, LeVeque,
 * "Algorithms for computing the sample variance", 1983. The layout of the rows is that of WindowMax.ts.
 */
export const createNSigma = (hosts: number, { sigmas, windowSteps }: NSigmaParameters): Policy => {
  const kind = "n-sigma"
  const rows = (windowSteps + 1) * hosts
  const counts = new Float64Array(rows)
  const means = new Float64Array(rows)
  const squares = new Float64Array(rows)
  const blockCounts = new Float64Array(hosts)
  const blockMeans = new Float64Array(hosts)
  const blockSquares = new Float64Array(hosts)
  const held = allReserved(hosts)
  const state = [counts, means, squares, blockCounts, blockMeans, blockSquares, held]
  let position = 0

  /** Turns the samples of the block just filled into aggregates from each row to the block's end. */
  const closeBlock = () => {
    for (let index = (windowSteps - 1) * hosts - 1; index >= 0; index--) {
      const laterCount = counts[index + hosts]!
      if (laterCount === 0) continue
      const count = counts[index]! + laterCount
      const apart = means[index + hosts]! - means[index]!
      const weight = laterCount / count
      squares[index] = squares[index]! + squares[index + hosts]! + apart * apart * counts[index]! * weight
      means[index] = means[index]! + apart * weight
      counts[index] = count
    }
    blockCounts.fill(0)
    blockMeans.fill(0)
    blockSquares.fill(0)
  }

  const reserveOf = (host: number, older: number): number => {
    const olderCount = counts[older]!
    const count = blockCounts[host]! + olderCount
    const apart = means[older]! - blockMeans[host]!
    const weight = olderCount / count
    const mean = blockMeans[host]! + apart * weight
    const m2 = blockSquares[host]! + squares[older]! + apart * apart * blockCounts[host]! * weight
    return clipShare(mean + sigmas * Math.sqrt(m2 / count))
  }

  const observe = (usage: Float64Array, reserve: Float64Array) => {
    if (position === 0) closeBlock()
    const row = position * hosts
    for (let host = 0; host < hosts; host++) {
      const known = toKnownShare(usage[host]!)
      squares[row + host] = 0
      if (known >= 0) {
        counts[row + host] = 1
        means[row + host] = known
        const count = blockCounts[host]! + 1
        const apart = known - blockMeans[host]!
        const mean = blockMeans[host]! + apart / count
        blockCounts[host] = count
        blockMeans[host] = mean
        blockSquares[host] = blockSquares[host]! + apart * (known - mean)
        held[host] = reserveOf(host, row + hosts + host)
      } else {
        counts[row + host] = 0
        means[row + host] = 0
      }
      reserve[host] = held[host]!
    }
    position = position + 1 === windowSteps ? 0 : position + 1
  }

  return {
    hosts,
    lookahead: 0,
    observe,
    interrupt: () => {
      for (const array of state) array.fill(0)
      held.fill(1)
      position = 0
    },
    snapshot: () => snapshotState(kind, hosts, position, state),
    restore: (snapshot) => {
      position = restoreState(kind, hosts, state, snapshot)
    },
  }
}
