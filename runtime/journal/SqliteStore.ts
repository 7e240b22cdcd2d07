import Database from "better-sqlite3"
import {
  addDigest,
  chainAfter,
  type DigestSum,
  digestOutboxItem,
  digestRow,
  digestRun,
  type Head,
  subtractDigest,
} from "./BatchChain.ts"
import { isWithoutRoom } from "./DiskRoom.ts"
import type { EncodedBatch, EncodedEvents, EncodedState, StoreFailure } from "./EncodedBatch.ts"
import type { AppendOutcome } from "./GroupCommit.ts"
import type { JournalFailure } from "./Journal.ts"
import type { LogBounds } from "./LogBounds.ts"
import { makeSegmentLog } from "./SegmentLog.ts"
import { type OpeningReport, openSqliteFile } from "./SqliteOpening.ts"
import { readHead } from "./SqliteReading.ts"
import { StoreError, toFailure } from "./SqliteSchema.ts"
import type { StateListener } from "./StateParts.ts"

// Everything synchronous about the SQLite journal; runs in the worker thread and knows nothing about it.

export interface StoreOptions extends LogBounds {
  readonly path: string
}

export interface SqliteStore {
  /** What opening it has met. */
  readonly report: OpeningReport
  /** One transaction for all batches: one fsync. A batch that fails leaves nothing and ends the group. */
  readonly append: (batches: ReadonlyArray<EncodedBatch>) => AppendOutcome
  readonly recover: () => EncodedState
  readonly events: (fromSeq: number, limit: number) => EncodedEvents
  readonly close: () => void
}

/** For whoever asks with `recover`, or needs no state. */
const nobody: StateListener = { row: () => {}, item: () => {}, end: () => {} }

/** Opens or creates the journal at `path`. `listener` hears the state while it is looked at. Throws {@link StoreError}. */
export const openSqliteStore = (options: StoreOptions, listener: StateListener = nobody): SqliteStore => {
  try {
    const { database, report } = openSqliteFile(options.path, listener)
    return makeStore(database, report, options)
  } catch (error) {
    throw new StoreError(toFailureAt(options.path, error, "CannotOpen"))
  }
}

/** As {@link toFailure}; a used up quota is a full disk. */
const toFailureAt = (path: string, error: unknown, otherwise: JournalFailure): StoreFailure => {
  const failure = toFailure(error, otherwise)
  const isWrite = error instanceof Database.SqliteError && error.code === "SQLITE_IOERR_WRITE"
  return isWrite && isWithoutRoom(path)
    ? { reason: "DiskFull", detail: "the disk is full, or a quota is used up" }
    : failure
}

const prepareStatements = (database: Database.Database) => ({
  insertEvent: database.prepare("INSERT INTO events VALUES (?, ?, ?, ?)"),
  insertBatch: database.prepare("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
  insertRun: database.prepare("INSERT INTO runs VALUES (?, ?, ?)"),
  insertRunDigest: database.prepare("INSERT INTO meta VALUES ('run ' || CAST(? AS INTEGER), ?)"),
  findEntity: database
    .prepare("SELECT rowid, written, sum_left, sum_right FROM entities WHERE kind = ? AND key = ?")
    .raw(),
  keepOldRow: database
    .prepare(
      `INSERT INTO old_rows SELECT ?, kind, key, value, written FROM entities WHERE rowid = ?
        RETURNING length(value)`,
    )
    .pluck(),
  insertEntity: database.prepare("INSERT INTO entities VALUES (?, ?, ?, ?, ?, ?)"),
  updateEntity: database.prepare(
    "UPDATE entities SET value = ?, written = ?, sum_left = ?, sum_right = ? WHERE rowid = ?",
  ),
  deleteEntity: database.prepare("DELETE FROM entities WHERE rowid = ?"),
  insertOutbox: database.prepare("INSERT INTO outbox VALUES (?, ?, ?, ?, ?)"),
  deleteDelivered: database
    .prepare("DELETE FROM outbox WHERE receiver = ? AND id <= ? RETURNING sum_left, sum_right")
    .raw(),
  dropReceiver: database.prepare("DELETE FROM outbox WHERE receiver = ? RETURNING sum_left, sum_right").raw(),
  allEntities: database.prepare("SELECT kind, key, value FROM entities ORDER BY kind, key").raw(),
  allOutbox: database.prepare("SELECT id, receiver, message FROM outbox ORDER BY id").raw(),
  someEvents: database
    .prepare("SELECT seq, at_ms, event, actions_digest FROM events WHERE seq >= ? ORDER BY seq LIMIT ?")
    .raw(),
})

const toSum = (row: ReadonlyArray<number>, at: number): DigestSum => ({ left: row[at]!, right: row[at + 1]! })

const makeStore = (
  database: Database.Database,
  report: OpeningReport,
  options: StoreOptions,
): SqliteStore => {
  const statements = prepareStatements(database)
  const log = makeSegmentLog(database, options)
  let head: Head = readHead(database)

  /** Text that the log has grown by. */
  const changeRow = (kind: string, key: string, value: string | null): number => {
    const segment = log.current().number
    const before = statements.findEntity.get(kind, key) as Array<number> | undefined
    if (before === undefined && value === null) return 0
    let grown = 0
    let { rows } = head
    if (before !== undefined) {
      rows = subtractDigest(rows, toSum(before, 2))
      if (before[1]! < segment) {
        const kept = statements.keepOldRow.get(segment, before[0]) as number
        grown = kept + kind.length + key.length
      }
    }
    if (value === null) statements.deleteEntity.run(before![0])
    else {
      const digest = digestRow(kind, key, value)
      rows = addDigest(rows, digest)
      if (before === undefined)
        statements.insertEntity.run(kind, key, value, segment, digest.left, digest.right)
      else statements.updateEntity.run(value, segment, digest.left, digest.right, before[0])
    }
    head = { ...head, rows }
    return grown
  }

  const insertOutbox = (rows: EncodedBatch["outbox"]) => {
    for (let at = 0; at < rows.length; at += 3) {
      const [id, receiver, message] = rows.slice(at, at + 3) as [number, string, string]
      if (id <= head.lastOutboxId)
        throw new StoreError({
          reason: "Unstorable",
          detail: `outbox id ${id} does not come after ${head.lastOutboxId}`,
        })
      const digest = digestOutboxItem(id, receiver, message)
      statements.insertOutbox.run(id, receiver, message, digest.left, digest.right)
      head = { ...head, lastOutboxId: id, outbox: addDigest(head.outbox, digest) }
    }
  }

  const forget = (deleted: unknown) => {
    for (const sum of deleted as Array<Array<number>>)
      head = { ...head, outbox: subtractDigest(head.outbox, toSum(sum, 0)) }
  }

  const storeBatch = (batch: EncodedBatch) => {
    log.advance(head)
    const before = head
    head = { ...before, batch: before.batch + 1 }
    const logged: Array<string | number> = [batch.run ?? ""]
    let grown = 0
    if (batch.run !== undefined) {
      const firstSeq = before.lastSeq + 1
      statements.insertRun.run(head.batch, firstSeq, batch.run)
      statements.insertRunDigest.run(head.batch, digestRun(head.batch, firstSeq, batch.run))
      grown += batch.run.length
    }
    let seq = before.lastSeq
    for (let at = 0; at < batch.events.length; at += 3) {
      const [atMs, event, digest] = batch.events.slice(at, at + 3) as [number, string, string]
      statements.insertEvent.run(++seq, atMs, event, digest)
      logged.push(atMs, event, digest)
      grown += event.length
    }
    for (let at = 0; at < batch.changes.length; at += 3)
      grown += changeRow(batch.changes[at]!, batch.changes[at + 1]!, batch.changes[at + 2]!)
    insertOutbox(batch.outbox)
    for (let at = 0; at < batch.delivered.length; at += 2)
      forget(statements.deleteDelivered.all(batch.delivered[at], batch.delivered[at + 1]))
    for (const receiver of batch.dropped) forget(statements.dropReceiver.all(receiver))
    head = { ...head, lastSeq: seq, logSize: head.logSize + grown + batchOverhead }
    head = { ...head, chain: chainAfter(before.chain, head, logged) }
    const { rows, outbox } = head
    statements.insertBatch.run(
      ...[head.batch, head.lastSeq, head.lastOutboxId, head.logSize],
      ...[rows.left, rows.right, outbox.left, outbox.right, head.chain],
    )
    log.sweep(batch.events.length / 3)
  }

  const reload = () => {
    log.reload()
    head = readHead(database)
  }

  /** What the write-ahead log takes can often be moved into the file, which may be all the room that is missing. */
  const giveBack = () => {
    try {
      database.pragma("wal_checkpoint(TRUNCATE)")
    } catch {
      // The file has no room to grow either.
    }
  }

  /** Inside a transaction, better-sqlite3 makes this a savepoint. */
  const storeWhole = database.transaction(storeBatch)

  const storeGroup = database.transaction((batches: ReadonlyArray<EncodedBatch>): AppendOutcome => {
    for (let stored = 0; stored < batches.length; stored++) {
      try {
        storeWhole(batches[stored] as EncodedBatch)
      } catch (error) {
        // A full disk makes SQLite roll back everything (sqlite.org/lang_transaction.html §3).
        if (!database.inTransaction) throw error
        reload()
        return { stored, failure: toFailureAt(options.path, error, "Unstorable") }
      }
    }
    return { stored: batches.length }
  })

  return {
    report,
    append: (batches) => {
      const before = head.batch
      try {
        return storeGroup.immediate(batches)
      } catch (error) {
        const failure = toFailureAt(options.path, error, "Unstorable")
        if (failure.reason === "DiskFull") giveBack()
        reload()
        // What the file holds counts, not what the error seems to say: a batch must never be written twice.
        return { stored: head.batch - before, failure }
      }
    },
    recover: () => ({
      entities: (statements.allEntities.all() as Array<Array<string>>).flat(),
      outbox: (statements.allOutbox.all() as Array<Array<string | number>>).flat(),
      lastEventSeq: head.lastSeq,
      lastOutboxId: head.lastOutboxId,
    }),
    events: (fromSeq, limit) =>
      (
        statements.someEvents.all(Math.max(fromSeq, log.firstSeq()), limit) as Array<Array<string | number>>
      ).flat(),
    close: () => {
      // Leaves one file: a journal at rest can be copied without knowing about WALs.
      database.pragma("wal_checkpoint(TRUNCATE)")
      database.close()
    },
  }
}

/** What a batch takes beside its texts. */
const batchOverhead = 200
