import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Database from "better-sqlite3"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { decodeState } from "../../../runtime/journal/EncodedBatch.ts"
import { checkLog } from "../../../runtime/journal/SqliteCheck.ts"
import { openSqliteStore } from "../../../runtime/journal/SqliteStore.ts"
import { collectParts, cutIntoParts, type StatePart } from "../../../runtime/journal/StateParts.ts"
import { batch, eventOf, itemOf, rowOf } from "./JournalFixture.ts"
import { arbitraryBatches, encoded } from "./StoredBatches.ts"

const folder = mkdtempSync(join(tmpdir(), "gleaner-parts-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const bounds = { keepEvents: 1_000, keepSize: 1e9 }
let journals = 0
const newPath = () => join(folder, `${++journals}.db`)

/** What is heard while a journal is opened, after a way through another thread. */
const hear = (path: string) => {
  const parts: Array<StatePart> = []
  const store = openSqliteStore(
    { path, ...bounds },
    cutIntoParts((part) => parts.push(structuredClone(part))),
  )
  const state = decodeState(store.recover())
  const { read } = store.report
  store.close()
  const collection = collectParts()
  const heard = () => {
    for (const part of parts) collection.take(part)
    return collection.toRecovered(read!)
  }
  return { parts, state, heard }
}

describe("the state that is read while a journal is looked at", () => {
  it("is what the journal holds, whatever was written", () => {
    fc.assert(
      fc.property(arbitraryBatches(30), (batches) => {
        const path = newPath()
        const store = openSqliteStore({ path, ...bounds })
        for (const one of batches) store.append([encoded(one)])
        store.close()
        const { state, heard } = hear(path)
        expect(heard()).toEqual(state)
      }),
      { numRuns: 50 },
    )
  })

  it("comes in parts, and anew where it began a second time", () => {
    const path = newPath()
    const store = openSqliteStore({ path, ...bounds })
    const changes = Array.from({ length: 200 }, (_, index) =>
      rowOf(`${(index * 7) % 200}`, "x".repeat(10_000)),
    )
    store.append([encoded(batch({ changes, outbox: [itemOf(1, "a"), itemOf(2, "b")] }))])
    store.close()
    const { parts, state, heard } = hear(path)
    expect(parts.length).toBeGreaterThan(3)
    expect(heard()).toEqual(state)
    // A first look that could not come to its end counts no more; nothing is kept of what was handed on.
    expect(heard()).toEqual(state)
    expect(collectParts().toRecovered({ lastEventSeq: 0, lastOutboxId: 0 }).entities).toEqual([])
  })

  it("has the order of code points, which is not JavaScript's own", () => {
    const path = newPath()
    const store = openSqliteStore({ path, ...bounds })
    const changes = ["\u{1f600}", "\uff5e", "é", "a", "\ue000b"].map((key) => rowOf(key, 1))
    store.append([encoded(batch({ changes }))])
    store.close()
    const { state, heard } = hear(path)
    expect(heard().entities.map(({ key }) => key)).toEqual(["a", "é", "\ue000b", "\uff5e", "\u{1f600}"])
    expect(state.entities.map(({ key }) => key)).toEqual(["a", "é", "\ue000b", "\uff5e", "\u{1f600}"])
  })
})

describe("the look at the end of a log", () => {
  it("is at so many events and no more, in the middle of a segment, too", () => {
    const path = newPath()
    const store = openSqliteStore({ path, ...bounds })
    for (let index = 0; index < 100; index++)
      store.append([encoded(batch({ events: [eventOf(index), eventOf(index)] }))])
    // Batches without events have an end as well.
    for (let index = 0; index < 30; index++) store.append([encoded(batch({ changes: [rowOf("a", index)] }))])
    store.close()
    const damageFound = (seq: number, newestEvents?: number) => {
      const database = new Database(path)
      const [event] = database.prepare("SELECT event FROM events WHERE seq = ?").raw().get(seq) as [string]
      const change = database.prepare("UPDATE events SET event = ? WHERE seq = ?")
      change.run("{}", seq)
      const problem = checkLog(database, newestEvents === undefined ? {} : { newestEvents })
      change.run(event, seq)
      expect(checkLog(database)).toBeUndefined()
      database.close()
      return problem
    }
    expect(damageFound(1)).toContain("batch 1 of its log (events 1 to 2) is not what was written")
    // Of 130 batches the newest 50, which are the last 20 with events.
    expect(damageFound(161, 50)).toContain("batch 81 of its log (events 161 to 162) is not what was written")
    expect(damageFound(160, 50)).toBeUndefined()
  })
})
