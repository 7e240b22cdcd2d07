import type Database from "better-sqlite3"
import { LateChanges, textToChanges } from "./LateChanges.ts"
import type { EntityRow, OutboxRow } from "./SqliteReading.ts"

// The rows and messages of a journal: what is in their tables, with what waits to be entered there.

/** The table of rows, without what waits to be entered. */
export const iterateStoredEntities = (database: Database.Database): IterableIterator<EntityRow> =>
  database.prepare("SELECT kind, key, value FROM entities").raw().iterate() as IterableIterator<EntityRow>

/** The table of messages, without what waits to be entered. */
export const iterateStoredOutbox = (database: Database.Database): IterableIterator<OutboxRow> =>
  database.prepare("SELECT id, receiver, message FROM outbox").raw().iterate() as IterableIterator<OutboxRow>

export type LateRow = [batch: number, changes: string]

/** Changes that wait to be entered, in the order of their batches. Journals of format 2 have none. */
export const lateRows = (database: Database.Database): ReadonlyArray<LateRow> => {
  const isThere = database.prepare("SELECT count(*) FROM sqlite_schema WHERE name = 'late'").pluck().get()
  if (isThere !== 1) return []
  return database.prepare("SELECT batch, changes FROM late ORDER BY batch").raw().all() as Array<LateRow>
}

export const readLate = (database: Database.Database): LateChanges => {
  const late = new LateChanges()
  for (const [batch, text] of lateRows(database)) late.take(batch, textToChanges(text), text.length)
  return late
}

/** The rows as they are now, in no order. */
export const iterateEntities = function* (database: Database.Database): IterableIterator<EntityRow> {
  const late = readLate(database)
  for (const row of iterateStoredEntities(database)) if (!late.hasRow(row[0], row[1])) yield row
  const changed: Array<EntityRow> = []
  late.forEachRow((kind, key, value) => {
    if (value !== null) changed.push([kind, key, value])
  })
  yield* changed
}

/** The messages as they are now, in the order of their ids. */
export const iterateOutbox = function* (database: Database.Database): IterableIterator<OutboxRow> {
  const late = readLate(database)
  for (const row of iterateStoredOutbox(database)) if (!late.isDelivered(row[1], row[0])) yield row
  const added: Array<OutboxRow> = []
  late.forEachItem((id, receiver, message) => added.push([id, receiver, message]))
  yield* added
}

/** In the order of UTF-8, which is that of UTF-16 as long as there are no surrogates. */
const compareTexts = (one: string, other: string): number => {
  if (one === other) return 0
  if (/[\ud800-\udfff]/.test(one + other)) return Buffer.compare(Buffer.from(one), Buffer.from(other))
  return one < other ? -1 : 1
}

/** The rows of the table, which are ordered, as they are with what waits; flat, and ordered likewise. */
export const rowsNow = (stored: ReadonlyArray<EntityRow>, late: LateChanges): ReadonlyArray<string> => {
  const changed: Array<EntityRow> = []
  late.forEachRow((kind, key, value) => {
    if (value !== null) changed.push([kind, key, value])
  })
  const rows = stored.filter(([kind, key]) => !late.hasRow(kind, key)).concat(changed)
  if (changed.length > 0)
    rows.sort((one, other) => compareTexts(one[0], other[0]) || compareTexts(one[1], other[1]))
  return rows.flat()
}

/** The same for messages. */
export const itemsNow = (
  stored: ReadonlyArray<OutboxRow>,
  late: LateChanges,
): ReadonlyArray<string | number> => {
  const items: Array<OutboxRow> = stored.filter(([id, receiver]) => !late.isDelivered(receiver, id))
  late.forEachItem((id, receiver, message) => items.push([id, receiver, message]))
  return items.flat()
}
