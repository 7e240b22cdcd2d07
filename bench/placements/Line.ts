import { spreadOf } from "../allocation/Line.ts"
import type { Variant } from "../allocation/Workload.ts"
import type { PlacementFigure, PlacementJob } from "./Job.ts"
import { peerName, recordedWorkloads, type WorkloadName } from "./Recorded.ts"

/** One job beside what is demanded of kube-scheduler: a row of the table, an object of `--json`. */
export interface PlacementLine {
  readonly suite: "placements"
  readonly shape: WorkloadName
  readonly mode: Variant
  readonly rounds: number
  /** Made in each round. */
  readonly placements: number
  /** Of all requests of a round. */
  readonly cycleMs: { readonly median: number; readonly min: number }
  /** Median of the process's CPU time; far below that of `cycleMs` = the machine was busy elsewhere. */
  readonly cycleCpuMs: number
  /** At the median. */
  readonly placementsPerSecond: number
  readonly microsPerPlacement: number
  readonly rssMb: number
  readonly peer: { readonly name: string; readonly placementsPerSecond: number }
  readonly ratio: number
  readonly goal: { readonly text: string; readonly isReached: boolean }
}

/** Placements per second. */
export const goalPerSecond = 500_000

export const lineOf = (job: PlacementJob, figure: PlacementFigure): PlacementLine => {
  const { median, min } = spreadOf(figure.times.wallMs)
  const placementsPerSecond = (figure.placements / median) * 1_000
  const threshold = recordedWorkloads[job.workload].podsPerSecond
  return {
    suite: "placements",
    shape: job.workload,
    mode: job.variant,
    rounds: job.rounds,
    placements: figure.placements,
    cycleMs: { median, min },
    cycleCpuMs: spreadOf(figure.times.cpuMs).median,
    placementsPerSecond,
    microsPerPlacement: (median * 1_000) / figure.placements,
    rssMb: figure.rssMb,
    peer: { name: peerName, placementsPerSecond: threshold },
    ratio: placementsPerSecond / threshold,
    goal: { text: "≥ 500,000/s", isReached: placementsPerSecond >= goalPerSecond },
  }
}
