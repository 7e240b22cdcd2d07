import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Database from "better-sqlite3"
import { afterAll, describe, expect, it } from "vitest"
import { verifyJournal } from "../../../runtime/journal/JournalVerdict.ts"
import { openSqliteStore, type SqliteStore } from "../../../runtime/journal/SqliteStore.ts"
import { acquireProcessLock } from "../../../runtime/ProcessLock.ts"
import { batch, eventOf, rowOf } from "./JournalFixture.ts"
import { encoded } from "./StoredBatches.ts"

const folder = mkdtempSync(join(tmpdir(), "gleaner-live-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const mebibyte = 1024 * 1024
const walBytes = (path: string) => statSync(`${path}-wal`).size

/** What a master writes between two looks: about two MiB, in transactions of its own. */
const writeOn = (store: SqliteStore, from: number) => {
  for (let number = from; number < from + 20; number++) {
    const one = batch({ events: [eventOf(number)], changes: [rowOf(`r${number % 50}`, "x".repeat(100_000))] })
    expect(store.append([encoded(one)])).toEqual({ stored: 1 })
  }
}

describe("a journal that somebody reads while a master writes to it", () => {
  it("has a short write-ahead log, however long it is verified, and is found whole though it is trimmed", () => {
    const path = join(folder, "verified.db")
    const store = openSqliteStore({ path, keepEvents: 60_000, keepSize: 1e9 })
    const many = Array.from({ length: 100 }, (_, index) => eventOf(index))
    for (let number = 0; number < 1_000; number++) store.append([encoded(batch({ events: many }))])
    const lock = acquireProcessLock(`${path}.lock`)
    let rounds = 0
    let longest = 0
    const write = () => {
      writeOn(store, 20 * rounds++)
      longest = Math.max(longest, walBytes(path))
    }
    // Both while a moment of the journal is looked at and between two.
    const verdict = verifyJournal(
      path,
      () => write(),
      () => {
        for (let number = 0; number < 100; number++) store.append([encoded(batch({ events: many }))])
        write()
        // By the next transaction it has begun anew.
        write()
      },
    )
    expect(verdict).toMatchObject({ isWhole: true, problems: [] })
    if ("release" in lock) lock.release()
    store.close()
    expect(longest).toBeLessThan(20 * mebibyte)
    expect(rounds).toBeGreaterThan(20)
  })

  it("has a short one again when a reader that held a moment for long is gone", () => {
    const path = join(folder, "held.db")
    const store = openSqliteStore({ path, keepEvents: 1_000, keepSize: 1e7 })
    const reader = new Database(path, { readonly: true })
    reader.exec("BEGIN")
    reader.prepare("SELECT count(*) FROM events").get()
    for (let round = 0; round < 50; round++) writeOn(store, 20 * round)
    expect(walBytes(path)).toBeGreaterThan(90 * mebibyte)
    reader.exec("COMMIT")
    for (let round = 50; round < 53; round++) writeOn(store, 20 * round)
    expect(walBytes(path)).toBeLessThanOrEqual(64 * mebibyte)
    reader.close()
    store.close()
  })
})
