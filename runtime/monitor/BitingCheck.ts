import type { HostSample } from "../host/HostSampler.ts"

/**
 * Whether a quota bites: the harvest's use over a second against the ceiling in force. A quota allows some excess: a slice
 * of 5 ms per cpu and 100 ms period that is left over (sched_cfs_bandwidth_slice_us), and a sample need not begin with a
 * period; so a second must lie above by a quarter and by a slice per cpu.
 */
export interface BitingCheck {
  /** True when a whole second lay clearly above; `ceilingCpuMilli` is what was in force, undefined = none. */
  readonly observe: (sample: HostSample, elapsedMs: number, ceilingCpuMilli: number | undefined) => boolean
}

const windowMs = 1_000
const sliceShare = 0.05

export const createBitingCheck = (): BitingCheck => {
  let ceiling: number | undefined
  let usedMilliMs = 0
  let measuredMs = 0
  const begin = (next: number | undefined) => {
    ceiling = next
    usedMilliMs = 0
    measuredMs = 0
  }
  return {
    observe: (sample, elapsedMs, ceilingCpuMilli) => {
      // A sample over which the ceiling moved says nothing of either.
      if (ceilingCpuMilli !== ceiling || !(sample.harvestCpuMilli >= 0)) {
        begin(ceilingCpuMilli)
        return false
      }
      if (ceiling === undefined) return false
      usedMilliMs += sample.harvestCpuMilli * elapsedMs
      measuredMs += elapsedMs
      if (measuredMs < windowMs) return false
      const usedMilli = usedMilliMs / measuredMs
      begin(ceilingCpuMilli)
      return usedMilli > 1.25 * ceilingCpuMilli! + sliceShare * sample.capacityCpuMilli
    },
  }
}
