import { Effect, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import { run, type ServedMaster, serveMaster } from "../../support/MasterFixture.ts"
import { statusOf } from "../../support/MasterHarness.ts"

// Frameworks that come back, stay away or leave for good (spec/mesos.md §2.6), as they and an agent see it over HTTP.

const withMaster = (use: (served: ServedMaster) => Effect.Effect<void, unknown, Scope.Scope>) =>
  run(Effect.flatMap(serveMaster(), use))
const uuid = "cd1444ad-41d3-4e71-8d58-e38acca20e67"

/** An agent with a running task of a framework. */
const running = (served: ServedMaster, info: object) =>
  Effect.gen(function* () {
    const agent = yield* served.agent
    const framework = yield* served.framework
    yield* Effect.promise(async () => {
      await agent.join()
      await framework.subscribe(info)
      const [offer] = (await framework.next("OFFERS")).offers.offers
      await framework.launch(offer, { id: "t", command: { value: "true" } })
      await agent.next("Message")
      await agent.report({
        processedId: 1,
        statuses: [statusOf("m-S0", "m-0000", "t", "TASK_RUNNING", uuid)],
      })
    })
    return { agent, framework }
  })

describe("a framework", () => {
  it("that subscribes again while its stream lives keeps its task and is told what it has not acknowledged", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const { framework } = yield* running(served, {})
        const again = yield* served.framework
        yield* Effect.promise(async () => {
          await framework.next("UPDATE")
          await again.subscribe({}, "m-0000")
          expect((await framework.next("ERROR")).error.message).toBe("Framework failed over")
          await expect(framework.next("nothing")).rejects.toThrow("the stream is over")
          const { update } = await again.next("UPDATE")
          expect(update.status).toMatchObject({ state: "TASK_RUNNING", task_id: { value: "t" } })
          expect(update.status.uuid).toBeTypeOf("string")
          // Offers of the former stream are void; what was free is offered anew.
          const [offer] = (await again.next("OFFERS")).offers.offers
          expect(offer.resources[0]).toMatchObject({ scalar: { value: 3.9 } })
          expect(served.master.state.tasks.get("m-0000/t")?.state).toBe("TASK_RUNNING")
        })
      }),
    ))

  it("that returns within its failover timeout keeps its task, later not", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const { agent, framework } = yield* running(served, { failover_timeout: 30 })
        const [again, late] = [yield* served.framework, yield* served.framework]
        yield* Effect.promise(async () => {
          framework.close()
          while (served.master.state.frameworks.get("m-0000")?.streamId !== null) await turn()
          await again.subscribe({ failover_timeout: 0.05 }, "m-0000")
          expect((await again.next("UPDATE")).update.status.state).toBe("TASK_RUNNING")
          again.close()
          // What the task told last is nobody's to acknowledge but the master's.
          expect((await agent.next("Message")).message).toMatchObject({ type: "AcknowledgeStatus" })
          expect((await agent.next("Message")).message).toMatchObject({ type: "KillTask", taskId: "t" })
          await late.subscribe({}, "m-0000")
          expect((await late.next("ERROR")).error.message).toBe("Framework has been removed")
        })
      }),
    ))

  it("that tears itself down leaves nothing: its task is killed, its stream ends, its id is spent", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        const { agent, framework } = yield* running(served, { failover_timeout: 3_600 })
        const again = yield* served.framework
        yield* Effect.promise(async () => {
          expect(await framework.call({ type: "TEARDOWN" })).toMatchObject({ status: 202 })
          await expect(framework.next("nothing")).rejects.toThrow("the stream is over")
          // What the task told last is nobody's to acknowledge but the master's.
          expect((await agent.next("Message")).message).toMatchObject({ type: "AcknowledgeStatus" })
          expect((await agent.next("Message")).message).toMatchObject({ type: "KillTask", taskId: "t" })
          await again.subscribe({}, "m-0000")
          expect((await again.next("ERROR")).error.message).toBe("Framework has been removed")
          const endUuid = "b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1"
          const killed = statusOf("m-S0", "m-0000", "t", "TASK_KILLED", endUuid)
          await agent.report({ processedId: 3, statuses: [killed] })
          const acknowledged = { type: "AcknowledgeStatus", uuid: endUuid }
          expect((await agent.next("Message")).message).toMatchObject(acknowledged)
          expect(served.master.state.tasks.size).toBe(0)
          expect(served.master.state.allocator.allocatedOn("m-S0")).toEqual([])
        })
      }),
    ))
})

const turn = () => new Promise((resolve) => setTimeout(resolve, 5))
