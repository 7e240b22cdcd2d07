import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Database from "better-sqlite3"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { decodeState } from "../../../runtime/journal/EncodedBatch.ts"
import type { Batch } from "../../../runtime/journal/Journal.ts"
import { readSegments } from "../../../runtime/journal/SegmentLog.ts"
import {
  checkBeginnings,
  checkLog,
  checkState,
  checkStructure,
} from "../../../runtime/journal/SqliteCheck.ts"
import { iterateEvents, iterateRowsBefore, readRuns } from "../../../runtime/journal/SqliteReading.ts"
import { openSqliteStore, type SqliteStore } from "../../../runtime/journal/SqliteStore.ts"
import { batch, eventOf, itemOf, rowOf } from "./JournalFixture.ts"
import { recoverNaively } from "./NaiveJournal.ts"
import { arbitraryBatches, encoded } from "./StoredBatches.ts"

const folder = mkdtempSync(join(tmpdir(), "gleaner-segment-log-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newPath = () => join(folder, `${++files}.db`)

const keepAll = { keepEvents: 1_000_000, keepSize: 1e9 }

const appendAll = (store: SqliteStore, batches: ReadonlyArray<Batch>) => {
  for (const one of batches) expect(store.append([encoded(one)])).toEqual({ stored: 1 })
}

/** Looks at a journal at rest, and leaves it as it is. */
const look = <A>(path: string, use: (database: Database.Database) => A): A => {
  const database = new Database(path, { readonly: true })
  try {
    return use(database)
  } finally {
    database.close()
  }
}

/** The rows at the beginning of each segment are what all batches before it have left. */
const expectBeginnings = (database: Database.Database, batches: ReadonlyArray<Batch>) => {
  expect(checkBeginnings(database)).toBeUndefined()
  for (const { number, firstBatch } of readSegments(database)) {
    const rows = [...iterateRowsBefore(database, number)]
    const found = rows.map(([kind, key, value]) => ({ kind, key, value: JSON.parse(value) }))
    expect(
      found.sort((one, other) => (one.kind + one.key < other.kind + other.key ? -1 : 1)),
      `segment ${number}`,
    ).toEqual(recoverNaively(batches.slice(0, firstBatch - 1)).entities)
  }
}

describe("the log of a journal in sqlite", () => {
  it("can be put together as it was at the beginning of each segment, whatever was trimmed", () => {
    fc.assert(
      fc.property(
        arbitraryBatches(40),
        fc.integer({ min: 1, max: 24 }),
        fc.constantFrom(2_000, 8_000, 1e9),
        fc.constantFrom(0, 400, 1_500, 1e9),
        (batches, keepEvents, keepSize, lateSize) => {
          const path = newPath()
          // Restarted in the middle: what trimming keeps in memory is read anew.
          const middle = Math.floor(batches.length / 2)
          for (const part of [batches.slice(0, middle), batches.slice(middle)]) {
            const store = openSqliteStore({ path, keepEvents, keepSize, lateSize })
            appendAll(store, part)
            store.close()
          }
          look(path, (database) => {
            expect(
              [checkStructure, checkState, checkLog, checkBeginnings].map((check) => check(database)),
            ).toEqual(Array.from({ length: 4 }))
            const seqAfter = (count: number) => batches.slice(0, count).flatMap(({ events }) => events).length
            const segments = readSegments(database)
            expectBeginnings(database, batches)
            for (const { firstBatch, firstSeq } of segments)
              expect(firstSeq).toBe(seqAfter(firstBatch - 1) + 1)
            // At least what is asked for is kept, and the run in which the log begins is known.
            const all = seqAfter(batches.length)
            const kept = all - segments[0]!.firstSeq + 1
            if (keepSize === 1e9) {
              expect(kept).toBeGreaterThanOrEqual(Math.min(keepEvents, all))
              // Of batches of up to 3 events: the oldest segment may be 2 longer than its share, and the last batch comes after trimming.
              expect(kept).toBeLessThanOrEqual(keepEvents - 1 + Math.ceil(keepEvents / 8) + 2 + 3)
            }
            expect([...iterateEvents(database, segments[0]!.firstSeq)]).toHaveLength(kept)
            const runs = batches.flatMap(({ run }, index) => (run === undefined ? [] : [index + 1]))
            const inForce = Math.max(0, ...runs.filter((number) => number <= segments[0]!.firstBatch))
            expect(readRuns(database).map(({ firstBatch }) => firstBatch)).toEqual(
              runs.filter((number) => number >= inForce),
            )
          })
          const again = openSqliteStore({ path, keepEvents, keepSize, lateSize })
          expect(decodeState(again.recover())).toEqual(recoverNaively(batches))
          again.close()
          rmSync(path)
        },
      ),
      { numRuns: 60 },
    )
  })

  it("begins a segment with nothing that waits, though what is entered last takes the room that was left", () => {
    const path = newPath()
    const batches = Array.from({ length: 400 }, (_, number) =>
      batch({ events: [eventOf(number)], changes: [rowOf(String(number % 10), `${number} `.repeat(80))] }),
    )
    const store = openSqliteStore({ path, keepEvents: 1e6, keepSize: 80_000, lateSize: 10_000 })
    appendAll(store, batches)
    store.close()
    look(path, (database) => {
      expect(readSegments(database).length).toBeGreaterThan(5)
      expectBeginnings(database, batches)
    })
  })

  it("begins a segment with nothing that waits, though less is to be kept than before a restart", () => {
    const path = newPath()
    const batches = Array.from({ length: 30 }, (_, number) =>
      batch({ events: [eventOf(number)], changes: [rowOf(String(number % 10), number)] }),
    )
    const before = openSqliteStore({ path, ...keepAll })
    appendAll(before, batches.slice(0, 20))
    before.close()
    const after = openSqliteStore({ path, keepEvents: 16, keepSize: 1e9 })
    appendAll(after, batches.slice(20))
    after.close()
    look(path, (database) => {
      expect(readSegments(database).length).toBeGreaterThan(5)
      expectBeginnings(database, batches)
    })
  })

  it("does not grow for ever: what is trimmed is deleted, a part with each batch", () => {
    const path = newPath()
    const store = openSqliteStore({ path, keepEvents: 80, keepSize: 1e9 })
    for (let number = 1; number <= 2_000; number++)
      appendAll(store, [batch({ events: [eventOf(number)], changes: [rowOf(String(number % 50), number)] })])
    store.close()
    look(path, (database) => {
      const count = (table: string) =>
        database.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number
      expect(count("events")).toBeLessThanOrEqual(90)
      expect(count("batches")).toBeLessThanOrEqual(91)
      expect(count("segments")).toBeLessThanOrEqual(10)
      expect(count("old_rows")).toBeLessThanOrEqual(100)
    })
  })

  it("numbers on after what failed, and forgets what it had counted for it", () => {
    const path = newPath()
    const store = openSqliteStore({ path, keepEvents: 3, keepSize: 1e9 })
    const good = (number: number) =>
      batch({ events: [eventOf(number)], changes: [rowOf("a", number)], outbox: [itemOf(number)] })
    appendAll(store, [good(1), good(2)])
    const bad = batch({ events: [eventOf(9)], changes: [rowOf("b", 9)], outbox: [itemOf(2)] })
    expect(store.append([encoded(good(3)), encoded(bad), encoded(good(4))])).toMatchObject({
      stored: 1,
      failure: { reason: "Unstorable" },
    })
    appendAll(store, [good(4)])
    store.close()
    look(path, (database) =>
      expect([checkState(database), checkLog(database), checkBeginnings(database)]).toEqual([
        undefined,
        undefined,
        undefined,
      ]),
    )
    const again = openSqliteStore({ path, ...keepAll })
    expect(again.recover()).toMatchObject({ entities: ["task", "a", "4"], lastEventSeq: 4, lastOutboxId: 4 })
    again.close()
  })
})
