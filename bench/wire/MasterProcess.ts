import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { wrongResult } from "../allocation/WrongResult.ts"

/** CPU time and memory of a process at a moment. */
export interface Usage {
  readonly cpuMs: number
  readonly rssMb: number
}

/** A real master in a process of its own, with everything durable, as people start it. */
export interface MasterProcess {
  readonly port: number
  readonly secret: string
  readonly usage: () => Usage
  /** Size of its journal's files. */
  readonly journalMb: () => number
  readonly stop: () => Promise<void>
}

/** Ticks of /proc/PID/stat a second; the same on every Linux that Node runs on. */
const ticksPerSecond = 100

const usageOf = (pid: number): Usage => {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
  // Behind the name, which may contain anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const ticks = Number(fields[11]) + Number(fields[12])
  const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1])
  return { cpuMs: (ticks * 1_000) / ticksPerSecond, rssMb: (rssKb * 1024) / 1e6 }
}

const readyOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let said = ""
    child.stdout!.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8")
      const url = /"url":"([^"]+)"/.exec(said)?.[1]
      if (url !== undefined) resolve(url)
    })
    child.stderr!.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString("utf8")).slice(-10_000)
    })
    child.once("exit", () => reject(new Error(`the master ended before it served:\n${said}`)))
  })

/** `program`: the bundled command line. Its CPU is profiled when this process's is. */
export const startMaster = async (program: string): Promise<MasterProcess> => {
  const folder = mkdtempSync(join(tmpdir(), "gleaner-bench-wire-"))
  const profiling = process.execArgv.filter((word) => word.startsWith("--cpu-prof"))
  const child = spawn(
    process.execPath,
    [
      ...["--max-old-space-size=8192", ...profiling, program, "master"],
      ...["--data", folder, "--port", "0", "--with-parent"],
    ],
    { stdio: ["pipe", "pipe", "pipe"] },
  )
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  try {
    const url = await readyOf(child)
    return {
      port: Number(new URL(url).port),
      secret: readFileSync(join(folder, "secret"), "utf8").trim(),
      usage: () => {
        if (child.exitCode !== null) wrongResult(`the master ended with code ${child.exitCode}`)
        return usageOf(child.pid!)
      },
      journalMb: () =>
        readdirSync(folder, { recursive: true, encoding: "utf8" }).reduce(
          (sum, name) => sum + (/journal/.test(name) ? statSync(join(folder, name)).size : 0),
          0,
        ) / 1e6,
      stop: async () => {
        child.kill("SIGTERM")
        await ended
        rmSync(folder, { recursive: true })
      },
    }
  } catch (error) {
    child.kill("SIGKILL")
    await ended
    rmSync(folder, { recursive: true })
    throw error
  }
}
