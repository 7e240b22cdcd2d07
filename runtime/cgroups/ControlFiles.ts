import { Effect } from "effect"
import { isRefused, type Kernel, KernelRefused } from "./CgroupKernel.ts"
import { MemoryInUse, ReadBackMismatch, type WriteError } from "./KernelErrors.ts"
import { bytesToLimit, isSameMemLimit, type Limit, memLimitFiles, memLimitText } from "./Limits.ts"

export {
  cpuMilliToQuotaMicros,
  cpuMilliToShares,
  cpuPeriodMicros,
  isAbove,
  type Limit,
  memMilliToBytes,
  minCpuQuotaMicros,
  minCpuShares,
  smallerLimit,
} from "./Limits.ts"

/** Text and numbers of control files, over one kernel. A mismatch between written and read value is an error. */
export interface ControlFiles {
  readonly number: (path: string) => Effect.Effect<number, KernelRefused>
  /** The number, or the fallback where this kernel has no such file. */
  readonly numberOr: (path: string, fallback: number) => Effect.Effect<number, KernelRefused>
  /** Lines `key value`, as in cpu.stat; empty where the file is missing. */
  readonly table: (path: string) => Effect.Effect<ReadonlyMap<string, number>, KernelRefused>
  readonly writeExact: (path: string, value: number) => Effect.Effect<void, WriteError>
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
      if (!isSame(found))
        return yield* Effect.fail(new ReadBackMismatch({ path, written, found: String(found) }))
    })

  const writeExact: ControlFiles["writeExact"] = (path, value) =>
    writeChecked(path, String(value), (found) => found === value)

  const memLimit: ControlFiles["memLimit"] = (group) =>
    Effect.map(number(`${group}/memory.limit_in_bytes`), bytesToLimit)

  const writeMemLimit: ControlFiles["writeMemLimit"] = (group, limit) =>
    Effect.gen(function* () {
      const hasSwapLimit = yield* kernel.exists(`${group}/memory.memsw.limit_in_bytes`)
      for (const file of memLimitFiles(yield* memLimit(group), limit, hasSwapLimit))
        yield* writeChecked(`${group}/${file}`, memLimitText(limit), (found) =>
          isSameMemLimit(found, limit, kernel.pageBytes),
        )
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

  return { number, numberOr, table, writeExact, memLimit, writeMemLimit }
}

const parseTable = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text.split("\n").flatMap((line) => {
      const [key, value] = line.split(" ")
      return key !== undefined && value !== undefined ? [[key, Number(value)] as const] : []
    }),
  )
