import { environment } from "./Bench.ts"
import { type JobProcesses, runInProcesses } from "./JobProcesses.ts"
import type { Outcome } from "./Outcome.ts"
import type { PlacementFigure, PlacementJob } from "./placements/Job.ts"
import { lineOf } from "./placements/Line.ts"
import { outcomeOf } from "./placements/Table.ts"

export type PlacementRun = Omit<JobProcesses<PlacementJob>, "suite" | "nameOf">

const nameOf = ({ workload, variant }: PlacementJob): string => `${workload} ${variant}`

export const runPlacements = async (wanted: PlacementRun, say: (text: string) => void): Promise<Outcome> => {
  const { results, problems } = await runInProcesses<PlacementJob, PlacementFigure>(
    { ...wanted, suite: "placements", nameOf },
    say,
  )
  const lines = results.map(({ job, result }) => lineOf(job, result))
  return outcomeOf(lines, environment(), problems)
}
