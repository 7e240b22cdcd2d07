import { nextBelow, nextFraction, type Prng, seedPrng } from "../../core/Prng.ts"
import { createImportLog } from "../ImportLog.ts"
import { missingShares, type Trace } from "../Trace.ts"

// An invented fleet for trying things out without a recording. It has the traits that make real ones hard (spec/baselines.md
// §1 and §7): most machines nearly idle, a few pinned, daily and weekly rhythm, nightly jobs, bursts, holes in the data.
// It is no evidence for any figure of a real fleet, and is called synthetic wherever it shows up.

export interface FleetOptions {
  readonly seed: number | string
  readonly hosts: number
  readonly days: number
}

export const defaultFleet: FleetOptions = { seed: 1, hosts: 60, days: 14 }

const intervalMs = 300_000
const stepsPerDay = 288
const stepsPerHour = 12

/** Monday 2024-01-01 00:00 UTC, so that step 0 begins a week. */
const startMs = 1_704_067_200_000

type Knots = ReadonlyArray<readonly [hour: number, level: number]>

interface Kind {
  readonly name: string
  readonly base: readonly [number, number]
  /** Height of the daily rhythm. */
  readonly swing: readonly [number, number]
  readonly day: Knots
  /** Strength of the rhythm on Monday … Sunday. */
  readonly week: ReadonlyArray<number>
  readonly noise: number
  readonly burstChance: number
  /** Usage while the nightly job runs; none when 0. */
  readonly nightly: readonly [number, number]
  readonly mem: readonly [number, number]
}

const officeDay: Knots = [
  [0, 0.05],
  [6, 0.05],
  [9, 0.85],
  [11, 1],
  [12.5, 0.75],
  [14, 0.95],
  [17, 0.6],
  [20, 0.1],
  [24, 0.05],
]
const shopDay: Knots = [
  [0, 0.2],
  [4, 0.05],
  [8, 0.35],
  [12, 0.6],
  [17, 0.65],
  [20.5, 1],
  [23, 0.4],
  [24, 0.2],
]
const flatDay: Knots = [
  [0, 0],
  [24, 0],
]
const officeWeek = [1, 1, 0.95, 1, 0.9, 0.25, 0.15]
const shopWeek = [0.7, 0.7, 0.7, 0.75, 0.9, 1, 1]
const evenWeek = [1, 1, 1, 1, 1, 1, 1]

const kinds = {
  office: {
    name: "office",
    base: [0.02, 0.06],
    swing: [0.1, 0.4],
    day: officeDay,
    week: officeWeek,
    noise: 0.02,
    burstChance: 0.004,
    nightly: [0, 0],
    mem: [0.2, 0.5],
  },
  shop: {
    name: "shop",
    base: [0.03, 0.08],
    swing: [0.2, 0.5],
    day: shopDay,
    week: shopWeek,
    noise: 0.03,
    burstChance: 0.006,
    nightly: [0, 0],
    mem: [0.25, 0.6],
  },
  batch: {
    name: "batch",
    base: [0.01, 0.03],
    swing: [0, 0.05],
    day: officeDay,
    week: officeWeek,
    noise: 0.01,
    burstChance: 0.001,
    nightly: [0.5, 0.95],
    mem: [0.1, 0.3],
  },
  idle: {
    name: "idle",
    base: [0.004, 0.02],
    swing: [0, 0],
    day: flatDay,
    week: evenWeek,
    noise: 0.004,
    burstChance: 0.0015,
    nightly: [0, 0],
    mem: [0.03, 0.12],
  },
  database: {
    name: "database",
    base: [0.06, 0.14],
    swing: [0.1, 0.25],
    day: officeDay,
    week: officeWeek,
    noise: 0.025,
    burstChance: 0.003,
    nightly: [0.2, 0.4],
    mem: [0.6, 0.85],
  },
  pinned: {
    name: "pinned",
    base: [0.93, 0.99],
    swing: [0, 0],
    day: flatDay,
    week: evenWeek,
    noise: 0.015,
    burstChance: 0,
    nightly: [0, 0],
    mem: [0.3, 0.5],
  },
} as const satisfies Record<string, Kind>

/** The mix, repeated: the kind of a host depends on its number only, so that a small fleet has every kind too. */
const mix: ReadonlyArray<Kind> = [
  kinds.office,
  kinds.idle,
  kinds.shop,
  kinds.batch,
  kinds.office,
  kinds.idle,
  kinds.database,
  kinds.office,
  kinds.shop,
  kinds.idle,
  kinds.batch,
  kinds.office,
  kinds.idle,
  kinds.shop,
  kinds.office,
  kinds.idle,
  kinds.batch,
  kinds.office,
  kinds.pinned,
  kinds.idle,
]

const coreChoices = [2, 4, 4, 8, 8, 16, 32]
const gibPerCore = [2, 4, 4, 8]

/** The same options give the same trace, byte for byte: whole-number generator, no transcendental function. */
export const createSyntheticFleet = (options: FleetOptions = defaultFleet): Trace => {
  const steps = options.days * stepsPerDay
  const cpu = missingShares(options.hosts * steps)
  const mem = missingShares(options.hosts * steps)
  const cpuMilli = new Float64Array(options.hosts)
  const memMilli = new Float64Array(options.hosts)
  const hosts: Array<string> = []
  for (let host = 0; host < options.hosts; host++) {
    // A generator of its own: a larger fleet has the smaller one's hosts unchanged.
    const prng = seedPrng(`synthetic fleet ${options.seed} host ${host}`)
    const kind = mix[host % mix.length]!
    const cores = coreChoices[nextBelow(prng, coreChoices.length)]!
    const gib = cores * gibPerCore[nextBelow(prng, gibPerCore.length)]!
    cpuMilli[host] = cores * 1000
    memMilli[host] = gib * 1024 * 1000
    hosts.push(`${kind.name}-${String(host + 1).padStart(3, "0")}`)
    const from = host * steps
    fillHost(prng, kind, cpu.subarray(from, from + steps), mem.subarray(from, from + steps))
  }
  return {
    name: "synthetic-fleet",
    synthetic: true,
    source: "seeded generator",
    provenance: `invented: ${options.hosts} hosts over ${options.days} days, seed ${options.seed}; no recording`,
    intervalMs,
    hosts,
    steps,
    cpu,
    mem,
    cpuMilli,
    memMilli,
    segments: [{ label: "whole", firstStep: 0, steps, startMs }],
    importReport: createImportLog("fail").toReport(),
  }
}

/** Fills one host's shares; every draw comes from its generator, in the order of time. */
const fillHost = (prng: Prng, kind: Kind, cpu: Float32Array, mem: Float32Array) => {
  const base = between(prng, kind.base)
  const swing = between(prng, kind.swing)
  const memBase = between(prng, kind.mem)
  const nightlyLevel = between(prng, kind.nightly)
  const nightlyStart = nextBelow(prng, 4 * stepsPerHour)
  const nightlySteps = stepsPerHour / 2 + nextBelow(prng, 2 * stepsPerHour)
  let drift = 0
  let memDrift = 0
  let burstSteps = 0
  let burstHeight = 0
  let missingSteps = 0

  for (let step = 0; step < cpu.length; step++) {
    const stepOfDay = step % stepsPerDay
    const day = Math.floor(step / stepsPerDay)
    const rhythm = swing * levelAt(kind.day, stepOfDay / stepsPerHour) * kind.week[day % 7]!
    drift = 0.8 * drift + kind.noise * nextBell(prng)
    memDrift = 0.995 * memDrift + 0.002 * nextBell(prng)
    if (burstSteps === 0 && nextFraction(prng) < kind.burstChance) {
      burstSteps = 1 + nextBelow(prng, 8)
      burstHeight = 0.1 + 0.6 * nextFraction(prng)
    }
    const burst = burstSteps > 0 ? burstHeight : 0
    if (burstSteps > 0) burstSteps--
    const isNightly = stepOfDay >= nightlyStart && stepOfDay < nightlyStart + nightlySteps
    const busy = base + rhythm + burst + (isNightly ? nightlyLevel : 0)
    if (missingSteps === 0 && nextFraction(prng) < 0.0005) missingSteps = 1 + nextBelow(prng, 12)
    if (missingSteps > 0) {
      missingSteps--
      continue
    }
    cpu[step] = clip(busy + drift)
    mem[step] = clip(memBase + memDrift + 0.1 * rhythm + (isNightly ? 0.05 : 0) + 0.15 * burst)
  }
}

const clip = (share: number): number => Math.min(1, Math.max(0.001, share))

const between = (prng: Prng, [least, most]: readonly [number, number]): number =>
  least + (most - least) * nextFraction(prng)

/** A bell-shaped number around 0 within ±2: the sum of four even ones (Irwin, Hall), without logarithm or cosine. */
const nextBell = (prng: Prng): number =>
  nextFraction(prng) + nextFraction(prng) + nextFraction(prng) + nextFraction(prng) - 2

/** Level of a daily curve: smooth steps (3x² − 2x³) between its knots. */
const levelAt = (knots: Knots, hour: number): number => {
  const next = knots.findIndex(([knotHour]) => knotHour > hour)
  const [fromHour, from] = knots[next - 1]!
  const [toHour, to] = knots[next]!
  const x = (hour - fromHour) / (toHour - fromHour)
  return from + (to - from) * x * x * (3 - 2 * x)
}
