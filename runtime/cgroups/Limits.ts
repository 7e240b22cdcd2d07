/** Period of every quota that gleaner writes, so that quotas compare as plain numbers (spec/mesos.md §3.10). */
export const cpuPeriodMicros = 100_000
/** Below 1 ms the kernel answers EINVAL. */
export const minCpuQuotaMicros = 1_000
/** At 2, the kernel's minimum, a job does not even reach exec beside a busy host (spec/legacy-kernel.md). */
export const minCpuShares = 16

/**
 * Weight of the harvest parent beside the primary's 1024. When all of gleaner is dead and a stale ceiling stands, a
 * busy primary still gets 16 times the cpu of the harvest; on an idle host a weight limits nothing.
 */
export const harvestCpuShares = 64

/** Thousandths of MiB, the core's unit of memory, in whole bytes. */
export const memMilliToBytes = (memMilli: number): number => Math.floor((memMilli * 1_048_576) / 1_000)

export const bytesToMemMilli = (bytes: number): number => Math.floor((bytes * 1_000) / 1_048_576)

/** Own quota of a container: spec/mesos.md §3.10. */
export const cpuMilliToQuotaMicros = (cpuMilli: number): number =>
  Math.max(minCpuQuotaMicros, Math.floor((cpuPeriodMicros * cpuMilli) / 1000))

export const quotaMicrosToCpuMilli = (quotaMicros: number): number =>
  Math.floor((quotaMicros * 1000) / cpuPeriodMicros)

export const cpuMilliToShares = (cpuMilli: number): number =>
  Math.max(minCpuShares, Math.floor((1024 * cpuMilli) / 1000))

/** Largest byte count that stands for a limit; el6 reads 2^63 - 1 for none, newer kernels the same less a page. */
const unlimitedBytesFrom = 2 ** 62

export type Limit = number | "unlimited"

/** What `memory.limit_in_bytes` reads, as a limit. */
export const bytesToLimit = (bytes: number): Limit => (bytes >= unlimitedBytesFrom ? "unlimited" : bytes)

export const smallerLimit = (a: Limit, b: Limit): Limit =>
  a === "unlimited" ? b : b === "unlimited" ? a : Math.min(a, b)

export const isAbove = (a: Limit, b: Limit): boolean => b !== "unlimited" && (a === "unlimited" || a > b)

/**
 * The order in which the two memory limits are written: memsw may never be below the plain limit, so it goes first on
 * the way up and last on the way down.
 */
export const memLimitFiles = (
  inForce: Limit,
  wanted: Limit,
  hasSwapLimit: boolean,
): ReadonlyArray<string> => {
  const plain = "memory.limit_in_bytes"
  const withSwap = "memory.memsw.limit_in_bytes"
  if (!hasSwapLimit) return [plain]
  return isAbove(inForce, wanted) ? [plain, withSwap] : [withSwap, plain]
}

export const memLimitText = (limit: Limit): string => (limit === "unlimited" ? "-1" : String(limit))

/** The kernel counts pages: old ones round up, new ones down. */
export const isSameMemLimit = (found: number, wanted: Limit, pageBytes: number): boolean =>
  wanted === "unlimited" ? bytesToLimit(found) === "unlimited" : Math.abs(found - wanted) < pageBytes
