import { measureAgents, measureFrameworks } from "./AgentsMode.ts"
import type { WireJob, WireResult } from "./Job.ts"
import { measureLaunches } from "./LaunchesMode.ts"
import { type MasterProcess, startMaster } from "./MasterProcess.ts"
import { measureState } from "./StateMode.ts"

// Whoever plays the peers, in a process of its own, with the master as its child: node Child.mjs '{"job": …}'. Writes one line of
// JSON. The command line that it starts is named in the environment.

const { job } = JSON.parse(process.argv[2] ?? "") as { readonly job: WireJob }

const start = () => startMaster(process.env.GLEANER_BENCH_PROGRAM ?? "dist/gleaner.js")

const withOne = async (measure: (job: WireJob, master: MasterProcess) => Promise<WireResult>) => {
  const master = await start()
  try {
    return await measure(job, master)
  } finally {
    await master.stop()
  }
}

const measure = (): Promise<WireResult> => {
  switch (job.mode) {
    case "launches":
      return withOne(measureLaunches)
    case "agents":
      return withOne(measureAgents)
    case "frameworks":
      return withOne(measureFrameworks)
    case "state":
      return measureState(job, start)
  }
}

// Not before the profile of this process is written.
try {
  process.stdout.write(`${JSON.stringify(await measure())}\n`)
} catch (error) {
  const isWrong = error instanceof Error && error.name === "WrongResult"
  process.stderr.write(`${isWrong ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
}
