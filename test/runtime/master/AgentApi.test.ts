import { Effect, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import { protocolVersion, reportPath, subscribePath } from "../../../runtime/protocol/AgentProtocol.ts"
import { run, type ServedMaster, serveMaster } from "../../support/MasterFixture.ts"
import { specOf, statusOf } from "../../support/MasterHarness.ts"
import { small } from "../../support/MasterScenes.ts"

const withMaster = (use: (served: ServedMaster) => Effect.Effect<void, unknown, Scope.Scope>) =>
  run(Effect.flatMap(serveMaster(), use))
const promise = <A>(evaluate: () => Promise<A>) => Effect.promise(evaluate)

/** A framework that has launched tasks on the only agent. */
const launch = async (served: ServedMaster, framework: Framework, ...taskIds: ReadonlyArray<string>) => {
  await framework.subscribe({ failover_timeout: 60 })
  for (const id of taskIds) {
    const { offers } = await framework.next("OFFERS")
    await framework.launch(offers.offers[0], { id, command: { value: "true" } })
  }
  expect(served.master.state.tasks.size).toBe(taskIds.length)
}
type Framework = Effect.Effect.Success<ServedMaster["framework"]>

describe("the master's side of the agent protocol", () => {
  it("gives a new agent its id, and a returning one its place", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const [first, again, other] = [yield* served.agent, yield* served.agent, yield* served.agent]
        yield* promise(async () => {
          expect(await first.join()).toMatchObject({ masterId: "m", agentId: "m-S0" })
          expect(await again.join({ agentId: "m-S0", masterId: "m" })).toMatchObject({ agentId: "m-S0" })
          await first.ended()
          expect(await other.join()).toMatchObject({ agentId: "m-S1" })
          // The end of the replaced stream is not the agent's.
          expect(served.master.state.agents.get("m-S0")).toMatchObject({
            condition: "connected",
            streamId: again.streamId,
          })
          again.close()
          while (served.master.state.agents.get("m-S0")?.condition !== "disconnected") {
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
        })
      }),
    ))

  it("repeats after a reconnection what was not processed, and nothing else", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const framework = yield* served.framework
        const [first, again] = [yield* served.agent, yield* served.agent]
        yield* promise(async () => {
          await first.join()
          await launch(served, framework, "t1", "t2")
          await first.next("Message")
          await again.join({
            agentId: "m-S0",
            masterId: "m",
            processedId: 1,
            tasks: [{ spec: specOf("t1", "m-0000", "m-S0", small), status: null }],
          })
          expect(await again.next("Message")).toMatchObject({ id: 2, message: { type: "LaunchTask" } })
          expect(served.master.outboxSize()).toBe(1)
          expect([...served.master.state.tasks.keys()]).toEqual(["m-0000/t1", "m-0000/t2"])
        })
      }),
    ))

  it("does not take another master's numbers for its own", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* served.agent
        yield* promise(async () => {
          const orphan = specOf("t", "old-0001", "old-S3", small)
          await agent.join({
            agentId: "old-S3",
            masterId: "old",
            processedId: 500,
            tasks: [{ spec: orphan, status: null }],
          })
          expect(await agent.next("Message")).toMatchObject({
            id: 1,
            message: { type: "KillTask", taskId: "t" },
          })
        })
      }),
    ))

  it("refuses an agent of another version before anything else, and says what to do", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* served.agent
        const [newer, none, garbage] = yield* promise(async () => [
          await agent.register({ protocolVersion: protocolVersion + 1, total: "?" }),
          await agent.register({ protocolVersion: undefined }),
          await agent.register({ total: { cpus: -1 } }),
        ])
        expect(newer).toEqual({
          status: 400,
          body: `this master speaks version ${protocolVersion} of the agent protocol, the agent ${protocolVersion + 1}: run the same release of gleaner on both`,
        })
        expect(none!.body).toContain("the agent none: run the same release")
        expect(garbage!.status).toBe(400)
        expect(garbage!.body).toContain("not a message of gleaner's agent protocol: ")
        expect(garbage!.body).toMatch(/"total"[\s\S]*"cpus"/)
        expect(served.master.state.agents.size).toBe(0)
      }),
    ))

  it("takes reports only from the stream that lives", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const framework = yield* served.framework
        const [agent, again] = [yield* served.agent, yield* served.agent]
        yield* promise(async () => {
          await agent.join()
          await launch(served, framework, "t")
          const old = agent.streamId
          await again.join({ agentId: "m-S0", masterId: "m" })
          await agent.ended()
          const status = statusOf("m-S0", "m-0000", "t", "TASK_RUNNING")
          const over = { status: 409, body: "this stream is over: subscribe again" }
          expect(await agent.report({ streamId: old, statuses: [status] })).toEqual(over)
          expect(await agent.report({ streamId: "made-up" })).toEqual(over)
          expect(served.master.state.tasks.get("m-0000/t")?.state).toBe("TASK_STAGING")
          expect(await again.report({ statuses: [status] })).toEqual({ status: 202, body: "" })
          expect(served.master.state.tasks.get("m-0000/t")?.state).toBe("TASK_RUNNING")
        })
      }),
    ))

  it("takes posts only", () =>
    withMaster(({ ask }) =>
      Effect.gen(function* () {
        for (const path of [subscribePath, reportPath]) {
          expect((yield* ask(path)).status).toBe(405)
          const refused = yield* ask(path, { headers: { Authorization: "Bearer x" }, body: "{}" })
          expect(refused.status).toBe(401)
        }
      }),
    ))
})
