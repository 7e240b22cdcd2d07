import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Fiber } from "effect"
import fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { keepChild, restartWaitMs } from "../../../../runtime/cli/up/KeptChild.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-kept-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Keeps a daemon whose nth life is the nth of the given programs, and the last one from then on. */
const keep = (lives: ReadonlyArray<string>) => {
  const said: Array<string> = []
  let life = 0
  const kept = keepChild({
    name: "daemon",
    toChild: (before) => {
      const script = join(folder, "daemon.cjs")
      const program = lives[Math.min(life++, lives.length - 1)]
      writeFileSync(script, `process.stdin.on("end", () => process.exit()).resume()\n${program}`)
      const args = before === undefined ? [] : [JSON.stringify(before)]
      const stops = [
        { signal: "SIGUSR1" as const, waitMs: 500 },
        { signal: "SIGTERM" as const, waitMs: 5_000 },
      ]
      return { name: "daemon", args, script, logFile: join(folder, "log"), stops }
    },
    tell: (line) => said.push(line),
    random: () => 0,
  })
  return { said, kept }
}

const ready = (life: number) => `process.on("SIGUSR1", () => {}); console.log('{"life":${life}}')`

describe("a daemon that is kept running", () => {
  it("is started again when it dies, knowing what it was, and says so", async () => {
    const { said, kept } = keep([`${ready(1)}; setTimeout(() => process.exit(3), 50)`, ready(2)])
    const lives = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const child = yield* kept
          while (!said.includes("the daemon is back")) yield* Effect.sleep("10 millis")
          return [child.ready, child.latest()]
        }),
      ),
    )
    expect(lives).toEqual([{ life: 1 }, { life: 2 }])
    expect(said[0]).toContain("the daemon ended with exit code 3; starting it again in 0.3 s")
  })

  it.each([
    ["never became ready", ["process.exit(1)"], "ended with exit code 1"],
    [
      "is told that it is misconfigured",
      [`${ready(1)}; setTimeout(() => process.exit(2), 50)`],
      "exit code 2",
    ],
  ])("fails when it %s", async (_, lives, how) => {
    const { kept } = keep(lives)
    const error = await Effect.runPromise(
      Effect.flip(Effect.scoped(Effect.flatMap(kept, ({ failed }) => failed))),
    )
    expect(error.message).toContain(how)
  })

  it("is asked to end ever more firmly, also before it was ready", async () => {
    const mark = join(folder, "ended")
    const listening = join(folder, "listening")
    const script = `const fs = require("fs"); process.on("SIGUSR1", () => fs.appendFileSync("${mark}", "USR1 "));
      process.on("SIGTERM", () => { fs.appendFileSync("${mark}", "TERM"); process.exit() }); fs.writeFileSync("${listening}", "")`
    const { kept } = keep([script])
    const fiber = Effect.runFork(Effect.scoped(Effect.zipRight(kept, Effect.never)))
    while (!existsSync(listening)) await Effect.runPromise(Effect.sleep("10 millis"))
    await Effect.runPromise(Fiber.interrupt(fiber))
    expect(readFileSync(mark, "utf8")).toBe("USR1 TERM")
  })
})

it("waits longer after each try, up to ten seconds, never less than half of it", () => {
  fc.assert(
    fc.property(
      fc.nat(200),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (tries, random) => {
        const waitMs = restartWaitMs(tries, random)
        const fullMs = Math.min(10_000, 500 * 2 ** Math.min(tries, 30))
        expect(waitMs).toBeGreaterThanOrEqual(Math.floor(fullMs / 2))
        expect(waitMs).toBeLessThanOrEqual(fullMs)
      },
    ),
  )
})
