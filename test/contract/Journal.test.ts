import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as FileJournal from "../../runtime/journal/FileJournal.ts"
import { emptyBatch } from "../../runtime/journal/Journal.ts"
import * as MemoryJournal from "../../runtime/journal/MemoryJournal.ts"
import * as SqliteJournal from "../../runtime/journal/SqliteJournal.ts"
import { batch, eventOf, itemOf, type Open, rowOf, run, using } from "../runtime/journal/JournalFixture.ts"
import { recordedNaively, recoverNaively } from "../runtime/journal/NaiveJournal.ts"
import { bundleForNode } from "../runtime/journal/WorkerBundle.ts"

let workerScript: URL
let folder: string
let files = 0

beforeAll(async () => {
  workerScript = await bundleForNode("runtime/journal/SqliteWorker.ts")
  folder = mkdtempSync(join(tmpdir(), "gleaner-journal-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const newPath = () => join(folder, `${++files}.db`)
const sqliteAt =
  (path: string): Open =>
  (options) =>
    SqliteJournal.make({ path, workerScript, ...options })

/** Each call makes a place; opening it again is a restart. */
const places: Record<string, () => Open> = {
  memory: () => {
    const store = MemoryJournal.makeMemoryStore()
    return (options) => MemoryJournal.make({ store, ...options })
  },
  sqlite: () => sqliteAt(newPath()),
  "a plain file": () => {
    const path = newPath()
    return (options) => FileJournal.make({ path, ...options })
  },
  "a plain file that is written anew all the time": () => {
    const path = newPath()
    return (options) => FileJournal.make({ path, compactBytes: 0, ...options })
  },
}

describe.each(Object.entries(places))("journal in %s", (_, newPlace) => {
  it("is empty at first", async () => {
    expect(await using(newPlace(), (journal) => journal.recover)).toEqual(recoverNaively([]))
  })

  it("gives back rows, outbox and events, also after a restart", async () => {
    const open = newPlace()
    const batches = [
      batch({
        events: [eventOf(1), eventOf(2)],
        changes: [rowOf("b", 1), rowOf("a", { x: [null, "é\u0000😀"] })],
      }),
      batch({
        events: [eventOf(3)],
        changes: [rowOf("b", 2), rowOf("c", 0)],
        outbox: [itemOf(4), itemOf(9, "b")],
      }),
      batch({ changes: [rowOf("c", undefined), rowOf("never", undefined)], outbox: [itemOf(10)] }),
    ]
    const expected = recoverNaively(batches)
    await using(open, (journal) =>
      Effect.gen(function* () {
        for (const one of batches) yield* journal.append(one)
        expect(yield* journal.recover).toEqual(expected)
      }),
    )
    const { state, events, some } = await using(open, (journal) =>
      Effect.all({ state: journal.recover, events: journal.events(0, 100), some: journal.events(2, 1) }),
    )
    expect(state).toEqual(expected)
    expect(events).toEqual(recordedNaively(batches))
    expect(some).toEqual([{ seq: 2, ...eventOf(2) }])
  })

  it("forgets what is delivered or dropped, but not the last id", async () => {
    const open = newPlace()
    const outbox = [itemOf(1), itemOf(2, "b"), itemOf(3), itemOf(4, "c"), itemOf(5), itemOf(6, "c")]
    const state = await using(open, (journal) =>
      Effect.gen(function* () {
        yield* journal.append(batch({ outbox }))
        yield* journal.append(
          batch({
            outbox: [itemOf(7, "c")],
            delivered: [
              { to: "a", upToId: 3 },
              { to: "b", upToId: 9 },
            ],
            dropped: ["c"],
          }),
        )
        return yield* journal.recover
      }),
    )
    expect(state.outbox).toEqual([itemOf(5)])
    const empty = await using(open, (journal) =>
      Effect.zipRight(journal.append(batch({ dropped: ["a"] })), journal.recover),
    )
    expect(empty).toMatchObject({ outbox: [], lastOutboxId: 7 })
  })

  it.each([
    ["a value that is no JSON", batch({ changes: [rowOf("x", 1), rowOf("y", 1n)] })],
    [
      "an outbox id that was used",
      batch({ changes: [rowOf("x", 1)], events: [eventOf(1)], outbox: [itemOf(6), itemOf(5)] }),
    ],
    ["half a surrogate pair as key", batch({ changes: [rowOf("x", 1), rowOf("\ud800", 1)] })],
    [
      "a fraction of a millisecond",
      batch({ changes: [rowOf("x", 1)], events: [{ ...eventOf(1), atMs: 0.5 }] }),
    ],
  ])("stores nothing of a batch with %s, and nothing after it", async (_, bad) => {
    const open = newPlace()
    const good = batch({ events: [eventOf(1)], changes: [rowOf("kept", 1)], outbox: [itemOf(5)] })
    const [first, second] = await using(open, (journal) =>
      Effect.gen(function* () {
        yield* journal.append(good)
        return yield* Effect.all([Effect.flip(journal.append(bad)), Effect.flip(journal.append(good))], {
          concurrency: "unbounded",
        })
      }),
    )
    expect([first.reason, second.reason]).toEqual(["Unstorable", "Unstorable"])
    const again = await using(open, (journal) =>
      Effect.zipRight(
        journal.append(batch({ events: [eventOf(2)] })),
        Effect.all({ state: journal.recover, events: journal.events(0, 9) }),
      ),
    )
    expect(again.state).toEqual({ ...recoverNaively([good]), lastEventSeq: 2 })
    expect(again.events.map(({ seq }) => seq)).toEqual([1, 2])
  })

  it("keeps the order of many appends at once, and the values of the moment of the call", async () => {
    const open = newPlace()
    const value = { number: 0 }
    const numbers = Array.from({ length: 2_000 }, (_, index) => index + 1)
    await using(open, (journal) =>
      Effect.forEach(
        numbers,
        (number) =>
          Effect.suspend(() => {
            value.number = number
            return journal.append(
              batch({ events: [eventOf(number)], changes: [rowOf("last", value)], outbox: [itemOf(number)] }),
            )
          }),
        { concurrency: "unbounded", discard: true },
      ),
    )
    const { state, events } = await using(open, (journal) =>
      Effect.all({ state: journal.recover, events: journal.events(0, 9_999) }),
    )
    expect(events).toEqual(numbers.map((number) => ({ seq: number, ...eventOf(number) })))
    expect(state.outbox.map(({ id }) => id)).toEqual(numbers)
    expect(state.entities).toEqual([rowOf("last", { number: 2_000 })])
  })

  it("keeps the newest events and forgets old ones", async () => {
    const open = newPlace()
    const events = await using(
      open,
      (journal) =>
        Effect.gen(function* () {
          for (let number = 1; number <= 300; number++)
            yield* journal.append(batch({ events: [eventOf(number)] }))
          return yield* journal.events(0, 1_000)
        }),
      { keepEvents: 50 },
    )
    // A journal that trims by segments keeps up to an eighth more.
    expect(events.length).toBeGreaterThanOrEqual(50)
    expect(events.length).toBeLessThanOrEqual(50 + 7)
    const first = 301 - events.length
    expect(events).toEqual(events.map((_, index) => ({ seq: first + index, ...eventOf(first + index) })))
  })

  it("refuses a second opening while it is open, and every use after it is closed", async () => {
    const open = newPlace()
    const closed = await run(
      Effect.gen(function* () {
        const journal = yield* open()
        const refused = yield* Effect.flip(Effect.scoped(open()))
        expect(refused.reason).toBe("Locked")
        expect(refused.message).toContain("stop the other process")
        yield* journal.append(batch({ changes: [rowOf("still", "mine")] }))
        return journal
      }),
    )
    for (const use of [closed.append(emptyBatch), closed.recover, closed.events(0, 1)])
      expect(await run(Effect.map(Effect.flip(use), ({ reason }) => reason))).toBe("Closed")
    expect((await using(open, (journal) => journal.recover)).entities).toEqual([rowOf("still", "mine")])
  })

  it("does what an obvious model does, restarted anywhere", async () => {
    const word = fc.oneof(fc.constantFrom("a", "b", "c"), fc.string({ unit: "grapheme", maxLength: 4 }))
    const json = fc.jsonValue({ noUnicodeString: false }).map((value) => JSON.parse(JSON.stringify(value)))
    const parts = fc.record({
      restart: fc.boolean(),
      events: fc.array(fc.record({ atMs: fc.nat(), event: json, actionsDigest: word }), { maxLength: 3 }),
      changes: fc.array(fc.record({ kind: word, key: word, value: fc.oneof(json, fc.constant(undefined)) }), {
        maxLength: 4,
      }),
      outbox: fc.array(fc.record({ step: fc.integer({ min: 1, max: 3 }), to: word, message: json }), {
        maxLength: 4,
      }),
      delivered: fc.array(fc.record({ to: word, back: fc.nat(6) }), { maxLength: 2 }),
      dropped: fc.array(word, { maxLength: 1 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(parts, { maxLength: 12 }), async (script) => {
        const open = newPlace()
        let id = 0
        const batches = script.map(({ events, changes, outbox, delivered, dropped }) => ({
          events,
          changes,
          outbox: outbox.map(({ step, to, message }) => {
            id += step
            return { id, to, message }
          }),
          delivered: delivered.map(({ to, back }) => ({ to, upToId: Math.max(0, id - back) })),
          dropped,
        }))
        let done = 0
        while (done < batches.length || done === 0) {
          const until = script.findIndex(({ restart }, index) => restart && index > done)
          const part = batches.slice(done, until === -1 ? batches.length : until)
          const { before, after } = await using(open, (journal) =>
            Effect.all({
              before: journal.recover,
              appended: Effect.forEach(part, journal.append, { concurrency: "unbounded" }),
              after: Effect.all([journal.recover, journal.events(0, 1_000)]),
            }),
          )
          expect(before).toEqual(recoverNaively(batches.slice(0, done)))
          done += part.length
          expect(after).toEqual([
            recoverNaively(batches.slice(0, done)),
            recordedNaively(batches.slice(0, done)),
          ])
          if (batches.length === 0) break
        }
      }),
      { numRuns: 40 },
    )
  })
})
