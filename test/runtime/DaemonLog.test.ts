import { Effect } from "effect"
import { afterEach, describe, expect, it, vi } from "vitest"
import { layerDaemonLog } from "../../runtime/DaemonLog.ts"
import { LogVerbosity, makeVerbosity } from "../../runtime/LogVerbosity.ts"

afterEach(() => {
  vi.restoreAllMocks()
})

/** The levels of what is written when a line of each is logged. */
const written = (level: number): ReadonlyArray<string> => {
  const levels: Array<string> = []
  vi.spyOn(process.stderr, "write").mockImplementation((line) => {
    levels.push(JSON.parse(String(line)).level)
    return true
  })
  const verbosity = makeVerbosity(() => 0)
  verbosity.set(level, 1_000)
  const logs = [Effect.logError, Effect.logWarning, Effect.logInfo, Effect.logDebug, Effect.logTrace]
  Effect.runSync(
    Effect.forEach(logs, (log) => log("x"), { discard: true }).pipe(
      Effect.provideService(LogVerbosity, verbosity),
      Effect.provide(layerDaemonLog("test")),
    ),
  )
  return levels
}

describe("the log of a daemon", () => {
  it.each([
    [0, ["error", "warn", "info"]],
    [1, ["error", "warn", "info", "debug"]],
    [2, ["error", "warn", "info", "debug", "trace"]],
    [9, ["error", "warn", "info", "debug", "trace"]],
  ])("at verbosity %d has lines of the levels %s", (level, levels) => {
    expect(written(level)).toEqual(levels)
  })

  it("has one JSON object a line, with annotations and causes", () => {
    const lines: Array<string> = []
    vi.spyOn(process.stderr, "write").mockImplementation((line) => {
      lines.push(String(line))
      return true
    })
    const log = Effect.fail("broken").pipe(
      Effect.tapErrorCause((cause) => Effect.logError("it is", cause)),
      Effect.annotateLogs({ url: "http://here" }),
      Effect.ignore,
    )
    Effect.runSync(Effect.provide(log, layerDaemonLog("test")))
    expect(lines.map((line) => line.endsWith("}\n"))).toEqual([true])
    expect(JSON.parse(lines[0]!)).toEqual({
      ...{ time: expect.any(String), level: "error", daemon: "test", message: "it is" },
      ...{ url: "http://here", cause: expect.stringContaining("broken") },
    })
  })
})
