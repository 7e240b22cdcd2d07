import { Effect, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import type { AgentRecord } from "../../../core/master/State.ts"
import * as MemoryJournal from "../../../runtime/journal/MemoryJournal.ts"
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
          // Of another agent, so that there is something to tell this one.
          const orphan = specOf("t", "old-0001", "old-S4", small)
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

  it("refuses an agent of version 1, which knows no reserve, in the same words", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const agent = yield* served.agent
        const refused = yield* promise(() => agent.register({ protocolVersion: 1, reserve: undefined }))
        expect(refused).toEqual({
          status: 400,
          body: `this master speaks version ${protocolVersion} of the agent protocol, the agent 1: run the same release of gleaner on both`,
        })
      }),
    ))

  it("holds the reserve of the registration and of each report, and journals it only when it changes", () =>
    Effect.gen(function* () {
      const store = MemoryJournal.makeMemoryStore()
      const served = yield* serveMaster({ journal: MemoryJournal.layer({ store }) })
      const events = () => store.events.map(([, , event]) => (JSON.parse(event) as { type: string }).type)
      const agent = yield* served.agent
      const framework = yield* served.framework
      const heldBy = () => served.master.state.allocator.heldOn("m-S0")
      yield* promise(async () => {
        await agent.join({ reserve: { cpus: 1_000, mem: 0 } })
        expect(served.master.state.agents.get("m-S0")?.reserve).toEqual({ cpus: 1_000 })
        await framework.subscribe()
        const [first] = (await framework.next("OFFERS")).offers.offers
        expect(first.resources[0]).toMatchObject({ name: "cpus", scalar: { value: 3 } })
        const before = events().length
        // In another order, with a zero: the same.
        for (const reserve of [{ cpus: 1_000 }, { mem: 0, cpus: 1_000 }]) await agent.report({ reserve })
        expect(events()).toHaveLength(before)
        await agent.report({ reserve: { cpus: 2_500 } })
        expect(events().filter((type) => type === "ReserveChanged")).toHaveLength(1)
        expect((await framework.next("RESCIND")).rescind.offer_id).toEqual(first.id)
        const [second] = (await framework.next("OFFERS")).offers.offers
        expect(second.resources[0]).toMatchObject({ name: "cpus", scalar: { value: 1.5 } })
        expect(heldBy()).toEqual({ cpus: 2_500 })
        // What was rescinded is not launched on.
        await framework.launch(first, { id: "t", command: { value: "true" } })
        const { status } = (await framework.next("UPDATE")).update
        expect(status).toMatchObject({ state: "TASK_LOST", reason: "REASON_INVALID_OFFERS" })
        await agent.report({ reserve: {} })
        const [third] = (await framework.next("OFFERS")).offers.offers
        expect(third.resources[0]).toMatchObject({ scalar: { value: 2.5 } })
      })
    }).pipe(run))

  it("passes over reports that come late or twice: an old reserve replaces no newer one (L5)", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const framework = yield* served.framework
        const agent = yield* served.agent
        yield* promise(async () => {
          await agent.join()
          await launch(served, framework, "t")
          const stateOfTask = () => served.master.state.tasks.get("m-0000/t")?.state
          const status = (state: "TASK_STARTING" | "TASK_RUNNING") => [statusOf("m-S0", "m-0000", "t", state)]
          const low = { number: 1, reserve: { cpus: 500 }, statuses: status("TASK_STARTING") }
          const high = { number: 2, reserve: { cpus: 3_000 }, statuses: status("TASK_RUNNING") }
          const taken = { status: 202, body: "" }
          expect([await agent.report(low), await agent.report(high)]).toEqual([taken, taken])
          // The second is acknowledged again, the first is of the past.
          expect(await agent.report({ ...high, reserve: {} })).toEqual(taken)
          expect(await agent.report(low)).toEqual({
            status: 409,
            body: "report 1 comes too late: 2 has been taken already",
          })
          expect(served.master.state.agents.get("m-S0")?.reserve).toEqual({ cpus: 3_000 })
          expect(stateOfTask()).toBe("TASK_RUNNING")
          // A new stream counts anew.
          await agent.join({ agentId: "m-S0", masterId: "m", reserve: { cpus: 100 }, processedId: 1 })
          expect(await agent.report({ number: 1, reserve: { cpus: 200 } })).toEqual(taken)
          expect(served.master.state.agents.get("m-S0")?.reserve).toEqual({ cpus: 200 })
        })
      }),
    ))

  it("answers a report that it fails to read with 500, and takes the same one when it comes again", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const framework = yield* served.framework
        const agent = yield* served.agent
        yield* promise(async () => {
          await agent.join()
          await launch(served, framework, "t")
          const agents = served.master.state.agents as Map<string, AgentRecord>
          const record = agents.get("m-S0")!
          const broken = Object.defineProperty({ ...record }, "reserve", {
            get: () => {
              throw new Error("a defect")
            },
          })
          agents.set("m-S0", broken)
          const statuses = [statusOf("m-S0", "m-0000", "t", "TASK_RUNNING")]
          const failed = await agent.report({ number: 1, statuses })
          expect(failed).toEqual({
            ...{ status: 500, body: "500 Internal Server Error. The log of this daemon has the cause." },
          })
          agents.set("m-S0", record)
          expect(await agent.report({ number: 1, statuses })).toEqual({ status: 202, body: "" })
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
