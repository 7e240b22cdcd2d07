import type { ImportLog } from "./ImportLog.ts"
import type { LineSink } from "./Lines.ts"
import type { Trace } from "./Trace.ts"

/** Where one recording (one text with the samples of one host) lies. */
export interface RecordingPlace {
  /** The file, or the archive that holds it; absolute. */
  readonly file: string
  /** Path inside the archive; null for a file of its own. */
  readonly member: string | null
}

/** A foreign recording format. Recordings of one folder become one trace. */
export interface TraceFormat {
  readonly name: string
  /** What the first line of a recording looks like, for people. */
  readonly firstLine: string
  readonly isFirstLine: (line: string) => boolean
  /** The folder whose recordings belong together. */
  readonly folderOf: (place: RecordingPlace) => string
  readonly createBuilder: (log: ImportLog) => TraceBuilder
}

/** Collects the recordings of one folder. */
export interface TraceBuilder {
  readonly openRecording: (place: RecordingPlace) => LineSink
  readonly build: (identity: TraceIdentity) => Trace
}

export interface TraceIdentity {
  readonly name: string
  /** The folder, for messages. */
  readonly folder: string
  readonly provenance: string
}

/** How messages call a recording: `file` or `archive!member`. */
export const printPlace = (place: RecordingPlace): string =>
  place.member === null ? place.file : `${place.file}!${place.member}`
