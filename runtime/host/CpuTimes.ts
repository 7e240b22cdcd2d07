import { HostFileUnreadable } from "./HostFile.ts"

/** What /proc/stat says of all cpus together. Ticks are 10 ms (USER_HZ = 100 wherever Node runs). */
export interface CpuTimes {
  /** user + nice + system + irq + softirq + steal since boot; guest time is a part of user. */
  readonly busyTicks: number
  /** Only cpus that are online have a line of their own. */
  readonly onlineCpus: number
}

export const tickMs = 10
export const nanosPerTick = tickMs * 1_000_000

/** user nice system idle iowait irq softirq steal: all kernels since 2.6.11; guest and guest_nice follow on newer ones. */
const columnsLeast = 8

/** Sums of the busy columns; throws {@link HostFileUnreadable} naming the file. */
export const parseCpuTimes = (text: string, path = "/proc/stat"): CpuTimes => {
  let onlineCpus = 0
  let start = 0
  // The lines of cpus come first; what follows (intr alone may have 20 KiB) is of no use.
  while (text.startsWith("cpu", start)) {
    if (start > 0) onlineCpus += 1
    const end = text.indexOf("\n", start)
    if (end < 0) break
    start = end + 1
  }
  if (!text.startsWith("cpu "))
    throw new HostFileUnreadable(path, "it does not begin with a line of all cpus")
  if (onlineCpus === 0) throw new HostFileUnreadable(path, "it has no line of a single cpu")
  return { busyTicks: parseBusyTicks(text.slice(0, text.indexOf("\n")), path), onlineCpus }
}

const parseBusyTicks = (line: string, path: string): number => {
  const columns = line.trim().split(/ +/)
  if (columns.length - 1 < columnsLeast)
    throw new HostFileUnreadable(path, `line 1 has ${columns.length - 1} columns, expected at least 8`)
  let busy = 0
  for (let column = 1; column <= columnsLeast; column++) {
    const ticks = Number(columns[column])
    if (!(ticks >= 0)) throw new HostFileUnreadable(path, `line 1, column ${column} is "${columns[column]}"`)
    const isIdle = column === 4 || column === 5
    if (!isIdle) busy += ticks
  }
  return busy
}
