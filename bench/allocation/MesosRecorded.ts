import type { Shape } from "./Shape.ts"

/**
 * Figures of Apache Mesos's hierarchical allocator, copied from `spec/mesos-allocator-measured.md` (2026-11-22, tables 1 to 3):
 * git c1b42f79, version 1.12.0, clang 14 -O2; 2 virtual cores, Intel Xeon 2.80 GHz. That machine's clock swings by a factor of 2, so a
 * ratio takes the best of its cycles, not the median. Times in ms.
 */
export const mesosName = "Apache Mesos 1.12.0 (c1b42f79)"
export const mesosSource = "spec/mesos-allocator-measured.md, 2 cores, Intel Xeon 2.80 GHz, 2026-11-22"

/** The page gives tenths of ms; a product of fractions would show more. */
const toMs = (seconds: number): number => Math.round(seconds * 10_000) / 10

export interface RecordedFull {
  readonly shape: Shape
  readonly bestMs: number
  readonly medianMs: number
  /** Rounds of one of the three runs. */
  readonly rounds: number
  readonly giveBackBestMs: number
  readonly rssMb: number
}

/** Table 1: agents, frameworks, roles, best s, median s, rounds of three runs, give-back best s, RSS MB. */
const fullRows: ReadonlyArray<readonly [number, number, number, number, number, number, number, number]> = [
  [1000, 1, 1, 0.015, 0.03, 30, 0.0205, 66],
  [1000, 50, 1, 0.0159, 0.033, 30, 0.0196, 62],
  [1000, 200, 1, 0.0201, 0.039, 30, 0.0202, 68],
  [1000, 1000, 1, 0.0347, 0.0619, 15, 0.021, 63],
  [1000, 200, 50, 0.0211, 0.0392, 30, 0.0209, 95],
  [1000, 200, 200, 0.0265, 0.0507, 30, 0.0206, 185],
  [1000, 1000, 1000, 0.084, 0.1363, 15, 0.0232, 627],
  [5000, 1, 1, 0.0885, 0.135, 30, 0.1043, 227],
  [5000, 50, 1, 0.1057, 0.1802, 30, 0.1142, 253],
  [5000, 200, 1, 0.1176, 0.1992, 30, 0.1134, 229],
  [5000, 1000, 1, 0.1932, 0.2551, 15, 0.1141, 184],
  [5000, 200, 50, 0.1189, 0.1741, 30, 0.1125, 366],
  [5000, 200, 200, 0.1558, 0.2749, 30, 0.1127, 785],
  [10000, 1, 1, 0.199, 0.3512, 30, 0.2213, 430],
  [10000, 50, 1, 0.2221, 0.334, 30, 0.2246, 382],
  [10000, 200, 1, 0.2239, 0.4434, 30, 0.2307, 431],
  [10000, 1000, 1, 0.3864, 0.5206, 15, 0.2345, 288],
  [10000, 200, 50, 0.2397, 0.4235, 30, 0.2309, 704],
  [10000, 200, 200, 0.3179, 0.5645, 30, 0.2367, 1543],
  [10000, 1000, 1000, 0.8313, 1.6728, 9, 0.2308, 5811],
  [50000, 1, 1, 1.2611, 1.4834, 15, 1.1635, 1560],
  [50000, 50, 1, 1.3112, 1.9208, 15, 1.3127, 1554],
  [50000, 200, 1, 1.4686, 2.115, 15, 1.2774, 1314],
  [50000, 1000, 1, 2.2857, 2.647, 9, 1.4085, 1067],
  [50000, 200, 200, 2.6033, 3.4631, 12, 1.26, 6908],
]

export const recordedFull: ReadonlyArray<RecordedFull> = fullRows.map(
  ([agents, frameworks, roles, best, median, rounds, giveBack, rssMb]) => ({
    shape: { agents, frameworks, roles },
    bestMs: toMs(best),
    medianMs: toMs(median),
    rounds: rounds / 3,
    giveBackBestMs: toMs(giveBack),
    rssMb,
  }),
)

export interface RecordedDecline {
  readonly shape: Shape
  readonly firstMs: number
  readonly halfMs: number
  readonly lastMs: number
  readonly saturatedMs: number
  readonly rssMb: number
  readonly giveBackMsPer1000: number
}

/** Table 2: agents, frameworks, first cycle s, at F/2 s, last with offers s, saturated s, RSS MB, s per 1000 declined offers. */
const declineRows: ReadonlyArray<readonly [number, number, number, number, number, number, number, number]> =
  [
    [1000, 1, 0.077, 0.077, 0.077, 0.018, 64, 0.0847],
    [1000, 50, 0.07, 0.124, 0.498, 0.774, 316, 0.1201],
    [1000, 200, 0.076, 0.08, 1.127, 2.366, 949, 0.1103],
    [5000, 50, 0.264, 0.696, 2.396, 3.465, 1479, 0.1108],
    [10000, 50, 0.823, 1.25, 4.751, 6.497, 2935, 0.1193],
  ]

export const recordedDecline: ReadonlyArray<RecordedDecline> = declineRows.map(
  ([agents, frameworks, first, half, last, saturated, rssMb, giveBack]) => ({
    shape: { agents, frameworks, roles: 1 },
    firstMs: toMs(first),
    halfMs: toMs(half),
    lastMs: toMs(last),
    saturatedMs: toMs(saturated),
    rssMb,
    giveBackMsPer1000: toMs(giveBack),
  }),
)

/** "About 5 KB of memory per filter", below table 2. */
export const mesosBytesPerFilter = 5_000

export interface RecordedQuota {
  readonly shape: Shape
  readonly offers: number
  readonly firstMs: number
  readonly secondMs: number
  readonly rssMb: number
}

/** Table 3: roles = frameworks = agents, offers, first cycle s, second cycle s, RSS MB. */
const quotaRows: ReadonlyArray<readonly [number, number, number, number, number]> = [
  [30, 38, 0.0015, 0.0007, 27],
  [300, 374, 0.0685, 0.0632, 86],
  [3000, 3746, 22.1903, 18.2589, 5177],
]

export const recordedQuota: ReadonlyArray<RecordedQuota> = quotaRows.map(
  ([roles, offers, first, second, rssMb]) => ({
    shape: { agents: roles, frameworks: roles, roles },
    offers,
    firstMs: toMs(first),
    secondMs: toMs(second),
    rssMb,
  }),
)
