import { Effect } from "effect"
import { isRefused, type Kernel, KernelRefused } from "./CgroupKernel.ts"
import { MemoryInUse, ReadBackMismatch, type WriteError } from "./Cgroups.ts"

/** Period of every quota that gleaner writes, so that quotas compare as plain numbers (spec/mesos.md §3.10). */
export const cpuPeriodMicros = 100_000
/** Below 1 ms the kernel answers EINVAL. */
export const minCpuQuotaMicros = 1_000
/** At 2, the kernel's minimum, a job does not even reach exec beside a busy host (spec/legacy-kernel.md). */
export const minCpuShares = 16

/** Thousandths of MiB, the core's unit of memory, in whole bytes. */
export const memMilliToBytes = (memMilli: number): number => Math.floor((memMilli * 1_048_576) / 1_000)

/** Own quota of a container: spec/mesos.md §3.10. */
export const cpuMilliToQuotaMicros = (cpuMilli: number): number =>
  Math.max(minCpuQuotaMicros, Math.floor((cpuPeriodMicros * cpuMilli) / 1000))

export const cpuMilliToShares = (cpuMilli: number): number =>
  Math.max(minCpuShares, Math.floor((1024 * cpuMilli) / 1000))

/** Largest byte count that stands for a limit; el6 reads 2^63 - 1 for none, newer kernels the same less a page. */
const unlimitedBytesFrom = 2 ** 62

export type Limit = number | "unlimited"

export const smallerLimit = (a: Limit, b: Limit): Limit =>
  a === "unlimited" ? b : b === "unlimited" ? a : Math.min(a, b)

export const isAbove = (a: Limit, b: Limit): boolean => b !== "unlimited" && (a === "unlimited" || a > b)

/** Text and numbers of control files, over one kernel. A mismatch between written and read value is an error. */
export interface ControlFiles {
  readonly number: (path: string) => Effect.Effect<number, KernelRefused>
  /** The number, or the fallback where this kernel has no such file. */
  readonly numberOr: (path: string, fallback: number) => Effect.Effect<number, KernelRefused>
  /** Lines `key value`, as in cpu.stat; empty where the file is missing. */
  readonly table: (path: string) => Effect.Effect<ReadonlyMap<string, number>, KernelRefused>
  readonly writeExact: (path: string, value: number) => Effect.Effect<void, WriteError>
  /** Quota of a group per 100 ms, whatever its own period is. */
  readonly cpuQuota: (group: string) => Effect.Effect<Limit, KernelRefused>
  readonly writeCpuQuota: (group: string, quota: Limit) => Effect.Effect<void, WriteError>
  readonly memLimit: (group: string) => Effect.Effect<Limit, KernelRefused>
  /** `memory.limit_in_bytes` and, where present, `memory.memsw.limit_in_bytes`, in the order the kernel wants. */
  readonly writeMemLimit: (group: string, limit: Limit) => Effect.Effect<void, WriteError>
}

export const makeControlFiles = (kernel: Kernel): ControlFiles => {
  const number: ControlFiles["number"] = (path) =>
    Effect.flatMap(kernel.read(path), (text) => {
      const value = Number(text.trim())
      return text.trim() !== "" && Number.isFinite(value)
        ? Effect.succeed(value)
        : Effect.fail(
            new KernelRefused({
              operation: "read",
              path,
              errno: "EIO",
              detail: `not a number: ${text.trim()}`,
            }),
          )
    })

  const numberOr: ControlFiles["numberOr"] = (path, fallback) =>
    Effect.flatMap(kernel.exists(path), (isThere) => (isThere ? number(path) : Effect.succeed(fallback)))

  const table: ControlFiles["table"] = (path) =>
    Effect.flatMap(kernel.exists(path), (isThere) =>
      isThere
        ? Effect.map(kernel.read(path), parseTable)
        : Effect.succeed<ReadonlyMap<string, number>>(new Map()),
    )

  const writeChecked = (path: string, written: string, isSame: (found: number) => boolean) =>
    Effect.gen(function* () {
      yield* kernel.write(path, written)
      const found = yield* number(path)
      if (!isSame(found)) return yield* new ReadBackMismatch({ path, written, found: String(found) })
    })

  const writeExact: ControlFiles["writeExact"] = (path, value) =>
    writeChecked(path, String(value), (found) => found === value)

  const cpuQuota: ControlFiles["cpuQuota"] = (group) =>
    Effect.gen(function* () {
      const quota = yield* number(`${group}/cpu.cfs_quota_us`)
      if (quota < 0) return "unlimited"
      const period = yield* number(`${group}/cpu.cfs_period_us`)
      return period === cpuPeriodMicros ? quota : Math.ceil((quota / period) * cpuPeriodMicros)
    })

  const writeCpuQuota: ControlFiles["writeCpuQuota"] = (group, quota) =>
    Effect.gen(function* () {
      const period = `${group}/cpu.cfs_period_us`
      if ((yield* number(period)) !== cpuPeriodMicros) {
        // A longer period with the old quota could break the ratio to the parent; without a quota it cannot.
        yield* kernel.write(`${group}/cpu.cfs_quota_us`, "-1")
        yield* writeExact(period, cpuPeriodMicros)
      }
      yield* writeExact(`${group}/cpu.cfs_quota_us`, quota === "unlimited" ? -1 : quota)
    })

  const bytesToLimit = (bytes: number): Limit => (bytes >= unlimitedBytesFrom ? "unlimited" : bytes)

  const memLimit: ControlFiles["memLimit"] = (group) =>
    Effect.map(number(`${group}/memory.limit_in_bytes`), bytesToLimit)

  // The kernel counts pages: old ones round up, new ones down.
  const writeBytes = (path: string, limit: Limit) =>
    writeChecked(path, limit === "unlimited" ? "-1" : String(limit), (found) =>
      limit === "unlimited" ? found >= unlimitedBytesFrom : Math.abs(found - limit) < kernel.pageBytes,
    )

  const writeMemLimit: ControlFiles["writeMemLimit"] = (group, limit) =>
    Effect.gen(function* () {
      const plain = `${group}/memory.limit_in_bytes`
      const withSwap = `${group}/memory.memsw.limit_in_bytes`
      const files = (yield* kernel.exists(withSwap)) ? [plain, withSwap] : [plain]
      // memsw may never be below the plain limit, so it goes first on the way up and last on the way down.
      if (!isAbove(yield* memLimit(group), limit)) files.reverse()
      for (const file of files) yield* writeBytes(file, limit)
    }).pipe(
      Effect.catchIf(
        (error) => isRefused(error, "EBUSY"),
        () =>
          Effect.flatMap(number(`${group}/memory.usage_in_bytes`), (usageBytes) =>
            Effect.fail(
              new MemoryInUse({ path: group, limitBytes: limit === "unlimited" ? 0 : limit, usageBytes }),
            ),
          ),
      ),
    )

  return { number, numberOr, table, writeExact, cpuQuota, writeCpuQuota, memLimit, writeMemLimit }
}

const parseTable = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text.split("\n").flatMap((line) => {
      const [key, value] = line.split(" ")
      return key !== undefined && value !== undefined ? [[key, Number(value)] as const] : []
    }),
  )
