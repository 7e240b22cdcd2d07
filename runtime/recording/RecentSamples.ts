import { closeSync, openSync, readFileSync, readSync } from "node:fs"
import { createRecordingDecoder } from "../../core/recording/Recording.ts"
import { listSegments } from "./RecordingSegments.ts"

/** One recorded interval of a host; NaN = not known. */
export interface RecordedSample {
  /** End of the interval. */
  readonly wallMs: number
  readonly intervalMs: number
  readonly capacityCpuMilli: number
  readonly capacityMemMilli: number
  readonly primaryCpuMilliMean: number
  readonly primaryMemMilliMax: number
}

/** A header with its columns fits many times. */
const headerBytes = 8 * 1024

/**
 * Gives the samples of one host since a wall time, oldest first. What cannot be read is passed over: a recording helps to
 * start warm, and nothing depends on it. Reads whole segments, one at a time.
 */
export const readRecentSamples = (
  folder: string,
  host: string,
  sinceWallMs: number,
  onSample: (sample: RecordedSample) => void,
): void => {
  const segments = listSegments(folder, host)
  let first = segments.length
  while (first > 0) {
    first -= 1
    const startMs = readStartMs(segments[first]!.path)
    if (startMs !== undefined && startMs <= sinceWallMs) break
  }
  for (const { path } of segments.slice(first)) readSegment(path, host, sinceWallMs, onSample)
}

const readStartMs = (path: string): number | undefined => {
  const buffer = Buffer.alloc(headerBytes)
  try {
    const descriptor = openSync(path, "r")
    const length = readSync(descriptor, buffer, 0, headerBytes, 0)
    closeSync(descriptor)
    const decoded = createRecordingDecoder()(buffer.toString("utf8", 0, length).split("\n")[0]!)
    return decoded.type === "Header" ? decoded.header.startMs : undefined
  } catch {
    return undefined
  }
}

const readSegment = (
  path: string,
  host: string,
  sinceWallMs: number,
  onSample: (sample: RecordedSample) => void,
): void => {
  let text: string
  try {
    text = readFileSync(path, "utf8")
  } catch {
    return
  }
  const decode = createRecordingDecoder()
  let intervalMs = 0
  for (const line of text.split("\n")) {
    if (line === "") continue
    const decoded = decode(line)
    if (decoded.type === "Header") {
      if (decoded.header.host !== host) return
      intervalMs = decoded.header.intervalMs
    } else if (decoded.type === "Row" && decoded.kind === "s" && decoded.wallMs >= sinceWallMs)
      onSample({
        wallMs: decoded.wallMs,
        intervalMs,
        capacityCpuMilli: decoded.capacityCpuMilli,
        capacityMemMilli: decoded.capacityMemMilli,
        primaryCpuMilliMean: decoded.values[2]!,
        primaryMemMilliMax: decoded.values[5]!,
      })
  }
}
