import { closeSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Option } from "effect"
import { describe, expect, it } from "vitest"
import { findOwnLog, ownLogAt } from "../../runtime/OwnLog.ts"

const inFolder = async (use: (folder: string) => Promise<void>) => {
  const folder = mkdtempSync(join(tmpdir(), "gleaner-own-log-"))
  try {
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const read = (log: Parameters<typeof Option.getOrThrow>[0] & Option.Option<ReturnType<typeof ownLogAt>>) =>
  Effect.runPromise(Effect.map(Option.getOrThrow(log).read(0, 100), ({ bytes }) => bytes.toString()))

describe("the log file of a daemon", () => {
  it("is what its stderr goes to, also once it was moved and another one has its name", () =>
    inFolder(async (folder) => {
      const path = join(folder, "master.log")
      const descriptor = openSync(path, "a")
      try {
        const log = findOwnLog(descriptor)
        expect(Option.getOrThrow(log).path).toBe(path)
        writeSync(descriptor, "one\n")
        renameSync(path, `${path}.1`)
        writeFileSync(path, "another\n")
        writeSync(descriptor, "two\n")
        expect(await read(log)).toBe("one\ntwo\n")
      } finally {
        closeSync(descriptor)
      }
    }))

  it("is not there when stderr goes to no file, or nowhere", () => {
    const nowhere = openSync("/dev/null", "a")
    try {
      expect(Option.isNone(findOwnLog(nowhere))).toBe(true)
    } finally {
      closeSync(nowhere)
    }
    expect(Option.isNone(findOwnLog(9_999))).toBe(true)
  })

  it("is read in parts, and nothing beyond its end", () =>
    inFolder(async (folder) => {
      const path = join(folder, "log")
      writeFileSync(path, "0123456789")
      const part = (offset: number, length: number) =>
        Effect.runPromise(
          Effect.map(ownLogAt(path).read(offset, length), ({ size, bytes }) => [size, bytes.toString()]),
        )
      expect(await part(0, 4)).toEqual([10, "0123"])
      expect(await part(8, 4)).toEqual([10, "89"])
      expect(await part(10, 4)).toEqual([10, ""])
      expect(await part(1e15, 4)).toEqual([10, ""])
      const missing = Effect.runPromise(Effect.flip(ownLogAt(join(folder, "none")).read(0, 1)))
      expect((await missing).message).toMatch(/^the log cannot be read: ENOENT/)
    }))
})
