import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Cause, Effect, Exit } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { startChild } from "../../../../runtime/cli/up/Child.ts"

const folder = mkdtempSync(join(tmpdir(), "gleaner-child-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A daemon of so many lines of JavaScript, started and stopped. */
const start = (code: string) => {
  const script = join(folder, "daemon.cjs")
  writeFileSync(script, `process.stdin.on("end", () => process.exit()).resume()\n${code}`)
  const options = {
    name: "daemon",
    args: [],
    script,
    logFile: join(folder, "log"),
    stops: [{ signal: "SIGTERM" as const, waitMs: 5_000 }],
  }
  return Effect.runPromiseExit(
    Effect.scoped(Effect.map(startChild(options), ({ ready }) => ready)).pipe(Effect.timeout("20 seconds")),
  )
}

describe("a daemon started as a child", () => {
  it("is ready when it says where it serves, in one piece or several", async () => {
    const code = `process.stdout.write('{"url":'); setTimeout(() => process.stdout.write('"u"}\\n'), 50)`
    expect(await start(code)).toEqual(Exit.succeed({ url: "u" }))
  })

  it.each([
    ["no JSON", "console.log('Segmentation fault')", 'said "Segmentation fault" instead'],
    ["no object", "console.log('null')", 'said "null" instead'],
    ["no end of line", "process.stdout.write('x'.repeat(100_000))", 'said "xxx'],
    ["nothing", "process.exit(3)", "ended with exit code 3"],
  ])("fails when it says %s", async (_, code, how) => {
    const exit = await start(code)
    const message = Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "it became ready"
    expect(message).toContain(how)
  })
})
