import { execFile } from "node:child_process"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { build } from "esbuild"
import type { Figure, Job } from "./allocation/Job.ts"
import { type AllocationLine, linesOf, shapeOf } from "./allocation/Line.ts"
import { outcomeOf } from "./allocation/Tables.ts"
import { environment } from "./Bench.ts"
import type { Outcome } from "./Outcome.ts"

export interface AllocationRun {
  readonly jobs: ReadonlyArray<Job>
  /** Without warming up: what a process just started does. */
  readonly isCold: boolean
  /** Where each process leaves its CPU profile; null = none. */
  readonly profileFolder: string | null
}

const run = promisify(execFile)
/** Far above what any job takes, so that a hang ends. */
const timeoutMs = 15 * 60_000
const root = fileURLToPath(new URL("..", import.meta.url))

/** Each job in a process of its own, one after the other, so that memory is its own and no job runs in another's heap. */
export const runAllocation = async (
  { jobs, isCold, profileFolder }: AllocationRun,
  say: (text: string) => void,
): Promise<Outcome> => {
  // As it ships: bundled JavaScript, without the loader that runs this file. Below node_modules nothing else looks at it.
  const bundle = join(root, `node_modules/.cache/bench-allocation-${process.pid}.mjs`)
  await build({
    entryPoints: [join(root, "bench/allocation/Child.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: profileFolder === null ? false : "inline",
    logLevel: "error",
  })
  const lines: Array<AllocationLine> = []
  const problems: Array<string> = []
  // A child that outlives this process would disturb whatever is measured next.
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal)
  try {
    for (const job of jobs) {
      if (stop.signal.aborted) break
      const name = `${job.mode} ${shapeOf(job)} ${job.variant} (${job.settings} settings)`
      say(`allocation ${name}`)
      const result = await runChild(bundle, job, isCold, profileFolder, stop.signal)
      if (typeof result === "string") problems.push(`allocation ${name}: ${result}`)
      else lines.push(...linesOf(job, result))
    }
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal)
    await rm(bundle, { force: true })
  }
  if (stop.signal.aborted) {
    say("stopped by a signal")
    process.exit(1)
  }
  return outcomeOf(lines, environment(), problems)
}

const runChild = async (
  bundle: string,
  job: Job,
  isCold: boolean,
  profileFolder: string | null,
  signal: AbortSignal,
): Promise<ReadonlyArray<Figure> | string> => {
  const profile = profileFolder === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`]
  const args = ["--max-old-space-size=8192", ...profile, bundle, JSON.stringify({ job, isCold })]
  try {
    const { stdout } = await run(process.execPath, args, {
      timeout: timeoutMs,
      maxBuffer: 64 * 1024 * 1024,
      signal,
    })
    return JSON.parse(stdout) as ReadonlyArray<Figure>
  } catch (error) {
    const { stderr, killed } = error as { readonly stderr?: string; readonly killed?: boolean }
    if (killed === true) return `did not end within ${timeoutMs / 60_000} minutes`
    return (stderr ?? "").trim() || String(error)
  }
}
