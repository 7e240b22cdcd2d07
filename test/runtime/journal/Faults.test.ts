import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Database from "better-sqlite3"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { decodeState } from "../../../runtime/journal/EncodedBatch.ts"
import { type Batch, JournalError } from "../../../runtime/journal/Journal.ts"
import { StoreError } from "../../../runtime/journal/SqliteSchema.ts"
import { openSqliteStore, type SqliteStore } from "../../../runtime/journal/SqliteStore.ts"
import { readWal } from "../../../runtime/journal/WalCheck.ts"
import { batch, eventOf, itemOf, rowOf } from "./JournalFixture.ts"
import { recoverNaively } from "./NaiveJournal.ts"
import { encoded } from "./StoredBatches.ts"

// Law L3 against the bytes: whatever happens to the files of a journal, it opens to a state that it really had, after whole
// batches, or it refuses and says what to do. Never a state that was not.

const folder = mkdtempSync(join(tmpdir(), "gleaner-faults-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const bounds = { keepEvents: 120, keepSize: 1e9 }

const batches: ReadonlyArray<Batch> = Array.from({ length: 200 }, (_, index) =>
  batch({
    ...(index % 60 === 0 ? { run: { index } } : {}),
    events: [eventOf(index), eventOf(index + 1_000)],
    changes: [rowOf(String(index % 40), `${index} `.repeat(30)), rowOf(String((index * 7) % 60), undefined)],
    outbox: [itemOf(index + 1, `S${index % 5}`)],
    delivered: [{ to: `S${index % 5}`, upToId: index - 12 }],
  }),
)
const stateAfter = batches.map((_, count) => JSON.stringify(recoverNaively(batches.slice(0, count))))
const stateAtEnd = JSON.stringify(recoverNaively(batches))

/** How many batches the state is made of; fails when it is none that ever was. */
const batchesIn = (state: unknown): number => {
  const text = JSON.stringify(state)
  if (text === stateAtEnd) return batches.length
  const count = stateAfter.lastIndexOf(text)
  if (count === -1) throw new Error(`this state never was: ${text.slice(0, 500)}`)
  return count
}

/** The files of a journal at some moment, as a crash of the host leaves them. */
interface Scene {
  readonly name: string
  /** Batches that were acknowledged. */
  readonly written: number
  readonly files: ReadonlyMap<string, Buffer>
}

const takeScene = (name: string, path: string, written: number): Scene => {
  const files = new Map<string, Buffer>()
  for (const end of ["", "-wal"]) if (existsSync(path + end)) files.set(end, readFileSync(path + end))
  return { name, written, files }
}

const scenes: Array<Scene> = []

beforeAll(() => {
  const path = join(folder, "made.db")
  const store = openSqliteStore({ path, ...bounds })
  const append = (from: number, to: number) => {
    for (const one of batches.slice(from, to)) store.append([encoded(one)])
  }
  append(0, 70)
  scenes.push(takeScene("all in the write-ahead log", path, 70))
  const other = new Database(path)
  other.pragma("wal_checkpoint(PASSIVE)")
  scenes.push(takeScene("all in both", path, 70))
  append(70, 130)
  scenes.push(takeScene("the write-ahead log begun anew", path, 130))
  other.pragma("wal_checkpoint(PASSIVE)")
  append(130, 140)
  scenes.push(takeScene("the write-ahead log begun anew again", path, 140))
  other.close()
  append(140, 200)
  store.close()
  scenes.push(takeScene("at rest", path, 200))
})

/** Lays the files out, changed, and opens them. The batches of the state, or why they are refused. */
const reopen = (scene: Scene, change: (path: string) => void): number | StoreError["failure"] => {
  const path = join(folder, "tried.db")
  try {
    for (const [end, bytes] of scene.files) writeFileSync(path + end, bytes)
    change(path)
    const store = openSqliteStore({ path, ...bounds })
    try {
      const count = batchesIn(decodeState(store.recover()))
      // It goes on from there.
      if (count < batches.length) {
        expect(store.append([encoded(batches[count]!)])).toEqual({ stored: 1 })
        expect(batchesIn(decodeState(store.recover()))).toBe(count + 1)
      }
      return count
    } finally {
      store.close()
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    return error.failure
  } finally {
    for (const end of ["", "-wal", "-shm", "-journal"]) rmSync(path + end, { force: true })
  }
}

const requireRemedy = (failure: StoreError["failure"]) => {
  expect(["Damaged", "NotAJournal", "NewerFormat"]).toContain(failure.reason)
  expect(new JournalError({ ...failure, path: "p" }).message).toMatch(
    /restore the file|choose another|run the gleaner/,
  )
}

const arbitraryPlace = fc.record({
  scene: fc.nat(4),
  file: fc.constantFrom("", "-wal"),
  /** Of the file's length. */
  place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
})

describe("a journal in sqlite whose files were harmed", () => {
  it("opens to all that was acknowledged when nothing was", () => {
    expect(scenes.map((scene) => reopen(scene, () => {}))).toEqual(scenes.map(({ written }) => written))
  })

  it("opens to a state that was, or refuses, whichever bytes are others", () => {
    const counts = { refused: 0, whole: 0, cut: 0 }
    fc.assert(
      fc.property(
        arbitraryPlace,
        fc.uint8Array({ minLength: 1, maxLength: 4 }),
        ({ scene: number, file, place }, masks) => {
          const scene = scenes[number]!
          const size = scene.files.get(file)?.length ?? 0
          fc.pre(size > 0 && masks.some((mask) => mask !== 0))
          const outcome = reopen(scene, (path) => {
            const bytes = Buffer.from(scene.files.get(file)!)
            const at = Math.floor(place * size)
            for (const [index, mask] of masks.entries()) if (at + index < size) bytes[at + index]! ^= mask
            writeFileSync(path + file, bytes)
          })
          if (typeof outcome !== "number") {
            counts.refused++
            requireRemedy(outcome)
          } else if (outcome === scene.written) counts.whole++
          else {
            counts.cut++
            // Only the last transaction may look torn, and only in the write-ahead log.
            expect([file, outcome]).toEqual(["-wal", scene.written - 1])
          }
        },
      ),
      { numRuns: 700 },
    )
    expect(counts.refused).toBeGreaterThan(100)
    expect(counts.whole).toBeGreaterThan(10)
  })

  it("opens to all of it or refuses, whichever bit of the header is another", () => {
    const scene = scenes[4]!
    for (let bit = 0; bit < 100 * 8; bit++) {
      const outcome = reopen(scene, (path) => {
        const bytes = Buffer.from(scene.files.get("")!)
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        writeFileSync(path, bytes)
      })
      if (typeof outcome !== "number") requireRemedy(outcome)
      else expect([bit, outcome]).toEqual([bit, scene.written])
    }
  })

  it("opens to a state that was, or refuses, wherever a file ends too early", () => {
    fc.assert(
      fc.property(arbitraryPlace, ({ scene: number, file, place }) => {
        const scene = scenes[number]!
        const size = scene.files.get(file)?.length ?? 0
        fc.pre(size > 0)
        const outcome = reopen(scene, (path) => truncateSync(path + file, Math.floor(place * size)))
        if (typeof outcome !== "number") requireRemedy(outcome)
        else expect(outcome).toBeLessThanOrEqual(scene.written)
      }),
      { numRuns: 150 },
    )
  })

  it("refuses a write-ahead log with damage before acknowledged transactions, and leaves both files as they are", () => {
    const scene = scenes[0]!
    const path = join(folder, "kept.db")
    const wal = Buffer.from(scene.files.get("-wal")!)
    wal[Math.floor(wal.length / 3)]! ^= 1
    writeFileSync(path, scene.files.get("")!)
    writeFileSync(`${path}-wal`, wal)
    expect(() => openSqliteStore({ path, ...bounds })).toThrow(
      /its write-ahead log is damaged at byte \d+, and acknowledged transactions lie behind that/,
    )
    expect(readFileSync(path).equals(scene.files.get("")!)).toBe(true)
    expect(readFileSync(`${path}-wal`).equals(wal)).toBe(true)
  })

  it("does not merge a write-ahead log into a file that is damaged", () => {
    const scene = scenes[3]!
    const path = join(folder, "unmerged.db")
    const file = Buffer.from(scene.files.get("")!)
    file.fill(0x5a, 3 * 4096, file.length)
    writeFileSync(path, file)
    writeFileSync(`${path}-wal`, scene.files.get("-wal")!)
    expect(() => openSqliteStore({ path, ...bounds })).toThrow(StoreError)
    expect(readFileSync(path).equals(file)).toBe(true)
    expect(readFileSync(`${path}-wal`).equals(scene.files.get("-wal")!)).toBe(true)
  })

  it("cuts a transaction that a crash has torn, and says how much", () => {
    const scene = scenes[0]!
    const path = join(folder, "torn.db")
    writeFileSync(path, scene.files.get("")!)
    const wal = scene.files.get("-wal")!
    writeFileSync(`${path}-wal`, wal.subarray(0, wal.length - 100))
    const store = openSqliteStore({ path, ...bounds })
    expect(store.report.tornBytes).toBeGreaterThan(0)
    expect(batchesIn(decodeState(store.recover()))).toBe(69)
    store.close()
    copyFileSync(path, `${path}.copy`)
    const again = openSqliteStore({ path: `${path}.copy`, ...bounds })
    expect(again.report.tornBytes).toBe(0)
    again.close()
  })

  it("refuses a write-ahead log whose beginning was zeroed before acknowledged transactions", () => {
    const scene = scenes[0]!
    const path = join(folder, "zeroed.db")
    const wal = scene.files.get("-wal")!
    writeFileSync(path, scene.files.get("")!)
    writeFileSync(`${path}-wal`, Buffer.concat([Buffer.alloc(32), wal.subarray(32)]))
    expect(() => openSqliteStore({ path, ...bounds })).toThrow(/its first bytes are not what was written/)
    // Only a log that was never written is nothing but zeros.
    writeFileSync(`${path}-wal`, Buffer.alloc(wal.length))
    expect(readWal(path)).toMatchObject({ type: "Whole", commits: 0 })
    writeFileSync(`${path}-wal`, Buffer.alloc(32))
    expect(readWal(path)).toMatchObject({ type: "Whole", commits: 0 })
  })

  it("opens after a second crash that tears what was written where the first had torn more", () => {
    const frameSize = 24 + 4096
    const path = join(folder, "torn-twice.db")
    const files = [path, `${path}-wal`] as const
    const tearAt = (from: number, [file, wal]: ReadonlyArray<Buffer>) => {
      for (const end of ["-wal", "-shm"]) rmSync(path + end, { force: true })
      writeFileSync(path, file!)
      writeFileSync(files[1], Buffer.from(wal!).fill(0, from, from + frameSize))
    }
    const writtenBy = (store: SqliteStore, one: Batch) => {
      const from = Math.max(32, statSync(files[1]).size)
      expect(store.append([encoded(one)])).toEqual({ stored: 1 })
      return { from, found: files.map((file) => readFileSync(file)) }
    }
    const first = openSqliteStore({ path, ...bounds })
    for (const one of batches.slice(0, 10)) first.append([encoded(one)])
    const long = writtenBy(first, batch({ events: [eventOf(1)], changes: [rowOf("a", "x".repeat(100_000))] }))
    first.close()
    tearAt(long.from, long.found)
    const second = openSqliteStore({ path, ...bounds })
    expect(second.report.tornBytes).toBeGreaterThan(0)
    const left = statSync(files[1]).size
    const short = writtenBy(second, batches[10]!)
    second.close()
    tearAt(left === 0 ? 32 : long.from, short.found)
    const third = openSqliteStore({ path, ...bounds })
    expect(batchesIn(decodeState(third.recover()))).toBe(10)
    third.close()
  })
})
