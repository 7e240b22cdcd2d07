import { closeSync, openSync, readFileSync, readSync, statSync } from "node:fs"
import type Database from "better-sqlite3"
import { type ReadJournal, readJournal } from "./JournalReading.ts"
import { readLog, titleStart } from "./LogLines.ts"
import { readSegments } from "./SegmentLog.ts"
import { checkBeginnings, checkLog, checkState, checkStructure } from "./SqliteCheck.ts"
import { readHead, readRuns } from "./SqliteReading.ts"
import { firstCheckedFormat, formatVersion } from "./SqliteSchema.ts"
import { iterateEntities, iterateOutbox } from "./SqliteState.ts"

/** What a journal holds and whether it is what was written. */
export interface JournalVerdict {
  readonly path: string
  readonly kind: "sqlite" | "file"
  readonly format: number
  readonly isWhole: boolean
  /** What is wrong with it. */
  readonly problems: ReadonlyArray<string>
  /** Bytes that a crash had torn off the end; the next start removes them, and nothing that was acknowledged is among them. */
  readonly tornBytes: number
  /** The process that has it open. */
  readonly holderPid: number | null
  readonly bytes: number
  readonly rows: number
  readonly outbox: number
  readonly events: { readonly count: number; readonly first: number; readonly last: number }
  /** Places where a replay can begin. */
  readonly segments: number
  /** Processes of which something is kept. */
  readonly runs: number
  /** What could not be looked at. */
  readonly remarks: ReadonlyArray<string>
}

export type VerifyProgress = (text: string) => void

/** Looks at all of a journal, a master's or one in a plain file. Throws `JournalError` when it is none. */
export const verifyJournal = (
  path: string,
  progress: VerifyProgress,
  sleep?: (ms: number) => void,
): JournalVerdict =>
  isPlainFile(path)
    ? verifyPlainFile(path)
    : readJournal(path, (journal) => verifySqlite(journal, progress), sleep)

const isPlainFile = (path: string): boolean => {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false
  const file = openSync(path, "r")
  try {
    const start = Buffer.alloc(titleStart.length)
    return (
      readSync(file, start, 0, start.length, 0) === start.length && start.toString("latin1") === titleStart
    )
  } finally {
    closeSync(file)
  }
}

const count = (database: Database.Database, table: string): number =>
  database.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number

/** With what waits to be entered. */
const countState = (database: Database.Database): { readonly rows: number; readonly outbox: number } => {
  let rows = 0
  let outbox = 0
  for (const _ of iterateEntities(database)) rows++
  for (const _ of iterateOutbox(database)) outbox++
  return { rows, outbox }
}

const verifySqlite = (
  { path, database, format, holderPid, tornBytes, refresh }: ReadJournal,
  progress: VerifyProgress,
): JournalVerdict => {
  progress("looking at each page")
  const structure = checkStructure(database)
  const common = {
    ...{ path, kind: "sqlite" as const, format, tornBytes, holderPid: holderPid ?? null },
    bytes: statSync(path).size + (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0),
  }
  const nothing = {
    rows: 0,
    outbox: 0,
    events: { count: 0, first: 0, last: 0 },
    segments: 0,
    runs: 0,
    remarks: [],
  }
  if (structure !== undefined) return { ...common, ...nothing, isWhole: false, problems: [structure] }
  if (format < firstCheckedFormat) {
    const [first, last] = database
      .prepare("SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM events")
      .raw()
      .get() as [number, number]
    const remark = `format ${format} has no digests: only its structure could be looked at. A master brings it to format ${formatVersion} when it starts`
    const events = { count: count(database, "events"), first, last }
    return {
      ...common,
      ...{ rows: count(database, "entities"), outbox: count(database, "outbox") },
      events,
      segments: 0,
      runs: 0,
      isWhole: true,
      problems: [],
      remarks: [remark],
    }
  }
  const head = readHead(database)
  const segments = readSegments(database)
  const first = segments[0]?.firstSeq ?? 0
  const followed = (batch: number) => progress(`following its log: batch ${batch} of ${head.batch}`)
  const added = (segment: number, of: number) => progress(`adding up segment ${segment} of ${of}`)
  progress("adding up its rows")
  refresh()
  const problems = [
    checkState(database),
    checkLog(database, { progress: followed, refresh }),
    checkBeginnings(database, added, refresh),
  ].filter((problem) => problem !== undefined)
  return {
    ...common,
    ...countState(database),
    ...{ events: { count: head.lastSeq + 1 - first, first, last: head.lastSeq }, segments: segments.length },
    ...{ runs: readRuns(database).length, isWhole: problems.length === 0, problems, remarks: [] },
  }
}

const verifyPlainFile = (path: string): JournalVerdict => {
  const bytes = readFileSync(path)
  const reading = readLog(bytes)
  const common = {
    ...{ path, kind: "file" as const, holderPid: null, bytes: bytes.length, rows: 0, outbox: 0 },
    ...{ events: { count: 0, first: 0, last: 0 }, segments: 0, runs: 0, remarks: [] },
  }
  switch (reading.type) {
    case "Read":
      return { ...common, format: 1, isWhole: true, problems: [], tornBytes: reading.tornBytes }
    case "Damaged": {
      const problem = `line ${reading.lineNumber} (from byte ${reading.offset} on) is not what was written there`
      return { ...common, format: 1, isWhole: false, problems: [problem], tornBytes: 0 }
    }
    case "OtherFormat": {
      const problem = `it has format ${reading.format}, which this gleaner does not know`
      return { ...common, format: reading.format, isWhole: false, problems: [problem], tornBytes: 0 }
    }
    case "Foreign":
      return { ...common, format: 0, isWhole: false, problems: ["its first line is not whole"], tornBytes: 0 }
  }
}
