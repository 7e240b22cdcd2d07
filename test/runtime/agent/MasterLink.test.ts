import { Effect, Logger, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import type { AgentAction } from "../../../core/agent/Action.ts"
import { defaultAgentSettings, initialAgentState } from "../../../core/agent/State.ts"
import type { AgentMessage } from "../../../core/master/Action.ts"
import { makeAgent } from "../../../runtime/agent/Agent.ts"
import type { AgentIdentity, IdentityFile } from "../../../runtime/agent/AgentIdentity.ts"
import { type MasterLink, makeMasterLink } from "../../../runtime/agent/MasterLink.ts"
import { emptyReply, refuse, streamReply } from "../../../runtime/http/HttpMessage.ts"
import { serve } from "../../../runtime/http/Listener.ts"
import type { RecordStream } from "../../../runtime/http/RecordStream.ts"
import { post, routesToHandler } from "../../../runtime/http/Routes.ts"
import {
  type AgentReport,
  type MasterRecord,
  type Registration,
  reportPath,
  subscribePath,
} from "../../../runtime/protocol/AgentProtocol.ts"
import { run } from "../../support/MasterFixture.ts"
import { specOf, statusOf } from "../../support/MasterHarness.ts"

/** A master that keeps what it is told and says what the test wants. */
class FakeMaster {
  readonly registrations: Array<Registration> = []
  readonly reports: Array<AgentReport> = []
  /** What is said on each new stream, in order of the streams; the last one repeats. */
  greetings: Array<(stream: RecordStream) => void> = [() => {}]
  reportStatus = 202
  masterId = "m"
  stream: RecordStream | undefined

  say(record: MasterRecord): void {
    this.stream!.send(JSON.stringify(record))
  }

  message(id: number, message: AgentMessage): void {
    this.say({ type: "Message", id, message })
  }

  readonly serve = Effect.suspend(() => {
    const json = <A>(body: Buffer) => JSON.parse(body.toString("utf8")) as A
    const handler = routesToHandler([
      post(subscribePath, (request) =>
        Effect.map(request.body, (body) => {
          this.registrations.push(json<Registration>(body))
          const number = this.registrations.length
          const greet = this.greetings[Math.min(number, this.greetings.length) - 1]!
          return streamReply((stream) => {
            this.stream = stream
            this.say({ type: "Registered", masterId: this.masterId, agentId: "m-S0", streamId: `s${number}` })
            greet(stream)
          })
        }),
      ),
      post(reportPath, (request) =>
        Effect.flatMap(request.body, (body) => {
          this.reports.push(json<AgentReport>(body))
          return this.reportStatus === 202
            ? Effect.succeed(emptyReply(202))
            : refuse(this.reportStatus, "this stream is over: subscribe again")
        }),
      ),
    ])
    return serve({ host: "127.0.0.1", port: 0, handler, closeWaitMs: 0 })
  })
}

const identityInMemory = (first: Partial<AgentIdentity> = {}): IdentityFile & { failures: number } => {
  let identity: AgentIdentity = { agentId: null, masterId: null, processedId: 0, ...first }
  return {
    failures: 0,
    read: () => identity,
    write(next) {
      if (this.failures-- > 0) throw new Error("no space left on device")
      identity = next
    },
  }
}

const launch = (taskId: string): AgentMessage => ({
  type: "LaunchTask",
  spec: specOf(taskId, "f", "m-S0", { cpus: 100 }),
})
const greetWith =
  (...messages: ReadonlyArray<readonly [number, AgentMessage]>) =>
  (stream: RecordStream) => {
    for (const [id, message] of messages) stream.send(JSON.stringify({ type: "Message", id, message }))
  }

/** An agent linked to the master, whose tasks never start; `started` are those it was to start. */
const linkTo = (master: FakeMaster, options: { identity?: IdentityFile; silenceMs?: number } = {}) =>
  Effect.gen(function* () {
    const { url } = yield* master.serve
    const identity = options.identity ?? identityInMemory()
    const started: Array<string> = []
    let link: MasterLink | undefined
    const carryOut = (action: AgentAction) =>
      Effect.sync(() => {
        if (action.type === "StartTask") started.push(action.spec.taskId)
        if (action.type === "SendStatus") link?.send(action.status, action.latestState)
      })
    const agent = yield* makeAgent(
      initialAgentState(identity.read().agentId, "seed", defaultAgentSettings),
      carryOut,
    )
    link = yield* makeMasterLink(
      {
        masterUrl: url,
        secret: undefined,
        reserve: () => ({}),
        identity,
        facts: {
          address: { hostname: "h", ip: "127.0.0.1", port: 5051 },
          total: { cpus: 4_000 },
          attributes: [],
          version: "1",
        },
        ...(options.silenceMs === undefined ? {} : { silenceMs: options.silenceMs }),
      },
      agent,
    )
    yield* link.registered
    return { agent, link, identity, started }
  })

const until = (isSo: () => boolean) =>
  Effect.sync(isSo).pipe(
    Effect.delay(5),
    Effect.repeat({ until: (value) => value }),
    Effect.timeoutFail({ duration: 10_000, onTimeout: () => new Error(`never: ${isSo.toString()}`) }),
  )

const quietly = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  run(Effect.provide(effect, Logger.remove(Logger.defaultLogger)))

describe("the link to the master", () => {
  it("registers, takes messages in, and reports how far it has come with what came of them", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const { agent, identity, started } = yield* linkTo(master)
        expect(master.registrations[0]).toMatchObject({
          agentId: null,
          masterId: null,
          processedId: 0,
          tasks: [],
        })
        expect(identity.read()).toEqual({ agentId: "m-S0", masterId: "m", processedId: 0 })
        expect(agent.state.isConnected).toBe(true)
        master.message(4, launch("t"))
        const told = () => master.reports.flatMap(({ statuses }) => statuses)
        yield* until(() => told().length > 0)
        expect(started).toEqual(["t"])
        expect(told().map(({ status }) => status.state)).toEqual(["TASK_STARTING"])
        expect(master.reports.at(-1)).toMatchObject({ agentId: "m-S0", streamId: "s1", processedId: 4 })
        master.message(5, { type: "KillTask", frameworkId: "f", taskId: "t", graceMs: 5 })
        master.message(6, {
          type: "AcknowledgeStatus",
          frameworkId: "f",
          taskId: "t",
          uuid: told()[0]!.status.uuid!,
        })
        yield* until(() => master.reports.at(-1)?.processedId === 6)
        expect(agent.state.tasks.get("f/t")).toMatchObject({ pending: [], killedSinceMs: expect.any(Number) })
      }),
    ))

  it("takes no message twice, neither on one stream nor after a cut", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        master.greetings = [
          greetWith([1, launch("t1")], [1, launch("again")], [2, launch("t2")]),
          greetWith([1, launch("again")], [2, launch("again")], [3, launch("t3")]),
        ]
        const { started } = yield* linkTo(master)
        yield* until(() => master.reports.at(-1)?.processedId === 2)
        master.stream!.end()
        yield* until(() => started.includes("t3"))
        expect(started).toEqual(["t1", "t2", "t3"])
      }),
    ))

  it("comes back after a cut with its tasks, and tells again what nobody acknowledged", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        master.greetings = [greetWith([1, launch("t")])]
        const { agent } = yield* linkTo(master)
        yield* until(() => master.reports.some(({ statuses }) => statuses.length > 0))
        master.stream!.end()
        yield* until(() => !agent.state.isConnected)
        yield* until(() => agent.state.isConnected)
        expect(master.registrations[1]).toMatchObject({
          agentId: "m-S0",
          masterId: "m",
          processedId: 1,
          tasks: [{ spec: { taskId: "t" }, status: { state: "TASK_STARTING" } }],
        })
        yield* until(() =>
          master.reports.some(({ streamId, statuses }) => streamId === "s2" && statuses.length === 1),
        )
      }),
    ))

  it.each<[string, (master: FakeMaster) => void]>([
    ["says what is no JSON", (master) => void master.stream!.send("{")],
    ["says what is not the protocol", (master) => void master.stream!.send('{"type":"Shiny"}')],
    ["says what is no record", (master) => void master.stream!.sendEncoded("<html>")],
    [
      "refuses a report",
      (master) => {
        master.reportStatus = 409
        master.message(9, launch("t"))
      },
    ],
  ])("tries again with a master that %s", (_, misbehave) =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const { agent } = yield* linkTo(master)
        misbehave(master)
        yield* until(() => !agent.state.isConnected)
        master.reportStatus = 202
        yield* until(() => agent.state.isConnected)
        expect(master.registrations).toHaveLength(2)
      }),
    ),
  )

  it("gives a silent master up", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        yield* linkTo(master, { silenceMs: 50 })
        yield* until(() => master.registrations.length > 1)
      }),
    ))

  it("does not take a message as processed before that is written down", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const identity = identityInMemory({ agentId: "m-S0", masterId: "m", processedId: 3 })
        master.greetings = [greetWith([4, launch("t")])]
        identity.failures = 1
        const { started } = yield* linkTo(master, { identity })
        yield* until(() => master.registrations.length === 2)
        expect(master.registrations.map(({ processedId }) => processedId)).toEqual([3, 3])
        yield* until(() => master.reports.some(({ processedId }) => processedId === 4))
        expect(started).toEqual(["t"])
      }),
    ))

  it("counts another master's messages from their own start", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const identity = identityInMemory({ agentId: "m-S0", masterId: "old", processedId: 500 })
        master.greetings = [greetWith([1, launch("t")])]
        const { started } = yield* linkTo(master, { identity })
        yield* until(() => started.length > 0)
        expect(identity.read()).toEqual({ agentId: "m-S0", masterId: "m", processedId: 1 })
      }),
    ))

  it("sends many statuses in reports that a master takes, and is flushed when all are gone", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const { link } = yield* linkTo(master)
        yield* link.flush(60_000)
        for (let number = 0; number < 2_500; number++) {
          link.send(statusOf("m-S0", "f", `t${number}`, "TASK_RUNNING"), "TASK_RUNNING")
        }
        yield* link.flush(60_000)
        const told = master.reports.flatMap(({ statuses }) => statuses.map(({ status }) => status.taskId))
        expect(told).toEqual(Array.from({ length: 2_500 }, (_, number) => `t${number}`))
        expect(Math.max(...master.reports.map(({ statuses }) => statuses.length))).toBe(500)
      }),
    ))

  it("drops what it is given while there is no connection: it is told again later", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const { agent, link } = yield* linkTo(master)
        agent.submit({ type: "Disconnected" })
        link.send(statusOf("m-S0", "f", "t", "TASK_RUNNING"), "TASK_RUNNING")
        yield* link.flush(60_000)
        expect(master.reports.flatMap(({ statuses }) => statuses)).toEqual([])
      }),
    ))
})
