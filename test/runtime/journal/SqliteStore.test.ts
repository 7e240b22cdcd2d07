import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import Database from "better-sqlite3"
import { afterAll, describe, expect, it, vi } from "vitest"
import { decodeState } from "../../../runtime/journal/EncodedBatch.ts"
import type { Batch } from "../../../runtime/journal/Journal.ts"
import { checkBeginnings, checkLog, checkState } from "../../../runtime/journal/SqliteCheck.ts"
import { readRuns } from "../../../runtime/journal/SqliteReading.ts"
import { iterateEntities, iterateOutbox } from "../../../runtime/journal/SqliteState.ts"
import { openSqliteStore, type SqliteStore } from "../../../runtime/journal/SqliteStore.ts"
import { batch, eventOf, itemOf, rowOf } from "./JournalFixture.ts"
import { encoded } from "./StoredBatches.ts"

const folder = mkdtempSync(join(tmpdir(), "gleaner-sqlite-store-"))
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

describe("changes that wait to be entered", () => {
  const write = (path: string, lateSize: number, count: number) => {
    const store = openSqliteStore({ path, ...keepAll, lateSize })
    for (let number = 1; number <= count; number++)
      appendAll(store, [
        batch({ events: [eventOf(number)], changes: [rowOf("a", number)], outbox: [itemOf(number)] }),
      ])
    store.close()
  }
  const edit = (path: string, sql: string) => {
    const database = new Database(path)
    database.exec(sql)
    database.close()
  }

  it("are of the newest batches, and each version of a row but the last is passed over", () => {
    const path = newPath()
    write(path, 1_000, 50)
    look(path, (database) => {
      const late = database.prepare("SELECT min(batch), max(batch) FROM late").raw().get() as Array<number>
      expect(late[0]).toBeGreaterThan(40)
      expect(late[1]).toBe(50)
      // Whoever comes later has changed it again.
      expect(database.prepare("SELECT count(*) FROM entities").pluck().get()).toBe(0)
      expect(database.prepare("SELECT count(*) FROM outbox").pluck().get()).toBe(late[0]! - 1)
      expect([...iterateEntities(database)]).toEqual([["task", "a", "50"]])
      expect([...iterateOutbox(database)].map(([id]) => id)).toEqual(
        Array.from({ length: 50 }, (_, at) => at + 1),
      )
    })
  })

  it.each([
    [
      "UPDATE late SET changes = replace(changes, '4', '5') WHERE batch = 4",
      "what batch 4 changed is not what",
    ],
    ["DELETE FROM late WHERE batch = 1", "is not all that batch 6 has left"],
    ["DELETE FROM late WHERE batch = 3", "is not all that batch 6 has left"],
    ["DELETE FROM late WHERE batch = 6", "is not all that batch 6 has left"],
    ["DELETE FROM late", "is not all that batch 6 has left"],
    ["INSERT INTO late VALUES (7, '[7,[],[],[]]\n')", "what batch 7 changed is not what"],
  ])("are missed and known again: %s", (damage, told) => {
    const path = newPath()
    write(path, 1e9, 6)
    expect(look(path, (database) => checkState(database))).toBeUndefined()
    edit(path, damage)
    expect(look(path, (database) => checkState(database))).toContain(told)
    expect(() => openSqliteStore({ path, ...keepAll })).toThrow(told)
  })

  it("are none once all of them are entered: one that comes back is missed", () => {
    const path = newPath()
    write(path, 1e9, 5)
    const [text] = look(path, (database) => database.prepare("SELECT changes FROM late").pluck().all())
    const store = openSqliteStore({ path, ...keepAll, lateSize: 0 })
    appendAll(store, [batch({ events: [eventOf(6)], changes: [rowOf("a", 6)] })])
    store.close()
    expect(look(path, (database) => checkState(database))).toBeUndefined()
    // As a page that was never written leaves it.
    edit(path, `INSERT INTO late VALUES (1, '${text}')`)
    expect(look(path, (database) => checkState(database))).toContain("batch 1 changed was entered, and waits")
    expect(() => openSqliteStore({ path, ...keepAll })).toThrow("was entered, and waits")
  })

  it("are of a bounded number of batches, also where each changes next to nothing", () => {
    const path = newPath()
    const store = openSqliteStore({ path, ...keepAll, lateSize: 20_000 })
    for (let number = 1; number <= 400; number++)
      appendAll(store, [batch({ delivered: [{ to: "a", upToId: number }] })])
    const countLate = () =>
      look(path, (database) => database.prepare("SELECT count(*) FROM late").pluck().get())
    expect(countLate()).toBeLessThanOrEqual(100)
    store.close()
    const again = openSqliteStore({ path, ...keepAll, lateSize: 10_000 })
    appendAll(again, [batch({ delivered: [{ to: "a", upToId: 401 }] })])
    expect(countLate()).toBeLessThanOrEqual(50)
    again.close()
  })

  it("are none in a journal of format 2, which becomes one of today's with all that it holds", () => {
    const path = newPath()
    write(path, 0, 5)
    edit(path, "DROP TABLE late; UPDATE meta SET value = 2 WHERE name = 'format'")
    expect(look(path, (database) => checkState(database) ?? checkLog(database))).toBeUndefined()
    const store = openSqliteStore({ path, ...keepAll })
    expect(store.report.migrated).toEqual({ format: 2, keptAt: `${path}.format-2` })
    appendAll(store, [batch({ events: [eventOf(6)], changes: [rowOf("a", 6)] })])
    store.close()
    expect(look(path, (database) => checkState(database) ?? checkLog(database))).toBeUndefined()
    const again = openSqliteStore({ path, ...keepAll })
    expect(again.recover()).toMatchObject({ entities: ["task", "a", "6"], lastEventSeq: 6, lastOutboxId: 5 })
    expect(again.events(1, 9)).toHaveLength(6 * 4)
    again.close()
  })
})

describe("what a journal in sqlite keeps beside its rows", () => {
  const makeJournal = () => {
    const path = newPath()
    const store = openSqliteStore({ path, keepEvents: 20, keepSize: 1e9, lateSize: 0 })
    for (let index = 1; index <= 100; index++)
      appendAll(store, [
        batch({
          ...(index === 1 ? { run: { settings: "first" } } : {}),
          events: [eventOf(index)],
          changes: [rowOf(String(index % 7), index)],
          outbox: [itemOf(index)],
        }),
      ])
    store.close()
    return path
  }
  const change = (path: string, text: string) => {
    const database = new Database(path)
    expect(database.prepare(text).run().changes).toBe(1)
    database.close()
  }

  it.each([
    [
      "a row's digest",
      "UPDATE entities SET sum_left = sum_left + 1 WHERE key = '3'",
      /row task 3 is not what was written/,
    ],
    [
      "the other half",
      "UPDATE entities SET sum_right = 0 WHERE key = '3'",
      /row task 3 is not what was written/,
    ],
    ["a row's segment", "UPDATE entities SET written = 4000 WHERE key = '3'", /task 3 says it is of segment/],
    [
      "a message's digest",
      "UPDATE outbox SET sum_left = 0 WHERE id = 7",
      /message 7 of its outbox is not what was written/,
    ],
    // The batch that it belongs to is long gone.
    ["a run's facts", `UPDATE runs SET facts = '{"settings":"other"}'`, /begins with batch 1 is not what/],
    ["a run's place", "UPDATE runs SET first_seq = 2", /begins with batch 1 is not what/],
    ["a run itself", "DELETE FROM runs", /the run that begins with batch 1 is missing/],
  ])("is looked at when it is opened: %s", (_, text, problem) => {
    const path = makeJournal()
    expect(look(path, readRuns)).toHaveLength(1)
    change(path, text)
    expect(() => openSqliteStore({ path, ...keepAll })).toThrow(problem)
  })

  it("may be without the digests of runs, as the first journals of this format were", () => {
    const path = makeJournal()
    change(path, "DELETE FROM meta WHERE name GLOB 'run *'")
    const store = openSqliteStore({ path, ...keepAll })
    appendAll(store, [batch({ run: { settings: "second" }, events: [eventOf(1)] })])
    store.close()
    expect(look(path, (database) => [readRuns(database).length, checkLog(database)])).toEqual([2, undefined])
  })
})

/** As gleaner 0.1 to 0.3 made them. */
const makeFormat1 = (path: string): void => {
  const database = new Database(path)
  database.exec(`
    CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE events (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, event TEXT NOT NULL,
      actions_digest TEXT NOT NULL) STRICT;
    CREATE TABLE entities (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
      PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID;
    CREATE TABLE outbox (receiver TEXT NOT NULL, id INTEGER NOT NULL, message TEXT NOT NULL,
      PRIMARY KEY (receiver, id)) STRICT, WITHOUT ROWID;
    INSERT INTO meta VALUES ('format', 1), ('created_at', '2025-01-02T03:04:05Z'), ('last_outbox_id', 7);
    PRAGMA application_id = ${0x676c6e72};
    INSERT INTO events VALUES (41, 900, '{"type":"TimePassed"}', ''), (42, 901, '{"type":"TimePassed"}', 'ff');
    INSERT INTO entities VALUES ('task', 'a', '{"x":1}'), ('task', 'b', '2');
    INSERT INTO outbox VALUES ('S0', 5, '{"id":5}'), ('S0', 7, '{"id":7}');
  `)
  database.pragma("journal_mode = WAL")
  database.close()
}

describe("a journal of format 1", () => {
  it("becomes one of today's, and is kept beside as a whole", () => {
    const path = newPath()
    makeFormat1(path)
    const store = openSqliteStore({ path, ...keepAll })
    expect(store.report.migrated).toEqual({ format: 1, keptAt: `${path}.format-1` })
    expect(decodeState(store.recover())).toEqual({
      entities: [rowOf("a", { x: 1 }), rowOf("b", 2)],
      outbox: [itemOf(5, "S0"), itemOf(7, "S0")],
      lastEventSeq: 42,
      lastOutboxId: 7,
    })
    appendAll(store, [batch({ events: [eventOf(1)], changes: [rowOf("a", undefined)] })])
    expect(store.events(0, 9).slice(0, 2)).toEqual([43, 1])
    store.close()
    expect(statSync(`${path}.format-1`).mode & 0o777).toBe(0o600)
    look(`${path}.format-1`, (database) => {
      expect(database.prepare("SELECT count(*) FROM events").pluck().get()).toBe(2)
      expect(database.pragma("application_id", { simple: true })).toBe(0x676c6e72)
    })
    look(path, (database) => {
      expect([checkState(database), checkLog(database), checkBeginnings(database)]).toEqual([
        undefined,
        undefined,
        undefined,
      ])
      expect(database.prepare("SELECT value FROM meta WHERE name = 'created_at'").pluck().get()).toBe(
        "2025-01-02T03:04:05Z",
      )
    })
    const again = openSqliteStore({ path, ...keepAll })
    expect(again.report.migrated).toBeUndefined()
    again.close()
  })

  it("is written durably while it is changed", () => {
    const path = newPath()
    makeFormat1(path)
    const levels = new Set<unknown>()
    const { exec } = Database.prototype
    const spy = vi.spyOn(Database.prototype, "exec").mockImplementation(function (
      this: Database.Database,
      text: string,
    ) {
      levels.add(this.pragma("synchronous", { simple: true }))
      return exec.call(this, text)
    })
    try {
      openSqliteStore({ path, ...keepAll }).close()
    } finally {
      spy.mockRestore()
    }
    // 2 = FULL.
    expect([...levels]).toEqual([2])
  })

  it("is left alone when it cannot be kept beside", () => {
    const path = newPath()
    makeFormat1(path)
    // A folder in the way of the copy.
    mkdirSync(`${path}.format-1.${process.pid}.new`)
    expect(() => openSqliteStore({ path, ...keepAll })).toThrow(/EEXIST/)
    expect(existsSync(`${path}.format-1`)).toBe(false)
    look(path, (left) =>
      expect(left.prepare("SELECT value FROM meta WHERE name = 'format'").pluck().get()).toBe(1),
    )
  })

  it("leaves no copies behind when it cannot be changed, and says that it is as it was", () => {
    const path = newPath()
    makeFormat1(path)
    const before = new Database(path)
    // Today's tables are made within the transaction.
    before.exec("CREATE TABLE batches (other TEXT)")
    before.close()
    for (let attempt = 0; attempt < 2; attempt++)
      expect(() => openSqliteStore({ path, ...keepAll })).toThrow(
        /it has format 1 and could not be brought to format 3: .*batches already exists.*; it is as it was/,
      )
    expect(readdirSync(folder).filter((name) => name.startsWith(`${basename(path)}.`))).toEqual([])
    look(path, (left) => {
      expect(left.prepare("SELECT value FROM meta WHERE name = 'format'").pluck().get()).toBe(1)
      expect(left.prepare("SELECT count(*) FROM entities").pluck().get()).toBe(2)
    })
  })
})
