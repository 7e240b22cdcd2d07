import { spawn, spawnSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect, Logger, type Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as FileJournal from "../../../runtime/journal/FileJournal.ts"
import type { Batch, Recovered } from "../../../runtime/journal/Journal.ts"
import { ForgetfulDisk, type Loss } from "./ForgetfulDisk.ts"
import { batch, eventOf, itemOf, type Open, type OpenJournal, rowOf, run, using } from "./JournalFixture.ts"
import { recoverNaively } from "./NaiveJournal.ts"
import { bundleForNode } from "./WorkerBundle.ts"

let folder: string
let files = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-file-journal-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const newPath = () => join(folder, `journal-${++files}`)
const at =
  (path: string, more: Partial<FileJournal.FileJournalOptions> = {}): Open =>
  (options) =>
    FileJournal.make({ path, ...more, ...options })
const reasonOf = (open: Open) => run(Effect.flip(open()))
const quietly = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  Effect.provide(effect, Logger.remove(Logger.defaultLogger))

/** Batches whose effects overlap, so that a lost or doubled one shows. */
const script: ReadonlyArray<Batch> = Array.from({ length: 12 }, (_, index) =>
  batch({
    events: [eventOf(index + 1)],
    changes: [
      rowOf("last", index),
      rowOf(`k${index % 3}`, index % 4 === 3 ? undefined : "é".repeat(index * 7)),
    ],
    outbox: [itemOf(index + 1, `r${index % 2}`)],
    delivered: [{ to: `r${index % 2}`, upToId: index - 3 }],
  }),
)
const afterEach = Array.from({ length: script.length + 1 }, (_, count) =>
  recoverNaively(script.slice(0, count)),
)

/** How many batches of the script are there; fails for anything that is no prefix of it. */
const prefixOf = (state: Recovered): number => {
  const count = afterEach.findIndex(({ lastEventSeq }) => lastEventSeq === state.lastEventSeq)
  expect(state).toEqual(afterEach[count])
  return count
}

describe("journal in a plain file", () => {
  it("holds a prefix of what was appended, wherever it is cut off, and goes on from there", async () => {
    const disk = new ForgetfulDisk()
    const path = newPath()
    const open = at(path, { files: disk.files })
    const sizes: Array<number> = []
    const headSize = await using(open, () => Effect.sync(() => disk.bytesOf(path).length))
    await using(open, (journal) =>
      Effect.forEach(script, (one) =>
        Effect.tap(journal.append(one), () => Effect.sync(() => sizes.push(disk.bytesOf(path).length))),
      ),
    )
    const whole = disk.bytesOf(path)
    expect(sizes.at(-1)).toBe(whole.length)
    for (let size = 0; size < whole.length; size++) {
      disk.put(path, whole.subarray(0, size))
      if (size < headSize) {
        // No crash does that: the file gets its name only when its head is durable.
        expect((await reasonOf(open)).reason, `${size} bytes`).toMatch(/^(NotAJournal|Damaged)$/)
        continue
      }
      const count = sizes.filter((end) => end <= size).length
      const [state] = await using(
        (options) => quietly(open(options)),
        (journal) => Effect.all([journal.recover, ...script.slice(count, count + 1).map(journal.append)]),
      )
      expect(prefixOf(state as Recovered), `${size} bytes`).toBe(count)
      expect(disk.bytesOf(path).equals(whole.subarray(0, sizes[count])), `${size} bytes`).toBe(true)
    }
  })

  it("tells of an append that was cut off", async () => {
    const path = newPath()
    await using(at(path), (journal) => Effect.forEach(script, journal.append))
    truncateSync(path, statSync(path).size - 3)
    const logged: Array<string> = []
    const logger = Logger.make(({ message, annotations }) => {
      logged.push(`${message} ${JSON.stringify([...annotations])}`)
    })
    const open: Open = (options) =>
      Effect.provide(at(path)(options), Logger.replace(Logger.defaultLogger, logger))
    expect(prefixOf(await using(open, (journal) => journal.recover))).toBe(script.length - 1)
    expect(logged.join()).toMatch(/cut off; it is removed .*"bytes",\d\d/)
  })

  it.each<Loss>(["process", "nothing", "half", "zeros"])(
    "loses nothing acknowledged at any operation of the disk, written anew again and again (%s)",
    async (loss) => {
      /** Each opening has a lock of its own: the crashed writer lives on in this process, waiting for its disk. */
      const open = (disk: ForgetfulDisk): Open => {
        const place = newPath()
        mkdirSync(place)
        return (options) =>
          quietly(
            FileJournal.make({
              path: join(place, "journal"),
              files: disk.files,
              compactBytes: 0,
              ...options,
            }),
          )
      }
      let compactions = 0
      for (let left = 0, isDone = false; !isDone; left++) {
        const disk = new ForgetfulDisk()
        disk.left = left
        let acknowledged = 0
        const writing = using(open(disk), (journal) =>
          Effect.forEach(script, (one) =>
            Effect.tap(journal.append(one), () => Effect.sync(() => acknowledged++)),
          ),
        ).then(() => {
          isDone = true
        })
        await Promise.race([writing, disk.stopped])
        disk.restart(loss)
        const again = open(disk)
        const count = prefixOf(await using(again, (journal) => journal.recover))
        expect(count, `operation ${left}`).toBeGreaterThanOrEqual(acknowledged)
        expect(count, `operation ${left}`).toBeLessThanOrEqual(acknowledged + 1)
        // And it goes on as if nothing had happened.
        await using(again, (journal) => Effect.forEach(script.slice(count), journal.append))
        expect(prefixOf(await using(again, (journal) => journal.recover))).toBe(script.length)
        if (isDone) compactions = disk.renames
      }
      expect(compactions).toBeGreaterThan(3)
    },
    120_000,
  )

  it("refuses damage in the middle, and says where", async () => {
    const path = newPath()
    await using(at(path), (journal) => Effect.forEach(script, journal.append))
    const whole = readFileSync(path)
    const lines = whole.toString("latin1").split("\n")
    const lineStart = (line: number) => lines.slice(0, line).join("\n").length + 1
    const damages: ReadonlyArray<readonly [string, Buffer]> = [
      ...[1, 2, 7].map((line) => {
        const bytes = Buffer.from(whole)
        bytes[lineStart(line) + 25]! ^= 1
        return [`line ${line + 1} `, bytes] as const
      }),
      ["line 5 ", Buffer.from([...lines.slice(0, 4), ...lines.slice(5)].join("\n"), "latin1")],
      ["line 6 ", Buffer.from([...lines.slice(0, 5), ...lines.slice(4)].join("\n"), "latin1")],
      [
        "line 4 ",
        Buffer.from([...lines.slice(0, 3), "\0".repeat(500), ...lines.slice(4)].join("\n"), "latin1"),
      ],
    ]
    for (const [place, bytes] of damages) {
      writeFileSync(path, bytes)
      const error = await reasonOf(at(path))
      expect(error.reason).toBe("Damaged")
      expect(error.message).toContain(place)
      expect(error.message).toContain("restore the file from a copy")
      expect(readFileSync(path).equals(bytes)).toBe(true)
    }
  })

  it("refuses what it must not touch", async () => {
    const foreign = newPath()
    writeFileSync(foreign, "a file of somebody else\n")
    const newer = newPath()
    writeFileSync(newer, "gleaner journal, format 2\nwhatever\n")
    expect(await reasonOf(at(foreign))).toMatchObject({ reason: "NotAJournal" })
    expect((await reasonOf(at(newer))).message).toContain("format 2, this gleaner knows format 1; run the")
    expect(readFileSync(newer, "utf8")).toBe("gleaner journal, format 2\nwhatever\n")
    expect(await reasonOf(at(join(folder, "nowhere/journal")))).toMatchObject({ reason: "CannotOpen" })
  })

  it("is readable by its owner only, and does not grow without bound", async () => {
    const path = newPath()
    const filler = "x".repeat(1_000)
    await using(at(path, { compactBytes: 20_000 }), (journal) =>
      Effect.forEach(
        Array.from({ length: 500 }, (_, index) => index),
        (index) =>
          Effect.tap(
            journal.append(batch({ changes: [rowOf(String(index % 5), `${filler}${index}`)] })),
            () => Effect.sync(() => expect(statSync(path).size).toBeLessThan(40_000)),
          ),
      ),
    )
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const { entities } = await using(at(path), (journal) => journal.recover)
    expect(entities.map(({ value }) => value)).toEqual([495, 496, 497, 498, 499].map((n) => `${filler}${n}`))
  })

  it("goes on with the old file while the disk has no room for a second one", async () => {
    const disk = new ForgetfulDisk()
    const path = newPath()
    const big = batch({ changes: [rowOf("big", "x".repeat(10_000))] })
    const state = await using(at(path, { files: disk.files, compactBytes: 1_000 }), (journal) =>
      Effect.gen(function* () {
        yield* journal.append(big)
        disk.freeBytes = 5_000
        for (let index = 0; index < 10; index++)
          yield* journal.append(batch({ changes: [rowOf("n", index)] }))
        expect(disk.freeBytes).toBeGreaterThan(0)
        return yield* journal.recover
      }),
    )
    expect(state.entities).toEqual([...big.changes, rowOf("n", 9)])
  })

  it("fails on a full disk, keeps everything acknowledged, and goes on when there is room", async () => {
    const disk = new ForgetfulDisk()
    const path = newPath()
    let acknowledged = 0
    const appendNext = (journal: OpenJournal) =>
      Effect.suspend(() => journal.append(batch({ events: [eventOf(acknowledged + 1)] }))).pipe(
        Effect.tap(() => Effect.sync(() => acknowledged++)),
      )
    const open = at(path, { files: disk.files, compactBytes: 300 })
    const errors = await using(open, (journal) =>
      Effect.gen(function* () {
        yield* appendNext(journal)
        disk.freeBytes = 2_000
        return yield* Effect.all([
          Effect.flip(Effect.forever(appendNext(journal))),
          Effect.flip(journal.append(batch({ events: [eventOf(0)] }))),
        ])
      }),
    )
    expect(errors.map(({ reason }) => reason)).toEqual(["DiskFull", "DiskFull"])
    expect(errors[0].message).toContain("free space there")
    expect(acknowledged).toBeGreaterThan(5)
    expect((await using(open, (journal) => journal.recover)).lastEventSeq).toBe(acknowledged)
    disk.freeBytes = 10_000
    await using(open, appendNext)
    expect((await using(open, (journal) => journal.recover)).lastEventSeq).toBe(acknowledged)
  })

  it("keeps everything acknowledged on a real disk that is full", async (context) => {
    const disk = join(folder, "disk")
    mkdirSync(disk)
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", disk])
    context.skip(mounted.status !== 0, "needs the right to mount a small disk")
    try {
      const open = at(join(disk, "journal"), { compactBytes: 100_000 })
      let acknowledged = 0
      const error = await using(open, (journal) =>
        Effect.suspend(() =>
          journal.append(batch({ changes: [rowOf(String(++acknowledged), "x".repeat(9_000))] })),
        ).pipe(Effect.forever, Effect.flip),
      )
      expect(error.reason).toBe("DiskFull")
      const state = await using(open, (journal) => journal.recover)
      expect(acknowledged).toBeGreaterThan(20)
      expect(state.entities).toHaveLength(acknowledged - 1)
    } finally {
      spawnSync("umount", [disk])
    }
  })

  it("loses nothing acknowledged when its process is killed, and its lock dies with it", async () => {
    const program = fileURLToPath(await bundleForNode("test/runtime/journal/FileAppendLoop.ts"))
    const path = newPath()
    let previous = 0
    for (const acknowledgements of [1, 40, 333, 1_000]) {
      const child = spawn(process.execPath, [program, path], { stdio: ["ignore", "pipe", "inherit"] })
      let acknowledged = 0
      let count = 0
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged = Math.max(acknowledged, Number(line))
        if (++count === 1) {
          const refusal = await reasonOf(at(path))
          expect(refusal.reason).toBe("Locked")
          expect(refusal.message).toContain(`process ${child.pid} has it open; stop the other process`)
        }
        if (count === acknowledgements) child.kill("SIGKILL")
      }
      const state = await using(at(path), (journal) => journal.recover)
      const last = state.lastEventSeq
      expect(last).toBeGreaterThanOrEqual(acknowledged)
      expect(last).toBeLessThanOrEqual(acknowledged + 4)
      expect(last).toBeGreaterThan(previous)
      expect(state.lastOutboxId).toBe(last)
      expect(state.entities.find(({ kind }) => kind === "counter")?.value).toBe(last)
      expect(state.entities).toHaveLength(1 + Math.min(100, last))
      previous = last
    }
    expect(existsSync(`${path}.lock`)).toBe(true)
  })
})
