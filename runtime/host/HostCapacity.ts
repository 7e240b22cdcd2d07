import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { Data, Effect } from "effect"

/** What a host has, in the core's units: thousandths of a cpu and of a MiB. */
export interface HostCapacity {
  readonly cpuMilli: number
  readonly memMilli: number
  readonly diskMilli: number
}

export class HostCapacityUnknown extends Data.TaggedError("HostCapacityUnknown")<{
  readonly path: string
  readonly reason: string
}> {
  override get message() {
    return `cannot find out this host's capacity from ${this.path}: ${this.reason}; state it with --cpus and --mem`
  }
}

const unknown = (path: string) => (error: unknown) =>
  new HostCapacityUnknown({ path, reason: error instanceof Error ? error.message : String(error) })

const read = (path: string) => Effect.try({ try: () => readFileSync(path, "utf8"), catch: unknown(path) })

/** Cpus that are online: /proc/stat lists no others. */
export const parseOnlineCpus = (stat: string): number => (stat.match(/^cpu\d+ /gm) ?? []).length

export const parseMemTotalKiB = (meminfo: string): number =>
  Number(/^MemTotal:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? Number.NaN)

/** Size column of `df -P -k`, whose last line is the folder's file system. */
export const parseDfKiB = (text: string): number => {
  const line = text.trim().split("\n").pop() ?? ""
  return Number(/\s(\d+)\s+\d+\s+\d+\s+\d+%\s/.exec(line)?.[1] ?? Number.NaN)
}

const kiBToMilli = (kiB: number): number => Math.floor((kiB * 1000) / 1024)

/** Keeps something for the system: total − `spare` when there is twice that, else half (spec/mesos.md §1.7). */
const leaveSpare = (totalMilli: number, spareMiB: number): number =>
  totalMilli >= 2 * spareMiB * 1000 ? totalMilli - spareMiB * 1000 : Math.floor(totalMilli / 2)

const whole = (path: string, value: number) =>
  Number.isFinite(value) && value > 0
    ? Effect.succeed(value)
    : Effect.fail(new HostCapacityUnknown({ path, reason: "unexpected content" }))

const diskSizeKiB = (folder: string) =>
  // statfs came to Node long after 10; df is everywhere.
  Effect.async<string, HostCapacityUnknown>((resume) => {
    execFile(
      "df",
      ["-P", "-k", "--", folder],
      { env: { PATH: "/usr/bin:/bin", LC_ALL: "C" } },
      (error, stdout) =>
        resume(error === null ? Effect.succeed(stdout) : Effect.fail(unknown(folder)(error))),
    )
  }).pipe(Effect.flatMap((text) => whole(folder, parseDfKiB(text))))

/** All that the host has. */
export const readTotal = (workDir: string): Effect.Effect<HostCapacity, HostCapacityUnknown> =>
  Effect.gen(function* () {
    const cpus = yield* whole("/proc/stat", parseOnlineCpus(yield* read("/proc/stat")))
    const memKiB = yield* whole("/proc/meminfo", parseMemTotalKiB(yield* read("/proc/meminfo")))
    const diskKiB = yield* diskSizeKiB(workDir)
    return { cpuMilli: cpus * 1000, memMilli: kiBToMilli(memKiB), diskMilli: kiBToMilli(diskKiB) }
  })

/** What an agent offers when nobody says otherwise: Mesos's rule, 1 GB of memory and 5 GB of disk spared. */
export const offerable = (total: HostCapacity): HostCapacity => ({
  cpuMilli: total.cpuMilli,
  memMilli: leaveSpare(total.memMilli, 1024),
  diskMilli: leaveSpare(total.diskMilli, 5 * 1024),
})
