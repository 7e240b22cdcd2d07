import { chmodSync, closeSync, openSync, statSync } from "node:fs"
import Database from "better-sqlite3"
import type { EncodedBatch, EncodedEvents, EncodedState, StoreFailure } from "./EncodedBatch.ts"
import type { AppendOutcome } from "./GroupCommit.ts"
import type { JournalFailure } from "./Journal.ts"

// Everything synchronous about the SQLite journal; runs in the worker thread and knows nothing about it.

export interface StoreOptions {
  readonly path: string
  readonly keepEvents: number
}

export interface SqliteStore {
  /** One transaction for all batches: one fsync. A batch that fails leaves nothing and ends the group. */
  readonly append: (batches: ReadonlyArray<EncodedBatch>) => AppendOutcome
  readonly recover: () => EncodedState
  readonly events: (fromSeq: number, limit: number) => EncodedEvents
  readonly close: () => void
}

/** Thrown by {@link openSqliteStore} and its store; `failure` is what the caller needs to know. */
export class StoreError extends Error {
  override readonly name = "StoreError"
  readonly failure: StoreFailure
  constructor(failure: StoreFailure) {
    super(failure.detail)
    this.failure = failure
  }
}

/** "glnr", in the header of the file, where `file` and every SQLite tool show it. */
const applicationId = 0x676c6e72
const formatVersion = 1

/** How long a start waits for the one before it to let go of the file. */
const lockWaitMs = 1_000

/** Events pruned in one transaction at most, so that lowering `keepEvents` does not stall a commit. */
const pruneStride = 4_096

// The outbox lies ordered by receiver: a delivery deletes a run of neighbours, whatever else waits.
const schema = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE events (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, event TEXT NOT NULL,
    actions_digest TEXT NOT NULL) STRICT;
  CREATE TABLE entities (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;
  CREATE TABLE outbox (receiver TEXT NOT NULL, id INTEGER NOT NULL, message TEXT NOT NULL,
    PRIMARY KEY (receiver, id)) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('format', ${formatVersion}), ('created_at', strftime('%Y-%m-%dT%H:%M:%SZ')),
    ('last_outbox_id', 0);
  PRAGMA application_id = ${applicationId};
`

const reasonByCode: ReadonlyArray<readonly [prefix: string, reason: JournalFailure]> = [
  ["SQLITE_NOTADB", "NotAJournal"],
  ["SQLITE_CORRUPT", "Damaged"],
  ["SQLITE_BUSY", "Locked"],
  ["SQLITE_LOCKED", "Locked"],
  ["SQLITE_FULL", "DiskFull"],
  ["SQLITE_CANTOPEN", "CannotOpen"],
  ["SQLITE_READONLY", "CannotOpen"],
  ["SQLITE_PERM", "CannotOpen"],
  ["SQLITE_AUTH", "CannotOpen"],
  ["SQLITE_IOERR", "InputOutput"],
  ["SQLITE_TOOBIG", "Unstorable"],
  ["SQLITE_CONSTRAINT", "Unstorable"],
  ["SQLITE_MISMATCH", "Unstorable"],
]

const toFailure = (error: unknown, otherwise: JournalFailure): StoreFailure => {
  if (error instanceof StoreError) return error.failure
  if (!(error instanceof Database.SqliteError))
    return { reason: otherwise, detail: error instanceof Error ? error.message : String(error) }
  const reason = reasonByCode.find(([prefix]) => error.code.startsWith(prefix))?.[1] ?? "InputOutput"
  return { reason, detail: `${error.message} (${error.code})` }
}

const isEmpty = (database: Database.Database) =>
  database.prepare("SELECT count(*) FROM sqlite_schema").pluck().get() === 0

/** Refuses what is not ours before a single byte is written. */
const requireJournal = (database: Database.Database) => {
  if (database.pragma("application_id", { simple: true }) !== applicationId)
    throw new StoreError({ reason: "NotAJournal", detail: "it is a database, but not a journal of gleaner" })
  const format = database.prepare("SELECT value FROM meta WHERE name = 'format'").pluck().get()
  if (typeof format === "number" && format > formatVersion)
    throw new StoreError({
      reason: "NewerFormat",
      detail: `it has format ${format}, this gleaner knows formats up to ${formatVersion}`,
    })
  if (format !== formatVersion)
    throw new StoreError({ reason: "Damaged", detail: `its format reads ${String(format)}` })
}

/**
 * The journal holds commands and environments of tasks, so only its owner may read it. SQLite gives its other files the
 * mode of the first (sqlite.org/src, findCreateFileMode), hence that one exists before SQLite sees it. Not by umask,
 * which a worker thread cannot set; and an existing file is not opened here, because closing it again would drop the
 * locks that this process holds on it (sqlite.org/howtocorrupt.html §2.2).
 */
const createClosedToOthers = (path: string) => {
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch {
    // It exists, or cannot be made, which SQLite will tell.
  }
}

/** For journals that an earlier gleaner made. */
const closeToOthers = (path: string) => {
  for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]) {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (stats !== undefined && (stats.mode & 0o077) !== 0) chmodSync(file, 0o600)
  }
}

const openDatabase = (path: string): Database.Database => {
  createClosedToOthers(path)
  const database = new Database(path, { timeout: lockWaitMs })
  try {
    // Exclusive mode keeps the lock until close, and needs no shared memory for the WAL (sqlite.org/wal.html §8).
    database.pragma("locking_mode = EXCLUSIVE")
    database.exec("BEGIN EXCLUSIVE")
    if (isEmpty(database)) database.exec(schema)
    else requireJournal(database)
    database.exec("COMMIT")
    closeToOthers(path)
    const mode = database.pragma("journal_mode = WAL", { simple: true })
    if (mode !== "wal")
      throw new StoreError({
        reason: "CannotOpen",
        detail: `that file system does not carry a WAL (${mode})`,
      })
    database.pragma("synchronous = FULL")
    return database
  } catch (error) {
    if (database.inTransaction) database.exec("ROLLBACK")
    database.close()
    throw error
  }
}

const prepareStatements = (database: Database.Database) => ({
  insertEvent: database.prepare("INSERT INTO events VALUES (?, ?, ?, ?)"),
  pruneEvents: database.prepare("DELETE FROM events WHERE seq < ?"),
  putEntity: database.prepare(
    "INSERT INTO entities VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
  ),
  deleteEntity: database.prepare("DELETE FROM entities WHERE kind = ? AND key = ?"),
  insertOutbox: database.prepare("INSERT INTO outbox (id, receiver, message) VALUES (?, ?, ?)"),
  putLastOutboxId: database.prepare("UPDATE meta SET value = ? WHERE name = 'last_outbox_id'"),
  deleteDelivered: database.prepare("DELETE FROM outbox WHERE receiver = ? AND id <= ?"),
  dropReceiver: database.prepare("DELETE FROM outbox WHERE receiver = ?"),
  allEntities: database.prepare("SELECT kind, key, value FROM entities ORDER BY kind, key").raw(),
  allOutbox: database.prepare("SELECT id, receiver, message FROM outbox ORDER BY id").raw(),
  someEvents: database
    .prepare("SELECT seq, at_ms, event, actions_digest FROM events WHERE seq >= ? ORDER BY seq LIMIT ?")
    .raw(),
  seqRange: database.prepare("SELECT coalesce(min(seq), 1), coalesce(max(seq), 0) FROM events").raw(),
  lastOutboxId: database.prepare("SELECT value FROM meta WHERE name = 'last_outbox_id'").pluck(),
})

/** Opens or creates the journal at `path`. Throws {@link StoreError}. */
export const openSqliteStore = (options: StoreOptions): SqliteStore => {
  try {
    return makeStore(openDatabase(options.path), Math.max(1, options.keepEvents))
  } catch (error) {
    throw new StoreError(toFailure(error, "CannotOpen"))
  }
}

const makeStore = (database: Database.Database, keepEvents: number): SqliteStore => {
  const statements = prepareStatements(database)
  let firstSeq = 0
  let lastSeq = 0
  let lastOutboxId = 0
  const readCounters = () => {
    ;[firstSeq, lastSeq] = statements.seqRange.get() as [number, number]
    lastOutboxId = statements.lastOutboxId.get() as number
  }
  readCounters()

  const insertOutbox = (rows: EncodedBatch["outbox"]) => {
    if (rows.length === 0) return
    for (let at = 0; at < rows.length; at += 3) {
      const id = rows[at] as number
      if (id <= lastOutboxId)
        throw new StoreError({
          reason: "Unstorable",
          detail: `outbox id ${id} does not come after ${lastOutboxId}`,
        })
      statements.insertOutbox.run(id, rows[at + 1], rows[at + 2])
      lastOutboxId = id
    }
    statements.putLastOutboxId.run(lastOutboxId)
  }

  const pruneEvents = (added: number) => {
    const firstKept = Math.min(lastSeq - keepEvents + 1, firstSeq + Math.max(pruneStride, 2 * added))
    if (firstKept <= firstSeq) return
    statements.pruneEvents.run(firstKept)
    firstSeq = firstKept
  }

  const storeBatch = (batch: EncodedBatch) => {
    for (let at = 0; at < batch.events.length; at += 3)
      statements.insertEvent.run(++lastSeq, batch.events[at], batch.events[at + 1], batch.events[at + 2])
    for (let at = 0; at < batch.changes.length; at += 3) {
      if (batch.changes[at + 2] === null)
        statements.deleteEntity.run(batch.changes[at], batch.changes[at + 1])
      else statements.putEntity.run(batch.changes[at], batch.changes[at + 1], batch.changes[at + 2])
    }
    insertOutbox(batch.outbox)
    for (let at = 0; at < batch.delivered.length; at += 2)
      statements.deleteDelivered.run(batch.delivered[at], batch.delivered[at + 1])
    for (const receiver of batch.dropped) statements.dropReceiver.run(receiver)
    pruneEvents(batch.events.length / 3)
  }

  /** Inside a transaction, better-sqlite3 makes this a savepoint. */
  const storeWhole = database.transaction((batch: EncodedBatch) => {
    const before = [firstSeq, lastSeq, lastOutboxId] as const
    try {
      storeBatch(batch)
    } catch (error) {
      ;[firstSeq, lastSeq, lastOutboxId] = before
      throw error
    }
  })

  const storeGroup = database.transaction((batches: ReadonlyArray<EncodedBatch>): AppendOutcome => {
    for (let stored = 0; stored < batches.length; stored++) {
      try {
        storeWhole(batches[stored] as EncodedBatch)
      } catch (error) {
        // A full disk makes SQLite roll back everything (sqlite.org/lang_transaction.html §3).
        if (!database.inTransaction) throw error
        return { stored, failure: toFailure(error, "Unstorable") }
      }
    }
    return { stored: batches.length }
  })

  return {
    append: (batches) => {
      try {
        return storeGroup.immediate(batches)
      } catch (error) {
        readCounters()
        return { stored: 0, failure: toFailure(error, "Unstorable") }
      }
    },
    recover: () => ({
      entities: (statements.allEntities.all() as Array<Array<string>>).flat(),
      outbox: (statements.allOutbox.all() as Array<Array<string | number>>).flat(),
      lastEventSeq: lastSeq,
      lastOutboxId,
    }),
    events: (fromSeq, limit) =>
      (statements.someEvents.all(fromSeq, limit) as Array<Array<string | number>>).flat(),
    close: () => {
      // Leaves one file: a journal at rest can be copied without knowing about WALs.
      database.pragma("wal_checkpoint(TRUNCATE)")
      database.close()
    },
  }
}
