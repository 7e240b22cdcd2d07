import type { CycleTimes } from "../allocation/Cluster.ts"
import type { Variant } from "../allocation/Workload.ts"
import { recordedWorkloads, type Size, type WorkloadName, workloadNames } from "./Recorded.ts"

/** What one process measures. */
export interface PlacementJob {
  readonly workload: WorkloadName
  readonly variant: Variant
  readonly size: Size
  readonly rounds: number
}

/** What came of it. */
export interface PlacementFigure {
  /** Of all requests of a round, round by round. */
  readonly times: CycleTimes
  /** Made in each round. */
  readonly placements: number
  /** Of the process afterwards, in MB of 10⁶ bytes. */
  readonly rssMb: number
}

/** What was asked for; an empty list = no wish. */
export interface PlacementWishes {
  readonly workloads: ReadonlyArray<WorkloadName>
  readonly variants: ReadonlyArray<Variant>
  readonly rounds: number | null
}

/** As many as give a median that stays; the longest takes a fraction of a second. */
const usualRounds = 20

export const planPlacements = (wishes: PlacementWishes): ReadonlyArray<PlacementJob> => {
  const workloads = wishes.workloads.length === 0 ? workloadNames : wishes.workloads
  const variants = wishes.variants.length === 0 ? (["alike", "mixed"] as const) : wishes.variants
  return workloads.flatMap((workload) =>
    variants.map((variant) => ({
      workload,
      variant,
      size: recordedWorkloads[workload].size,
      rounds: wishes.rounds ?? usualRounds,
    })),
  )
}
