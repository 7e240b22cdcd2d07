import type { Policy } from "../policies/Policy.ts"
import { createPolicy, type PolicySpec } from "../policies/PolicySpec.ts"
import type { MonitorSettings } from "./Settings.ts"

/** Marks an amount that is not known: survives JSON, unlike NaN, and loses every maximum. */
export const unknown = -1

/** A ceiling that the agent says does not exist: above every amount, and a number that survives JSON. */
export const noCeiling = Number.MAX_SAFE_INTEGER

/** The time that the guard looks back is cut into so many buckets. */
const holdBuckets = 10

/**
 * All that the monitor knows of one resource on the hosts of its block; index by host. Structure of arrays, all of fixed
 * size (design §2, L10). Amounts in thousandths of a cpu or of a MiB.
 */
export interface Track {
  /** Memory is a level and not a rate: its highest value counts where cpu's mean does. */
  readonly isLevel: boolean
  readonly floorMilli: number
  readonly policy: Policy

  // What was measured.
  /** 1 when the sample of this step was usable. */
  readonly isKnown: Uint8Array
  /** When a sample was last usable; the machine's start before the first. */
  readonly knownAtMs: Float64Array
  readonly capacityMilli: Float64Array
  readonly useMilli: Float64Array
  /** Use of the harvest. */
  readonly harvestMilli: Float64Array
  /** What the tasks that the agent told of were promised together. */
  readonly promisedMilli: Float64Array
  /** Highest use per bucket of time: `holdBuckets + 1` rows of hosts, a ring. */
  readonly peaksMilli: Float64Array
  readonly bucketMs: number
  /** Number of the newest bucket since time 0; unknown before the first. */
  bucket: number

  // Estimate loop; uses as shares of capacity.
  /** Of the policy's current interval: how much was measured, Σ share × ms resp. the highest share. */
  readonly intervalKnownMs: Float64Array
  readonly intervalUse: Float64Array
  /** The same of the current short window. */
  readonly shortKnownMs: Float64Array
  readonly shortUse: Float64Array
  /** Mean resp. maximum of the last complete short window. */
  readonly shortBefore: Float64Array
  /** What the policy last answered. */
  readonly policyShare: Float64Array
  /** What is kept now. */
  readonly reserveShare: Float64Array
  /** 1 when the reserve may fall to the policy's answer with the next usable sample. */
  readonly mayFall: Uint8Array
  /** What `HoldReserve` last said. */
  readonly saidMilli: Float64Array
  /** What the policy observes; used within a step only. */
  readonly usage: Float64Array

  // Guard loop.
  readonly lentMilli: Float64Array
  /** In force as far as the machine knows; unknown before the first lease. */
  readonly ceilingMilli: Float64Array
  /** Measured time for which the ceiling has been too low without a break. */
  readonly aboveMs: Float64Array
  readonly isRaising: Uint8Array
  /** Since when the next raise grows: the last one, or the start of raising. */
  readonly raiseFromMs: Float64Array
  /** The last raise that has not been taken back; unknown when there is none. */
  readonly raisedAtMs: Float64Array
  /** How long the ceiling must have been too low before it rises. */
  readonly raiseWaitMs: Float64Array
}

export interface TrackOptions {
  readonly hosts: number
  readonly spec: PolicySpec
  readonly intervalMs: number
  readonly settings: MonitorSettings
  readonly isLevel: boolean
}

export const createTrack = ({ hosts, spec, intervalMs, settings, isLevel }: TrackOptions): Track => {
  const zeros = () => new Float64Array(hosts)
  const allOf = (value: number) => new Float64Array(hosts).fill(value)
  return {
    isLevel,
    floorMilli: isLevel ? settings.floorMemMilli : settings.floorCpuMilli,
    policy: createPolicy(spec, hosts, intervalMs),
    isKnown: new Uint8Array(hosts),
    knownAtMs: allOf(unknown),
    capacityMilli: allOf(unknown),
    useMilli: allOf(unknown),
    harvestMilli: allOf(unknown),
    promisedMilli: zeros(),
    peaksMilli: new Float64Array(hosts * (holdBuckets + 1)).fill(unknown),
    bucketMs: Math.max(1, Math.ceil(settings.holdMs / holdBuckets)),
    bucket: unknown,
    intervalKnownMs: zeros(),
    intervalUse: zeros(),
    shortKnownMs: zeros(),
    shortUse: zeros(),
    shortBefore: allOf(unknown),
    policyShare: allOf(1),
    reserveShare: allOf(1),
    mayFall: new Uint8Array(hosts),
    saidMilli: allOf(unknown),
    usage: zeros(),
    lentMilli: zeros(),
    ceilingMilli: allOf(unknown),
    aboveMs: zeros(),
    isRaising: new Uint8Array(hosts),
    raiseFromMs: zeros(),
    raisedAtMs: allOf(unknown),
    raiseWaitMs: allOf(settings.raiseAfterMs),
  }
}

/** Empties the buckets of time that have begun since the last call. */
export const advancePeaks = (track: Track, nowMs: number): void => {
  const bucket = Math.floor(nowMs / track.bucketMs)
  if (bucket === track.bucket) return
  const hosts = track.isKnown.length
  const rows = holdBuckets + 1
  const begun = track.bucket === unknown ? rows : Math.min(rows, bucket - track.bucket)
  for (let back = 0; back < begun; back++) {
    const row = (bucket - back + rows) % rows
    track.peaksMilli.fill(unknown, row * hosts, (row + 1) * hosts)
  }
  track.bucket = bucket
}

export const notePeak = (track: Track, host: number, useMilli: number): void => {
  const index = (track.bucket % (holdBuckets + 1)) * track.isKnown.length + host
  if (useMilli > track.peaksMilli[index]!) track.peaksMilli[index] = useMilli
}

/** The highest use within `holdMs`, the last known one included however old; unknown when there never was any. */
export const peakOf = (track: Track, host: number): number => {
  const peaks = track.peaksMilli
  const hosts = track.isKnown.length
  let peak = track.useMilli[host]!
  for (let index = host; index < peaks.length; index += hosts) {
    if (peaks[index]! > peak) peak = peaks[index]!
  }
  return peak
}
