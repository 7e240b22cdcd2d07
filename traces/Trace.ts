/**
 * The one in-memory form of recorded utilisation, whatever file it came from: hosts × steps on an even grid.
 *
 * Arrays are host-major: host h's share at step t is `cpu[h * steps + t]`. A share is the used part of the capacity that
 * the host had at that time, 0 to 1; NaN is a missing sample. Float32 halves the memory and its rounding (6e-8) lies far
 * below the 1e-6 that a violation needs (spec/baselines.md §2).
 */
export interface Trace {
  readonly name: string
  /** Invented by a generator, not recorded: every output that shows figures of such a trace must say so. */
  readonly synthetic: boolean
  /** The format or generator it came from. */
  readonly source: string
  /** Where it was read from, in words. */
  readonly provenance: string
  readonly intervalMs: number
  readonly hosts: ReadonlyArray<string>
  readonly steps: number
  readonly cpu: Float32Array
  /** Null when the recording has no memory. */
  readonly mem: Float32Array | null
  /**
   * Capacity per host in thousandths of a core and of a MiB; the weight of a host in a capacity-weighted figure. One figure
   * per host, also when it changed while recording: the one that held for most samples (zero excluded, the larger on a tie).
   */
  readonly cpuMilli: Float64Array
  readonly memMilli: Float64Array
  /** In order, without overlap, together all steps. Windows and horizons never cross from one to the next. */
  readonly segments: ReadonlyArray<Segment>
  readonly importReport: ImportReport
}

/** A stretch of consecutive intervals, for example one recorded day. */
export interface Segment {
  readonly label: string
  readonly firstStep: number
  readonly steps: number
  /** Start of the first step, milliseconds since 1970 UTC; 0 when the recording does not say. */
  readonly startMs: number
}

/** What was met while reading; nothing is repaired silently. */
export interface ImportReport {
  readonly files: number
  readonly lines: number
  /** Lines that gave a sample. */
  readonly samples: number
  /** Rows that repeat the timestamp of the row before. */
  readonly repeatedRows: number
  /** Samples beyond the first in one slot of the grid; a slot holds the mean of its samples. */
  readonly averagedSamples: number
  /** Samples above 100 % of capacity; a slot is clipped to 100 % after averaging. */
  readonly clippedSamples: number
  /** Samples of a host without capacity at that time (switched off); they count as no usage. */
  readonly zeroCapacitySamples: number
  /** Hosts whose capacity changed within the recording. */
  readonly hostsWithChangedCapacity: number
  /** Bad lines left out under `--bad-lines=skip`; always 0 under `fail`. */
  readonly skippedLines: number
  /** The first few of them: place and reason. */
  readonly skippedExamples: ReadonlyArray<string>
}

export type ResourceName = "cpu" | "mem"

/** The shares of one resource, or null when the trace has none. */
export const sharesOf = (trace: Trace, resource: ResourceName): Float32Array | null =>
  resource === "cpu" ? trace.cpu : trace.mem

/** The capacities of one resource, in thousandths. */
export const capacitiesOf = (trace: Trace, resource: ResourceName): Float64Array =>
  resource === "cpu" ? trace.cpuMilli : trace.memMilli

/** A typed array with every sample missing. */
export const missingShares = (length: number): Float32Array => new Float32Array(length).fill(Number.NaN)

/** Most cells (hosts × steps) that a trace may have: bounds its memory at 1.2 GB with both resources (design L10). */
export const cellsMost = 150_000_000
