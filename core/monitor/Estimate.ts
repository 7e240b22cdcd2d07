import type { MonitorSettings } from "./Settings.ts"
import { type Track, unknown } from "./Track.ts"

/**
 * The estimate loop of one resource: how much of a host is kept for its primary (design §5). Uses are shares of the
 * capacity of their moment.
 *
 * Each interval the policy observes one share per host: the **mean** of cpu, because that is what recordings carry and
 * policies are tuned on, and peaks within an interval are the guard's business; the **maximum** of memory, because it
 * cannot be taken back in time. An interval of which less than half was measured is a missing sample (NaN).
 *
 * What is kept, `reserveShare`, is
 * - 1 before the policy's first known sample, and after `reserveAllAfterMs` without a sample;
 * - between two steps of the policy it only rises, to the load when that exceeds it, so that a slow policy does not sleep
 *   through a rise. Load = the larger of the last complete short window (`runningMs` of measured time) and the current one,
 *   as mean resp. maximum, where a mean counts from `runningMsLeast` on;
 * - the first usable sample after a step of the policy, or after everything was reserved, may lower it, to the larger of the
 *   policy's answer and the load, once the load is known. So a step without a sample lowers nothing.
 */
export const observeUse = (
  track: Track,
  settings: MonitorSettings,
  host: number,
  share: number,
  spanMs: number,
): void => {
  const { intervalUse, shortUse, shortKnownMs } = track
  track.intervalKnownMs[host] = track.intervalKnownMs[host]! + spanMs
  if (track.isLevel) {
    if (share > intervalUse[host]!) intervalUse[host] = share
    if (share > shortUse[host]!) shortUse[host] = share
  } else {
    intervalUse[host] = intervalUse[host]! + share * spanMs
    shortUse[host] = shortUse[host]! + share * spanMs
  }
  shortKnownMs[host] = shortKnownMs[host]! + spanMs
  if (shortKnownMs[host]! < settings.runningMs) return
  track.shortBefore[host] = track.isLevel ? shortUse[host]! : shortUse[host]! / shortKnownMs[host]!
  shortUse[host] = 0
  shortKnownMs[host] = 0
}

/** Gives the policy the interval that is over, and `emptySteps` intervals without any sample after it. */
export const stepPolicy = (track: Track, intervalMs: number, emptySteps: number): void => {
  const { usage, intervalKnownMs, intervalUse } = track
  for (let host = 0; host < usage.length; host++) {
    const knownMs = intervalKnownMs[host]!
    usage[host] =
      2 * knownMs < intervalMs
        ? Number.NaN
        : track.isLevel
          ? intervalUse[host]!
          : intervalUse[host]! / knownMs
  }
  intervalKnownMs.fill(0)
  intervalUse.fill(0)
  track.policy.observe(usage, track.policyShare)
  usage.fill(Number.NaN)
  for (let step = 0; step < emptySteps; step++) track.policy.observe(usage, track.policyShare)
  track.mayFall.fill(1)
}

/** Brings `reserveShare` up to date; see {@link observeUse} for the rule. */
export const settleReserve = (track: Track, settings: MonitorSettings, host: number, nowMs: number): void => {
  if (nowMs - track.knownAtMs[host]! >= settings.reserveAllAfterMs) {
    track.reserveShare[host] = 1
    track.mayFall[host] = 1
    track.shortUse[host] = 0
    track.shortKnownMs[host] = 0
    track.shortBefore[host] = unknown
    return
  }
  const load = loadOf(track, settings, host)
  const wanted = Math.max(track.policyShare[host]!, load)
  if (wanted >= track.reserveShare[host]!) track.reserveShare[host] = wanted
  if (track.isKnown[host] === 0 || track.mayFall[host] === 0 || !isLoadKnown(track, settings, host)) return
  track.reserveShare[host] = wanted
  track.mayFall[host] = 0
}

const isLoadKnown = (track: Track, settings: MonitorSettings, host: number): boolean =>
  track.shortBefore[host] !== unknown || track.shortKnownMs[host]! >= settings.runningMsLeast

const loadOf = (track: Track, settings: MonitorSettings, host: number): number => {
  const before = track.shortBefore[host]!
  const knownMs = track.shortKnownMs[host]!
  if (track.isLevel) return Math.max(before, track.shortUse[host]!)
  return knownMs >= settings.runningMsLeast && knownMs > 0
    ? Math.max(before, track.shortUse[host]! / knownMs)
    : before
}

/** What is kept, whole and rounded up; unknown as long as the capacity is. */
export const reserveMilliOf = (track: Track, host: number): number => {
  const capacity = track.capacityMilli[host]!
  return capacity === unknown ? unknown : Math.ceil(track.reserveShare[host]! * capacity)
}
