import { readFileSync } from "node:fs"

/** Pids are reused; a pid with its start time (clock ticks since boot, proc(5) field 22) is one process. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTicks: number
}

/** Start time of a process that runs, undefined for one that has ended (also when nobody has reaped it yet). */
export const readStartTicks = (pid: number): number | undefined => {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  } catch {
    return undefined // ENOENT, or ESRCH when it ends during the read
  }
  // The name in parentheses may hold spaces and parentheses, so fields count from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return fields[0] === "Z" || fields[0] === "X" ? undefined : Number(fields[19])
}

export const isRunning = (identity: ProcessIdentity): boolean =>
  readStartTicks(identity.pid) === identity.startTicks
