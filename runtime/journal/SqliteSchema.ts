import Database from "better-sqlite3"
import type { StoreFailure } from "./EncodedBatch.ts"
import type { JournalFailure } from "./Journal.ts"

// What lies in a journal's database, and what can be wrong with one.

/** "glnr", in the header of the file, where `file` and every SQLite tool show it. */
const applicationId = 0x676c6e72

/**
 * 1: events, rows and outbox, until gleaner 0.3. 2: the log has batches with a chain of digests, segments from whose
 * beginning it can be replayed, and the settings of those who wrote it. 3: what batches change may wait in `late` (LateChanges.ts).
 */
export const formatVersion = 3

/** From this format on a journal has digests, and its log can be replayed. */
export const firstCheckedFormat = 2

/** Thrown by what opens, reads and writes a database; `failure` is what the caller needs to know. */
export class StoreError extends Error {
  override readonly name = "StoreError"
  readonly failure: StoreFailure
  constructor(failure: StoreFailure) {
    super(failure.detail)
    this.failure = failure
  }
}

// `written` is the segment of the log in which a row got its value, `old_rows` holds what a row was before it was first
// changed in a segment, see SegmentLog.ts. Batch 0 is the one before the first. Rows of tasks and messages are about a KiB
// long, which a table WITHOUT ROWID would keep in a page of its own for each (sqlite.org/withoutrowid.html §4).
export const lateTable = "CREATE TABLE late (batch INTEGER PRIMARY KEY, changes TEXT NOT NULL) STRICT;"

export const schema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE events (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, event TEXT NOT NULL,
    actions_digest TEXT NOT NULL) STRICT;
  CREATE TABLE batches (number INTEGER PRIMARY KEY, last_seq INTEGER NOT NULL, last_outbox_id INTEGER NOT NULL,
    log_size INTEGER NOT NULL, rows_left INTEGER NOT NULL, rows_right INTEGER NOT NULL,
    outbox_left INTEGER NOT NULL, outbox_right INTEGER NOT NULL, chain TEXT NOT NULL) STRICT;
  CREATE TABLE segments (number INTEGER PRIMARY KEY, first_batch INTEGER NOT NULL, first_seq INTEGER NOT NULL) STRICT;
  CREATE TABLE runs (first_batch INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, facts TEXT NOT NULL) STRICT;
  CREATE TABLE entities (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, written INTEGER NOT NULL,
    sum_left INTEGER NOT NULL, sum_right INTEGER NOT NULL, UNIQUE (kind, key)) STRICT;
  CREATE TABLE old_rows (segment INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    written INTEGER NOT NULL) STRICT;
  CREATE INDEX old_rows_by_segment ON old_rows (segment);
  CREATE TABLE outbox (id INTEGER PRIMARY KEY, receiver TEXT NOT NULL, message TEXT NOT NULL,
    sum_left INTEGER NOT NULL, sum_right INTEGER NOT NULL) STRICT;
  CREATE INDEX outbox_by_receiver ON outbox (receiver);
  ${lateTable}
  INSERT INTO meta VALUES ('format', ${formatVersion}), ('created_at', strftime('%Y-%m-%dT%H:%M:%SZ'));
  INSERT INTO batches VALUES (0, 0, 0, 0, 0, 0, 0, 0, '');
  INSERT INTO segments VALUES (1, 1, 1);
  PRAGMA application_id = ${applicationId};
`

const reasonByCode: ReadonlyArray<readonly [prefix: string, reason: JournalFailure]> = [
  ["SQLITE_NOTADB", "NotAJournal"],
  ["SQLITE_CORRUPT", "Damaged"],
  // Our statements are right, so the file is not: a header of a format that never was, a table that is no longer there.
  ["SQLITE_ERROR", "Damaged"],
  ["SQLITE_BUSY", "Locked"],
  ["SQLITE_LOCKED", "Locked"],
  ["SQLITE_FULL", "DiskFull"],
  // No room for the index of the write-ahead log.
  ["SQLITE_IOERR_SHMSIZE", "DiskFull"],
  ["SQLITE_CANTOPEN", "CannotOpen"],
  ["SQLITE_READONLY", "CannotOpen"],
  ["SQLITE_PERM", "CannotOpen"],
  ["SQLITE_AUTH", "CannotOpen"],
  ["SQLITE_IOERR", "InputOutput"],
  ["SQLITE_TOOBIG", "Unstorable"],
  ["SQLITE_CONSTRAINT", "Unstorable"],
  ["SQLITE_MISMATCH", "Unstorable"],
]

export const toFailure = (error: unknown, otherwise: JournalFailure): StoreFailure => {
  if (error instanceof StoreError) return error.failure
  if (!(error instanceof Database.SqliteError))
    return { reason: otherwise, detail: error instanceof Error ? error.message : String(error) }
  const reason = reasonByCode.find(([prefix]) => error.code.startsWith(prefix))?.[1] ?? "InputOutput"
  return { reason, detail: `${error.message} (${error.code})` }
}

export const isEmptyDatabase = (database: Database.Database): boolean =>
  database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() === 0

/** The format of a journal; refuses what is not ours, or newer, before a single byte is written. */
export const requireFormat = (database: Database.Database): number => {
  if (database.pragma("application_id", { simple: true }) !== applicationId)
    throw new StoreError({ reason: "NotAJournal", detail: "it is a database, but not a journal of gleaner" })
  const format = database.prepare("SELECT value FROM meta WHERE name = 'format'").pluck().get()
  if (typeof format === "number" && format > formatVersion)
    throw new StoreError({
      reason: "NewerFormat",
      detail: `it has format ${format}, this gleaner knows formats up to ${formatVersion}`,
    })
  if (typeof format !== "number" || !Number.isInteger(format) || format < 1)
    throw new StoreError({ reason: "Damaged", detail: `its format reads ${String(format)}` })
  return format
}
