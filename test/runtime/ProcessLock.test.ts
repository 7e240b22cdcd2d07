import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { readBootId } from "../../runtime/host/BootId.ts"
import { readStartTicks } from "../../runtime/host/ProcessIdentity.ts"
import { acquireProcessLock, type ProcessLock } from "../../runtime/ProcessLock.ts"
import { bundleForNode } from "./journal/WorkerBundle.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-lock-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const path = () => join(folder, "lock")
const acquire = () => {
  const lock = acquireProcessLock(path())
  expect(lock).toHaveProperty("release")
  return lock as ProcessLock
}
/** As a process would have left it. */
const claimBy = (number: number, text: string) => {
  mkdirSync(path(), { recursive: true })
  writeFileSync(join(path(), String(number)), text)
}
const own = () => `${readBootId()} ${process.pid} ${readStartTicks(process.pid)}\n`

describe("a process's lock", () => {
  it("is held by one at a time, and can be had again once it is let go of", () => {
    const lock = acquire()
    expect(acquireProcessLock(path())).toEqual({ holderPid: process.pid })
    lock.release()
    acquire().release()
    expect(statSync(path()).mode & 0o777).toBe(0o700)
  })

  it.each([
    ["of another boot", () => own().replace(/^\S+/, "another-boot")],
    ["whose pid is another process's now", () => own().replace(/\d+\n$/, "1\n")],
    ["who is dead", () => `${readBootId()} 4194305 77\n`],
    ["whose claim a crash of the host cut off", () => ""],
    ["whose claim is garbage", () => "\0\0\0\0"],
  ])("is not held by somebody %s", (_, text) => {
    claimBy(41, text())
    acquire()
    expect(readdirSync(path())).toEqual(["41", "42"])
  })

  it("does not grow, and forgets what the dead were about to write", () => {
    claimBy(1, "")
    writeFileSync(join(path(), "draft.4194305.1"), "")
    for (let round = 0; round < 30; round++) acquire().release()
    expect(readdirSync(path()).length).toBeLessThanOrEqual(8)
  })

  it("says what is wrong with its folder", () => {
    expect(() => acquireProcessLock(join(folder, "nowhere/lock"))).toThrow("ENOENT")
  })

  it("is never held by two, although many fight for it and die with it", async () => {
    const program = fileURLToPath(await bundleForNode("test/runtime/LockLoop.ts"))
    const fight = (seed: number) =>
      new Promise<string>((resolve) => {
        const child = spawn(process.execPath, [program, path(), "40", String(seed)], {
          stdio: ["ignore", "ignore", "pipe"],
        })
        let said = ""
        child.stderr.on("data", (chunk: Buffer) => {
          said += chunk.toString("utf8")
        })
        child.on("close", (code, signal) =>
          resolve(signal === "SIGKILL" ? "died with it" : `${code} ${said}`),
        )
      })
    for (let wave = 0; wave < 3; wave++) {
      const ends = await Promise.all([1, 2, 5, 7].map((seed) => fight(seed + wave)))
      expect(ends).toEqual(Array.from({ length: 4 }, () => "died with it"))
    }
  })
})
