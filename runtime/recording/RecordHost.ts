import { hostname } from "node:os"
import { performance } from "node:perf_hooks"
import { locateHarvest } from "../cgroups/CgroupMounts.ts"
import { linuxPlainKernel } from "../cgroups/LinuxPlainKernel.ts"
import { readBootId } from "../host/BootId.ts"
import { openHostSampler } from "../host/HostSampler.ts"
import { startPeriodicTimer } from "../host/PeriodicTimer.ts"
import { openRecorder } from "./Recorder.ts"
import { createSampleFold } from "./SampleFold.ts"

export interface RecordHostOptions {
  /** Segments go here; made when missing. */
  readonly folder: string
  /** Between rows: 100 ms to 1 min. Within it the host is measured at least each second. */
  readonly intervalMs: number
  /** The harvest below this parent is taken off; where there is none, the primary is the host. */
  readonly cgroupParent: string
  readonly version: string
  readonly totalBytes?: number
  readonly onProblem: (problem: string) => void
}

export const recordIntervalMsLeast = 100
export const recordIntervalMsMost = 60_000

/** The recorder alone (`gleaner trace record`): no monitor, no policy, nothing is lent or limited. */
export const recordHost = (options: RecordHostOptions): { readonly stop: () => Promise<void> } => {
  const { intervalMs } = options
  if (!(intervalMs >= recordIntervalMsLeast && intervalMs <= recordIntervalMsMost))
    throw new RangeError(`an interval of ${intervalMs} ms cannot be recorded: choose 100ms to 1m`)
  const measuresPerRow = Math.ceil(intervalMs / 1_000)
  const periodMs = intervalMs / measuresPerRow
  const sampler = openHostSampler({
    harvest: locateHarvest(linuxPlainKernel.read("/proc/mounts"), options.cgroupParent),
    withoutHierarchy: "none",
    periodMs,
  })
  const recorder = openRecorder({
    folder: options.folder,
    host: hostname(),
    bootId: readBootId(),
    intervalMs: Math.round(intervalMs),
    writer: `gleaner trace record ${options.version}`,
    ...(options.totalBytes === undefined ? {} : { totalBytes: options.totalBytes }),
    onProblem: options.onProblem,
  })
  const fold = createSampleFold()
  const nowMs = () => performance.now()
  // The first sample only begins the first interval.
  sampler.sample(nowMs(), Date.now())
  const timer = startPeriodicTimer({
    periodMs,
    nowMs,
    run: (_, skipped) => {
      const time = { nowMs: nowMs(), wallMs: Date.now() }
      const sample = sampler.sample(time.nowMs, time.wallMs)
      for (const failure of sample.failures) options.onProblem(failure.message)
      recorder.capacity(time, sample.capacityCpuMilli, sample.capacityMemMilli)
      fold.add(sample)
      if (fold.count() + skipped >= measuresPerRow) recorder.row("s", time, fold.take())
    },
  })
  return {
    stop: async () => {
      timer.stop()
      sampler.close()
      await recorder.stop()
    },
  }
}
