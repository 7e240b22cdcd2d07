import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { type OneTaskOptions, startOneTask } from "../../../../runtime/cli/run/OneTask.ts"
import { run, type ServedMaster, secret, serveMaster } from "../../../support/MasterFixture.ts"

const optionsFor = ({ url }: ServedMaster): OneTaskOptions => ({
  access: { url, secret },
  request: {
    name: "n",
    cpus: 1,
    memMiB: 64,
    user: undefined,
    role: "*",
    environment: [],
    command: ["true"],
  },
  tell: () => {},
  writeStdout: () => Effect.void,
  writeStderr: () => Effect.void,
})

describe("one task", () => {
  it("that is killed before it has a place ends at once", () =>
    run(
      Effect.gen(function* () {
        const served = yield* serveMaster()
        const task = yield* startOneTask(optionsFor(served))
        yield* task.kill
        expect(yield* task.ended).toMatchObject({ state: "TASK_KILLED", exitCode: undefined })
      }),
    ))

  it("leaves nothing of its framework behind", () =>
    run(
      Effect.gen(function* () {
        const served = yield* serveMaster()
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* startOneTask(optionsFor(served))
            expect(served.master.state.frameworks.size).toBe(1)
          }),
        )
        expect(served.master.state.frameworks.size).toBe(0)
      }),
    ))

  it("fails with the master's words when its role is none", () =>
    run(
      Effect.gen(function* () {
        const options = optionsFor(yield* serveMaster())
        const request = { ...options.request, role: "a b" }
        const error = yield* Effect.flip(Effect.scoped(startOneTask({ ...options, request })))
        expect(error.message).toContain("refused the framework: 'FrameworkInfo.role' is not a valid role")
      }),
    ))
})
