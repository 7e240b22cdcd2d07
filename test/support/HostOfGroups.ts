import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/**
 * A /proc of a host on which nothing runs but the processes of some cgroups: its cpu time is theirs. Tests of real load
 * then say the same beside whatever else this machine is busy with.
 */
export const startHostOfGroups = (cpus: number, cpuacctFolders: ReadonlyArray<string>) => {
  const folder = mkdtempSync(join(tmpdir(), "gleaner-proc-"))
  writeFileSync(join(folder, "meminfo"), readFileSync("/proc/meminfo"))
  const descriptor = openSync(join(folder, "stat"), "w")
  const write = () => {
    const nanos = cpuacctFolders.reduce(
      (sum, group) => sum + Number(readFileSync(`${group}/cpuacct.usage`, "utf8")),
      0,
    )
    // Always as long as before, so that no reader finds it cut.
    const line = `${String(Math.floor(nanos / 1e7)).padStart(12, "0")} 0 0 0 0 0 0 0\n`
    const lines = Array.from({ length: cpus }, (_, index) => `cpu${index} ${line}`)
    writeSync(descriptor, `cpu  ${line}${lines.join("")}`, 0)
  }
  write()
  const timer = setInterval(write, 10)
  return {
    folder,
    stop: () => {
      clearInterval(timer)
      closeSync(descriptor)
      rmSync(folder, { recursive: true })
    },
  }
}
