import type { Figure, Job } from "./allocation/Job.ts"
import { linesOf, shapeOf } from "./allocation/Line.ts"
import { outcomeOf } from "./allocation/Tables.ts"
import { environment } from "./Bench.ts"
import { type JobProcesses, runInProcesses } from "./JobProcesses.ts"
import type { Outcome } from "./Outcome.ts"

export type AllocationRun = Omit<JobProcesses<Job>, "suite" | "nameOf">

const nameOf = (job: Job): string => `${job.mode} ${shapeOf(job)} ${job.variant} (${job.settings} settings)`

export const runAllocation = async (wanted: AllocationRun, say: (text: string) => void): Promise<Outcome> => {
  const { results, problems } = await runInProcesses<Job, ReadonlyArray<Figure>>(
    { ...wanted, suite: "allocation", nameOf },
    say,
  )
  const lines = results.flatMap(({ job, result }) => linesOf(job, result))
  return outcomeOf(lines, environment(), problems)
}
