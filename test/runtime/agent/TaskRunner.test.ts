import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer, Logger, Schedule } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { AgentAction } from "../../../core/agent/Action.ts"
import { defaultAgentSettings, initialAgentState } from "../../../core/agent/State.ts"
import type { UnstampedEvent } from "../../../runtime/agent/Agent.ts"
import { Launcher, LauncherDied } from "../../../runtime/agent/Launcher.ts"
import { makeSandbox } from "../../../runtime/agent/Sandbox.ts"
import { makeTaskRunner, type TaskListener, type TaskRunner } from "../../../runtime/agent/TaskRunner.ts"
import { Cgroups, NoSuchContainer } from "../../../runtime/cgroups/Cgroups.ts"
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
  regain: () => Effect.succeed({ type: "Launched", task: launched }),
  awaitExit: () => Effect.never,
  progress: () => Effect.succeed({ step: "exec" }),
}
const tooManyFiles = Effect.sync((): never => {
  throw new Error("EMFILE: too many open files")
})

const spec = specOf("t", "f", "a", { cpus: 100 })
const start = (runner: TaskRunner, agent: TaskListener) => runner.start(spec, "c", agent)

/** Runs one task until the runner has nothing more to say of it; what it said, and what it destroyed. */
const runTask = async (
  launcher: Partial<Launcher["Type"]>,
  cgroups: Partial<Cgroups["Type"]> = {},
  act: (runner: TaskRunner, agent: TaskListener) => Effect.Effect<void> = start,
  events: Array<UnstampedEvent> = [],
) => {
  const destroyed: Array<string> = []
  const limited: Array<string> = []
  const agent: TaskListener = {
    submit: (event) => events.push(event),
    whenDurable: (read) => Effect.sync(() => read(initialAgentState("a", "seed", defaultAgentSettings))),
  }
  const layer = Layer.merge(
    Layer.succeed(Launcher, { ...calm, ...launcher }),
    Layer.succeed(Cgroups, {
      create: () => Effect.void,
      joinPaths: () => Effect.succeed([]),
      usage: () => tooManyFiles,
      setLimits: (containerId: string) => Effect.sync(() => limited.push(containerId)),
      destroy: (containerId: string) => Effect.sync(() => destroyed.push(containerId)),
      ...cgroups,
    } as unknown as Cgroups["Type"]),
  )
  await Effect.gen(function* () {
    const runner = yield* makeTaskRunner({
      sandboxRoot: root,
      runRoot: root,
      volumeRoot: root,
      defaultUser: "nobody",
      allowRootTasks: false,
      startWaitMs: 50,
    })
    yield* act(runner, agent)
  }).pipe(
    Effect.provide(layer),
    Effect.provide(Logger.remove(Logger.defaultLogger)),
    Effect.timeout("20 seconds"),
    Effect.runPromise,
  )
  return { events, destroyed, limited }
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

const oneTurn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

describe("many tasks at once", () => {
  it("are launched a few at a time, so that none counts as hung for waiting its turn", async () => {
    const count = 100
    let now = 0
    let most = 0
    const events: Array<UnstampedEvent> = []
    await runTask(
      {
        start: () =>
          Effect.sync(() => {
            most = Math.max(most, ++now)
            return launched
          }),
        progress: () =>
          Effect.as(oneTurn, { step: "exec" as const }).pipe(Effect.ensuring(Effect.sync(() => now--))),
        awaitExit: () => Effect.never,
      },
      {},
      (runner, agent) =>
        Effect.forEach(
          Array.from({ length: count }, (_, index) => `t${index}`),
          (taskId) => runner.start({ ...spec, taskId }, taskId, agent),
          { concurrency: "unbounded" },
        ).pipe(
          Effect.raceFirst(
            Effect.sync(() => events.length).pipe(
              Effect.repeat({ until: (told) => told === count, schedule: Schedule.spaced("5 millis") }),
            ),
          ),
          Effect.asVoid,
        ),
      events,
    )
    expect(events).toHaveLength(count)
    expect(most).toBeLessThanOrEqual(32)
    expect(most).toBeGreaterThan(1)
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

describe("a task of an earlier life of the agent", () => {
  const regain =
    (change: Partial<Extract<AgentAction, { type: "RegainTask" }>> = {}) =>
    (runner: TaskRunner, agent: TaskListener) =>
      runner.regain(
        {
          type: "RegainTask",
          spec,
          containerId: "c",
          phase: "running",
          isHostRestarted: false,
          mayStart: false,
          ...change,
        },
        agent,
      )
  const neverRan: Partial<Launcher["Type"]> = {
    regain: () => Effect.succeed({ type: "NeverRan", attempt: 3 }),
  }
  const exits = [{ type: "TaskStarted" }, { type: "TaskExited", exit: { exitCode: 7 } }]

  it("that runs is followed to its end, with its limits told again", async () => {
    const { events, limited } = await runTask({ awaitExit: () => exit7 }, {}, regain())
    expect(events).toMatchObject(exits)
    expect(limited).toEqual(["c"])
  })

  it("that runs is followed although its limits cannot be told again", async () => {
    const gone = new NoSuchContainer({ containerId: "c", path: "/c" })
    const setLimits = () => Effect.fail(gone)
    const { events } = await runTask({ awaitExit: () => exit7 }, { setLimits }, regain())
    expect(events).toMatchObject(exits)
  })

  it("that was being launched is followed as if this agent had launched it", async () => {
    const { events } = await runTask({ awaitExit: () => exit7 }, {}, regain({ phase: "starting" }))
    expect(events).toMatchObject(exits)
    const died = new LauncherDied({ containerId: "c", launcherPid: 1 })
    const failed = await runTask(
      { awaitExit: () => Effect.fail(died), progress: () => Effect.succeed({ step: "joined" }) },
      {},
      regain({ phase: "starting" }),
    )
    expect(failed.events).toEqual(startFailed("ended without a status"))
  })

  it("that never ran is launched, as another attempt, in a container made anew", async () => {
    const attempts: Array<number | undefined> = []
    const { events, destroyed } = await runTask(
      {
        ...neverRan,
        awaitExit: () => exit7,
        start: ({ attempt }) => Effect.sync(() => attempts.push(attempt)).pipe(Effect.as(launched)),
      },
      {},
      (runner, agent) =>
        Effect.zipRight(
          // What the agent before had made already.
          Effect.ignore(makeSandbox(root, { frameworkId: "f", taskId: "t", containerId: "c" }, user)),
          regain({ phase: "starting", mayStart: true })(runner, agent),
        ),
    )
    expect(events).toMatchObject(exits)
    expect(attempts).toEqual([3])
    expect(destroyed).toEqual(["c"])
  })

  it("that never ran and is not wanted any more is told as not started", async () => {
    const { events, destroyed } = await runTask(neverRan, {}, regain({ phase: "starting" }))
    expect(events).toEqual(startFailed("had not been started"))
    expect(destroyed).toEqual(["c"])
  })

  it("of which every trace is lost has ended, nobody knows how", async () => {
    const { events } = await runTask(neverRan, {}, regain())
    expect(events).toMatchObject([{ type: "TaskExited", exit: { exitCode: null } }])
  })

  it("has ended with the host's restart, as its launcher wrote down if it could", async () => {
    const rebooted = regain({ isHostRestarted: true })
    const unknown = await runTask({}, {}, rebooted)
    expect(unknown.events).toMatchObject([{ type: "TaskExited", exit: { exitCode: null } }])
    mkdirSync(join(root, "c"))
    writeFileSync(join(root, "c/status"), "42\n")
    const known = await runTask({}, {}, rebooted)
    expect(known.events).toMatchObject([{ type: "TaskExited", exit: { exitCode: 42 } }])
  })

  it("that was being destroyed tells its last word, and its run folder stays until that is durable", async () => {
    mkdirSync(join(root, "c"))
    writeFileSync(join(root, "c/status"), "137\n")
    const order: Array<string> = []
    await runTask({ awaitExit: () => Effect.succeed({ exitCode: 137 }) }, {}, (runner) =>
      runner.destroy(
        { frameworkId: "f", taskId: "t", containerId: "c" },
        {
          submit: ({ type }) => order.push(type),
          whenDurable: (read) =>
            Effect.sync(() => {
              order.push(existsSync(join(root, "c/status")) ? "durable" : "too late")
              return read(initialAgentState("a", "seed", defaultAgentSettings))
            }),
        },
      ),
    )
    expect(order).toEqual(["TaskExited", "ContainerDestroyed", "durable"])
    expect(existsSync(join(root, "c"))).toBe(false)
  })
})

const user = { uid: process.getuid!(), gid: process.getgid!() }
