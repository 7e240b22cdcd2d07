import type { MonitorSettings } from "./Settings.ts"
import { noCeiling, peakOf, type Track, unknown } from "./Track.ts"

/**
 * The guard loop of one resource on one host: how much all that is borrowed may use together (design §5).
 *
 *   limit = capacity − highest use of the primary within `holdMs` − headroom
 *   goal  = limit − step, both clamped to [floor, lent]
 *
 * **Down at once**: a ceiling above its limit falls to the goal in the very step that shows it, so no step ends with a
 * ceiling above the limit. Falling one step further is the hysteresis: noise below a step writes nothing, and every move
 * down is a step at least (unless it ends at the floor).
 *
 * **Up slowly**: only under a lease, only with a usable sample, only after the goal has been a band above the ceiling for
 * `raiseAfterMs` of measured time without a break; then towards the goal by `raiseSharePerSecond`. A raise that is taken
 * back within `regretMs` makes the next one wait longer.
 *
 * **Memory that was promised comes back at once**, as far as the goal allows: a task that keeps within its own limit may not
 * die of a ceiling that waits to rise (L6).
 *
 * **No sample**: the ceiling is held for `staleMs`, then falls: cpu to its floor, memory to what the harvest uses or
 * its tasks were promised, because a limit below that makes the kernel kill, and only a measured shortage may (design §5).
 */
export const moveCeiling = (
  track: Track,
  settings: MonitorSettings,
  host: number,
  time: StepTime,
  hasLease: boolean,
): boolean => {
  if (track.ceilingMilli[host] === unknown) return false
  const isStale = time.nowMs - track.knownAtMs[host]! >= settings.staleMs
  const free = freeOf(track, settings, host)
  const limit = clamp(track, host, free)
  if (isStale || track.ceilingMilli[host]! > limit) {
    stopRaising(track, host)
    const lowest = clamp(track, host, free - stepOf(settings, track, host))
    return lower(track, settings, host, time.nowMs, isStale ? staleLimit(track, host, limit) : lowest)
  }
  if (!hasLease) stopRaising(track, host)
  else if (track.isKnown[host] === 1) {
    const goal = clamp(track, host, free - stepOf(settings, track, host))
    const isKept = keepPromise(track, host, goal)
    return raise(track, settings, host, time, goal) || isKept
  }
  return false
}

/** Memory only: cpu that comes late costs a task time, memory its life. */
const keepPromise = (track: Track, host: number, goal: number): boolean => {
  const promised = Math.min(goal, track.promisedMilli[host]!)
  if (!track.isLevel || track.ceilingMilli[host]! >= promised) return false
  track.ceilingMilli[host] = promised
  return true
}

/** The time of a step, and for how long before it its sample stands. */
export interface StepTime {
  readonly nowMs: number
  readonly spanMs: number
}

/** What the agent hands over; a ceiling of null = there is none. Lowered at once where it is above what may be lent. */
export const takeCeiling = (
  track: Track,
  settings: MonitorSettings,
  host: number,
  nowMs: number,
  lentMilli: number,
  ceilingMilli: number | null,
): boolean => {
  track.lentMilli[host] = Math.max(0, Math.floor(lentMilli))
  track.ceilingMilli[host] = ceilingMilli === null ? noCeiling : ceilingMilli
  track.raisedAtMs[host] = unknown
  return moveCeiling(track, settings, host, { nowMs, spanMs: 0 }, false)
}

/** Sizes follow what can be lent at most, so that a small share of a big host moves too. */
const baseOf = (track: Track, host: number): number =>
  Math.min(track.capacityMilli[host]!, track.lentMilli[host]!)

const stepOf = (settings: MonitorSettings, track: Track, host: number): number =>
  Math.max(1, Math.floor(settings.stepShare * baseOf(track, host)))

/** What the primary leaves beside the headroom; without any sample yet, nothing is known against the ceiling in force. */
const freeOf = (track: Track, settings: MonitorSettings, host: number): number => {
  if (track.useMilli[host] === unknown) return noCeiling
  const capacity = track.capacityMilli[host]!
  return Math.floor(capacity - peakOf(track, host) - settings.headroomShare * capacity)
}

const clamp = (track: Track, host: number, milli: number): number =>
  Math.max(track.floorMilli, Math.min(track.lentMilli[host]!, milli))

const staleLimit = (track: Track, host: number, limit: number): number => {
  if (!track.isLevel) return track.floorMilli
  const harvest = track.harvestMilli[host]!
  if (harvest === unknown) return limit
  return Math.max(track.floorMilli, Math.min(limit, Math.max(Math.ceil(harvest), track.promisedMilli[host]!)))
}

const stopRaising = (track: Track, host: number): void => {
  track.isRaising[host] = 0
  track.aboveMs[host] = 0
}

const lower = (
  track: Track,
  settings: MonitorSettings,
  host: number,
  nowMs: number,
  toMilli: number,
): boolean => {
  if (track.ceilingMilli[host]! <= toMilli) return false
  track.ceilingMilli[host] = toMilli
  const raisedAtMs = track.raisedAtMs[host]!
  if (raisedAtMs !== unknown) {
    track.raisedAtMs[host] = unknown
    track.raiseWaitMs[host] =
      nowMs - raisedAtMs <= settings.regretMs
        ? Math.min(settings.raiseWaitMsMost, track.raiseWaitMs[host]! * settings.raiseWaitFactor)
        : settings.raiseAfterMs
  }
  return true
}

const raise = (
  track: Track,
  settings: MonitorSettings,
  host: number,
  time: StepTime,
  goal: number,
): boolean => {
  const { nowMs } = time
  const gap = goal - track.ceilingMilli[host]!
  if (track.isRaising[host] === 0) {
    awaitRaise(track, settings, host, time, gap)
    return false
  }
  if (gap < 1) {
    stopRaising(track, host)
    return false
  }
  const earnedMs = Math.min(1_000, nowMs - track.raiseFromMs[host]!)
  const perSecond = settings.raiseSharePerSecond * track.capacityMilli[host]!
  const amount = Math.min(gap, Math.floor((perSecond * earnedMs) / 1_000))
  if (amount < gap && amount < stepOf(settings, track, host)) return false
  track.ceilingMilli[host] = track.ceilingMilli[host]! + amount
  track.raiseFromMs[host] = nowMs
  track.raisedAtMs[host] = nowMs
  if (amount === gap) stopRaising(track, host)
  return true
}

const awaitRaise = (
  track: Track,
  settings: MonitorSettings,
  host: number,
  { nowMs, spanMs }: StepTime,
  gap: number,
): void => {
  const band = Math.max(1, Math.floor(settings.raiseBandShare * baseOf(track, host)))
  if (gap < band) {
    track.aboveMs[host] = 0
    return
  }
  track.aboveMs[host] = track.aboveMs[host]! + spanMs
  if (track.aboveMs[host]! < track.raiseWaitMs[host]!) return
  track.isRaising[host] = 1
  track.raiseFromMs[host] = nowMs
}
