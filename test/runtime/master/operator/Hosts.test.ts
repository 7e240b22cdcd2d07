import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { withMaster } from "../../../support/BusyMaster.ts"
import type { ServedMaster } from "../../../support/MasterFixture.ts"
import { statusOf } from "../../../support/MasterHarness.ts"
import { call, done } from "../../../support/OperatorAsk.ts"

const uuid = "00000000-0000-4000-8000-000000000000"
const of = (agentId: string) => ({ agent_id: { value: agentId } })

const agentsOf = (served: ServedMaster) =>
  Effect.map(call(served, "GET_AGENTS"), ([, body]) => JSON.parse(body).get_agents)
const slavesOf = ({ ask }: ServedMaster) =>
  Effect.map(ask("/slaves"), ({ body }) => JSON.parse(body) as { slaves: ReadonlyArray<object> })

describe("orders for a host", () => {
  it("are refused for one that nobody knows, each with Mesos's words and code", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        for (const type of ["DRAIN_AGENT", "DEACTIVATE_AGENT", "REACTIVATE_AGENT"]) {
          expect(yield* call(served, type, of("nope"))).toEqual([400, "Unknown agent"])
        }
        expect(yield* call(served, "MARK_AGENT_GONE", of("nope"))).toEqual([404, "Agent 'nope' not found"])
        expect(yield* call(served, "DRAIN_AGENT")).toEqual([
          400,
          "Failed to validate master::Call: Expecting 'drain_agent' to be present",
        ])
        const negative = { ...of("nope"), max_grace_period: { seconds: -1 } }
        expect((yield* call(served, "DRAIN_AGENT", negative))[0]).toBe(400)
      }),
    ))

  it("drain it: shown while it lasts and afterwards, ended by reactivation", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const [agent, framework] = [yield* served.agent, yield* served.framework]
        yield* Effect.promise(async () => {
          await agent.join()
          await framework.subscribe()
          const { offers } = await framework.next("OFFERS")
          await framework.launch(offers.offers[0], { id: "t", command: { value: "sleep 9" } })
        })
        expect(
          yield* call(served, "DRAIN_AGENT", { ...of("m-S0"), max_grace_period: { seconds: 2 } }),
        ).toEqual(done)
        const kill = yield* Effect.promise(async () => {
          for (;;) {
            const { message } = await agent.next("Message")
            if (message.type === "KillTask") return message
          }
        })
        expect(kill).toMatchObject({
          taskId: "t",
          graceMs: null,
          drain: { graceMaxMs: 2_000, isGone: false },
        })
        const config = { max_grace_period: { nanoseconds: 2_000_000_000 }, mark_gone: false }
        expect((yield* agentsOf(served)).agents).toMatchObject([
          { active: false, deactivated: true, drain_info: { state: "DRAINING", config } },
        ])
        expect(yield* call(served, "REACTIVATE_AGENT", of("m-S0"))).toEqual([
          400,
          "Agent is still in the DRAINING state",
        ])
        yield* Effect.promise(async () => {
          await agent.report({ statuses: [statusOf("m-S0", "m-0000", "t", "TASK_KILLED", uuid)] })
          await framework.status("t", "TASK_KILLED")
        })
        expect(yield* slavesOf(served)).toMatchObject({
          slaves: [{ active: false, deactivated: true, drain_info: { state: "DRAINED", config } }],
        })
        expect(yield* call(served, "REACTIVATE_AGENT", of("m-S0"))).toEqual(done)
        const [shown] = (yield* agentsOf(served)).agents
        expect(shown).toMatchObject({ active: true, deactivated: false })
        expect(shown).not.toHaveProperty("drain_info")
      }),
    ))

  it("deactivate it, and give it up for good: it is told to end, and again when it comes back", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const [agent, again] = [yield* served.agent, yield* served.agent]
        yield* Effect.promise(() => agent.join())
        expect(yield* call(served, "DEACTIVATE_AGENT", of("m-S0"))).toEqual(done)
        expect(yield* slavesOf(served)).toMatchObject({ slaves: [{ active: false, deactivated: true }] })
        expect(yield* call(served, "MARK_AGENT_GONE", of("m-S0"))).toEqual(done)
        expect(yield* call(served, "MARK_AGENT_GONE", of("m-S0")), "is done already").toEqual(done)
        yield* Effect.promise(() => agent.ended())
        const told = { type: "ShutDown", reason: "Agent has been marked gone" }
        expect(agent.records.filter(({ type }) => type === "ShutDown")).toEqual([told])
        yield* Effect.promise(() => again.register({ agentId: "m-S0" }))
        yield* Effect.promise(() => again.ended())
        expect(again.records).toEqual([told])
        expect((yield* slavesOf(served)).slaves).toEqual([])
      }),
    ))
})

describe("agents are listed where Mesos lists them", () => {
  it("unreachable ones among none of its lists, but in one of gleaner's own", () =>
    withMaster(
      (served) =>
        Effect.gen(function* () {
          const agent = yield* served.agent
          yield* Effect.promise(() => agent.join())
          agent.close()
          const state = Effect.map(served.ask("/state?gleaner"), ({ body }) => JSON.parse(body))
          const later = yield* Effect.repeat(state, {
            until: ({ unreachable_slaves }) => unreachable_slaves === 1,
          })
          expect(later).toMatchObject({
            activated_slaves: 0,
            deactivated_slaves: 0,
            slaves: [],
            recovered_slaves: [],
            unreachable_slave_list: [{ id: "m-S0", condition: "unreachable" }],
          })
          const summary = yield* served.ask("/state-summary")
          expect(JSON.parse(summary.body).slaves).toEqual([])
        }),
      { settings: { agentTimeoutMs: 200 } },
    ))

  it("those that have not come back since the master started as recovered", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* served.agent
        yield* Effect.promise(() => agent.join())
        yield* served.master.submit({ event: () => ({ type: "MasterStarted" }) })
        const listed = yield* agentsOf(served)
        expect(listed).toMatchObject({
          agents: [],
          recovered_agents: [{ id: { value: "m-S0" }, hostname: "host" }],
        })
        expect(yield* slavesOf(served)).toMatchObject({ slaves: [], recovered_slaves: [{ id: "m-S0" }] })
        const back = yield* served.agent
        yield* Effect.promise(() => back.join({ agentId: "m-S0" }))
        expect((yield* agentsOf(served)).recovered_agents).toEqual([])
      }),
    ))
})
