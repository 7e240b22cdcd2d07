import type Database from "better-sqlite3"
import type { Head } from "./BatchChain.ts"

// Reading a journal of today's format, by whoever has its database open.

const headColumns = `number, last_seq, last_outbox_id, log_size, rows_left, rows_right, outbox_left, outbox_right, chain
  FROM batches`

export const toHead = (row: ReadonlyArray<number | string>): Head => {
  const numbers = row as ReadonlyArray<number>
  return {
    batch: numbers[0]!,
    lastSeq: numbers[1]!,
    lastOutboxId: numbers[2]!,
    logSize: numbers[3]!,
    rows: { left: numbers[4]!, right: numbers[5]! },
    outbox: { left: numbers[6]!, right: numbers[7]! },
    chain: row[8] as string,
  }
}

/** Where the journal is. */
export const readHead = (database: Database.Database): Head =>
  toHead(
    database.prepare(`SELECT ${headColumns} ORDER BY number DESC LIMIT 1`).raw().get() as Array<
      number | string
    >,
  )

/** Undefined when that batch is not kept. */
export const readHeadAfter = (database: Database.Database, batch: number): Head | undefined => {
  const row = database.prepare(`SELECT ${headColumns} WHERE number = ?`).raw().get(batch)
  return row === undefined ? undefined : toHead(row as Array<number | string>)
}

/** What each batch from one on has as its chain, by its number. */
export const readChains = (database: Database.Database, fromBatch: number): ReadonlyMap<number, string> =>
  new Map(
    database.prepare("SELECT number, chain FROM batches WHERE number >= ?").raw().all(fromBatch) as Array<
      [number, string]
    >,
  )

/** The newest batch, none before `fromBatch`, that ends with event `seq` or an earlier one; undefined when there is none. */
export const readHeadBefore = (
  database: Database.Database,
  fromBatch: number,
  seq: number,
): Head | undefined => {
  const row = database
    .prepare(`SELECT ${headColumns} WHERE number >= ? AND last_seq <= ? ORDER BY number DESC LIMIT 1`)
    .raw()
    .get(fromBatch, seq)
  return row === undefined ? undefined : toHead(row as Array<number | string>)
}

/** Every batch from one on, in their order. */
export const iterateBatches = (database: Database.Database, fromBatch: number): IterableIterator<Head> => {
  const rows = database
    .prepare(`SELECT ${headColumns} WHERE number >= ? ORDER BY number`)
    .raw()
    .iterate(fromBatch) as IterableIterator<Array<number | string>>
  return (function* () {
    for (const row of rows) yield toHead(row)
  })()
}

export type EventRow = [seq: number, atMs: number, event: string, digest: string]

export const iterateEvents = (database: Database.Database, fromSeq: number): IterableIterator<EventRow> =>
  database
    .prepare("SELECT seq, at_ms, event, actions_digest FROM events WHERE seq >= ? ORDER BY seq")
    .raw()
    .iterate(fromSeq) as IterableIterator<EventRow>

/** The digest that was kept of each run, by its first batch; a run may have none: the first journals of format 2 kept none. */
export const readRunDigests = (database: Database.Database): ReadonlyMap<number, string> =>
  new Map(
    (
      database
        .prepare("SELECT CAST(substr(name, 5) AS INTEGER), value FROM meta WHERE name GLOB 'run *'")
        .raw()
        .all() as Array<[number, string]>
    ).map(([firstBatch, digest]) => [firstBatch, digest]),
  )

/** What a process said of itself before it wrote its first batch. */
export interface RunRow {
  readonly firstBatch: number
  readonly firstSeq: number
  readonly facts: string
}

export const readRuns = (database: Database.Database): ReadonlyArray<RunRow> =>
  (
    database
      .prepare("SELECT first_batch, first_seq, facts FROM runs ORDER BY first_batch")
      .raw()
      .all() as Array<[number, number, string]>
  ).map(([firstBatch, firstSeq, facts]) => ({ firstBatch, firstSeq, facts }))

export type EntityRow = [kind: string, key: string, value: string]

/** The rows at the beginning of a segment, in no order; see SegmentLog.ts. */
export const iterateRowsBefore = (
  database: Database.Database,
  segment: number,
): IterableIterator<EntityRow> =>
  database
    .prepare(
      `SELECT kind, key, value FROM entities WHERE written < $segment
       UNION ALL SELECT kind, key, value FROM old_rows WHERE segment >= $segment AND written < $segment`,
    )
    .raw()
    .iterate({ segment }) as IterableIterator<EntityRow>

/** What a journal keeps beside each row: the segment in which it was written, and its digest. */
export type WholeEntityRow = [...EntityRow, written: number, left: number, right: number]

export const iterateWholeEntities = (database: Database.Database): IterableIterator<WholeEntityRow> =>
  database
    .prepare("SELECT kind, key, value, written, sum_left, sum_right FROM entities")
    .raw()
    .iterate() as IterableIterator<WholeEntityRow>

export type WholeOutboxRow = [...OutboxRow, left: number, right: number]

export const iterateWholeOutbox = (database: Database.Database): IterableIterator<WholeOutboxRow> =>
  database
    .prepare("SELECT id, receiver, message, sum_left, sum_right FROM outbox")
    .raw()
    .iterate() as IterableIterator<WholeOutboxRow>

export type OutboxRow = [id: number, receiver: string, message: string]
