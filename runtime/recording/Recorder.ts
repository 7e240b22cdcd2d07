import {
  printRecordingHeader,
  printRecordingRow,
  type RecordingRowKind,
} from "../../core/recording/Recording.ts"
import { type AppendFile, beginAppendFile } from "./AppendFile.ts"
import { makeRoom, segmentPath } from "./RecordingSegments.ts"

export interface RecorderOptions {
  readonly folder: string
  readonly host: string
  readonly bootId: string
  readonly intervalMs: number
  /** Which program records, with its version. */
  readonly writer: string
  /** A segment that grows longer is followed by the next; default 4 MiB. */
  readonly segmentBytes?: number
  /** All segments of this host together; the oldest go first. Default 64 MiB, about ten days of a monitor. */
  readonly totalBytes?: number
  /** How long rows may wait in memory; what a kill -9 loses at most. Default 5 s. */
  readonly flushMs?: number
  readonly onProblem: (problem: string) => void
}

/** The two clocks at one moment: monotonic and since 1970. */
export interface RecorderTime {
  readonly nowMs: number
  readonly wallMs: number
}

/**
 * Appends rows to bounded segments of plain text. Nothing of it waits for the disk except the beginning of a segment, once
 * a day: a slow disk costs rows (told as a problem), never the guard loop's period.
 */
export interface Recorder {
  /** Capacity of the host; rows before the first one are dropped, a change is noted. */
  readonly capacity: (time: RecorderTime, cpuMilli: number, memMilli: number) => void
  /** A row of kind s, e or g; `values` without its time. */
  readonly row: (kind: RecordingRowKind, time: RecorderTime, values: ReadonlyArray<number>) => void
  /** Writes what waits and closes; the recorder takes nothing more. */
  readonly stop: () => Promise<void>
}

/** The wall clock was set when it moved so much more or less than the monotonic one. */
const jumpMs = 500

interface Segment {
  readonly file: AppendFile
  readonly startNowMs: number
  /** Wall less monotonic time, as the segment's rows say it. */
  offsetMs: number
}

export const openRecorder = (options: RecorderOptions): Recorder => {
  const segmentBytes = options.segmentBytes ?? 4 * 1024 * 1024
  const totalBytes = options.totalBytes ?? 64 * 1024 * 1024
  let segment: Segment | undefined
  let isStopped = false
  let cpuCapacity = Number.NaN
  let memCapacity = Number.NaN
  /** Of the segment before, on their way to the disk. */
  let unwrittenBytes = 0
  /** Segments that are full and still write. */
  const closing = new Set<Promise<void>>()

  const report = (what: string, error: Error) =>
    options.onProblem(`${what} in ${options.folder}: ${error.message}; rows are lost until it works again`)

  const begin = (time: RecorderTime): Segment => {
    const keepBytes = Math.max(0, totalBytes - segmentBytes - unwrittenBytes)
    const number = makeRoom(options.folder, options.host, keepBytes)
    unwrittenBytes = 0
    const file: AppendFile = beginAppendFile({
      path: segmentPath(options.folder, options.host, number),
      firstLine: printRecordingHeader({
        host: options.host,
        bootId: options.bootId,
        startMs: Math.round(time.wallMs),
        intervalMs: options.intervalMs,
        capacityCpuMilli: cpuCapacity,
        capacityMemMilli: memCapacity,
        writer: options.writer,
      }),
      flushMs: options.flushMs ?? 5_000,
      onFailure: (error) => {
        report("cannot write the recording", error)
        // A cut line may only be a segment's last one.
        if (segment?.file === file) closeSegment()
      },
      onLost: (lines) =>
        options.onProblem(
          `${lines} rows of the recording were lost: the disk below ${options.folder} was too slow`,
        ),
    })
    return { file, startNowMs: time.nowMs, offsetMs: time.wallMs - time.nowMs }
  }

  const closeSegment = () => {
    if (segment === undefined) return
    unwrittenBytes = segment.file.waitingBytes()
    const closed = segment.file.close()
    segment = undefined
    closing.add(closed)
    void closed.then(() => closing.delete(closed))
  }

  /** The segment for rows of that time, begun anew when there is none or it is full; undefined when none can be had. */
  const ready = (time: RecorderTime): Segment | undefined => {
    if (isStopped || !(cpuCapacity > 0 && memCapacity > 0)) return undefined
    if (segment !== undefined && segment.file.bytes() >= segmentBytes) closeSegment()
    try {
      segment ??= begin(time)
    } catch (error) {
      report("cannot begin a recording", error as Error)
      return undefined
    }
    const jumpedMs = time.wallMs - time.nowMs - segment.offsetMs
    if (Math.abs(jumpedMs) > jumpMs) {
      segment.offsetMs += jumpedMs
      append(segment, "c", time, [Math.round(time.wallMs)])
    }
    return segment
  }

  const append = (
    target: Segment,
    kind: RecordingRowKind,
    time: RecorderTime,
    values: ReadonlyArray<number>,
  ) => {
    const atMs = Math.max(0, Math.round(time.nowMs - target.startNowMs))
    target.file.append(printRecordingRow(kind, [atMs, ...values]))
  }

  return {
    capacity: (time, cpuMilli, memMilli) => {
      if (!(cpuMilli > 0 && memMilli > 0)) return
      if (cpuMilli === cpuCapacity && memMilli === memCapacity) return
      cpuCapacity = cpuMilli
      memCapacity = memMilli
      if (segment !== undefined) append(segment, "k", time, [cpuMilli, memMilli])
    },
    row: (kind, time, values) => {
      const target = ready(time)
      if (target !== undefined) append(target, kind, time, values)
    },
    stop: async () => {
      isStopped = true
      closeSegment()
      await Promise.all(Array.from(closing))
    },
  }
}
