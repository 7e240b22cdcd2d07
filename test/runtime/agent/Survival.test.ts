import { type ChildProcess, spawn } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Logger } from "effect"
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { root as repository } from "../../structure/SourceFiles.ts"
import { findCgroups, sweepCgroups, whyNoRealCgroups } from "../../support/CgroupLeftovers.ts"
import { eventually, pause, processesOf } from "../../support/Gleaner.ts"
import { run, secret, serveMaster } from "../../support/MasterFixture.ts"
import type { V1Event, V1Framework } from "../../support/V1Framework.ts"
import { bundleForNode } from "../journal/WorkerBundle.ts"

// A real agent in a process of its own, killed at will, with real cgroups; the master that it comes back to is real, too.

const whyNot = whyNoRealCgroups()
const parent = `gleaner-test-s${process.pid}`

let program = ""
beforeAll(async () => {
  program = fileURLToPath(await bundleForNode("test/runtime/agent/RunAgent.ts"))
  copyFileSync(join(repository, "runtime/agent/launch.sh"), join(dirname(program), "launch.sh"))
})

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-survival-"))
  chmodSync(folder, 0o755)
  // Where tasks leave traces and are told to go on.
  mkdirSync(join(folder, "traces"))
  chmodSync(join(folder, "traces"), 0o777)
})
afterEach(async () => {
  if (whyNot === undefined) sweepCgroups(parent)
  await eventually(() => (processesOf(folder).length === 0 ? true : undefined))
  rmSync(folder, { recursive: true })
})

class AgentProcess {
  private readonly child: ChildProcess
  private said = ""
  readonly ended: Promise<number | null>

  constructor(url: string, ownFolder = folder) {
    this.child = spawn(process.execPath, [program, ownFolder, url, secret, parent], {
      stdio: ["ignore", "pipe", "pipe"],
    })
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on("data", (chunk: Buffer) => {
        this.said += chunk.toString("utf8")
      })
    this.ended = new Promise((resolve) => this.child.on("close", resolve))
  }

  get pid(): number {
    return this.child.pid!
  }

  get output(): string {
    return this.said
  }

  async ready(): Promise<this> {
    await eventually(() => {
      if (this.child.exitCode !== null) throw new Error(`the agent ended:\n${this.said}`)
      return this.said.includes("ready\n") || undefined
    })
    return this
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal)
    return this.ended
  }
}

const capabilities = [{ type: "MULTI_ROLE" }, { type: "PARTITION_AWARE" }]
const terminal = ["TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_GONE", "TASK_LOST", "TASK_DROPPED"]

/** A framework that acknowledges whatever it hears, at once. */
const listenTo = (framework: V1Framework) => {
  const listening = (async () => {
    for (;;) await framework.acknowledge(await framework.next("UPDATE"))
  })().catch(() => {}) // the master has gone
  const statusesOf = (taskId: string) =>
    framework.events
      .filter(({ type, update }) => type === "UPDATE" && update.status.task_id.value === taskId)
      .map(({ update }) => update.status)
  return {
    listening,
    /** Each end once, however often it was told. */
    endsOf: (taskId: string) => {
      const ends = statusesOf(taskId).filter(({ state }) => terminal.includes(state))
      return [...new Map(ends.map((status) => [status.uuid, status])).values()]
    },
    statesOf: (taskId: string) => statusesOf(taskId).map(({ state }) => state),
  }
}

const exitCodeOf = (status: { labels?: { labels: ReadonlyArray<{ key: string; value: string }> } }) =>
  status.labels?.labels.find(({ key }) => key === "gleaner.exit_code")?.value

const scene = (
  play: (stage: {
    readonly framework: V1Framework
    readonly heard: ReturnType<typeof listenTo>
    /** Where it is another agent than the others, with a folder of its own. */
    readonly start: (ownFolder?: string) => AgentProcess
    /** Takes the next offer. */
    readonly launch: (id: string, command: string) => Promise<void>
  }) => Promise<void>,
) =>
  run(
    Effect.gen(function* () {
      const { url, framework: open } = yield* serveMaster()
      const framework = yield* open
      const agents: Array<AgentProcess> = []
      yield* Effect.addFinalizer(() =>
        Effect.promise(async () => {
          for (const agent of agents) await agent.end("SIGKILL")
        }),
      )
      const start = (ownFolder?: string) => {
        const agent = new AgentProcess(url, ownFolder)
        agents.push(agent)
        return agent
      }
      let offersTaken = 0
      const launch = async (id: string, command: string) => {
        const offer = await eventually(() => {
          const offers = framework.events.flatMap(({ type, offers }) =>
            type === "OFFERS" ? (offers.offers as Array<V1Event>) : [],
          )
          return offers.length > offersTaken ? offers.at(-1) : undefined
        })
        offersTaken = framework.events.flatMap(({ type, offers }) =>
          type === "OFFERS" ? (offers.offers as Array<V1Event>) : [],
        ).length
        await framework.launch(offer, { id, command: { value: command } })
      }
      yield* Effect.promise(async () => {
        await framework.subscribe({ failover_timeout: 1_000, capabilities })
        const heard = listenTo(framework)
        await play({ framework, heard, start, launch })
      })
    }).pipe(Effect.provide(Logger.remove(Logger.defaultLogger))),
  )

const trace = (name: string) => join(folder, "traces", name)
const waitsFor = (name: string) => `until [ -e ${trace(name)} ]; do sleep 0.05; done`

describe.skipIf(whyNot !== undefined)("a task whose agent is killed", () => {
  it("runs on, is regained with its limits, and its own exit code reaches the framework", () =>
    scene(async ({ heard, start, launch }) => {
      const first = await start().ready()
      await launch("t", `${waitsFor("go")}; exit 42`)
      await eventually(() => heard.statesOf("t").includes("TASK_RUNNING") || undefined)
      const [container] = findCgroups(parent).filter((path) => /cpu.*\/[0-9a-f-]{36}$/.test(path))
      const tasks = readFileSync(`${container}/tasks`, "utf8")
      await first.end("SIGKILL")
      await start().ready()
      expect(readFileSync(`${container}/tasks`, "utf8").split("\n")).toEqual(
        expect.arrayContaining(tasks.split("\n").slice(0, 1)),
      )
      writeFileSync(trace("go"), "")
      const [end] = await eventually(() => (heard.endsOf("t").length > 0 ? heard.endsOf("t") : undefined))
      expect(end).toMatchObject({ state: "TASK_FAILED", message: "Command exited with status 42" })
      expect(exitCodeOf(end)).toBe("42")
      await eventually(() => (existsSync(container!) ? undefined : true))
      expect(readdirSync(join(folder, "runs"))).toEqual([])
    }))

  it("has its exit code told although it ended while no agent lived", () =>
    scene(async ({ heard, start, launch }) => {
      const first = await start().ready()
      await launch("t", `${waitsFor("go")}; exit 7`)
      await eventually(() => heard.statesOf("t").includes("TASK_RUNNING") || undefined)
      await first.end("SIGKILL")
      writeFileSync(trace("go"), "")
      const [run] = readdirSync(join(folder, "runs"))
      await eventually(() => existsSync(join(folder, "runs", run!, "status")) || undefined)
      await start().ready()
      const [end] = await eventually(() => (heard.endsOf("t").length > 0 ? heard.endsOf("t") : undefined))
      expect([end.state, exitCodeOf(end)]).toEqual(["TASK_FAILED", "7"])
      expect(heard.endsOf("t")).toHaveLength(1)
    }))

  it("is ended with an unknown code, and nothing of it is left, when its launcher is killed as well", () =>
    scene(async ({ heard, start, launch }) => {
      const first = await start().ready()
      await launch("t", "sleep 1000")
      await eventually(() => heard.statesOf("t").includes("TASK_RUNNING") || undefined)
      await first.end("SIGKILL")
      const [run] = readdirSync(join(folder, "runs"))
      const [pid] = readlinkSync(join(folder, "runs", run!, "claim.1")).split(" ")
      process.kill(Number(pid), "SIGKILL")
      await start().ready()
      const [end] = await eventually(() => (heard.endsOf("t").length > 0 ? heard.endsOf("t") : undefined))
      expect(end).toMatchObject({ state: "TASK_FAILED", reason: "REASON_EXECUTOR_TERMINATED" })
      await eventually(() =>
        findCgroups(`${parent}`).some((path) => path.includes(run!)) ? undefined : true,
      )
    }))

  it("is killed by the next agent when that was under way", () =>
    scene(async ({ framework, heard, start, launch }) => {
      const first = await start().ready()
      await launch("t", "trap '' TERM; while :; do sleep 0.1; done")
      await eventually(() => heard.statesOf("t").includes("TASK_RUNNING") || undefined)
      const kill = { task_id: { value: "t" }, kill_policy: { grace_period: { nanoseconds: 1_500_000_000 } } }
      await framework.call({ type: "KILL", kill })
      await pause(300)
      await first.end("SIGKILL")
      await start().ready()
      const [end] = await eventually(() => (heard.endsOf("t").length > 0 ? heard.endsOf("t") : undefined))
      expect([end.state, exitCodeOf(end)]).toEqual(["TASK_KILLED", "137"])
    }))

  it(
    "is started exactly once, at whatever instant of its launch the agent died",
    () =>
      scene(async ({ heard, start, launch }) => {
        const rounds = 12
        let agent = await start().ready()
        for (let round = 0; round < rounds; round++) {
          await launch(`t${round}`, `echo x >>${trace(`t${round}`)}; exit 5`)
          // From before the message arrives to after the command has ended.
          await pause((round * 97) % 120)
          await agent.end("SIGKILL")
          agent = await start().ready()
        }
        for (let round = 0; round < rounds; round++) {
          const id = `t${round}`
          const [end] = await eventually(() => (heard.endsOf(id).length > 0 ? heard.endsOf(id) : undefined))
          expect([id, end.state, exitCodeOf(end)]).toEqual([id, "TASK_FAILED", "5"])
          expect(heard.endsOf(id)).toHaveLength(1)
          expect([id, readFileSync(trace(id), "utf8")]).toEqual([id, "x\n"])
        }
        await eventually(() => (readdirSync(join(folder, "runs")).length === 0 ? true : undefined))
      }),
    120_000,
  )
})

describe.skipIf(whyNot !== undefined)("an agent", () => {
  it("leaves its tasks alone at SIGTERM, and ends them with all cgroups at SIGUSR1", () =>
    scene(async ({ heard, start, launch }) => {
      const first = await start().ready()
      await launch("t", `trap 'exit 9' TERM; touch ${trace("up")}; while :; do sleep 0.05; done`)
      await eventually(() => existsSync(trace("up")) || undefined)
      await eventually(() => heard.statesOf("t").includes("TASK_RUNNING") || undefined)
      expect(await first.end("SIGTERM")).toBe(0)
      expect(findCgroups(parent).length).toBeGreaterThan(0)
      expect(heard.endsOf("t")).toEqual([])
      const second = await start().ready()
      expect(await second.end("SIGUSR1")).toBe(0)
      const [end] = heard.endsOf("t")
      expect([end.state, exitCodeOf(end)]).toEqual(["TASK_KILLED", "9"])
      expect(findCgroups(parent)).toEqual([])
      expect(processesOf(folder)).toEqual([])
    }))

  it("is the only one of its folder", () =>
    scene(async ({ start }) => {
      const first = await start().ready()
      const second = start()
      expect(await second.ended).toBe(1)
      expect(second.output).toContain(`process ${first.pid} has it open; stop the other process`)
      await first.end("SIGUSR1")
    }))

  it("refuses a parent cgroup in which another agent that lives has tasks, and leaves those alone", () =>
    scene(async ({ heard, start, launch }) => {
      const first = await start().ready()
      await launch("t", `${waitsFor("go")}; exit 4`)
      await eventually(() => heard.statesOf("t").includes("TASK_RUNNING") || undefined)
      const other = join(folder, "other")
      mkdirSync(other)
      const second = start(other)
      expect(await second.ended).toBe(1)
      expect(second.output).toContain(`tasks of the agent with the folder ${folder} (process ${first.pid})`)
      expect(second.output).toContain("--cgroup-parent")
      writeFileSync(trace("go"), "")
      const [end] = await eventually(() => (heard.endsOf("t").length > 0 ? heard.endsOf("t") : undefined))
      expect(exitCodeOf(end)).toBe("4")
      await first.end("SIGUSR1")
    }))

  it("ends containers that belong to no task of it", () =>
    scene(async ({ heard, start, launch }) => {
      const first = await start().ready()
      await launch("t", "sleep 1000")
      await eventually(() => heard.statesOf("t").includes("TASK_RUNNING") || undefined)
      await first.end("SIGKILL")
      rmSync(join(folder, "checkpoint"))
      const second = await start().ready()
      expect(findCgroups(parent).filter((path) => /[0-9a-f-]{36}$/.test(path))).toEqual([])
      expect(readdirSync(join(folder, "runs"))).toEqual([])
      await second.end("SIGUSR1")
    }))

  it("stops and leaves its tasks when its disk fails", () =>
    scene(async ({ heard, start, launch }) => {
      const first = await start().ready()
      await launch("t", `${waitsFor("go")}; exit 3`)
      await eventually(() => heard.statesOf("t").includes("TASK_RUNNING") || undefined)
      await first.end("SIGKILL")
      const whole = readFileSync(join(folder, "checkpoint"))
      const damaged = Buffer.from(whole)
      damaged[60]! ^= 1
      writeFileSync(join(folder, "checkpoint"), damaged)
      const second = start()
      expect(await second.ended).toBe(1)
      expect(second.output).toContain("restore the file from a copy")
      writeFileSync(join(folder, "checkpoint"), whole)
      await start().ready()
      writeFileSync(trace("go"), "")
      const [end] = await eventually(() => (heard.endsOf("t").length > 0 ? heard.endsOf("t") : undefined))
      expect(exitCodeOf(end)).toBe("3")
    }))
})
