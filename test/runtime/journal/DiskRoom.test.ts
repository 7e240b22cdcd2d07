import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmdirSync, rmSync, statfsSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Database from "better-sqlite3"
import { afterAll, describe, expect, it, vi } from "vitest"
import { isWithoutRoom } from "../../../runtime/journal/DiskRoom.ts"
import { openSqliteStore } from "../../../runtime/journal/SqliteStore.ts"
import { batch, eventOf } from "./JournalFixture.ts"
import { encoded } from "./StoredBatches.ts"

const roomy = mkdtempSync(join(tmpdir(), "gleaner-room-"))
const small = mkdtempSync(join(tmpdir(), "gleaner-room-"))
const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", small]).status === 0
afterAll(() => {
  rmSync(roomy, { recursive: true, force: true })
  if (isMounted) spawnSync("umount", [small])
  rmdirSync(small)
})

/** As SQLite fails on a quota: by the error that stands for every write that failed. */
const appendWithFailingWrite = (path: string, before: () => void) => {
  const { transaction } = Database.prototype
  const failing = () => {
    throw new Database.SqliteError("disk I/O error", "SQLITE_IOERR_WRITE")
  }
  let made = 0
  const spy = vi.spyOn(Database.prototype, "transaction").mockImplementation(function (
    this: Database.Database,
    action: Parameters<typeof transaction>[0],
  ) {
    const real = transaction.call(this, action)
    // The second one that a store makes is that of a group.
    return ++made === 2 ? { immediate: failing } : real
  } as unknown as typeof transaction)
  const store = openSqliteStore({ path, keepEvents: 1_000, keepSize: 1e9 })
  spy.mockRestore()
  before()
  try {
    return store.append([encoded(batch({ events: [eventOf(1)] }))])
  } finally {
    store.close()
  }
}

describe("a write that failed", () => {
  it("is an error of the disk where there is room", () => {
    const path = join(roomy, "journal.db")
    expect(isWithoutRoom(path)).toBe(false)
    expect(appendWithFailingWrite(path, () => {})).toMatchObject({
      stored: 0,
      failure: { reason: "InputOutput" },
    })
    expect(readdirSync(roomy)).toEqual(["journal.db"])
  })

  it.skipIf(!isMounted)("is a full disk where there is none, whatever SQLite calls it", () => {
    const path = join(small, "journal.db")
    const fill = () => {
      const { bavail, bsize } = statfsSync(small)
      writeFileSync(join(small, "filling"), Buffer.alloc(Number(bavail) * Number(bsize) - 100_000))
    }
    expect(appendWithFailingWrite(path, fill)).toEqual({
      stored: 0,
      failure: { reason: "DiskFull", detail: "the disk is full, or a quota is used up" },
    })
    expect(readdirSync(small).sort()).toEqual(["filling", "journal.db"])
  })
})
