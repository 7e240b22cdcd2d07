import type { Job } from "./Job.ts"
import { makeAllocator } from "./MakeAllocator.ts"
import { runJob, warmUp } from "./RunJob.ts"

// One job in a process of its own, as in the recorded runs: node Child.mjs '{"job": …, "isCold": false}'. Writes one line of JSON.

const { job, isCold } = JSON.parse(process.argv[2] ?? "") as { readonly job: Job; readonly isCold: boolean }

try {
  if (!isCold) warmUp(job, makeAllocator)
  process.stdout.write(`${JSON.stringify(runJob(job, makeAllocator))}\n`)
} catch (error) {
  const text = error instanceof Error && error.name === "WrongResult" ? error.message : stackOf(error)
  process.stderr.write(`${text}\n`)
  process.exitCode = 1
}

/** An assertion of the allocator, or a fault of the bench: wrong as well, and its place helps. */
function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
