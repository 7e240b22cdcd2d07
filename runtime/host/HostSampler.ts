import type { HarvestFolders } from "../cgroups/CgroupMounts.ts"
import { parseCpuTimes } from "./CpuTimes.ts"
import { parseCounter, parsePageCacheBytes } from "./HarvestUse.ts"
import { createHostCpuUse } from "./HostCpuUse.ts"
import { type HostFile, HostFileUnreadable, openHostFile } from "./HostFile.ts"
import { parseMemoryUse } from "./MemoryUse.ts"

/**
 * What was measured since the sample before, in the core's units (thousandths of a cpu and of MiB, whole numbers); NaN
 * where it could not be. The sampler uses the object again for the next sample.
 */
export interface HostSample {
  /** By the monotonic clock of whoever asked. */
  atMs: number
  capacityCpuMilli: number
  capacityMemMilli: number
  /** Use of the host (at most its capacity) less use of the harvest, never below 0. */
  primaryCpuMilli: number
  primaryMemMilli: number
  harvestCpuMilli: number
  harvestMemMilli: number
  /** Files that could not be used this time. */
  failures: ReadonlyArray<HostFileUnreadable>
}

export interface HostSamplerOptions {
  /** Where the harvest's parent group would lie; a hierarchy that is not mounted leaves its figures unknown. */
  readonly harvest: HarvestFolders
  /** What a missing hierarchy means: unknown use (a monitor lends nothing then), or no harvest at all (a mere recorder). */
  readonly withoutHierarchy: "unknown" | "none"
  /** How far apart samples should be; what is far from it is a pause or a jump, and no measurement. */
  readonly periodMs: number
  /** For tests: another folder than /proc. */
  readonly procFolder?: string
}

export interface HostSampler {
  /** `nowMs` monotonic with fractions, `wallMs` since 1970: both are needed to notice suspends and jumps. */
  readonly sample: (nowMs: number, wallMs: number) => HostSample
  readonly close: () => void
}

const noFailures: ReadonlyArray<HostFileUnreadable> = []

/** A clock that moved so much more or less than the other was set, or the host was suspended. */
const jumpMs = 500

/** Reads synchronously through preopened files: a few tens of microseconds per sample, no garbage worth naming. */
export const openHostSampler = (options: HostSamplerOptions): HostSampler => {
  const proc = options.procFolder ?? "/proc"
  const { cpuacct, cpuacctRoot, memory } = options.harvest
  const stat = openHostFile(`${proc}/stat`)
  const meminfo = openHostFile(`${proc}/meminfo`)
  const harvestCpu = cpuacct === undefined ? undefined : openHostFile(`${cpuacct}/cpuacct.usage`)
  const rootCpu = cpuacctRoot === undefined ? undefined : openHostFile(`${cpuacctRoot}/cpuacct.usage`)
  const harvestMem = memory === undefined ? undefined : openHostFile(`${memory}/memory.usage_in_bytes`)
  const harvestMemStat = memory === undefined ? undefined : openHostFile(`${memory}/memory.stat`)
  const files = [stat, meminfo, harvestCpu, rootCpu, harvestMem, harvestMemStat]

  const before = { nowMs: Number.NaN, wallMs: Number.NaN, harvestNanos: Number.NaN }
  const hostCpu = createHostCpuUse()
  let failures: Array<HostFileUnreadable> = []
  const sample: HostSample = {
    atMs: 0,
    capacityCpuMilli: Number.NaN,
    capacityMemMilli: Number.NaN,
    primaryCpuMilli: Number.NaN,
    primaryMemMilli: Number.NaN,
    harvestCpuMilli: Number.NaN,
    harvestMemMilli: Number.NaN,
    failures,
  }

  /** What a file says; undefined when it cannot be used, which is noted. */
  const readPart = <A>(
    file: HostFile,
    parse: (text: string, path: string) => A,
    absent?: A,
  ): A | undefined => {
    try {
      const text = file.read()
      if (text !== undefined) return parse(text, file.path)
      if (absent !== undefined) return absent
      failures.push(new HostFileUnreadable(file.path, "there is no such file"))
    } catch (error) {
      if (!(error instanceof HostFileUnreadable)) throw error
      failures.push(error)
    }
    return undefined
  }

  const sampleCpu = (elapsedMs: number) => {
    // The harvest first: what it uses between the two reads then counts as the primary's, which is the safe side.
    const harvestNanos =
      harvestCpu === undefined
        ? options.withoutHierarchy === "none"
          ? 0
          : Number.NaN
        : (readPart(harvestCpu, parseCounter, 0) ?? Number.NaN)
    const times = readPart(stat, parseCpuTimes)
    const rootNanos =
      rootCpu === undefined ? Number.NaN : (readPart(rootCpu, parseCounter, Number.NaN) ?? Number.NaN)
    if (times !== undefined) sample.capacityCpuMilli = times.onlineCpus * 1000
    const hostMilli = hostCpu.take(times?.busyTicks ?? Number.NaN, rootNanos, elapsedMs)
    const harvestMilli = ratePerMs((harvestNanos - before.harvestNanos) / 1e6, elapsedMs)
    before.harvestNanos = harvestNanos
    sample.harvestCpuMilli = harvestMilli
    // Whole ticks make it overshoot at times.
    sample.primaryCpuMilli = atLeast0(Math.min(hostMilli, sample.capacityCpuMilli) - harvestMilli)
  }

  const sampleMemory = () => {
    const harvestBytes =
      harvestMem === undefined || harvestMemStat === undefined
        ? options.withoutHierarchy === "none"
          ? 0
          : Number.NaN
        : atLeast0(
            (readPart(harvestMem, parseCounter, 0) ?? Number.NaN) -
              (readPart(harvestMemStat, parsePageCacheBytes, 0) ?? Number.NaN),
          )
    const host = readPart(meminfo, parseMemoryUse)
    sample.harvestMemMilli = Math.round((harvestBytes * 1000) / 1_048_576)
    if (host === undefined) {
      sample.primaryMemMilli = Number.NaN
      return
    }
    sample.capacityMemMilli = Math.floor((host.totalKiB * 1000) / 1024)
    const usedMilli = Math.round(((host.totalKiB - host.availableKiB) * 1000) / 1024)
    sample.primaryMemMilli = atLeast0(usedMilli - sample.harvestMemMilli)
  }

  return {
    sample: (nowMs, wallMs) => {
      if (failures.length > 0) failures = []
      const elapsedMs = nowMs - before.nowMs
      const isJump = Math.abs(wallMs - before.wallMs - elapsedMs) > jumpMs
      sample.atMs = nowMs
      // Right after a late sample the next is due at once: too short for ticks, and the last one is still fresh.
      const isShort = elapsedMs >= 0 && elapsedMs < options.periodMs / 4 && !isJump
      if (!isShort) {
        const isPause = !(elapsedMs >= 0 && elapsedMs <= 2 * options.periodMs + jumpMs)
        before.nowMs = nowMs
        before.wallMs = wallMs
        sampleCpu(isPause || isJump ? Number.NaN : elapsedMs)
      }
      sampleMemory()
      sample.failures = failures.length > 0 ? failures : noFailures
      return sample
    },
    close: () => {
      for (const file of files) file?.close()
    },
  }
}

/** Cpu time per time, in thousandths of a cpu; NaN when the counter went backwards or there is no counter before. */
const ratePerMs = (usedMs: number, elapsedMs: number): number =>
  usedMs >= 0 ? Math.round((usedMs * 1000) / elapsedMs) : Number.NaN

/** NaN stays NaN. */
const atLeast0 = (value: number): number => (value < 0 ? 0 : value)
