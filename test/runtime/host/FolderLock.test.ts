import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { readBootId } from "../../../runtime/host/BootId.ts"
import { FolderInUse, lockFolder } from "../../../runtime/host/FolderLock.ts"
import { readStartTicks } from "../../../runtime/host/ProcessIdentity.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-lock-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

it("lets one in at a time, and the next after the release", () => {
  const lock = lockFolder(folder, "lock")
  expect(() => lockFolder(folder, "lock")).toThrow(FolderInUse)
  expect(() => lockFolder(folder, "lock")).toThrow(String(process.pid))
  lock.release()
  lockFolder(folder, "lock").release()
  expect(readdirSync(folder)).toEqual([])
})

it("takes over from a process that is gone, from another boot, and from a torn file", () => {
  const gone = spawnSync("true").pid
  const own = { pid: process.pid, startTicks: readStartTicks(process.pid)!, bootId: readBootId() }
  for (const holder of [
    JSON.stringify({ ...own, pid: gone }),
    JSON.stringify({ ...own, startTicks: own.startTicks - 1 }),
    JSON.stringify({ ...own, bootId: "another" }),
    '{"pid":1',
  ]) {
    writeFileSync(join(folder, "lock"), holder)
    lockFolder(folder, "lock").release()
    expect(readdirSync(folder)).toEqual([])
  }
})
