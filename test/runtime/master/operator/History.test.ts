import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { busy, withMaster } from "../../../support/BusyMaster.ts"
import type { ServedMaster } from "../../../support/MasterFixture.ts"

// What is over, in all views that show it (mesos-transcripts operator/completed_GET_STATE, legacy/busy_frameworks).

// biome-ignore lint/suspicious/noExplicitAny: JSON of a foreign protocol, looked into by tests
type Json = any

const viewOf = ({ ask }: ServedMaster, path: string) =>
  Effect.map(ask(path), (reply) => JSON.parse(reply.body) as Json)

const answerOf = ({ ask }: ServedMaster, type: string) =>
  Effect.map(
    ask("/api/v1", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type }),
    }),
    (reply) => (JSON.parse(reply.body) as Json)[type.toLowerCase()],
  )

/** {@link busy}, with the end of the second task acknowledged. */
const withEnded = (served: ServedMaster) =>
  Effect.gen(function* () {
    yield* busy(served)
    yield* served.master.submit({
      event: ({ tasks }) => {
        const { uuid } = tasks.get("m-0000/t2")!.status!
        return {
          ...{ type: "StatusAcknowledged", frameworkId: "m-0000", agentId: "m-S0", taskId: "t2" },
          uuid: uuid!,
        }
      },
    })
  })

describe("a task whose end is acknowledged", () => {
  it("is among the completed ones, in the words of both APIs", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* withEnded(served)
        const { tasks, completed_tasks } = yield* answerOf(served, "GET_TASKS")
        expect(tasks.map((task: Json) => task.task_id.value)).toEqual(["t1"])
        expect(completed_tasks).toMatchObject([
          {
            task_id: { value: "t2" },
            state: "TASK_FINISHED",
            statuses: [
              {
                task_id: { value: "t2" },
                state: "TASK_FINISHED",
                source: "SOURCE_EXECUTOR",
                agent_id: { value: "m-S0" },
                executor_id: { value: "t2" },
                uuid: expect.any(String),
              },
            ],
            status_update_state: "TASK_FINISHED",
          },
        ])
        const { frameworks } = yield* viewOf(served, "/state")
        expect(frameworks[0].tasks).toMatchObject([{ id: "t1", statuses: [{ state: "TASK_RUNNING" }] }])
        expect(frameworks[0].completed_tasks).toMatchObject([
          { id: "t2", state: "TASK_FINISHED", executor_id: "", statuses: [{ state: "TASK_FINISHED" }] },
        ])
        const listed = (yield* viewOf(served, "/tasks?order=asc")).tasks
        expect(listed.map(({ id }: Json) => id)).toEqual(["t1", "t2"])
        const summary = yield* viewOf(served, "/state-summary")
        const counts = { TASK_RUNNING: 1, TASK_FINISHED: 1 }
        expect(summary.frameworks[0]).toMatchObject(counts)
        expect(summary.slaves[0]).toMatchObject({ ...counts, framework_ids: ["m-0000"] })
      }),
    ))
})

describe("a framework that was torn down", () => {
  it("is among the completed ones with its tasks, of which the running one counts as killed", () =>
    withMaster((served) =>
      Effect.gen(function* () {
        yield* withEnded(served)
        yield* served.master.submit({ event: () => ({ type: "TeardownRequested", frameworkId: "m-0000" }) })
        const { frameworks, completed_frameworks } = yield* viewOf(served, "/frameworks")
        expect(frameworks).toEqual([])
        expect(completed_frameworks).toMatchObject([
          {
            ...{ id: "m-0000", name: "v1", active: false, connected: false, recovered: false },
            ...{ roles: ["web"], principal: "p", webui_url: "", offer_constraints: {} },
            used_resources: { cpus: 0, mem: 0 },
            unregistered_time: expect.any(Number),
            tasks: [],
            offers: [],
            completed_tasks: [
              { id: "t2", state: "TASK_FINISHED" },
              {
                id: "t1",
                state: "TASK_KILLED",
                statuses: [{ state: "TASK_RUNNING" }, { state: "TASK_KILLED" }],
              },
            ],
          },
        ])
        expect(completed_frameworks[0].unregistered_time).toBeGreaterThan(0)
        const one = yield* viewOf(served, "/frameworks?framework_id=nope")
        expect([one.frameworks, one.completed_frameworks]).toEqual([[], []])
        const told = yield* answerOf(served, "GET_STATE")
        expect(told.get_frameworks).toMatchObject({
          frameworks: [],
          completed_frameworks: [
            {
              framework_info: { id: { value: "m-0000" }, name: "v1" },
              active: false,
              unregistered_time: { nanoseconds: expect.any(Number) },
            },
          ],
        })
        expect(told.get_frameworks.completed_frameworks[0]).not.toHaveProperty("offers")
        expect(told.get_tasks.completed_tasks).toHaveLength(2)
        // Its process still runs, until the agent has ended it.
        expect(told.get_tasks.orphan_tasks).toMatchObject([
          { task_id: { value: "t1" }, state: "TASK_RUNNING" },
        ])
      }),
    ))
})
