import { Effect, Exit, Scope } from "effect"
import { describe, expect, it } from "vitest"
import { type OneTask, type OneTaskOptions, startOneTask } from "../../../../runtime/cli/run/OneTask.ts"
import { refuse, unavailable } from "../../../../runtime/http/HttpMessage.ts"
import * as MemoryJournal from "../../../../runtime/journal/MemoryJournal.ts"
import { secret, serveMaster } from "../../../support/MasterFixture.ts"
import { specOf, statusOf } from "../../../support/MasterHarness.ts"
import { makeRelay } from "../../../support/Relay.ts"
import { run, withListener } from "../../http/ListenerFixture.ts"
import { FakeMaster } from "./FakeMaster.ts"

// One task over lost connections, lost offers and restarted masters.

const promise = <A>(evaluate: () => Promise<A>) => Effect.promise(evaluate)
const lines: Array<string> = []
const optionsFor = (url: string): OneTaskOptions => ({
  access: { url, secret },
  request: {
    ...{ name: "n", cpus: 1, memMiB: 64, user: undefined, role: "*", environment: [] },
    command: ["true"],
  },
  tell: (line) => lines.push(line),
  writeStdout: () => Effect.void,
  writeStderr: () => Effect.void,
})

interface Story {
  readonly master: FakeMaster
  readonly task: OneTask
}

/** A task at a master that says what the test says. */
const withTask = (use: (story: Story) => Promise<void>, change: Partial<OneTaskOptions> = {}) => {
  lines.length = 0
  const master = new FakeMaster()
  return withListener(master.handler, ({ url }) =>
    Effect.gen(function* () {
      const task = yield* startOneTask({ ...optionsFor(url), ...change })
      yield* promise(() => use({ master, task }))
    }),
  )
}

/** The same, with the task launched on an agent. */
const withLaunched = (
  use: (story: Story & { readonly taskId: string }) => Promise<void>,
  change: Partial<OneTaskOptions> = {},
) =>
  withTask(async (story) => {
    story.master.offer("o-1")
    const taskId = await story.master.launched()
    await use({ ...story, taskId })
  }, change)

const endOf = ({ ended }: OneTask) => Effect.runPromise(ended)
const failureOf = ({ ended }: OneTask) => Effect.runPromise(Effect.flip(ended))
const finished = { message: "Command exited with status 7" }

describe("one task whose master is lost", () => {
  it("subscribes again under its id, asks for the task, acknowledges its end and tears itself down", async () => {
    let master: FakeMaster | undefined
    await withLaunched(async (story) => {
      master = story.master
      const { taskId, task } = story
      master.told(taskId, "TASK_RUNNING")
      await master.next("ACKNOWLEDGE")
      master.stream?.end()
      const again = await master.next("SUBSCRIBE")
      expect(again.framework_id).toEqual({ value: "f-1" })
      expect(again.subscribe.framework_info).toMatchObject({ id: { value: "f-1" }, failover_timeout: 30 })
      const question = { task_id: { value: taskId }, agent_id: { value: "a-1" } }
      expect((await master.next("RECONCILE")).reconcile).toEqual({ tasks: [question] })
      // Nothing more is wanted on the new stream either.
      await master.next("SUPPRESS")
      master.answered(taskId, "TASK_RUNNING")
      // The end in answer to a question says less than the one that is still told.
      master.answered(taskId, "TASK_FAILED")
      master.told(taskId, "TASK_FAILED", finished)
      expect(await endOf(task)).toMatchObject({ state: "TASK_FAILED", exitCode: 7 })
      expect((await master.next("ACKNOWLEDGE")).acknowledge).toMatchObject({ uuid: "uuid-TASK_FAILED" })
      expect(lines).toEqual([
        "the task's output cannot be read from here: the offer does not say where its agent is",
        "lost the master: it ended the connection; the task goes on, and the master is looked for up to 60 min",
        "the master is back",
      ])
    })
    expect(master!.calls.at(-1)).toEqual({ type: "TEARDOWN", framework_id: { value: "f-1" } })
  })

  it("takes the next offer when the master knows nothing of the launch that was lost with it", () =>
    withTask(async ({ master, task }) => {
      const refusal =
        "The stream ID 's-1' included in this request didn't match the stream ID currently associated"
      master.answer = ({ type }) => (type === "ACCEPT" ? refuse(400, refusal) : undefined)
      master.offer("o-1")
      const first = await master.launched()
      master.answer = () => undefined
      expect((await master.next("RECONCILE")).reconcile.tasks[0].task_id.value).toBe(first)
      master.answered(first, "TASK_UNKNOWN")
      await master.next("REVIVE")
      master.offer("o-2")
      const second = await master.launched()
      expect(second).not.toBe(first)
      master.told(second, "TASK_FINISHED")
      expect(await endOf(task)).toMatchObject({ state: "TASK_FINISHED" })
    }))

  it("is over when the master knows a task no more that had begun", () =>
    withLaunched(async ({ master, task, taskId }) => {
      master.told(taskId, "TASK_STARTING")
      await master.next("ACKNOWLEDGE")
      master.stream?.end()
      await master.next("RECONCILE")
      master.answered(taskId, "TASK_GONE")
      expect(await endOf(task)).toMatchObject({ state: "TASK_GONE", exitCode: undefined })
    }))

  it("asks again what is not answered, while agents are still on their way back", () =>
    withLaunched(async ({ master, task, taskId }) => {
      master.stream?.end()
      await master.next("RECONCILE")
      await master.next("RECONCILE")
      master.told(taskId, "TASK_FINISHED")
      await endOf(task)
    }))

  it("that was killed meanwhile is killed when the master is back", () =>
    withLaunched(async ({ master, task, taskId }) => {
      let isBack = false
      master.answer = ({ type }) => (type === "SUBSCRIBE" && !isBack ? unavailable("no leader") : undefined)
      master.stream?.end()
      await master.next("SUBSCRIBE")
      await Effect.runPromise(task.kill)
      isBack = true
      expect((await master.next("KILL")).kill).toEqual({ task_id: { value: taskId } })
      master.told(taskId, "TASK_KILLED")
      expect(await endOf(task)).toMatchObject({ state: "TASK_KILLED" })
      expect(lines).toContain("the master cannot be reached: the task is killed when it is back")
    }))

  it("gives up after the stated time, and says what becomes of the task", () =>
    withLaunched(
      async ({ master, task }) => {
        master.answer = ({ type }) => (type === "SUBSCRIBE" ? unavailable("no leader") : undefined)
        master.stream?.end()
        const { message } = await failureOf(task)
        expect(message).toMatch(
          /^gave up after 1 s without a master at http:\S+ \(\S+ answered 503: no leader\): see that it runs\. The task may still run; a master that comes back ends it$/,
        )
      },
      { giveUpMs: 700 },
    ))

  it("ends at once when the master refuses its framework for good", () =>
    withLaunched(async ({ master, task }) => {
      master.answer = ({ type }) => (type === "SUBSCRIBE" ? refuse(401, "no secret") : undefined)
      master.stream?.end()
      expect((await failureOf(task)).message).toContain("answered 401: no secret")
    }))
})

describe("one task with a master that is there", () => {
  it("takes the next offer when its own was rescinded, again and again, but not for ever", () =>
    withTask(async ({ master, task }) => {
      for (let launch = 1; launch <= 10; launch++) {
        master.offer(`o-${launch}`)
        const taskId = await master.launched()
        const message = "Task launched with invalid offers"
        master.status(taskId, "TASK_DROPPED", { message, reason: "REASON_INVALID_OFFERS" })
        if (launch < 10) await master.next("REVIVE")
      }
      expect(await endOf(task)).toMatchObject({
        state: "TASK_DROPPED",
        message: "Task launched with invalid offers (the last of 10 launches)",
      })
      expect(master.subscriptions).toBe(1)
    }))

  it("acknowledges what it hears of a launch that it has given up", () =>
    withLaunched(async ({ master, task, taskId }) => {
      master.told(taskId, "TASK_DROPPED")
      expect((await master.next("ACKNOWLEDGE")).acknowledge.task_id.value).toBe(taskId)
      master.offer("o-2")
      const second = await master.launched()
      master.told(taskId, "TASK_DROPPED")
      expect((await master.next("ACKNOWLEDGE")).acknowledge.task_id.value).toBe(taskId)
      master.told(second, "TASK_FINISHED")
      await endOf(task)
    }))

  it("asks a busy master again, on the same stream", () =>
    withLaunched(async ({ master, task, taskId }) => {
      let refusals = 2
      master.answer = ({ type }) =>
        type === "ACKNOWLEDGE" && refusals-- > 0 ? unavailable("try again in a moment") : undefined
      master.told(taskId, "TASK_FINISHED")
      await endOf(task)
      expect(master.calls.filter(({ type }) => type === "ACKNOWLEDGE")).toHaveLength(3)
      expect(master.subscriptions).toBe(1)
    }))

  it("fails with the master's words when the master finds its call wrong", () =>
    withTask(async ({ master, task }) => {
      const sentence = "Failed to validate scheduler::Call: no such operation"
      master.answer = ({ type }) => (type === "ACCEPT" ? refuse(400, sentence) : undefined)
      master.offer("o-1")
      expect((await failureOf(task)).message).toContain(sentence)
    }))
})

describe("one task at gleaner's master", () => {
  const launchAt = async (agent: { next: (type: "Message") => Promise<{ message: object }> }) => {
    const { message } = await agent.next("Message")
    return (message as { spec: { taskId: string } }).spec.taskId
  }

  it("goes on when its connection is cut", () =>
    run(
      Effect.gen(function* () {
        const served = yield* serveMaster()
        const relay = yield* makeRelay({ host: "127.0.0.1", port: Number(new URL(served.url).port) })
        const agent = yield* served.agent
        yield* promise(() => agent.join())
        const task = yield* startOneTask(optionsFor(relay.url))
        const end = yield* promise(async () => {
          const taskId = await launchAt(agent)
          relay.cut()
          const status = statusOf("m-S0", "m-0000", taskId, "TASK_FINISHED", uuid)
          await agent.report({ processedId: 1, statuses: [status] })
          return endOf(task)
        })
        expect(end).toMatchObject({ state: "TASK_FINISHED" })
        expect(served.master.state.tasks.size).toBe(0)
      }),
    ))

  it("goes on when the master was killed and has come back elsewhere, and leaves nothing behind", () =>
    run(
      Effect.gen(function* () {
        const store = MemoryJournal.makeMemoryStore()
        const first = yield* Scope.make()
        const begin = serveMaster({ journal: MemoryJournal.layer({ store }) })
        const before = yield* Scope.extend(begin, first)
        const agent = yield* before.agent.pipe(Scope.extend(first))
        yield* promise(() => agent.join())
        let url = before.url
        const commandScope = yield* Scope.make()
        const task = yield* startOneTask({
          ...optionsFor(url),
          findMaster: Effect.sync(() => ({ url, secret })),
        }).pipe(Scope.extend(commandScope))
        const taskId = yield* promise(() => launchAt(agent))
        MemoryJournal.crashMemoryStore(store)
        yield* Scope.close(first, Exit.void)
        const after = yield* begin
        url = after.url
        const returned = yield* after.agent
        const end = yield* promise(async () => {
          const spec = specOf(taskId, "m-0000", "m-S0", { cpus: 1_000, mem: 64_000 })
          const known = { agentId: "m-S0", masterId: "m", processedId: 1 }
          await returned.join({ ...known, tasks: [{ spec, status: null }] })
          const status = statusOf("m-S0", "m-0000", taskId, "TASK_FINISHED", uuid)
          await returned.report({ processedId: 1, statuses: [status] })
          return endOf(task)
        })
        expect(end).toMatchObject({ state: "TASK_FINISHED" })
        yield* Scope.close(commandScope, Exit.void)
        expect([after.master.state.tasks.size, after.master.state.frameworks.size]).toEqual([0, 0])
      }),
    ))
})

const uuid = "cd1444ad-41d3-4e71-8d58-e38acca20e67"
