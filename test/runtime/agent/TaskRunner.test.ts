import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, Logger } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { defaultAgentSettings, initialAgentState } from "../../../core/agent/State.ts"
import type { Agent, UnstampedEvent } from "../../../runtime/agent/Agent.ts"
import { Launcher, LauncherDied } from "../../../runtime/agent/Launcher.ts"
import { makeTaskRunner } from "../../../runtime/agent/TaskRunner.ts"
import { Cgroups } from "../../../runtime/cgroups/Cgroups.ts"
import { specOf } from "../../support/MasterHarness.ts"

// The runner with a make-believe kernel and launcher, whose failures a host shows only on its worst days.

let root = ""
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gleaner-runner-"))
  chmodSync(root, 0o755)
})
afterEach(() => rmSync(root, { recursive: true }))

const launched = { containerId: "c", launcherPid: 1, launcherStartTicks: 1, runDir: "/nowhere" }
const calm: Launcher["Type"] = {
  userSwitch: "none",
  start: () => Effect.succeed(launched),
  awaitExit: () => Effect.never,
  progress: () => Effect.succeed({ step: "exec" }),
}
const tooManyFiles = Effect.sync((): never => {
  throw new Error("EMFILE: too many open files")
})

/** Runs one task until the runner has nothing more to say of it; what it said, and what it destroyed. */
const runTask = async (launcher: Partial<Launcher["Type"]>, cgroups: Partial<Cgroups["Type"]> = {}) => {
  const events: Array<UnstampedEvent> = []
  const destroyed: Array<string> = []
  const agent: Agent = {
    state: initialAgentState("a", "seed", defaultAgentSettings),
    submit: (event) => events.push(event),
  }
  const layer = Layer.merge(
    Layer.succeed(Launcher, { ...calm, ...launcher }),
    Layer.succeed(Cgroups, {
      create: () => Effect.void,
      joinPaths: () => Effect.succeed([]),
      usage: () => tooManyFiles,
      destroy: (containerId: string) => Effect.sync(() => destroyed.push(containerId)),
      ...cgroups,
    } as unknown as Cgroups["Type"]),
  )
  await Effect.gen(function* () {
    const runner = yield* makeTaskRunner({
      sandboxRoot: root,
      runRoot: root,
      defaultUser: "nobody",
      allowRootTasks: false,
      startWaitMs: 50,
    })
    yield* runner.start(specOf("t", "f", "a", { cpus: 100 }), "c", agent)
  }).pipe(
    Effect.provide(layer),
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    Effect.timeout("20 seconds"),
    Effect.runPromise,
  )
  return { events, destroyed }
}

const startFailed = (message: string) => [
  {
    type: "StartFailed",
    frameworkId: "f",
    taskId: "t",
    reason: "REASON_CONTAINER_LAUNCH_FAILED",
    message: expect.stringContaining(message),
  },
]

describe("a task that does not start", () => {
  it.each<[string, Partial<Launcher["Type"]>]>([
    ["when its launcher is started", { start: () => tooManyFiles }],
    ["while it is awaited", { progress: () => tooManyFiles }],
    ["when its end is looked for", { progress: () => Effect.never, awaitExit: () => tooManyFiles }],
  ])("is told as failed with the reason when the host fails %s", async (_, launcher) => {
    const { events, destroyed } = await runTask(launcher)
    expect(events).toEqual(startFailed("EMFILE"))
    expect(destroyed).toEqual(["c"])
  })

  it("is told as failed when its command does not execute in time", async () => {
    const { events, destroyed } = await runTask({ progress: () => Effect.succeed({ step: "joined" }) })
    expect(events).toEqual(startFailed("did not start within 0.05 s"))
    expect(destroyed).toEqual(["c"])
  })

  it("is told only when its container is gone, which may take several attempts", async () => {
    let attempts = 0
    const { events } = await runTask(
      { start: () => tooManyFiles },
      { destroy: () => Effect.suspend(() => (++attempts === 1 ? tooManyFiles : Effect.void)) },
    )
    expect(attempts).toBe(2)
    expect(events).toEqual(startFailed("EMFILE"))
  })
})

describe("a task that runs", () => {
  it("is not lost to a failure of the moment while it is observed", async () => {
    let looks = 0
    const { events } = await runTask({
      awaitExit: () =>
        Effect.suspend(() => (++looks === 2 ? tooManyFiles : looks === 1 ? Effect.never : exit7)),
    })
    expect(events).toMatchObject([{ type: "TaskStarted" }, { type: "TaskExited", exit: { exitCode: 7 } }])
    expect(looks).toBe(3)
  })

  it("ends with an unknown code when its launcher is gone", async () => {
    let looks = 0
    const died = new LauncherDied({ containerId: "c", launcherPid: 1 })
    const { events } = await runTask({
      awaitExit: () => Effect.suspend(() => (++looks === 1 ? Effect.never : Effect.fail(died))),
    })
    expect(events).toMatchObject([{ type: "TaskStarted" }, { type: "TaskExited", exit: { exitCode: null } }])
    expect(existsSync(join(root, "frameworks/f/executors/t/runs/c"))).toBe(true)
  })
})

const exit7 = Effect.succeed({ exitCode: 7 })
