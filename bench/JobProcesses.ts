import { execFile } from "node:child_process"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { build } from "esbuild"

/** What processes measure, one after the other. */
export interface JobProcesses<Job> {
  readonly suite: string
  readonly jobs: ReadonlyArray<Job>
  readonly nameOf: (job: Job) => string
  /** Without warming up: what a process just started does. */
  readonly isCold: boolean
  /** Where each process leaves its CPU profile; null = none. */
  readonly profileFolder: string | null
}

export interface JobResults<Job, Result> {
  readonly results: ReadonlyArray<{ readonly job: Job; readonly result: Result }>
  /** What went wrong, with the name of the job in front. */
  readonly problems: ReadonlyArray<string>
}

const run = promisify(execFile)
/** Far above what any job takes, so that a hang ends. */
const timeoutMs = 15 * 60_000
const root = fileURLToPath(new URL("..", import.meta.url))

/**
 * Each job in a process of its own, one after the other, so that memory is its own and no job runs in another's heap. The program is
 * `SUITE/Child.ts`, which takes `{ job, isCold }` as JSON and writes its result as one line of it.
 */
export const runInProcesses = async <Job, Result>(
  { suite, jobs, nameOf, isCold, profileFolder }: JobProcesses<Job>,
  say: (text: string) => void,
): Promise<JobResults<Job, Result>> => {
  const bundle = join(root, `node_modules/.cache/bench-${suite}-${process.pid}.mjs`)
  await bundleChild(suite, bundle, profileFolder !== null)
  const results: Array<{ readonly job: Job; readonly result: Result }> = []
  const problems: Array<string> = []
  // A child that outlives this process would disturb whatever is measured next.
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal)
  try {
    for (const job of jobs) {
      if (stop.signal.aborted) break
      say(`${suite} ${nameOf(job)}`)
      const profile = profileFolder === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`]
      const told = await runChild([...profile, bundle, JSON.stringify({ job, isCold })], stop.signal)
      if (typeof told === "string") problems.push(`${suite} ${nameOf(job)}: ${told}`)
      else results.push({ job, result: told.result as Result })
    }
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal)
    await rm(bundle, { force: true })
  }
  if (stop.signal.aborted) {
    say("stopped by a signal")
    process.exit(1)
  }
  return { results, problems }
}

/** As it ships: bundled JavaScript, without the loader that runs this file. Below node_modules nothing else looks at it. */
const bundleChild = async (suite: string, bundle: string, hasSources: boolean): Promise<void> => {
  await build({
    entryPoints: [join(root, `bench/${suite}/Child.ts`)],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: hasSources ? "inline" : false,
    logLevel: "error",
  })
}

/** What is wrong as a text. */
const runChild = async (
  args: ReadonlyArray<string>,
  signal: AbortSignal,
): Promise<{ readonly result: unknown } | string> => {
  try {
    const { stdout } = await run(process.execPath, ["--max-old-space-size=8192", ...args], {
      timeout: timeoutMs,
      maxBuffer: 64 * 1024 * 1024,
      signal,
    })
    return { result: JSON.parse(stdout) }
  } catch (error) {
    const { stderr, killed } = error as { readonly stderr?: string; readonly killed?: boolean }
    if (killed === true) return `did not end within ${timeoutMs / 60_000} minutes`
    return (stderr ?? "").trim() || String(error)
  }
}
