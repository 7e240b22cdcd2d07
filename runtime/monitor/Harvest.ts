import { type HarvestFolders, locateHarvest } from "../cgroups/CgroupMounts.ts"
import type { WriteError } from "../cgroups/KernelErrors.ts"
import type { Limit } from "../cgroups/Limits.ts"
import type { PlainKernel } from "../cgroups/PlainKernel.ts"
import type { OwnCpuLimits } from "../cgroups/QuotaOrder.ts"
import { type HostSample, type HostSampler, openHostSampler } from "../host/HostSampler.ts"
import { createBitingCheck } from "./BitingCheck.ts"
import { makeCpuCeiling, RaiseNotTrusted } from "./CpuCeiling.ts"
import type { Log } from "./LeaseClient.ts"
import { makeMemoryCeiling } from "./MemoryCeiling.ts"

export interface HarvestOptions {
  readonly kernel: PlainKernel
  readonly cgroupParent: string
  readonly periodMs: number
  /** Asked immediately before every write that raises. */
  readonly mayRaise: () => boolean
  /** A raise came to be written when it must not be: what is believed of the lease is not so. */
  readonly onRaiseNotTrusted: () => void
  readonly counts: CeilingCounts
  /** A memory limit has been written and read back, some time after it was wanted. */
  readonly onMemoryWritten: () => void
  readonly log: Log
  /** For tests: what measures, and what writes memory limits without blocking. */
  readonly openSampler?: typeof openHostSampler
  readonly writeMemory?: (path: string, text: string) => Promise<void>
}

/** Since the monitor's start. */
export interface CeilingCounts {
  lowered: number
  raised: number
  /** Writes to the ceiling that did not hold, and seconds in which the harvest used clearly more than it. */
  notBiting: number
}

/** The parent cgroup of all that is borrowed on this host: what it uses, and the ceiling on it. */
export interface Harvest {
  readonly cgroupParent: string
  readonly sampler: HostSampler
  /** What was last read; undefined where there is no ceiling or no parent. */
  readonly cpuMilli: () => number | undefined
  readonly memMilli: () => number | undefined
  /** Reads both again. */
  readonly readBack: () => void
  readonly move: (cpuMilli: number, memMilli: number, own: OwnCpuLimits) => void
  /**
   * Once per sample: is the ceiling still what was written, and does it bite? Under a lease, one that another program
   * raised is lowered again.
   */
  readonly check: (sample: HostSample, elapsedMs: number, isLeased: boolean, own: OwnCpuLimits) => void
  /** Tries the last memory limit again that did not fit. */
  readonly retryMemory: () => void
  /** Takes what is in force as right, as at the start of a lease. */
  readonly accept: () => void
  readonly close: () => Promise<void>
}

export const openHarvest = (options: HarvestOptions): Harvest => {
  const { kernel, counts, log, mayRaise } = options
  const folders: HarvestFolders = locateHarvest(kernel.read("/proc/mounts"), options.cgroupParent)
  const cpu = makeCpuCeiling({ kernel, folder: folders.cpu, mayRaise })
  const memory = makeMemoryCeiling({
    kernel,
    folder: folders.memory,
    mayRaise,
    onInUse: (limitBytes, usageBytes) =>
      log("warning", "the harvest uses more memory than its ceiling and it cannot be reclaimed", {
        limitBytes,
        usageBytes,
      }),
    onFailure: (error) => failed(error),
    onWritten: () => {
      readMemory()
      options.onMemoryWritten()
    },
    ...(options.writeMemory === undefined ? {} : { write: options.writeMemory, exists: () => true }),
  })
  const biting = createBitingCheck()
  let cpuInForce: Limit | undefined
  let memInForce: Limit | undefined
  /** The last ceiling written or accepted; undefined = none. */
  let cpuWritten: number | undefined
  let memWritten: number | undefined

  /** Log and count instead of throwing: the guard loop goes on whatever the kernel says. */
  const failed = (error: Error) => {
    counts.notBiting += 1
    log("error", `the harvest ceiling does not hold: ${error.message}`)
  }

  const asking = (ask: () => void) => {
    try {
      ask()
    } catch (error) {
      if (error instanceof RaiseNotTrusted) options.onRaiseNotTrusted()
      else if (typeof (error as WriteError)._tag === "string") failed(error as WriteError)
      else throw error
    }
  }

  const readCpu = () => asking(() => (cpuInForce = cpu.read()))
  const readMemory = () => asking(() => (memInForce = memory.read()))

  const moveCpu = (cpuMilli: number, own: OwnCpuLimits) =>
    asking(() => {
      const move = cpu.move(cpuMilli, own)
      if (move !== "none") counts[move] += 1
      cpuWritten = cpuMilli
    })

  const checkCpu = (own: OwnCpuLimits) => {
    if (cpuInForce === undefined || cpuWritten === undefined) return
    // The kernel's floor is 10 milli-cpus, and rounding is below 1.
    if (cpuInForce !== "unlimited" && cpuInForce <= Math.max(10, cpuWritten)) return
    counts.notBiting += 1
    log("error", "the harvest ceiling was raised by another program; it is lowered again", {
      cgroup: folders.cpu,
      writtenCpuMilli: cpuWritten,
      foundCpuMilli: cpuInForce,
    })
    moveCpu(cpuWritten, own)
    readCpu()
  }

  return {
    cgroupParent: options.cgroupParent,
    sampler: (options.openSampler ?? openHostSampler)({
      harvest: folders,
      withoutHierarchy: "unknown",
      periodMs: options.periodMs,
    }),
    cpuMilli: () => toNumber(cpuInForce),
    memMilli: () => toNumber(memInForce),
    readBack: () => {
      readCpu()
      readMemory()
    },
    move: (cpuMilli, memMilli, own) => {
      if (Number.isFinite(cpuMilli)) moveCpu(cpuMilli, own)
      if (memMilli !== memWritten) {
        memWritten = memMilli
        memory.want(memMilli)
      }
      readCpu()
    },
    check: (sample, elapsedMs, isLeased, own) => {
      readCpu()
      if (isLeased) checkCpu(own)
      if (!biting.observe(sample, elapsedMs, toNumber(cpuInForce))) return
      counts.notBiting += 1
      log(
        "error",
        "the harvest used clearly more cpu than its ceiling for a second: the quota does not bite",
        {
          cgroup: folders.cpu,
          ceilingCpuMilli: toNumber(cpuInForce),
          harvestCpuMilli: sample.harvestCpuMilli,
        },
      )
    },
    retryMemory: () => {
      readMemory()
      if (memWritten !== undefined) memory.retry()
    },
    accept: () => {
      cpuWritten = toNumber(cpuInForce)
      memWritten = undefined
    },
    close: async () => {
      await memory.settled()
    },
  }
}

const toNumber = (limit: Limit | undefined): number | undefined => (limit === "unlimited" ? undefined : limit)
