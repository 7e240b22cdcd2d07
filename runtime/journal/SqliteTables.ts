import type Database from "better-sqlite3"
import {
  addDigest,
  type DigestSum,
  digestOutboxItem,
  digestRow,
  type Head,
  subtractDigest,
} from "./BatchChain.ts"
import type { LateChanges } from "./LateChanges.ts"

// The tables of rows and of messages that wait, and what they add up to.

export interface SqliteTables {
  /** What is in the tables adds up to. */
  readonly sums: () => Pick<Head, "rows" | "outbox">
  /** Enters what is left of the oldest batch that waits; returns by how much text the log has grown: old rows that are kept for it. */
  readonly enterOldest: (late: LateChanges, segment: number) => number
  /** They are as this head says again. */
  readonly reload: (head: Head) => void
}

const prepareStatements = (database: Database.Database) => ({
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
})

const toSum = (row: ReadonlyArray<number>, at: number): DigestSum => ({ left: row[at]!, right: row[at + 1]! })

export const makeSqliteTables = (database: Database.Database, head: Head): SqliteTables => {
  const statements = prepareStatements(database)
  let { rows, outbox } = head

  const enterRow = (kind: string, key: string, value: string | null, segment: number): number => {
    const before = statements.findEntity.get(kind, key) as Array<number> | undefined
    if (before === undefined && value === null) return 0
    let grown = 0
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
    return grown
  }

  return {
    sums: () => ({ rows, outbox }),
    enterOldest: (late, segment) => {
      let grown = 0
      late.enterOldest({
        row: (kind, key, value) => {
          grown += enterRow(kind, key, value, segment)
        },
        delivered: (receiver, upToId) => {
          for (const sum of statements.deleteDelivered.all(receiver, upToId) as Array<Array<number>>)
            outbox = subtractDigest(outbox, toSum(sum, 0))
        },
        item: (id, receiver, message) => {
          const digest = digestOutboxItem(id, receiver, message)
          statements.insertOutbox.run(id, receiver, message, digest.left, digest.right)
          outbox = addDigest(outbox, digest)
        },
      })
      return grown
    },
    reload: (now) => {
      ;({ rows, outbox } = now)
    },
  }
}
