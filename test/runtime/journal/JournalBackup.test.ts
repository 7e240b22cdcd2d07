import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest"
import { decodeState } from "../../../runtime/journal/EncodedBatch.ts"
import * as FileJournal from "../../../runtime/journal/FileJournal.ts"
import { backupJournal, restoreJournal } from "../../../runtime/journal/JournalBackup.ts"
import { verifyJournal } from "../../../runtime/journal/JournalVerdict.ts"
import { openSqliteStore, type SqliteStore } from "../../../runtime/journal/SqliteStore.ts"
import { batch, eventOf, itemOf, rowOf, using } from "./JournalFixture.ts"
import { encoded } from "./StoredBatches.ts"

/** Stops for good, as a crash does, before the so-manieth change of a name. */
const crash = vi.hoisted(() => ({ left: Number.POSITIVE_INFINITY, hasLinks: true }))
vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>()
  const guarded =
    <Given extends ReadonlyArray<unknown>>(change: (...given: Given) => void) =>
    (...given: Given) => {
      if (crash.left-- <= 0) throw new Error("crashed")
      change(...given)
    }
  const link = (from: string, to: string) => {
    if (!crash.hasLinks) throw new Error("EPERM")
    real.linkSync(from, to)
  }
  return {
    ...real,
    linkSync: guarded(link),
    renameSync: guarded(real.renameSync),
    rmSync: guarded(real.rmSync),
    unlinkSync: guarded(real.unlinkSync),
  }
})

const folder = mkdtempSync(join(tmpdir(), "gleaner-backup-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let place = ""
let path = ""
let places = 0
beforeEach(() => {
  place = mkdtempSync(join(folder, `${++places}-`))
  path = join(place, "journal.db")
})

const quiet = () => {}
const bounds = { keepEvents: 100, keepSize: 1e9 }
const open = (at = path) => openSqliteStore({ path: at, ...bounds })
const append = (store: SqliteStore, from: number, to: number) => {
  for (let number = from; number <= to; number++) {
    const one = batch({
      events: [eventOf(number)],
      changes: [rowOf(`t${number % 20}`, { number })],
      outbox: [itemOf(number)],
    })
    expect(store.append([encoded(one)])).toEqual({ stored: 1 })
  }
}
const stateAt = (at: string) => {
  const store = open(at)
  try {
    return decodeState(store.recover())
  } finally {
    store.close()
  }
}

describe("a backup of a journal", () => {
  it("is the journal of one moment while it is being written to, whole, in one file for its owner", () => {
    const store = open()
    append(store, 1, 150)
    const backup = join(place, "backup.db")
    const verdict = backupJournal(path, backup, false, quiet)
    expect(verdict).toMatchObject({ path: backup, isWhole: true, rows: 20, outbox: 150, problems: [] })
    expect(verdict.events.last).toBe(150)
    expect(verdict.events.count).toBeGreaterThanOrEqual(100)
    const expected = decodeState(store.recover())
    append(store, 151, 160)
    store.close()
    expect(statSync(backup).mode & 0o777).toBe(0o600)
    expect(readdirSync(place).sort()).toEqual(["backup.db", "journal.db"])
    expect(stateAt(backup)).toEqual(expected)
  })

  it("replaces no file unasked, and leaves it when the journal is damaged", () => {
    const store = open()
    append(store, 1, 30)
    store.close()
    const backup = join(place, "backup.db")
    writeFileSync(backup, "mine")
    expect(() => backupJournal(path, backup, false, quiet)).toThrow(/exists; --force replaces it/)
    const bytes = readFileSync(path)
    const told = '{"number":29}'
    for (let at = bytes.indexOf(told); at !== -1; at = bytes.indexOf(told, at)) bytes[at + 11]! ^= 1
    writeFileSync(path, bytes)
    expect(() => backupJournal(path, backup, true, quiet)).toThrow(/is damaged: /)
    expect(readFileSync(backup, "utf8")).toBe("mine")
    expect(readdirSync(place).sort()).toEqual(["backup.db", "journal.db"])
  })

  it("is put in the journal's place, and what was there is kept with its write-ahead log", () => {
    const store = open()
    append(store, 1, 30)
    const backup = join(place, "backup.db")
    backupJournal(path, backup, false, quiet)
    append(store, 31, 60)
    // As a crash leaves it.
    const crashed = [readFileSync(path), readFileSync(`${path}-wal`)] as const
    store.close()
    writeFileSync(path, crashed[0])
    writeFileSync(`${path}-wal`, crashed[1])
    expect(() => restoreJournal(backup, path, false, "before", quiet)).toThrow(
      /there is a journal at .*--force/,
    )
    const { verdict, keptAt } = restoreJournal(backup, path, true, "before", quiet)
    expect([verdict.path, keptAt]).toEqual([path, `${path}.before`])
    expect(stateAt(path).lastEventSeq).toBe(30)
    expect(stateAt(`${path}.before`).lastEventSeq).toBe(60)
    expect(restoreJournal(backup, path, true, "before", quiet).keptAt).toBe(`${path}.before.2`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it.each([true, false])(
    "takes the journal's place or does not, wherever a crash comes (links: %s)",
    (hasLinks) => {
      const store = open()
      append(store, 1, 30)
      const other = join(place, "other.db")
      backupJournal(path, other, false, quiet)
      append(store, 31, 60)
      const crashed = [readFileSync(path), readFileSync(`${path}-wal`)] as const
      store.close()
      // A copy at rest, which says that it is written with a log.
      open(other).close()
      const seen = new Set<string>()
      for (let changes = 0; !seen.has("done"); changes++) {
        const at = join(mkdtempSync(join(place, "crash-")), "journal.db")
        writeFileSync(at, crashed[0])
        writeFileSync(`${at}-wal`, crashed[1])
        Object.assign(crash, { left: changes, hasLinks })
        try {
          restoreJournal(other, at, true, "before-restore-1", quiet)
          seen.add("done")
        } catch (error) {
          expect((error as Error).message).toBe("crashed")
        } finally {
          Object.assign(crash, { left: Number.POSITIVE_INFINITY, hasLinks: true })
        }
        const kept = `${at}.before-restore-1`
        if (hasLinks) expect(existsSync(at)).toBe(true)
        const isThere = existsSync(at)
        const isKept = existsSync(kept) && existsSync(`${kept}-wal`)
        try {
          const { lastEventSeq } = stateAt(at)
          expect([30, 60]).toContain(lastEventSeq)
          seen.add(String(lastEventSeq))
        } catch (error) {
          expect((error as Error).message).toMatch(
            isThere ? /its file does not know of it/ : /interrupted restore|its file does not know of it/,
          )
          seen.add("refused")
          // Restoring again is what it says.
          restoreJournal(other, at, true, "before-restore-2", quiet)
          expect(stateAt(at).lastEventSeq).toBe(30)
        }
        if (isKept) expect(stateAt(kept).lastEventSeq).toBe(60)
      }
      expect([...seen].sort()).toEqual(["30", "60", "done", "refused"])
    },
  )

  it("is missed where an interrupted restore has left no journal", () => {
    open().close()
    copyFileSync(path, `${path}.before-restore-1`)
    rmSync(path)
    expect(() => open()).toThrow(/it is missing, but journal.db.before-restore-1 lies beside it/)
    expect(existsSync(path)).toBe(false)
    rmSync(`${path}.before-restore-1`)
    writeFileSync(`${path}.17.new`, "")
    expect(() => open()).toThrow(/restore again, or, to begin with an empty journal, move that away/)
    rmSync(`${path}.17.new`)
    writeFileSync(`${path}-other.before-restore-1`, "")
    open().close()
  })

  it("is not restored when it is damaged or no backup, and the journal stays", () => {
    const store = open()
    append(store, 1, 30)
    const live = join(place, "live.db")
    writeFileSync(live, readFileSync(path))
    writeFileSync(`${live}-wal`, readFileSync(`${path}-wal`))
    const torn = join(place, "torn.db")
    backupJournal(path, torn, false, quiet)
    writeFileSync(torn, readFileSync(torn).subarray(0, statSync(torn).size - 5_000))
    store.close()
    const before = readFileSync(path)
    expect(() => restoreJournal(torn, path, true, "before", quiet)).toThrow(/damaged|malformed/)
    expect(() => restoreJournal(live, path, true, "before", quiet)).toThrow(/is no backup but a journal/)
    expect(() => restoreJournal(join(place, "none"), path, true, "before", quiet)).toThrow(/no such file/)
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(existsSync(`${path}.before`)).toBe(false)
  })
})

describe("a look at a journal", () => {
  it("leaves no file behind, and changes none", () => {
    const store = open()
    append(store, 1, 30)
    store.close()
    const before = readFileSync(path)
    expect(verifyJournal(path, quiet)).toMatchObject({ isWhole: true, format: 3, kind: "sqlite" })
    expect(readdirSync(place)).toEqual(["journal.db"])
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  it("says what is wrong with which part", () => {
    const store = open()
    append(store, 1, 130)
    store.close()
    const whole = readFileSync(path)
    const found = (told: string, offset: number) => {
      const bytes = Buffer.from(whole)
      for (let at = bytes.indexOf(told); at !== -1; at = bytes.indexOf(told, at + 1)) bytes[at + offset]! ^= 1
      writeFileSync(path, bytes)
      return verifyJournal(path, quiet).problems.join("; ")
    }
    expect(found('{"number":129}', 10)).toContain("its row task t9 is not what was written")
    expect(found('{"id":77}', 6)).toContain("message 77 of its outbox is not what was written")
    expect(found('{"number":100}', 10)).toContain(
      "batch 100 of its log (events 100 to 100) is not what was written",
    )
  })

  it("knows a journal in a plain file, too", async () => {
    await using(
      () => FileJournal.make({ path }),
      (journal) => journal.append(batch({ events: [eventOf(1)] })),
    )
    expect(verifyJournal(path, quiet)).toMatchObject({ kind: "file", isWhole: true })
    const bytes = readFileSync(path)
    bytes[40]! ^= 1
    writeFileSync(path, bytes)
    const verdict = verifyJournal(path, quiet)
    expect([verdict.isWhole, verdict.problems[0]]).toEqual([
      false,
      expect.stringContaining("line 2 (from byte"),
    ])
  })
})
