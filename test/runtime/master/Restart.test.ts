import { Effect, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import * as MemoryJournal from "../../../runtime/journal/MemoryJournal.ts"
import type { FakeAgent } from "../../support/FakeAgent.ts"
import { run, type ServedMaster, serveMaster } from "../../support/MasterFixture.ts"
import { specOf, statusOf } from "../../support/MasterHarness.ts"
import type { V1Event, V1Framework } from "../../support/V1Framework.ts"

// A master that dies at once and starts again on its journal, as agents and frameworks see it over HTTP.

const promise = <A>(evaluate: () => Promise<A>) => Effect.promise(evaluate)
const small = { cpus: 100, mem: 32_000 }

interface Peers {
  readonly served: ServedMaster
  readonly agent: FakeAgent
  readonly framework: V1Framework
}

/** Two masters, one after the other, on one journal; the first ends as by kill −9. */
const overRestart = (before: (peers: Peers) => Promise<void>, after: (peers: Peers) => Promise<void>) => {
  const store = MemoryJournal.makeMemoryStore()
  const live = (use: (peers: Peers) => Promise<void>): Effect.Effect<void, unknown, Scope.Scope> =>
    Effect.gen(function* () {
      const served = yield* serveMaster({ journal: MemoryJournal.layer({ store }) })
      const peers = { served, agent: yield* served.agent, framework: yield* served.framework }
      yield* promise(() => use(peers))
      MemoryJournal.crashMemoryStore(store)
    })
  return run(live(before)).then(() => run(live(after)))
}

const launch = async ({ framework }: Peers, ...taskIds: ReadonlyArray<string>) => {
  for (const id of taskIds) {
    const { offers } = await framework.next("OFFERS")
    await framework.launch(offers.offers[0], { id, command: { value: "true" } })
  }
}

/** What the agent is told until something that is told last, without heartbeats. */
const messagesUpTo = async (agent: FakeAgent, lastId: number) => {
  for (;;) if ((await agent.next("Message")).id === lastId) break
  return agent.records.flatMap((record) => (record.type === "Message" ? [record.id] : []))
}

const stateOf = ({ update }: V1Event) =>
  `${update.status.task_id.value} ${update.status.state} ${update.status.uuid === undefined ? "no-ack" : "ack"}`

describe("a master that starts again", () => {
  it("sends every message that was not processed, none that was, and decides nothing anew", () =>
    overRestart(
      async (peers) => {
        await peers.agent.join()
        await peers.framework.subscribe({ failover_timeout: 60 })
        await launch(peers, "t1", "t2", "t3")
        await peers.agent.report({ processedId: 1 })
        expect(peers.served.master.outboxSize()).toBe(2)
      },
      async (peers) => {
        const { agent, framework, served } = peers
        // It has processed the second, too, and could not say so any more.
        await agent.join({
          ...{ agentId: "m-S0", masterId: "m", processedId: 2 },
          tasks: ["t1", "t2"].map((id) => ({ spec: specOf(id, "m-0000", "m-S0", small), status: null })),
        })
        expect((await agent.next("Message")).message).toMatchObject({
          type: "LaunchTask",
          spec: { taskId: "t3" },
        })
        expect([...served.master.state.tasks.keys()]).toEqual(["m-0000/t1", "m-0000/t2", "m-0000/t3"])
        await framework.subscribe({ failover_timeout: 60 }, "m-0000")
        await launch(peers, "t4")
        expect(await messagesUpTo(agent, 4)).toEqual([3, 4])
      },
    ))

  it("tells a framework again what it has not acknowledged, and its agent nothing twice", () =>
    overRestart(
      async (peers) => {
        const { agent, framework } = peers
        await agent.join()
        await framework.subscribe({ failover_timeout: 60 })
        await launch(peers, "acked", "open")
        for (const id of ["acked", "open"]) {
          const status = statusOf("m-S0", "m-0000", id, "TASK_FINISHED", uuids[id])
          await agent.report({ processedId: 2, statuses: [status] })
        }
        await framework.acknowledge(await framework.next("UPDATE"))
        await agent.next("Message")
      },
      async ({ agent, framework, served }) => {
        expect([...served.master.state.tasks.keys()]).toEqual(["m-0000/open"])
        await framework.subscribe({}, "m-0000")
        const update = await framework.next("UPDATE")
        expect(stateOf(update)).toBe("open TASK_FINISHED ack")
        await framework.acknowledge(update)
        expect(served.master.state.tasks.size).toBe(0)
        // Both acknowledgements are still on their way to the agent, which thinks that it has both tasks to tell.
        const tasks = ["acked", "open"].map((id) => ({
          spec: specOf(id, "m-0000", "m-S0", small),
          status: statusOf("m-S0", "m-0000", id, "TASK_FINISHED", uuids[id]),
        }))
        await agent.join({ agentId: "m-S0", masterId: "m", processedId: 2, tasks })
        expect(await messagesUpTo(agent, 4)).toEqual([3, 4])
        expect(served.master.state.tasks.size).toBe(0)
      },
    ))

  it("stays silent about what it does not know before its agents are back (spec/mesos.md §2.8, 2)", () =>
    overRestart(
      async (peers) => {
        await peers.agent.join()
        await peers.framework.subscribe({ failover_timeout: 60 })
        await launch(peers, "known")
      },
      async ({ agent, framework }) => {
        await framework.subscribe(
          { capabilities: [{ type: "PARTITION_AWARE" }, { type: "MULTI_ROLE" }] },
          "m-0000",
        )
        const ask = (...tasks: ReadonlyArray<object>) =>
          framework.call({ type: "RECONCILE", reconcile: { tasks } })
        const task = (id: string, agentId?: string) => ({
          task_id: { value: id },
          ...(agentId === undefined ? {} : { agent_id: { value: agentId } }),
        })
        await ask(task("x", "m-S0"), task("x"), task("y", "other-S1"))
        await ask() // implicit
        expect(stateOf(await framework.next("UPDATE"))).toBe("y TASK_UNKNOWN no-ack")
        expect(stateOf(await framework.next("UPDATE"))).toBe("known TASK_STAGING no-ack")
        await agent.join({ agentId: "m-S0", masterId: "m" })
        await ask(task("x", "m-S0"), task("x"), task("known"))
        const answers = []
        for (let count = 0; count < 3; count++) answers.push(stateOf(await framework.next("UPDATE")))
        expect(answers).toEqual(["x TASK_GONE no-ack", "x TASK_UNKNOWN no-ack", "known TASK_STAGING no-ack"])
      },
    ))

  it("still refuses a framework that was torn down, and still kills its tasks", () =>
    overRestart(
      async (peers) => {
        await peers.agent.join()
        await peers.framework.subscribe({ failover_timeout: 60 })
        await launch(peers, "t")
        expect(await peers.framework.call({ type: "TEARDOWN" })).toMatchObject({ status: 202 })
        await expect(peers.framework.next("nothing")).rejects.toThrow("the stream is over")
      },
      async ({ agent, framework, served }) => {
        await framework.subscribe({}, "m-0000")
        expect((await framework.next("ERROR")).error.message).toBe("Framework has been removed")
        await agent.join({ agentId: "m-S0", masterId: "m" })
        expect(await messagesUpTo(agent, 2)).toEqual([1, 2])
        const killed = statusOf("m-S0", "m-0000", "t", "TASK_KILLED", uuids.open)
        await agent.report({ processedId: 2, statuses: [killed] })
        // Nobody is left to acknowledge but the master.
        expect((await agent.next("Message")).message).toMatchObject({
          type: "AcknowledgeStatus",
          uuid: uuids.open,
        })
        expect(served.master.state.tasks.size).toBe(0)
      },
    ))

  it("remembers the reserve of an agent that is away, and takes the newer one that it brings along", () =>
    overRestart(
      async ({ agent }) => {
        await agent.join({ reserve: { cpus: 1_000 } })
        await agent.report({ reserve: { cpus: 2_000 } })
      },
      async ({ agent, served }) => {
        expect(served.master.state.allocator.heldOn("m-S0")).toEqual({ cpus: 2_000 })
        await agent.join({ agentId: "m-S0", masterId: "m", reserve: { cpus: 3_000 } })
        expect(served.master.state.allocator.heldOn("m-S0")).toEqual({ cpus: 3_000 })
      },
    ))
})

const uuids: Record<string, string> = {
  acked: "cd1444ad-41d3-4e71-8d58-e38acca20e67",
  open: "0d1444ad-41d3-4e71-8d58-e38acca20e68",
}
