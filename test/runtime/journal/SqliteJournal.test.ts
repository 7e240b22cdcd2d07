import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath, pathToFileURL } from "node:url"
import Database from "better-sqlite3"
import { Effect, Exit, Fiber, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { verifyJournal } from "../../../runtime/journal/JournalVerdict.ts"
import * as SqliteJournal from "../../../runtime/journal/SqliteJournal.ts"
import { batch, eventOf, itemOf, type Open, type OpenJournal, rowOf, run, using } from "./JournalFixture.ts"
import { bundleForNode } from "./WorkerBundle.ts"

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

describe("journal in sqlite", () => {
  const reasonOf = (open: Open) => run(Effect.flip(open()))

  it("loses nothing acknowledged when its process is killed", async () => {
    const program = fileURLToPath(await bundleForNode("test/runtime/journal/AppendLoop.ts"))
    const path = newPath()
    let previous = 0
    for (const acknowledgements of [1, 40, 333, 1_000]) {
      const child = spawn(process.execPath, [program, path, fileURLToPath(workerScript)], {
        stdio: ["ignore", "pipe", "inherit"],
      })
      let acknowledged = 0
      let count = 0
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged = Math.max(acknowledged, Number(line))
        if (++count === acknowledgements) child.kill("SIGKILL")
      }
      const { state, events } = await using(sqliteAt(path), (journal) =>
        Effect.all({ state: journal.recover, events: journal.events(0, 9_999) }),
      )
      const last = state.lastEventSeq
      expect(last).toBeGreaterThanOrEqual(acknowledged)
      expect(last).toBeLessThanOrEqual(acknowledged + 4)
      expect(last).toBeGreaterThan(previous)
      expect(state.lastOutboxId).toBe(last)
      expect(state.outbox.map(({ id }) => id)).toEqual(
        Array.from({ length: Math.min(30, last) }, (_, index) => last - Math.min(30, last) + 1 + index),
      )
      expect(state.entities.find(({ kind }) => kind === "counter")?.value).toBe(last)
      expect(state.entities).toHaveLength(1 + Math.min(100, last))
      expect(events.at(-1)).toEqual({
        seq: last,
        atMs: last,
        event: { number: last },
        actionsDigest: `${last}`,
      })
      previous = last
    }
  })

  it("is nobody else's while a process that cannot be seen from here has it open", async (context) => {
    const program = fileURLToPath(await bundleForNode("test/runtime/journal/AppendLoop.ts"))
    const path = newPath()
    const inside = ["--pid", "--fork", "--kill-child", "--mount-proc", process.execPath, program, path]
    const args = [...inside, fileURLToPath(workerScript)]
    if (spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status !== 0)
      return context.skip("needs a pid namespace of its own")
    const child = spawn("unshare", args, { stdio: ["ignore", "pipe", "inherit"] })
    const ended = new Promise((resolve) => child.once("close", resolve))
    try {
      for await (const line of createInterface({ input: child.stdout })) if (Number(line) > 0) break
      const refused = await run(Effect.flip(sqliteAt(path)()))
      expect(refused.message).toContain("a process of another container or host has it open; stop the other")
      // Who looks at it knows that it is written to.
      const verdict = verifyJournal(path, () => {})
      expect(verdict).toMatchObject({ isWhole: true, tornBytes: 0, holderPid: null })
    } finally {
      child.kill("SIGKILL")
      await ended
    }
    // And the other way round.
    await using(sqliteAt(path), () =>
      Effect.sync(() => {
        const { status, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: 20_000 })
        expect([status, stdout, stderr]).toEqual([0, expect.stringContaining("has it open"), ""])
      }),
    )
  })

  it("refuses what it must not touch, and leaves it as it is", async () => {
    const newer = newPath()
    await using(sqliteAt(newer), (journal) => journal.append(batch({ changes: [rowOf("a", 1)] })))
    const edit = new Database(newer)
    edit.exec("UPDATE meta SET value = 4 WHERE name = 'format'")
    edit.pragma("journal_mode = DELETE")
    edit.close()
    const foreign = newPath()
    new Database(foreign).exec("CREATE TABLE apps (id)").close()
    const garbage = newPath()
    writeFileSync(garbage, "this is not a database, and long enough to be one\n".repeat(100))
    for (const [path, reason, text] of [
      [newer, "NewerFormat", "format 4, this gleaner knows formats up to 3; run the gleaner version"],
      [foreign, "NotAJournal", "not a journal of gleaner; choose another path"],
      [garbage, "NotAJournal", "choose another path"],
    ] as const) {
      const before = readFileSync(path)
      const error = await reasonOf(sqliteAt(path))
      expect([error.reason, error.path]).toEqual([reason, path])
      expect(error.message).toContain(text)
      expect(readFileSync(path).equals(before)).toBe(true)
    }
  })

  it("says when its folder is missing or cannot be written, and when its worker is missing", async () => {
    for (const path of [join(folder, "nowhere/journal.db"), "/proc/gleaner-journal.db"])
      expect(await reasonOf(sqliteAt(path))).toMatchObject({ reason: "CannotOpen", path })
    const missing = new URL("file:///nowhere/journal-worker.js")
    expect(
      await reasonOf(() => SqliteJournal.make({ path: newPath(), workerScript: missing })),
    ).toMatchObject({
      reason: "WriterDied",
    })
  })

  it("leaves one file that can be copied when it is closed", async () => {
    const path = newPath()
    await using(sqliteAt(path), (journal) => journal.append(batch({ changes: [rowOf("a", 1)] })))
    expect(statSync(`${path}-wal`, { throwIfNoEntry: false })).toBeUndefined()
    const copy = newPath()
    copyFileSync(path, copy)
    expect((await using(sqliteAt(copy), (journal) => journal.recover)).entities).toEqual([rowOf("a", 1)])
  })

  it("is closed to others while it is open and afterwards, also one that was open to them", async () => {
    const openToOthers = (name: string) => (statSync(join(place, name)).mode & 0o077) !== 0
    const place = join(folder, "private")
    mkdirSync(place)
    const path = join(place, "journal.db")
    const before = process.umask(0)
    try {
      for (const round of [1, 2]) {
        await using(sqliteAt(path), (journal) =>
          Effect.tap(journal.append(batch({ changes: [rowOf("a", round)] })), () =>
            Effect.sync(() => {
              expect(readdirSync(place)).toEqual([
                "journal.db",
                "journal.db-shm",
                "journal.db-wal",
                "journal.db.lock",
              ])
              expect(readdirSync(place).filter(openToOthers)).toEqual([])
            }),
          ),
        )
        expect(openToOthers("journal.db")).toBe(false)
        chmodSync(path, 0o644)
      }
    } finally {
      process.umask(before)
    }
  })

  it("fails what comes beyond its bound, and stores what came before", async () => {
    const open = sqliteAt(newPath())
    const exits = await using(
      open,
      (journal) =>
        Effect.forEach(
          [1, 2, 3, 4, 5],
          (number) => Effect.exit(journal.append(batch({ events: [eventOf(number)] }))),
          { concurrency: "unbounded" },
        ),
      { maxPending: 3 },
    )
    expect(exits.map(Exit.isSuccess)).toEqual([true, true, true, false, false])
    expect((await using(open, (journal) => journal.recover)).lastEventSeq).toBe(3)
  })

  it("fails everything that waits when its thread dies", async () => {
    const script = join(folder, "dying-worker.mjs")
    writeFileSync(
      script,
      `import { parentPort } from "node:worker_threads"
       parentPort.on("message", () => process.exit(7))
       parentPort.postMessage({ type: "opened", report: { tornBytes: 0, checkMs: 0 } })`,
    )
    const errors = await run(
      Effect.gen(function* () {
        const journal = yield* SqliteJournal.make({ path: newPath(), workerScript: pathToFileURL(script) })
        const append = Effect.flip(journal.append(batch({ events: [eventOf(1)] })))
        const waiting = yield* Effect.all([append, append, Effect.flip(journal.recover)], {
          concurrency: "unbounded",
        })
        return [...waiting, yield* append, yield* Effect.flip(journal.events(0, 1))]
      }),
    )
    expect(errors.map(({ reason }) => reason)).toEqual(Array.from({ length: 5 }, () => "WriterDied"))
    expect(errors[0]!.message).toContain("its writer thread ended with code 7; start the daemon again")
  })

  it("waits while its disk is full, says so, and goes on when there is space", async (context) => {
    const disk = join(folder, "disk")
    mkdirSync(disk)
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m", "none", disk])
    context.skip(mounted.status !== 0, "needs the right to mount a small disk")
    try {
      const ballast = join(disk, "ballast")
      const open: Open = () =>
        SqliteJournal.make({ path: join(disk, "journal.db"), workerScript, retryFullMs: 20 })
      let acknowledged = 0
      const appendNext = (journal: OpenJournal, number: number) =>
        Effect.tap(
          journal.append(
            batch({
              events: [eventOf(number)],
              changes: [rowOf(String(number), "x".repeat(20_000)), rowOf("last", number)],
              outbox: [itemOf(number)],
              delivered: [{ to: "a", upToId: number - 1 }],
            }),
          ),
          () =>
            Effect.sync(() => {
              acknowledged = number
            }),
        )
      const wanted = 60
      await using(open, (journal) =>
        Effect.gen(function* () {
          const { bavail, bsize } = statfsSync(disk)
          writeFileSync(ballast, Buffer.alloc(Number(bavail) * Number(bsize)))
          const all = yield* Effect.fork(
            Effect.forEach(numbersTo(wanted), (number) => appendNext(journal, number), {
              concurrency: 3,
            }),
          )
          while (journal.problem() === undefined) yield* Effect.sleep(5)
          expect(journal.problem()).toContain(`journal ${join(disk, "journal.db")}: database or disk is full`)
          expect(journal.problem()).toContain("free space there: it goes on by itself")
          const before = acknowledged
          yield* Effect.sleep(100)
          expect([acknowledged, (yield* journal.recover).lastEventSeq]).toEqual([before, before])
          rmSync(ballast)
          yield* Fiber.join(all)
          expect(journal.problem()).toBeUndefined()
        }),
      )
      const { state, events } = await using(open, (journal) =>
        Effect.all({ state: journal.recover, events: journal.events(0, 1_000) }),
      )
      expect(events.map(({ seq, event }) => ({ seq, event }))).toEqual(
        numbersTo(wanted).map((number) => ({ seq: number, event: { number } })),
      )
      expect(state.entities.find(({ key }) => key === "last")?.value).toBe(wanted)
      expect(state.outbox).toEqual([itemOf(wanted)])
    } finally {
      spawnSync("umount", [disk])
    }
  })

  it("keeps everything acknowledged when it is closed on a full disk", async (context) => {
    const disk = join(folder, "disk-at-the-end")
    mkdirSync(disk)
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", disk])
    context.skip(mounted.status !== 0, "needs the right to mount a small disk")
    try {
      const open = sqliteAt(join(disk, "journal.db"))
      let acknowledged = 0
      const appendNext = (journal: OpenJournal) =>
        Effect.suspend(() => {
          const number = acknowledged + 1
          return journal.append(
            batch({
              events: [eventOf(number)],
              changes: [rowOf(String(number), "x".repeat(20_000)), rowOf("last", number)],
            }),
          )
        }).pipe(Effect.tap(() => Effect.sync(() => acknowledged++)))
      const failed = await run(
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const journal = yield* Scope.extend(open(), scope)
          const waiting = yield* Effect.fork(Effect.flip(Effect.forever(appendNext(journal))))
          while (journal.problem() === undefined) yield* Effect.sleep(5)
          yield* Scope.close(scope, Exit.void)
          return yield* Fiber.join(waiting)
        }),
      )
      expect(failed.reason).toBe("DiskFull")
      expect(failed.message).toContain("free space there")
      const state = await using(open, (journal) => journal.recover)
      expect(acknowledged).toBeGreaterThan(5)
      expect(state.lastEventSeq).toBe(acknowledged)
      expect(state.entities.find(({ key }) => key === "last")?.value).toBe(acknowledged)
    } finally {
      spawnSync("umount", [disk])
    }
  })

  it("is given up within bounded time when its disk hangs, while it is opened or later", async () => {
    // A thread that waits in the kernel as one that synchronises does: nothing interrupts it.
    const pipe = join(folder, "pipe")
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0)
    const report = { tornBytes: 0, checkMs: 0 }
    for (const isOpen of [true, false]) {
      const script = join(folder, `hangs-${isOpen}.mjs`)
      writeFileSync(
        script,
        `import { openSync } from "node:fs"
         import { parentPort } from "node:worker_threads"
         if (${isOpen}) parentPort.postMessage({ type: "opened", report: ${JSON.stringify(report)} })
         openSync(${JSON.stringify(pipe)}, "r")`,
      )
      const said: Array<string> = []
      const given = { closeWaitMs: 200, onHung: (message: string) => void said.push(message) }
      const path = newPath()
      const journal = SqliteJournal.make({ path, workerScript: pathToFileURL(script), ...given })
      const fiber = Effect.runFork(
        Effect.scoped(
          Effect.flatMap(journal, (opened) =>
            Effect.fork(opened.append(batch({ events: [eventOf(1)] }))),
          ).pipe(Effect.zipRight(Effect.never)),
        ),
      )
      await new Promise((resolve) => setTimeout(resolve, 300))
      await Effect.runPromise(Fiber.interrupt(fiber))
      expect(said).toEqual([
        expect.stringMatching(
          /^journal .*: its disk does not answer, .* ends itself \(SIGKILL\)\. Everything/,
        ),
      ])
      // So that the thread ends before this process does.
      writeFileSync(pipe, "")
    }
  })

  it("ends its process when its disk hangs, though nobody reads what it says", async () => {
    const program = fileURLToPath(await bundleForNode("test/runtime/journal/HangingJournal.ts"))
    const pipe = join(folder, "pipe-of-a-process")
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0)
    const script = join(folder, "hangs-in-a-process.mjs")
    writeFileSync(script, `import { openSync } from "node:fs"; openSync(${JSON.stringify(pipe)}, "r")`)
    const child = spawn(process.execPath, [program, newPath(), script], {
      stdio: ["ignore", "ignore", "pipe"],
    })
    child.stderr.destroy()
    const giveUp = setTimeout(() => child.kill("SIGTERM"), 10_000)
    const [, signal] = await once(child, "exit")
    clearTimeout(giveUp)
    expect(signal).toBe("SIGKILL")
  })
})

const numbersTo = (last: number): ReadonlyArray<number> =>
  Array.from({ length: last }, (_, index) => index + 1)
