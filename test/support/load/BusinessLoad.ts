import { type ChildProcess, spawn } from "node:child_process"
import { availableParallelism } from "node:os"

// The business of a host: processes outside all cgroups of gleaner, which use as much cpu as they are told.

/** Works for its share of each 50 ms; a new share comes as a line on stdin, whose end ends it. */
const worker = `
let share = Number(process.argv[1])
process.stdin.on("data", (chunk) => { share = Number(String(chunk).trim().split("\\n").pop()) })
process.stdin.on("end", () => process.exit(0))
const sliceMs = 50
const work = () => {
  const endMs = performance.now() + share * sliceMs
  while (performance.now() < endMs) {}
  setTimeout(work, share >= 1 ? 0 : (1 - share) * sliceMs)
}
work()
`

export interface BusinessLoad {
  /** Share of each worker's cpu, 0 to 1. */
  readonly set: (share: number) => void
  readonly stop: () => Promise<void>
}

/** One worker for each cpu, so that share 1 keeps the whole host busy. */
export const startBusinessLoad = (share: number): BusinessLoad => {
  const start = (): ChildProcess =>
    spawn(process.execPath, ["-e", worker, String(share)], { stdio: ["pipe", "ignore", "inherit"] })
  const children = Array.from({ length: availableParallelism() }, start)
  const ends = children.map((child) => new Promise<void>((resolve) => child.on("exit", () => resolve())))
  return {
    set: (next) => {
      for (const child of children) child.stdin?.write(`${next}\n`)
    },
    stop: async () => {
      for (const child of children) child.kill("SIGKILL")
      await Promise.all(ends)
    },
  }
}
