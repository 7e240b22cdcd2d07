import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Logger, TestClock, TestContext } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { makeSandbox, markSandboxEnded, sandboxPath } from "../../../runtime/agent/Sandbox.ts"
import {
  endedSandboxesMax,
  keepSandboxesClean,
  removeOldSandboxes,
  type SandboxCleanupOptions,
} from "../../../runtime/agent/SandboxCleanup.ts"
import { pause } from "../../support/Gleaner.ts"

let root = ""
let outside = ""
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gleaner-cleanup-"))
  outside = mkdtempSync(join(tmpdir(), "gleaner-outside-"))
  writeFileSync(join(outside, "precious"), "")
})
afterEach(() => {
  rmSync(root, { recursive: true })
  rmSync(outside, { recursive: true })
})

const owner =
  process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : { uid: process.getuid!(), gid: process.getgid!() }
const placeOf = (containerId: string, taskId = containerId, frameworkId = "f") => ({
  frameworkId,
  taskId,
  containerId,
})
type Place = ReturnType<typeof placeOf>
/** Each a moment after the one before, so that their order is known. */
const makeAll = async (...places: ReadonlyArray<Place>) => {
  for (const place of places) {
    const path = Effect.runSync(makeSandbox(root, place, owner))
    writeFileSync(join(path, "stdout"), "out")
    await pause(15)
  }
}
const isThere = (place: Place) => existsSync(sandboxPath(root, place))
const endOf = (place: Place) => lstatSync(join(sandboxPath(root, place), "stdout")).ctimeMs
const clean = (options: Partial<SandboxCleanupOptions>, nowMs = Date.now()) =>
  Effect.runPromise(
    TestClock.setTime(nowMs).pipe(
      Effect.zipRight(removeOldSandboxes({ sandboxRoot: root, isInUse: () => false, ...options })),
      Effect.merge,
      Effect.provide(TestContext.TestContext),
      Effect.provide(Logger.remove(Logger.defaultLogger)),
    ),
  )
const [a, b, c] = [placeOf("a"), placeOf("b"), placeOf("c")] as const

describe("sandbox cleanup", () => {
  it("removes what is older than the maximum, with the folders that become empty, and nothing younger", async () => {
    const other = placeOf("d", "d", "g")
    await makeAll(other, a, b, c)
    const ageOfB = endOf(c) - endOf(b)
    await clean({ ageMsMax: endOf(c) - endOf(other) }, endOf(c))
    expect([other, a, b, c].map(isThere)).toEqual([true, true, true, true])
    await clean({ ageMsMax: ageOfB - 1 }, endOf(c))
    expect([other, a, b, c].map(isThere)).toEqual([false, false, false, true])
    expect(existsSync(join(root, "frameworks/g"))).toBe(false)
    expect(existsSync(join(root, "frameworks/f/executors/a"))).toBe(false)
    expect(existsSync(join(root, "removed"))).toBe(false)
  })

  it("keeps a week and a thousand of them unless told otherwise", async () => {
    await makeAll(a)
    const weekMs = 7 * 24 * 3_600_000
    await clean({}, endOf(a) + weekMs)
    expect(isThere(a)).toBe(true)
    await clean({}, endOf(a) + weekMs + 1)
    expect(isThere(a)).toBe(false)
    expect(endedSandboxesMax).toBe(1_000)
  })

  it("keeps the newest of the ended ones, however many are in use", async () => {
    await makeAll(a, b, c)
    await clean({ countMax: 1, isInUse: (containerId) => containerId === "a" })
    expect([a, b, c].map(isThere)).toEqual([true, false, true])
    await clean({ countMax: 0, isInUse: (containerId) => containerId === "a" })
    expect([a, c].map(isThere)).toEqual([true, false])
  })

  it("counts from a task's end, not from its start, whatever times the task gave its files", async () => {
    await makeAll(a, b)
    markSandboxEnded(root, a)
    await clean({ countMax: 1 })
    expect([a, b].map(isThere)).toEqual([true, false])
  })

  it("leaves another run of the same task, and its latest", async () => {
    const second = placeOf("a2", "a")
    await makeAll(a, second)
    await clean({ countMax: 1 })
    expect([a, second].map(isThere)).toEqual([false, true])
    expect(existsSync(join(root, "frameworks/f/executors/a/runs/latest/stdout"))).toBe(true)
    await clean({ countMax: 0 })
    expect(existsSync(join(root, "frameworks/f"))).toBe(false)
  })

  it("follows no link, and is not stopped by odd names or closed folders", async () => {
    await makeAll(a)
    const path = sandboxPath(root, a)
    symlinkSync(outside, join(path, "link"))
    mkdirSync(join(path, "-rf *\n"), { mode: 0 })
    rmSync(join(path, "stdout"))
    symlinkSync(join(outside, "precious"), join(path, "stdout"))
    await clean({ countMax: 0 })
    expect(isThere(a)).toBe(false)
    expect(existsSync(join(outside, "precious"))).toBe(true)
  })

  it("deletes what an earlier cleanup only moved, and is content with nothing", async () => {
    expect(await clean({})).toBeUndefined()
    mkdirSync(join(root, "removed/x/y"), { recursive: true })
    await clean({})
    expect(existsSync(join(root, "removed"))).toBe(false)
  })

  it("says what it could not remove, goes on with the others, and does not end the agent's cleanup", async () => {
    await makeAll(a, b)
    // A file in the place where sandboxes are moved to.
    writeFileSync(join(root, "removed"), "")
    expect(await clean({ countMax: 0 })).toMatchObject({ message: expect.stringContaining("next cleanup") })
    const logged: Array<unknown> = []
    writeFileSync(join(root, "removed"), "")
    await Effect.runPromise(
      keepSandboxesClean({ sandboxRoot: root, isInUse: () => false, countMax: 0 }).pipe(
        Effect.timeoutOption("300 millis"),
        Effect.provide(
          Logger.replace(
            Logger.defaultLogger,
            Logger.make(({ message }) => logged.push(message)),
          ),
        ),
      ),
    )
    expect(String(logged[0])).toContain("next cleanup")
  })
})
