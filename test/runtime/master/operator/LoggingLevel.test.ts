import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { LogVerbosity, makeVerbosity } from "../../../../runtime/LogVerbosity.ts"
import { run, type ServedMaster, serveMaster } from "../../../support/MasterFixture.ts"

/** A master with a verbosity of its own, on a clock that the test moves. */
const withVerbosity = (
  use: (served: ServedMaster, pass: (ms: number) => void) => Effect.Effect<void, unknown>,
) => {
  let nowMs = 0
  const pass = (ms: number) => {
    nowMs += ms
  }
  return run(
    Effect.flatMap(serveMaster(), (served) => use(served, pass)).pipe(
      Effect.provideService(
        LogVerbosity,
        makeVerbosity(() => nowMs),
      ),
    ),
  )
}

const call = ({ ask }: ServedMaster, type: string, content?: object) =>
  Effect.map(
    ask("/api/v1", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type, [type.toLowerCase()]: content }),
    }),
    ({ status, body }) => [status, body],
  )

const levelOf = (served: ServedMaster) =>
  Effect.map(
    call(served, "GET_LOGGING_LEVEL"),
    ([, body]) => JSON.parse(String(body)).get_logging_level.level,
  )

describe("the level of the log", () => {
  it("is raised by a call for as long as it says", () =>
    withVerbosity((served, pass) =>
      Effect.gen(function* () {
        expect(yield* levelOf(served)).toBe(0)
        const wish = { level: 2, duration: { nanoseconds: 60e9 } }
        expect(yield* call(served, "SET_LOGGING_LEVEL", wish)).toEqual([200, ""])
        expect(yield* levelOf(served)).toBe(2)
        pass(60_000)
        expect(yield* levelOf(served)).toBe(0)
        for (const wrong of [undefined, { level: 1 }, { level: -1, duration: { nanoseconds: 1 } }])
          expect((yield* call(served, "SET_LOGGING_LEVEL", wrong))[0]).toBe(400)
      }),
    ))

  it("is shown and raised by /logging/toggle", () =>
    withVerbosity((served, pass) =>
      Effect.gen(function* () {
        const toggle = (query = "") =>
          Effect.map(served.ask(`/logging/toggle${query}`), ({ status, body }) => [status, body])
        // Transcript legacy/idle_logging_toggle.
        expect(yield* toggle()).toEqual([200, "0\n"])
        expect(yield* toggle("?level=1&duration=5mins")).toEqual([200, ""])
        expect(yield* toggle()).toEqual([200, "1\n"])
        pass(299_999)
        expect(yield* levelOf(served)).toBe(1)
        pass(1)
        expect(yield* toggle()).toEqual([200, "0\n"])
        const refused: Record<string, string> = {
          "?level=1": "Expecting 'duration=value' in query.\n",
          "?duration=1secs": "Expecting 'level=value' in query.\n",
          "?level=high&duration=1secs": "Failed to convert 'high' to number.\n",
          "?level=-1&duration=1secs": "Invalid level '-1'.\n",
          "?level=1&duration=1": "Invalid duration '1'.\n",
        }
        for (const [query, sentence] of Object.entries(refused))
          expect(yield* toggle(query)).toEqual([400, sentence])
      }),
    ))
})
