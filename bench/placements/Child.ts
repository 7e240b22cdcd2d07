import type { PlacementJob } from "./Job.ts"
import { makePlacing } from "./MakePlacing.ts"
import { runJob, warmUp } from "./RunJob.ts"

// One job in a process of its own: node Child.mjs '{"job": …, "isCold": false}'. Writes one line of JSON.

const { job, isCold } = JSON.parse(process.argv[2] ?? "") as {
  readonly job: PlacementJob
  readonly isCold: boolean
}

try {
  if (!isCold) warmUp(job, makePlacing)
  process.stdout.write(`${JSON.stringify(runJob(job, makePlacing))}\n`)
} catch (error) {
  const isWrong = error instanceof Error && error.name === "WrongResult"
  // An assertion of the placer, or a fault of the bench, is wrong as well, and its place helps.
  const text = isWrong ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`${text}\n`)
  process.exitCode = 1
}
