import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { environment } from "./Bench.ts"
import { type JobProcesses, runInProcesses } from "./JobProcesses.ts"
import type { Outcome } from "./Outcome.ts"
import type { WireJob, WireResult } from "./wire/Job.ts"
import { outcomeOf } from "./wire/Table.ts"

export type WireRun = Omit<JobProcesses<WireJob>, "suite" | "nameOf">

const root = fileURLToPath(new URL("..", import.meta.url))

const nameOf = ({ mode, agents, frameworks }: WireJob): string =>
  `${mode} ${agents} agents, ${frameworks} frameworks`

export const runWire = async (wanted: WireRun, say: (text: string) => void): Promise<Outcome> => {
  const folder = join(root, `node_modules/.cache/bench-wire-master-${process.pid}`)
  // What ships, or for a profile the same with the names of its functions.
  const program = wanted.profileFolder === null ? join(root, "dist/gleaner.js") : await bundleMaster(folder)
  process.env.GLEANER_BENCH_PROGRAM = program
  try {
    const { results, problems } = await runInProcesses<WireJob, WireResult>(
      { ...wanted, suite: "wire", nameOf },
      say,
    )
    return outcomeOf(results, environment(), problems)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const bundleMaster = async (folder: string): Promise<string> => {
  await build({
    absWorkingDir: root,
    entryPoints: { gleaner: "runtime/cli/main.ts", "journal-worker": "runtime/journal/SqliteWorker.ts" },
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "linked",
    logLevel: "error",
    external: ["better-sqlite3"],
    define: { "process.env.GLEANER_VERSION": '"0.0.0-profiled"' },
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  })
  // Below node_modules, no other package.json says that these are modules.
  await writeFile(join(folder, "package.json"), '{ "type": "module" }\n')
  return join(folder, "gleaner.js")
}
