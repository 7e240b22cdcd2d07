import { existsSync, unlinkSync } from "node:fs"
import type Database from "better-sqlite3"
import { addDigest, digestOutboxItem, digestRow, noDigests } from "./BatchChain.ts"
import { copyDatabase } from "./DatabaseCopy.ts"
import { formatVersion, lateTable, requireFormat, StoreError, schema, toFailure } from "./SqliteSchema.ts"

// Journals of earlier formats become one of today's. What was there is kept beside, as a whole, before a byte is changed;
// the change itself is one transaction.

/** Where the journal of an earlier format is kept. */
export const backupPathOf = (path: string, format: number): string => {
  const wanted = `${path}.format-${format}`
  let free = wanted
  for (let number = 2; existsSync(free); number++) free = `${wanted}.${number}`
  return free
}

/**
 * Brings the journal from an earlier format to today's; returns where the old one is kept. When that fails, the journal is as it was, and
 * the copy goes: each further start would leave one more, on a disk that may be full. Its rows and its outbox go on. Events of
 * format 1 stay behind in the copy: they say nothing of where a replay could begin, nor with which settings.
 */
export const migrate = (database: Database.Database, path: string, format: number): string => {
  const steps: { readonly [format: number]: (database: Database.Database) => void } = {
    1: fromFormat1,
    2: fromFormat2,
  }
  const step = steps[format]
  if (step === undefined)
    throw new StoreError({ reason: "Damaged", detail: `no gleaner ever wrote format ${format}` })
  const kept = backupPathOf(path, format)
  copyDatabase(database, kept)
  try {
    database.transaction(step).immediate(database)
  } catch (error) {
    const { reason, detail } = toFailure(error, "CannotOpen")
    const before = `it has format ${format} and could not be brought to format ${formatVersion}: ${detail}`
    throw new StoreError({ reason, detail: `${before}; ${dropCopy(database, kept, format)}` })
  }
  return kept
}

/** What became of the copy. It stays where there is any doubt that the journal is what it was. */
const dropCopy = (database: Database.Database, kept: string, format: number): string => {
  try {
    const isAsBefore = !database.inTransaction && requireFormat(database) === format
    if (isAsBefore) unlinkSync(kept)
    if (isAsBefore) return "it is as it was"
  } catch {
    // It cannot be read, or the copy not be removed.
  }
  return `${kept} is a copy of it`
}

/** All that a batch changed is in the tables. */
const fromFormat2 = (database: Database.Database): void => {
  database.exec(`${lateTable} UPDATE meta SET value = ${formatVersion} WHERE name = 'format'`)
}

const fromFormat1 = (database: Database.Database): void => {
  const createdAt = database.prepare("SELECT value FROM meta WHERE name = 'created_at'").pluck().get()
  const lastOutboxId = database.prepare("SELECT value FROM meta WHERE name = 'last_outbox_id'").pluck().get()
  const lastSeq = database.prepare("SELECT coalesce(max(seq), 0) FROM events").pluck().get() as number
  database.exec(`
    ALTER TABLE entities RENAME TO entities_1;
    ALTER TABLE outbox RENAME TO outbox_1;
    DROP TABLE events;
    DROP TABLE meta;
    ${schema}
  `)
  const insertEntity = database.prepare("INSERT INTO entities VALUES (?, ?, ?, 0, ?, ?)")
  let rows = noDigests
  const entities = database.prepare("SELECT kind, key, value FROM entities_1").raw().all()
  for (const [kind, key, value] of entities as Array<[string, string, string]>) {
    const digest = digestRow(kind, key, value)
    rows = addDigest(rows, digest)
    insertEntity.run(kind, key, value, digest.left, digest.right)
  }
  const insertOutbox = database.prepare("INSERT INTO outbox VALUES (?, ?, ?, ?, ?)")
  let outbox = noDigests
  const items = database.prepare("SELECT id, receiver, message FROM outbox_1").raw().all()
  for (const [id, receiver, message] of items as Array<[number, string, string]>) {
    const digest = digestOutboxItem(id, receiver, message)
    outbox = addDigest(outbox, digest)
    insertOutbox.run(id, receiver, message, digest.left, digest.right)
  }
  database.exec("DROP TABLE entities_1; DROP TABLE outbox_1")
  database
    .prepare(
      `UPDATE batches SET last_seq = ?, last_outbox_id = ?, rows_left = ?, rows_right = ?, outbox_left = ?,
        outbox_right = ? WHERE number = 0`,
    )
    .run(lastSeq, lastOutboxId, rows.left, rows.right, outbox.left, outbox.right)
  database.prepare("UPDATE segments SET first_seq = ?").run(lastSeq + 1)
  database.prepare("UPDATE meta SET value = ? WHERE name = 'created_at'").run(createdAt)
}
