import type { SettingsName } from "./Cluster.ts"
import type { Figure, Job, Mode } from "./Job.ts"
import {
  mesosBytesPerFilter,
  mesosMachine,
  mesosName,
  mesosSource,
  recordedDecline,
  recordedFull,
  recordedQuota,
} from "./MesosRecorded.ts"
import { incrementalShape, largestShape } from "./Plan.ts"
import { type Shape, shapeToText } from "./Shape.ts"
import type { Variant } from "./Workload.ts"

/** What was recorded for the same cycle; null where nothing was. */
export interface Peer {
  readonly name: string
  readonly machine: string
  readonly source: string
  /** Its best. */
  readonly cycleMs: number | null
  readonly rssMb: number | null
  readonly giveBackMsPer1000: number | null
  readonly bytesPerFilter: number | null
}

/** One figure beside the recorded one: a row of the tables, an object of `--json`. */
export interface AllocationLine {
  readonly suite: "allocation"
  /** AGENTSxFRAMEWORKS, and xROLES where that says more. */
  readonly shape: string
  readonly roles: number
  readonly mode: Mode
  readonly phase: string
  readonly variant: Variant
  readonly settings: SettingsName
  /** How many cycles were timed. */
  readonly cycles: number
  /** Made by each of them. */
  readonly offers: number
  readonly cycleMs: { readonly median: number; readonly min: number; readonly max: number } | null
  /** Median of the process's CPU time; far below that of `cycleMs` = the machine was busy elsewhere. */
  readonly cycleCpuMs: number | null
  /** At the median. */
  readonly offersPerSecond: number | null
  /** Median. */
  readonly giveBackMsPer1000: number | null
  readonly bytesPerAgent: number | null
  readonly bytesPerFilter: number | null
  readonly rssMb: number
  readonly peer: Peer | null
  /** The peer's best over our median, and over our best. */
  readonly ratio: number | null
  readonly bestRatio: number | null
  readonly goal: { readonly text: string; readonly isReached: boolean } | null
}

export const linesOf = (job: Job, figures: ReadonlyArray<Figure>): ReadonlyArray<AllocationLine> =>
  figures.map((figure) => {
    const { phase, times, offers, giveBackMsPer1000 } = figure
    const cycleMs = times.wallMs.length === 0 ? null : spreadOf(times.wallMs)
    const peer = peerOf(job, phase)
    const peerMs = peer?.cycleMs ?? null
    const ratio = cycleMs === null || peerMs === null ? null : peerMs / cycleMs.median
    const line = {
      suite: "allocation" as const,
      shape: shapeOf(job),
      roles: job.shape.roles,
      mode: job.mode,
      phase,
      variant: job.variant,
      settings: job.settings,
      cycles: times.wallMs.length,
      offers,
      cycleMs,
      cycleCpuMs: times.cpuMs.length === 0 ? null : spreadOf(times.cpuMs).median,
      offersPerSecond: cycleMs === null || offers === 0 ? null : (offers / cycleMs.median) * 1_000,
      giveBackMsPer1000: giveBackMsPer1000.length === 0 ? null : spreadOf(giveBackMsPer1000).median,
      bytesPerAgent: figure.bytesPerAgent ?? null,
      bytesPerFilter: figure.bytesPerFilter ?? null,
      rssMb: figure.rssMb,
      peer,
      ratio,
      bestRatio: cycleMs === null || peerMs === null ? null : peerMs / cycleMs.min,
    }
    return { ...line, goal: goalOf(job, figure, line.cycleMs?.median ?? null, ratio) }
  })

/** In `quota` the roles are as many as the frameworks anyway. */
export const shapeOf = ({ mode, shape }: Job): string =>
  shapeToText(mode === "quota" ? { ...shape, roles: 1 } : shape)

/** The middle one, or the mean of the two in the middle. */
export const spreadOf = (values: ReadonlyArray<number>) => {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = sorted.length / 2
  const median = (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2
  return { median, min: sorted[0]!, max: sorted[sorted.length - 1]! }
}

const peerOf = (job: Job, phase: string): Peer | null => {
  const nothing = { cycleMs: null, rssMb: null, giveBackMsPer1000: null, bytesPerFilter: null }
  const peer = (fields: Partial<Peer>): Peer => ({
    name: mesosName,
    machine: mesosMachine,
    source: mesosSource,
    ...nothing,
    ...fields,
  })
  const rowOf = <Row extends { readonly shape: Shape }>(rows: ReadonlyArray<Row>): Row | undefined =>
    rows.find(({ shape }) => shapeToText(shape) === shapeToText(job.shape))
  switch (job.mode) {
    case "full": {
      const row = rowOf(recordedFull)
      if (row === undefined) return null
      const giveBackMsPer1000 = (row.giveBackBestMs * 1_000) / job.shape.agents
      return peer({ cycleMs: row.bestMs, rssMb: row.rssMb, giveBackMsPer1000 })
    }
    case "decline": {
      const row = rowOf(recordedDecline)
      if (row === undefined) return null
      const cycleMs = { first: row.firstMs, half: row.halfMs, last: row.lastMs }[phase] ?? row.saturatedMs
      const giveBackMsPer1000 = phase === "first" ? row.giveBackMsPer1000 : null
      return peer({ cycleMs, rssMb: row.rssMb, giveBackMsPer1000 })
    }
    case "quota": {
      const row = rowOf(recordedQuota)
      if (row === undefined) return null
      return peer({ cycleMs: phase === "first" ? row.firstMs : row.secondMs, rssMb: row.rssMb })
    }
    case "incremental":
      return null
    case "memory":
      return phase === "filters" ? peer({ bytesPerFilter: mesosBytesPerFilter }) : null
  }
}

/** The goals; null where it sets none. */
const goalOf = (
  { mode, shape }: Job,
  figure: Figure,
  medianMs: number | null,
  ratio: number | null,
): AllocationLine["goal"] => {
  if (ratio !== null) return { text: "≥ 100×", isReached: ratio >= 100 }
  if (mode === "memory" && (figure.phase === "idle" || figure.phase === "all offered"))
    return { text: "≤ 1 KB per agent", isReached: figure.bytesPerAgent! <= 1_024 }
  if (mode === "memory" && figure.phase === "filters")
    return { text: "≤ 64 B per filter", isReached: figure.bytesPerFilter! <= 64 }
  if (medianMs === null) return null
  const isShape = (wanted: Shape) => shapeToText(shape) === shapeToText(wanted)
  if (mode === "full" && isShape(largestShape)) return { text: "< 250 ms", isReached: medianMs < 250 }
  if (mode === "incremental" && isShape(incrementalShape) && figure.offers === 1)
    return { text: "< 0.1 ms", isReached: medianMs < 0.1 }
  return null
}
