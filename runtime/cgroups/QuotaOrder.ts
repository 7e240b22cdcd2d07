import { isRefused, KernelRefused, ReadBackMismatch } from "./KernelErrors.ts"
import {
  cpuMilliToQuotaMicros,
  cpuPeriodMicros,
  type Limit,
  minCpuQuotaMicros,
  smallerLimit,
} from "./Limits.ts"
import { descendants, type PlainKernel, unlessGone } from "./PlainKernel.ts"

// The one implementation of design §5's order of quotas, for the agent (`Ceilings`, below Effect) and the monitor
// (without it). On v1 a group's quota may not exceed its parent's: EINVAL, from both sides. So every descendant above
// the target is lowered first, then the parent is set, then containers get back what their own limit allows. The three
// steps are right for a shrink and for growth alike. All functions throw `KernelRefused` and `ReadBackMismatch`.

/** How often a move is tried again when another process changed a quota in between. */
const raceRetries = 5

/** Own limits of the containers known here, milli-cpus: how far growth may raise them. */
export type OwnCpuLimits = Iterable<readonly [containerId: string, limits: { readonly cpuMilli: number }]>

export const readNumber = (kernel: PlainKernel, path: string): number => {
  const text = kernel.read(path).trim()
  const value = Number(text)
  if (text !== "" && Number.isFinite(value)) return value
  throw new KernelRefused({ operation: "read", path, errno: "EIO", detail: `not a number: ${text}` })
}

const writeExact = (kernel: PlainKernel, path: string, value: number): void => {
  kernel.write(path, String(value))
  const found = readNumber(kernel, path)
  if (found !== value) throw new ReadBackMismatch({ path, written: String(value), found: String(found) })
}

/** Quota of a group per 100 ms, whatever its own period is. */
export const readCpuQuota = (kernel: PlainKernel, group: string): Limit => {
  const quota = readNumber(kernel, `${group}/cpu.cfs_quota_us`)
  if (quota < 0) return "unlimited"
  const period = readNumber(kernel, `${group}/cpu.cfs_period_us`)
  return period === cpuPeriodMicros ? quota : Math.ceil((quota / period) * cpuPeriodMicros)
}

const writeCpuQuota = (kernel: PlainKernel, group: string, quota: Limit): void => {
  const period = `${group}/cpu.cfs_period_us`
  if (readNumber(kernel, period) !== cpuPeriodMicros) {
    // A longer period with the old quota could break the ratio to the parent; without a quota it cannot.
    kernel.write(`${group}/cpu.cfs_quota_us`, "-1")
    writeExact(kernel, period, cpuPeriodMicros)
  }
  writeExact(kernel, `${group}/cpu.cfs_quota_us`, quota === "unlimited" ? -1 : quota)
}

const lowerBelow = (kernel: PlainKernel, group: string, target: Limit): void => {
  if (target === "unlimited") return
  // Without a quota of its own a group takes its parent's, and no order applies.
  for (const below of descendants(kernel, group))
    unlessGone(() => {
      const quota = readCpuQuota(kernel, below)
      if (quota !== "unlimited" && quota > target) writeCpuQuota(kernel, below, target)
    }, undefined)
}

const raiseOwn = (kernel: PlainKernel, parent: string, target: Limit, own: OwnCpuLimits): void => {
  for (const [id, { cpuMilli }] of own)
    unlessGone(() => {
      const group = `${parent}/${id}`
      const wanted = smallerLimit(cpuMilliToQuotaMicros(cpuMilli), target)
      if (readCpuQuota(kernel, group) !== wanted) writeCpuQuota(kernel, group, wanted)
    }, undefined)
}

/**
 * The other writer (monitor or agent) may move the ceiling between our read and our write, and the agent may create a
 * container between the monitor's two steps; each sees EINVAL and looks again.
 */
const retryingRaces = (move: () => void): void => {
  for (let attempt = 1; ; attempt++)
    try {
      move()
      return
    } catch (error) {
      if (attempt > raceRetries || !isRefused(error, "EINVAL")) throw error
    }
}

/** Sets the parent's quota, microseconds per 100 ms (at least the kernel's floor of 1000), in the order above. */
export const moveCeilingQuota = (
  kernel: PlainKernel,
  parent: string,
  quota: Limit,
  own: OwnCpuLimits,
): void => {
  const target = quota === "unlimited" ? quota : Math.max(minCpuQuotaMicros, Math.floor(quota))
  retryingRaces(() => {
    lowerBelow(kernel, parent, target)
    writeCpuQuota(kernel, parent, target)
    raiseOwn(kernel, parent, target, own)
  })
}

/** Gives a container the smaller of its own quota and the ceiling in force. */
export const applyContainerQuota = (
  kernel: PlainKernel,
  parent: string,
  containerId: string,
  ownQuotaMicros: number,
): void => {
  const group = `${parent}/${containerId}`
  retryingRaces(() => {
    const wanted = smallerLimit(ownQuotaMicros, readCpuQuota(kernel, parent))
    lowerBelow(kernel, group, wanted)
    writeCpuQuota(kernel, group, wanted)
  })
}
