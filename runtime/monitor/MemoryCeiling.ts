import { existsSync } from "node:fs"
import { isGone, isRefused, ReadBackMismatch } from "../cgroups/KernelErrors.ts"
import {
  bytesToLimit,
  bytesToMemMilli,
  isAbove,
  isSameMemLimit,
  type Limit,
  memLimitFiles,
  memLimitText,
  memMilliToBytes,
} from "../cgroups/Limits.ts"
import { pageBytes, toKernelRefused, writeInPool } from "../cgroups/LinuxPlainKernel.ts"
import type { PlainKernel } from "../cgroups/PlainKernel.ts"
import { readNumber } from "../cgroups/QuotaOrder.ts"

export interface MemoryCeilingOptions {
  readonly kernel: PlainKernel
  /** The parent's folder in the memory hierarchy; undefined where there is none. */
  readonly folder: string | undefined
  /** Asked immediately before every write of a raise. */
  readonly mayRaise: () => boolean
  /** What is used cannot be reclaimed: the limit stays as near above it as the kernel allows. */
  readonly onInUse: (limitBytes: number, usageBytes: number) => void
  readonly onFailure: (error: Error) => void
  /** A limit was written, or as near to it as the kernel allows. */
  readonly onWritten: () => void
  /** For tests: how a memory file is written without blocking, and whether a file is there. */
  readonly write?: (path: string, text: string) => Promise<void>
  readonly exists?: (path: string) => boolean
}

/**
 * The memory limit of the harvest's parent group. Lowering one may reclaim for seconds, so it happens in libuv's pool,
 * one at a time, the newest wish next; the guard loop never waits for it.
 */
export interface MemoryCeiling {
  /** As the kernel says it now, thousandths of MiB; undefined where there is no parent (yet). Throws `KernelRefused`. */
  readonly read: () => Limit | undefined
  readonly want: (memMilli: number) => void
  /** Tries again for the last wish when it did not fit. */
  readonly retry: () => void
  /** When nothing is being written any more. */
  readonly settled: () => Promise<void>
}

/** What is left above the use when a limit cannot be had: a limit without any room makes every allocation reclaim. */
const roomBytes = 1024 * 1024

const writeFileInPool = (path: string, text: string): Promise<void> =>
  new Promise((resolve, reject) =>
    writeInPool(path, text, (error) =>
      error === null ? resolve() : reject(toKernelRefused("write", path, error)),
    ),
  )

export const makeMemoryCeiling = (options: MemoryCeilingOptions): MemoryCeiling => {
  const { kernel, folder } = options
  const write = options.write ?? writeFileInPool
  const exists = options.exists ?? existsSync
  let wantedBytes: number | undefined
  let isPending = false
  let running: Promise<void> | undefined

  const readLimit = (): Limit | undefined => {
    if (folder === undefined) return undefined
    try {
      return bytesToLimit(readNumber(kernel, `${folder}/memory.limit_in_bytes`))
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }

  const writeLimit = async (parent: string, inForce: Limit, bytes: number) => {
    const hasSwapLimit = exists(`${parent}/memory.memsw.limit_in_bytes`)
    for (const file of memLimitFiles(inForce, bytes, hasSwapLimit)) {
      // Read again: what was to be lowered may be a raise by now, after the agent has lowered it further.
      if (!options.mayRaise() && isAbove(bytes, readLimit() ?? bytes)) return
      const path = `${parent}/${file}`
      await write(path, memLimitText(bytes))
      const found = readNumber(kernel, path)
      if (!isSameMemLimit(found, bytes, pageBytes))
        throw new ReadBackMismatch({ path, written: String(bytes), found: String(found) })
    }
  }

  const apply = async (bytes: number) => {
    const inForce = readLimit()
    if (folder === undefined || inForce === undefined) return
    if (inForce !== "unlimited" && isSameMemLimit(inForce, bytes, pageBytes)) return
    try {
      await writeLimit(folder, inForce, bytes)
      options.onWritten()
    } catch (error) {
      if (!isRefused(error, "EBUSY")) throw error
      const usageBytes = readNumber(kernel, `${folder}/memory.usage_in_bytes`)
      options.onInUse(bytes, usageBytes)
      const nearest = Math.ceil((usageBytes + roomBytes) / pageBytes) * pageBytes
      if (isAbove(readLimit() ?? nearest, nearest)) await writeLimit(folder, readLimit()!, nearest)
      options.onWritten()
    }
  }

  const run = async () => {
    while (isPending && wantedBytes !== undefined) {
      isPending = false
      try {
        await apply(wantedBytes)
      } catch (error) {
        // Use may have grown between reading it and the write: the next retry looks again.
        if (!isGone(error) && !isRefused(error, "EBUSY")) options.onFailure(error as Error)
      }
    }
    running = undefined
  }

  const start = () => {
    isPending = true
    running ??= run()
  }

  return {
    read: () => {
      const limit = readLimit()
      return limit === undefined || limit === "unlimited" ? limit : bytesToMemMilli(limit)
    },
    want: (memMilli) => {
      wantedBytes = Math.floor(memMilliToBytes(memMilli) / pageBytes) * pageBytes
      start()
    },
    retry: () => {
      if (wantedBytes !== undefined && running === undefined) start()
    },
    settled: () => running ?? Promise.resolve(),
  }
}
