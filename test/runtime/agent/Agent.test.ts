import { Deferred, Effect } from "effect"
import { describe, expect, it } from "vitest"
import type { AgentAction } from "../../../core/agent/Action.ts"
import type { Agent } from "../../../runtime/agent/Agent.ts"
import { type Batch, JournalError } from "../../../runtime/journal/Journal.ts"
import * as MemoryJournal from "../../../runtime/journal/MemoryJournal.ts"
import { openAgent, settled } from "../../support/AgentFixture.ts"
import { run } from "../../support/MasterFixture.ts"
import { specOf } from "../../support/MasterHarness.ts"

const of = { frameworkId: "f", taskId: "t" }
const spec = specOf("t", "f", "a", { cpus: 100 })
const registered = [
  { type: "Registered", agentId: "a" },
  { masterId: "m", processedId: 0 },
] as const

const nameOf = (action: AgentAction) => (action.type === "SendStatus" ? action.status.state : action.type)

const open = (
  told: Array<string>,
  carryOut: (action: AgentAction, agent: Agent) => Effect.Effect<void> = () => Effect.void,
) =>
  openAgent({
    carryOut: (action, agent) => {
      told.push(nameOf(action))
      return carryOut(action, agent)
    },
  })

/** A journal in memory whose appends wait until the test lets them go on. */
const gatedJournal = Effect.gen(function* () {
  const journal = yield* MemoryJournal.make()
  const batches: Array<Batch> = []
  let gate = yield* Deferred.make<void, JournalError>()
  return {
    batches,
    journal: {
      ...journal,
      append: (batch: Batch) =>
        Effect.suspend(() => {
          batches.push(batch)
          return Effect.zipRight(Deferred.await(gate), journal.append(batch))
        }),
    },
    open: Effect.suspend(() => Deferred.succeed(gate, undefined)),
    fail: Effect.suspend(() => Deferred.fail(gate, broken)),
    close: Effect.gen(function* () {
      gate = yield* Deferred.make<void, JournalError>()
    }),
  }
})
const broken = new JournalError({ reason: "DiskFull", path: "/disk", detail: "no space left" })

const turns = (count: number) =>
  Effect.repeatN(
    Effect.async<void>((resume) => {
      setImmediate(() => resume(Effect.void))
    }),
    count,
  )

describe("the agent's shell", () => {
  it("carries out what follows from events in their order", () =>
    run(
      Effect.gen(function* () {
        const told: Array<string> = []
        const agent = yield* open(told)
        agent.submitOfMaster(...registered)
        agent.submit({ type: "LaunchRequested", spec })
        expect(told).toEqual([])
        yield* settled(agent)
        expect(told).toEqual(["TASK_STARTING", "StartTask"])
        expect(agent.state.isConnected).toBe(true)
      }),
    ))

  it("lets nothing leave, and tells nobody of it, before it is durable", () =>
    run(
      Effect.gen(function* () {
        const told: Array<string> = []
        const { journal, batches, open: letGo } = yield* gatedJournal
        const agent = yield* openAgent({
          journal,
          carryOut: (action) => Effect.sync(() => told.push(nameOf(action))),
        })
        let heard = 0
        agent.onDurable(() => heard++)
        agent.submitOfMaster(...registered)
        agent.submitOfMaster({ type: "LaunchRequested", spec }, { masterId: "m", processedId: 7 })
        const read: Array<number> = []
        yield* Effect.fork(agent.whenDurable((state) => read.push(state.tasks.size)))
        yield* turns(5)
        expect(batches).toHaveLength(1)
        // The launch and its number are one: neither can be remembered without the other.
        expect(batches[0]!.changes.map(({ kind, value }) => [kind, value])).toEqual(
          expect.arrayContaining([
            ["task", expect.objectContaining({ phase: "starting" })],
            ["master", { masterId: "m", processedId: 7 }],
          ]),
        )
        expect([told, heard, read]).toEqual([[], 0, []])
        expect(agent.durablePosition().processedId).toBe(0)
        expect(agent.acceptedPosition().processedId).toBe(7)
        yield* letGo
        yield* turns(3)
        expect([told, heard, read]).toEqual([["TASK_STARTING", "StartTask"], 1, [1]])
        expect(agent.durablePosition().processedId).toBe(7)
      }),
    ))

  it("keeps what a task executes in no event: its environment may hold secrets, and goes with the task", () =>
    run(
      Effect.gen(function* () {
        const journal = yield* MemoryJournal.make()
        const agent = yield* openAgent({ journal })
        const environment = [{ name: "TOKEN", value: "hush" }]
        const command = { ...spec.command, environment }
        agent.submit({ type: "LaunchRequested", spec: { ...spec, command } })
        const inGroup = { ...specOf("in-group", "f", "a", {}), command }
        agent.submit({ type: "GroupLaunchRequested", specs: [inGroup] })
        yield* settled(agent)
        const { entities } = yield* journal.recover
        expect(JSON.stringify(entities)).toContain("hush")
        const events = yield* journal.events(0, 100)
        expect(events.map(({ event }) => event)).toMatchObject([
          { spec: { frameworkId: "f", taskId: "t" } },
          { specs: [{ frameworkId: "f", taskId: "in-group" }] },
        ])
        expect(JSON.stringify(events)).not.toContain("hush")
      }),
    ))

  it("makes what comes while the disk is busy durable together", () =>
    run(
      Effect.gen(function* () {
        const { journal, batches, open: letGo } = yield* gatedJournal
        const agent = yield* openAgent({ journal })
        agent.submitOfMaster(...registered)
        yield* turns(3)
        for (let number = 1; number <= 50; number++)
          agent.submitOfMaster(
            { type: "LaunchRequested", spec: specOf(`t${number}`, "f", "a", {}) },
            { masterId: "m", processedId: number },
          )
        yield* letGo
        yield* settled(agent)
        expect(batches.map(({ events }) => events.length)).toEqual([1, 50])
      }),
    ))

  it("takes nothing in and carries nothing out once its journal has failed, and says so", () =>
    run(
      Effect.gen(function* () {
        const told: Array<string> = []
        const { journal, fail } = yield* gatedJournal
        const agent = yield* openAgent({
          journal,
          carryOut: (action) => Effect.sync(() => told.push(nameOf(action))),
        })
        agent.submit({ type: "LaunchRequested", spec })
        yield* fail
        expect(yield* Effect.flip(agent.failed)).toBe(broken)
        agent.submit({ type: "LaunchRequested", spec: specOf("late", "f", "a", {}) })
        yield* turns(5)
        expect(told).toEqual([])
        expect([...agent.state.tasks.keys()]).toEqual(["f/t"])
      }),
    ))

  it("goes on where the one before it stopped, with its position and its deadlines", () =>
    run(
      Effect.gen(function* () {
        const store = MemoryJournal.makeMemoryStore()
        yield* Effect.scoped(
          Effect.gen(function* () {
            const agent = yield* openAgent({ journal: yield* MemoryJournal.make({ store }) })
            agent.submit({ type: "AgentStarted", bootId: "b" })
            agent.submitOfMaster(...registered)
            agent.submitOfMaster({ type: "LaunchRequested", spec }, { masterId: "m", processedId: 3 })
            agent.submit({ type: "TaskStarted", ...of })
            agent.submit({ type: "KillRequested", ...of, graceMs: 50 })
            yield* settled(agent)
          }),
        )
        const told: Array<string> = []
        const destroyed = yield* Deferred.make<void>()
        const agent = yield* openAgent({
          journal: yield* MemoryJournal.make({ store }),
          carryOut: (action) => {
            told.push(nameOf(action))
            return action.type === "DestroyContainer"
              ? Effect.asVoid(Deferred.succeed(destroyed, undefined))
              : Effect.void
          },
        })
        agent.submit({ type: "AgentStarted", bootId: "b" })
        expect(agent.durablePosition()).toEqual({ masterId: "m", processedId: 3 })
        yield* Deferred.await(destroyed)
        expect(told).toEqual(["RegainTask", "TerminateTask", "DestroyContainer"])
      }),
    ))

  it("takes what is submitted while it carries out after all that came before", () =>
    run(
      Effect.gen(function* () {
        const told: Array<string> = []
        const agent = yield* open(told, (action, agent) =>
          Effect.sync(() => {
            if (action.type !== "SendStatus" || action.status.state !== "TASK_STARTING") return
            // From within the first of two actions of one step: the second comes first all the same.
            agent.submit({ type: "TaskStarted", ...of })
            agent.submit({ type: "StatusAcknowledged", ...of, uuid: action.status.uuid! })
          }),
        )
        agent.submitOfMaster(...registered)
        agent.submit({ type: "LaunchRequested", spec })
        yield* settled(agent)
        yield* settled(agent)
        expect(told).toEqual(["TASK_STARTING", "StartTask", "TASK_RUNNING"])
      }),
    ))

  it("goes on although what it carries out takes its time or breaks", () =>
    run(
      Effect.gen(function* () {
        const told: Array<string> = []
        const agent = yield* open(told, ({ type }) =>
          type === "StartTask" ? Effect.never : Effect.die("no"),
        )
        agent.submitOfMaster(...registered)
        agent.submit({ type: "LaunchRequested", spec })
        agent.submit({ type: "TaskStarted", ...of })
        agent.submit({ type: "KillRequested", ...of, graceMs: 60_000 })
        yield* settled(agent)
        expect(told).toEqual(["TASK_STARTING", "StartTask", "TerminateTask"])
      }),
    ))

  it("ends what it was carrying out with its scope, at once", async () => {
    let interrupted = 0
    await run(
      Effect.gen(function* () {
        const agent = yield* open([], () =>
          Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)),
        )
        agent.submit({ type: "LaunchRequested", spec })
        yield* settled(agent)
      }),
    )
    expect(interrupted).toBe(1)
  })
})
