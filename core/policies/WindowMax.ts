import { clipShare, missing, type Policy, toKnownShare } from "./Policy.ts"
import { allMissing, allReserved, restoreState, snapshotState } from "./PolicyState.ts"

export interface WindowMaxParameters {
  /** Length of the window in steps, ≥ 1; it includes the sample just observed. */
  readonly windowSteps: number
  readonly marginShare: number
}

/** R = maximum of the known samples of the last window + margin ("max(last 1h) + 5pp" of spec/baselines.md §2). */
export const createWindowMax = (hosts: number, parameters: WindowMaxParameters): Policy =>
  createSlidingMax("window-max", hosts, parameters, 0)

/**
 * The policy that knows the future: R = maximum of the known samples of the **next** window + margin. The yardstick of
 * every harvest figure (design §1), and the one policy with lookahead; production must refuse it.
 *
 * It is the sliding maximum fed with the sample that lies `windowSteps` ahead. A hole in the future is not stale
 * knowledge, so it holds nothing: the hole is ignored, and a future without any known sample reserves everything.
 */
export const createOracle = (hosts: number, parameters: WindowMaxParameters): Policy =>
  createSlidingMax("oracle", hosts, parameters, parameters.windowSteps)

/**
 * Sliding maximum by blocks of one window's length (van Herk 1992; Gil, Werman 1993), which costs O(1) per step and host
 * on average and walks arrays in order, where a monotonic deque would branch per host.
 *
 * `ring` has one row of hosts per slot of the window. Rows before and at `position` hold the samples of the block being
 * filled, whose running maximum is `prefix`; a row after it holds the maximum of that row and all later rows of the
 * block before. The window is then exactly `prefix` and the row after `position`. One more row stays missing for ever, so
 * that the last position needs no special case.
 */
const createSlidingMax = (
  kind: string,
  hosts: number,
  { windowSteps, marginShare }: WindowMaxParameters,
  lookahead: number,
): Policy => {
  const ring = allMissing((windowSteps + 1) * hosts)
  const prefix = allMissing(hosts)
  const held = allReserved(hosts)
  const state = [ring, prefix, held]
  const holds = lookahead === 0
  let position = 0

  /** Turns the samples of the block just filled into maxima from each row to the block's end. */
  const closeBlock = () => {
    for (let index = (windowSteps - 1) * hosts - 1; index >= 0; index--) {
      const later = ring[index + hosts]!
      if (later > ring[index]!) ring[index] = later
    }
    prefix.fill(missing)
  }

  const observe = (usage: Float64Array, reserve: Float64Array) => {
    if (position === 0) closeBlock()
    const row = position * hosts
    for (let host = 0; host < hosts; host++) {
      const known = toKnownShare(usage[host]!)
      ring[row + host] = known
      let peak = prefix[host]!
      if (known > peak) {
        peak = known
        prefix[host] = known
      }
      const older = ring[row + hosts + host]!
      if (older > peak) peak = older
      if (known >= 0) held[host] = clipShare(peak + marginShare)
      else if (!holds) held[host] = peak >= 0 ? clipShare(peak + marginShare) : 1
      reserve[host] = held[host]!
    }
    position = position + 1 === windowSteps ? 0 : position + 1
  }

  return {
    hosts,
    lookahead,
    observe,
    interrupt: () => {
      ring.fill(missing)
      prefix.fill(missing)
      held.fill(1)
      position = 0
    },
    snapshot: () => snapshotState(kind, hosts, position, state),
    restore: (snapshot) => {
      position = restoreState(kind, hosts, state, snapshot)
    },
  }
}
