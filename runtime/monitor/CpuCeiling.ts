import { isGone } from "../cgroups/KernelErrors.ts"
import { cpuMilliToQuotaMicros, isAbove, type Limit, quotaMicrosToCpuMilli } from "../cgroups/Limits.ts"
import type { PlainKernel } from "../cgroups/PlainKernel.ts"
import { moveCeilingQuota, type OwnCpuLimits, readCpuQuota, readNumber } from "../cgroups/QuotaOrder.ts"

/** A raise that the lease did not cover at the very moment of a write. */
export class RaiseNotTrusted extends Error {
  readonly _tag = "RaiseNotTrusted"

  constructor() {
    super("the agent has not answered recently enough to raise the ceiling")
    this.name = "RaiseNotTrusted"
  }
}

export interface CpuCeilingOptions {
  readonly kernel: PlainKernel
  /** The parent's folder in the cpu hierarchy; undefined where there is none. */
  readonly folder: string | undefined
  /** Asked immediately before every write; without it only what lowers is written. */
  readonly mayRaise: () => boolean
}

export type Move = "lowered" | "raised" | "none"

/** The quota of the harvest's parent group as the monitor moves it. Everything is synchronous, within a guard period. */
export interface CpuCeiling {
  /** As the kernel says it now, milli-cpus; undefined where there is no parent (yet). Throws `KernelRefused`. */
  readonly read: () => Limit | undefined
  /**
   * Writes and reads back in the order of design §5. Throws `RaiseNotTrusted` before anything is raised that must not be,
   * and `KernelRefused`, `ReadBackMismatch`.
   */
  readonly move: (cpuMilli: number, own: OwnCpuLimits) => Move
}

export const makeCpuCeiling = ({ kernel, folder, mayRaise }: CpuCeilingOptions): CpuCeiling => {
  // Also amid a move down: this process may have stood still since it looked, and the agent lowered further meanwhile.
  const guardedKernel: PlainKernel = {
    ...kernel,
    write: (path, text) => {
      if (!mayRaise() && isRaise(path, text)) throw new RaiseNotTrusted()
      kernel.write(path, text)
    },
  }

  const isRaise = (path: string, text: string): boolean => {
    // Lifted only for the moment in which a foreign period is replaced.
    if (!path.endsWith("/cpu.cfs_quota_us") || text === "-1") return false
    const inForce = readNumber(kernel, path)
    return inForce >= 0 && Number(text) > inForce
  }

  const readQuota = (): Limit | undefined => {
    if (folder === undefined) return undefined
    try {
      return readCpuQuota(kernel, folder)
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }

  return {
    read: () => {
      const quota = readQuota()
      return quota === undefined || quota === "unlimited" ? quota : quotaMicrosToCpuMilli(quota)
    },
    move: (cpuMilli, own) => {
      const inForce = readQuota()
      const target = cpuMilliToQuotaMicros(cpuMilli)
      if (folder === undefined || inForce === undefined || inForce === target) return "none"
      // Giving containers back what a lower ceiling allows is a raise of theirs, for which a lease is needed.
      moveCeilingQuota(guardedKernel, folder, target, mayRaise() ? own : [])
      return isAbove(inForce, target) ? "lowered" : "raised"
    },
  }
}
