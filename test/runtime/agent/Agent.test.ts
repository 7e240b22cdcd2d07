import { Deferred, Effect, type Scope } from "effect"
import { afterEach, describe, expect, it, vi } from "vitest"
import type { AgentAction } from "../../../core/agent/Action.ts"
import { defaultAgentSettings, initialAgentState } from "../../../core/agent/State.ts"
import { type Agent, makeAgent } from "../../../runtime/agent/Agent.ts"
import { specOf } from "../../support/MasterHarness.ts"

const of = { frameworkId: "f", taskId: "t" }
const spec = specOf("t", "f", "a", { cpus: 100 })

const open = (
  told: Array<string>,
  carryOut: (action: AgentAction, agent: Agent) => Effect.Effect<void> = () => Effect.void,
) =>
  makeAgent(initialAgentState("a", "seed", defaultAgentSettings), (action, agent) => {
    told.push(action.type === "SendStatus" ? action.status.state : action.type)
    return carryOut(action, agent)
  })
const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.scoped(effect))

describe("the agent's shell", () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it("carries out what follows from an event before submit returns, in order", () =>
    run(
      Effect.gen(function* () {
        const told: Array<string> = []
        const agent = yield* open(told)
        agent.submit({ type: "Registered", agentId: "a" })
        agent.submit({ type: "LaunchRequested", spec })
        expect(told).toEqual(["TASK_STARTING", "StartTask"])
        expect(agent.state.isConnected).toBe(true)
      }),
    ))

  it("takes what is submitted while it carries out after all that came before", () =>
    run(
      Effect.gen(function* () {
        const told: Array<string> = []
        const phases: Array<string | undefined> = []
        const agent = yield* open(told, (action, agent) =>
          Effect.sync(() => {
            if (action.type !== "SendStatus" || action.status.state !== "TASK_STARTING") return
            // From within the first of two actions of one step: the second comes first all the same.
            agent.submit({ type: "TaskStarted", ...of })
            phases.push(agent.state.tasks.get("f/t")?.phase)
            agent.submit({ type: "StatusAcknowledged", ...of, uuid: action.status.uuid! })
          }),
        )
        agent.submit({ type: "Registered", agentId: "a" })
        agent.submit({ type: "LaunchRequested", spec })
        expect(phases).toEqual(["starting"])
        expect(told).toEqual(["TASK_STARTING", "StartTask", "TASK_RUNNING"])
      }),
    ))

  it("goes on although what it carries out takes its time", () =>
    run(
      Effect.gen(function* () {
        const told: Array<string> = []
        const agent = yield* open(told, () => Effect.never)
        agent.submit({ type: "Registered", agentId: "a" })
        agent.submit({ type: "LaunchRequested", spec })
        agent.submit({ type: "TaskStarted", ...of })
        agent.submit({ type: "KillRequested", ...of, graceMs: 60_000 })
        expect(told).toEqual(["TASK_STARTING", "StartTask", "TerminateTask"])
      }),
    ))

  it("wakes its machine when it asked for it", () =>
    run(
      Effect.gen(function* () {
        const destroyed = yield* Deferred.make<void>()
        const agent = yield* open([], ({ type }) =>
          type === "DestroyContainer" ? Effect.asVoid(Deferred.succeed(destroyed, undefined)) : Effect.void,
        )
        agent.submit({ type: "LaunchRequested", spec })
        agent.submit({ type: "TaskStarted", ...of })
        agent.submit({ type: "KillRequested", ...of, graceMs: 20 })
        yield* Deferred.await(destroyed)
      }),
    ))

  it("sets no timer after its scope has ended", () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    const told: Array<string> = []
    const agent = Effect.runSync(
      Effect.scoped(
        Effect.gen(function* () {
          const agent = yield* open(told)
          agent.submit({ type: "LaunchRequested", spec })
          expect(vi.getTimerCount()).toBe(1)
          return agent
        }),
      ),
    )
    expect(vi.getTimerCount()).toBe(0)
    agent.submit({ type: "TaskStarted", ...of })
    agent.submit({ type: "KillRequested", ...of, graceMs: 5 })
    expect(vi.getTimerCount()).toBe(0)
  })
})
