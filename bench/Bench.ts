import { cpus } from "node:os"
import { Bench } from "tinybench"

/** One measured thing. `verify` runs before the timing and throws when the result is wrong: a fast wrong answer is no
 * answer. */
export interface Subject {
  readonly suite: string
  readonly shape: string
  /** What one run processes, for the rate: machine-steps, offers. */
  readonly unit: string
  readonly unitsPerRun: number
  readonly verify: () => void
  readonly run: () => void
}

export interface Measurement {
  readonly suite: string
  readonly shape: string
  readonly unit: string
  readonly runs: number
  readonly medianMs: number
  readonly minMs: number
  readonly maxMs: number
  readonly unitsPerSecond: number
}

/** Checks and times each subject; the rate is that of the median run. */
export const measure = async (subjects: ReadonlyArray<Subject>): Promise<ReadonlyArray<Measurement>> => {
  const measurements: Array<Measurement> = []
  for (const subject of subjects) {
    subject.verify()
    const bench = new Bench({ time: 1_000, iterations: 5, warmupTime: 200 })
    bench.add(subject.shape, subject.run)
    const [task] = await bench.run()
    const result = task?.result
    if (result === undefined || result.state !== "completed")
      throw new Error(`${subject.shape} did not complete`)
    const { p50, min, max, samplesCount } = result.latency
    measurements.push({
      suite: subject.suite,
      shape: subject.shape,
      unit: subject.unit,
      runs: samplesCount,
      medianMs: p50,
      minMs: min,
      maxMs: max,
      unitsPerSecond: (subject.unitsPerRun / p50) * 1_000,
    })
  }
  return measurements
}

/** Where the figures were taken: without it they mean nothing. */
export const environment = () => ({
  node: process.version,
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  platform: `${process.platform} ${process.arch}`,
})
