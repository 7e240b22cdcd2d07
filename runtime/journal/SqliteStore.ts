import Database from "better-sqlite3"
import { chainAfter, digestChanges, digestRun, type Head } from "./BatchChain.ts"
import { isWithoutRoom } from "./DiskRoom.ts"
import type { EncodedBatch, EncodedEvents, EncodedState, StoreFailure } from "./EncodedBatch.ts"
import type { AppendOutcome } from "./GroupCommit.ts"
import type { JournalFailure } from "./Journal.ts"
import { checkOutboxIds } from "./JournalImage.ts"
import { changesToText } from "./LateChanges.ts"
import type { LogBounds } from "./LogBounds.ts"
import { makeSegmentLog } from "./SegmentLog.ts"
import { type OpeningReport, openSqliteFile } from "./SqliteOpening.ts"
import { type EntityRow, type OutboxRow, readHead } from "./SqliteReading.ts"
import { StoreError, toFailure } from "./SqliteSchema.ts"
import { itemsNow, readLate, rowsNow } from "./SqliteState.ts"
import { makeSqliteTables } from "./SqliteTables.ts"
import type { StateListener } from "./StateParts.ts"

// Everything synchronous about the SQLite journal; runs in the worker thread and knows nothing about it.

export interface StoreOptions extends LogBounds {
  readonly path: string
  /** Text of changes that waits before it is entered, in UTF-16 units; see LateChanges.ts. For tests. */
  readonly lateSize?: number
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
  insertLate: database.prepare("INSERT INTO late VALUES (?, ?)"),
  deleteLate: database.prepare("DELETE FROM late WHERE batch < ?"),
  insertRunDigest: database.prepare("INSERT INTO meta VALUES ('run ' || CAST(? AS INTEGER), ?)"),
  allEntities: database.prepare("SELECT kind, key, value FROM entities ORDER BY kind, key").raw(),
  allOutbox: database.prepare("SELECT id, receiver, message FROM outbox ORDER BY id").raw(),
  someEvents: database
    .prepare("SELECT seq, at_ms, event, actions_digest FROM events WHERE seq >= ? ORDER BY seq LIMIT ?")
    .raw(),
})

/** Text of changes that waits, in UTF-16 units: that of some 5,000 launches. */
const lateSizeDefault = 32 * 1024 * 1024

/** In the last eighth of a segment less and less waits: all at its end would be a commit of a tenth of a second. */
const segmentEndShare = 8

const makeStore = (
  database: Database.Database,
  report: OpeningReport,
  options: StoreOptions,
): SqliteStore => {
  const statements = prepareStatements(database)
  const log = makeSegmentLog(database, options)
  const lateSize = options.lateSize ?? lateSizeDefault
  let head: Head = readHead(database)
  let late = readLate(database)
  const tables = makeSqliteTables(database, head)

  /** Returns how much text that is. */
  const insertEvents = (events: EncodedBatch["events"], logged: Array<string | number>): number => {
    let grown = 0
    let seq = head.lastSeq
    for (let at = 0; at < events.length; at += 3) {
      const atMs = events[at] as number
      const event = events[at + 1] as string
      const digest = events[at + 2] as string
      statements.insertEvent.run(++seq, atMs, event, digest)
      logged.push(atMs, event, digest)
      grown += event.length
    }
    return grown
  }

  /** Text that may wait once a batch is stored. Less and less towards the end of a segment, when nothing may. */
  const lateSizeAfter = (after: Pick<Head, "lastSeq" | "logSize">): number =>
    Math.floor(Math.min(1, log.roomShare(after) * segmentEndShare) * lateSize)

  /** The changes of a batch wait, and those of older ones are entered for which there is no room. */
  const storeChanges = (
    batch: EncodedBatch,
    after: Pick<Head, "batch" | "lastSeq" | "logSize" | "lastOutboxId">,
  ) => {
    const { changes, outbox } = batch
    const delivered = boundDeliveries(batch, after.lastOutboxId)
    late.take(after.batch, { changes, outbox, delivered }, batch.size)
    let grown = 0
    const isTooMuch = () => {
      const sizeMax = lateSizeAfter({ ...after, logSize: after.logSize + grown })
      return late.size > sizeMax || sizeMax === 0
    }
    while (late.firstWaiting !== undefined && isTooMuch())
      grown += tables.enterOldest(late, log.current().number)
    const { firstWaiting } = late
    statements.deleteLate.run(firstWaiting ?? after.batch)
    if (firstWaiting === undefined) return { grown, digest: "" }
    const text = changesToText({ firstWaiting, changes, outbox, delivered })
    statements.insertLate.run(after.batch, text)
    return { grown, digest: digestChanges(text) }
  }

  const storeBatch = (batch: EncodedBatch) => {
    log.advance(head, late.firstWaiting === undefined)
    const { batch: numberBefore, lastSeq, logSize, chain } = head
    const number = numberBefore + 1
    const logged: Array<string | number> = [batch.run ?? ""]
    if (batch.run !== undefined) {
      statements.insertRun.run(number, lastSeq + 1, batch.run)
      statements.insertRunDigest.run(number, digestRun(number, lastSeq + 1, batch.run))
    }
    const eventSize = insertEvents(batch.events, logged)
    const after = {
      ...{ batch: number, lastSeq: lastSeq + batch.events.length / 3, ...tables.sums() },
      lastOutboxId: lastIdOf(batch, head.lastOutboxId),
      logSize: logSize + eventSize + (batch.run?.length ?? 0) + batchOverhead,
    }
    const { grown, digest } = storeChanges(batch, after)
    const { rows, outbox } = tables.sums()
    const next = { ...after, rows, outbox, logSize: after.logSize + grown }
    head = { ...next, chain: chainAfter(chain, next, logged, digest) }
    statements.insertBatch.run(
      ...[head.batch, head.lastSeq, head.lastOutboxId, head.logSize],
      ...[rows.left, rows.right, outbox.left, outbox.right, head.chain],
    )
    log.sweep(batch.events.length / 3)
  }

  const reload = () => {
    log.reload()
    head = readHead(database)
    late = readLate(database)
    tables.reload(head)
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
      entities: rowsNow(statements.allEntities.all() as Array<EntityRow>, late),
      outbox: itemsNow(statements.allOutbox.all() as Array<OutboxRow>, late),
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

/** What is dropped is delivered, and nothing that comes after this batch is. */
const boundDeliveries = (
  { delivered, dropped }: EncodedBatch,
  lastOutboxId: number,
): EncodedBatch["delivered"] => {
  const bounded = delivered.map((value) =>
    typeof value === "number" ? Math.min(value, lastOutboxId) : value,
  )
  for (const receiver of dropped) bounded.push(receiver, lastOutboxId)
  return bounded
}

const lastIdOf = (batch: EncodedBatch, before: number): number => {
  const last = checkOutboxIds(before, batch)
  if (typeof last === "number") return last
  throw new StoreError(last)
}
