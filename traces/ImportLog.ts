import type { ImportReport } from "./Trace.ts"
import { BadTraceLine } from "./TraceError.ts"

/** What to do with a line that cannot be used: stop with its place, or leave it out and count it. */
export type BadLines = "fail" | "skip"

/** How many skipped lines are kept with place and reason. */
const examplesMost = 5

/** Counts what readers meet while they read one trace; becomes its {@link ImportReport}. */
export interface ImportLog {
  files: number
  lines: number
  samples: number
  repeatedRows: number
  averagedSamples: number
  clippedSamples: number
  zeroCapacitySamples: number
  hostsWithChangedCapacity: number
  /** Reports a line that cannot be used. Throws {@link BadTraceLine} under `fail`. */
  readonly rejectLine: (place: string, line: number, reason: string) => void
  readonly toReport: () => ImportReport
}

export const createImportLog = (badLines: BadLines): ImportLog => {
  let skippedLines = 0
  const skippedExamples: Array<string> = []
  const log: ImportLog = {
    files: 0,
    lines: 0,
    samples: 0,
    repeatedRows: 0,
    averagedSamples: 0,
    clippedSamples: 0,
    zeroCapacitySamples: 0,
    hostsWithChangedCapacity: 0,
    rejectLine: (place, line, reason) => {
      if (badLines === "fail") throw new BadTraceLine({ place, line, reason })
      skippedLines++
      if (skippedExamples.length < examplesMost) skippedExamples.push(`${place}:${line}: ${reason}`)
    },
    toReport: () => ({
      files: log.files,
      lines: log.lines,
      samples: log.samples,
      repeatedRows: log.repeatedRows,
      averagedSamples: log.averagedSamples,
      clippedSamples: log.clippedSamples,
      zeroCapacitySamples: log.zeroCapacitySamples,
      hostsWithChangedCapacity: log.hostsWithChangedCapacity,
      skippedLines,
      skippedExamples: [...skippedExamples],
    }),
  }
  return log
}
