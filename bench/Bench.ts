import { cpus, loadavg } from "node:os"
import { Bench } from "tinybench"
import type { Outcome } from "./Outcome.ts"

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

export const outcomeOfMeasurements = (measurements: ReadonlyArray<Measurement>): Outcome => ({
  lines: measurements.map((measurement) => ({ ...measurement, environment: environment() })),
  tables: [
    {
      title: measurements[0]?.suite ?? "nothing",
      note: "Median of the runs; the rate is that of the median.",
      columns: [
        { title: "shape", align: "left" },
        { title: "runs", align: "right" },
        { title: "median ms", align: "right" },
        { title: "min ms", align: "right" },
        { title: "max ms", align: "right" },
        { title: "per second", align: "right" },
        { title: "of", align: "left" },
      ],
      rows: measurements.map((one) => [
        one.shape,
        String(one.runs),
        one.medianMs.toFixed(2),
        one.minMs.toFixed(2),
        one.maxMs.toFixed(2),
        Math.round(one.unitsPerSecond).toLocaleString("en-US"),
        one.unit,
      ]),
      ratios: [],
    },
  ],
  times: measurements.map(({ suite, shape, medianMs }) => ({ key: `${suite} ${shape}`, medianMs })),
  problems: [],
})

/** Where the figures were taken: without it they mean nothing. `load`: processes that wanted a core over the last minute. */
export const environment = () => ({
  node: process.version,
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  platform: `${process.platform} ${process.arch}`,
  load: loadavg()[0]!,
})

export type Environment = ReturnType<typeof environment>
