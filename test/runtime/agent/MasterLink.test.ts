import { Deferred, Effect, Logger, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import type { AgentAction } from "../../../core/agent/Action.ts"
import type { AgentMessage } from "../../../core/master/Action.ts"
import type { Quantities } from "../../../core/resources/Quantities.ts"
import { type MasterLink, makeMasterLink } from "../../../runtime/agent/MasterLink.ts"
import { emptyReply, refuse, streamReply } from "../../../runtime/http/HttpMessage.ts"
import { serve } from "../../../runtime/http/Listener.ts"
import type { RecordStream } from "../../../runtime/http/RecordStream.ts"
import { post, routesToHandler } from "../../../runtime/http/Routes.ts"
import type { Batch, Journal } from "../../../runtime/journal/Journal.ts"
import {
  type AgentReport,
  type MasterRecord,
  type Registration,
  reportPath,
  subscribePath,
} from "../../../runtime/protocol/AgentProtocol.ts"
import { leftBy, openAgent, settled, until } from "../../support/AgentFixture.ts"
import { run } from "../../support/MasterFixture.ts"
import { specOf, statusOf } from "../../support/MasterHarness.ts"

/** A master that keeps what it is told and says what the test wants. */
class FakeMaster {
  readonly registrations: Array<Registration> = []
  readonly reports: Array<AgentReport> = []
  /** What is said on each new stream, in order of the streams; the last one repeats. */
  greetings: Array<(stream: RecordStream) => void> = [() => {}]
  reportStatus = 202
  /** Registrations that are refused, from the first on. */
  refusals = 0
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
            if (this.refusals-- > 0) {
              this.say({ type: "Refused", reason: "the id belongs to another host: remove its folder" })
              return stream.end()
            }
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

const launch = (taskId: string): AgentMessage => ({
  type: "LaunchTask",
  spec: specOf(taskId, "f", "m-S0", { cpus: 100 }),
})
const greetWith =
  (...messages: ReadonlyArray<readonly [number, AgentMessage]>) =>
  (stream: RecordStream) => {
    for (const [id, message] of messages) stream.send(JSON.stringify({ type: "Message", id, message }))
  }

interface LinkOptions {
  readonly journal?: Journal["Type"]
  readonly reserve?: () => Quantities
  readonly silenceMs?: number
  readonly refusedWaitMs?: number
}

/** An agent linked to the master, whose tasks never start; `started` are those it was to start. */
const linkTo = (master: FakeMaster, options: LinkOptions = {}) =>
  Effect.gen(function* () {
    const { url } = yield* master.serve
    const { journal, reserve = () => ({}), ...more } = options
    const started: Array<string> = []
    let link: MasterLink | undefined
    const carryOut = (action: AgentAction) =>
      Effect.sync(() => {
        if (action.type === "StartTask") started.push(action.spec.taskId)
        if (action.type === "SendStatus") link?.send(action.status, action.latestState)
      })
    const agent = yield* openAgent({ carryOut, ...(journal === undefined ? {} : { journal }) })
    link = yield* makeMasterLink(
      {
        masterUrl: url,
        secret: undefined,
        reserve,
        facts: {
          address: { hostname: "h", ip: "127.0.0.1", port: 5051 },
          total: { cpus: 4_000 },
          attributes: [],
          version: "1",
        },
        ...more,
      },
      agent,
    )
    yield* link.registered
    return { agent, link, started }
  })

const quietly = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  run(Effect.provide(effect, Logger.remove(Logger.defaultLogger)))

describe("the link to the master", () => {
  it("registers, takes messages in, and reports how far it has come with what came of them", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const { agent, started } = yield* linkTo(master)
        expect(master.registrations[0]).toMatchObject({
          agentId: null,
          masterId: null,
          processedId: 0,
          tasks: [],
        })
        expect(agent.durablePosition()).toEqual({ masterId: "m", processedId: 0 })
        expect(agent.state.agentId).toBe("m-S0")
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

  it("ends for good when the master says so, with its reason, and does not come back", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const { agent, link } = yield* linkTo(master)
        master.say({ type: "ShutDown", reason: "Machine is `DOWN`" })
        master.stream!.end()
        expect(yield* link.toldToEnd).toBe("Machine is `DOWN`")
        yield* until(() => !agent.state.isConnected)
        // Longer than any first wait before another attempt.
        yield* Effect.sleep("600 millis")
        expect(master.registrations).toHaveLength(1)
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

  it("bears a master that asks for fewer reports to be silent for longer", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const gone: Array<string> = []
        master.greetings = [
          (stream) => {
            stream.send(JSON.stringify({ type: "Heartbeat", paceMs: 6_000 } satisfies MasterRecord))
            stream.onClosed((end) => gone.push(end))
          },
        ]
        yield* linkTo(master, { silenceMs: 50 })
        // Ten times the silence after which it was to give up a master that says nothing of a pace.
        yield* Effect.sleep(500)
        expect(gone).toEqual([])
        expect(master.registrations).toHaveLength(1)
        expect(master.registrations[0]?.bearsPace).toBe(true)
      }),
    ))

  it("tells the master of a launch, in reports and in registrations, only what is durable", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const memory = yield* leftBy("m-S0", { masterId: "m", processedId: 3 })
        let isStuck = false
        const free = yield* Deferred.make<void>()
        const journal = {
          ...memory,
          append: (batch: Batch) =>
            Effect.zipRight(isStuck ? Deferred.await(free) : Effect.void, memory.append(batch)),
        }
        const { started } = yield* linkTo(master, { journal })
        expect(master.registrations[0]).toMatchObject({ agentId: "m-S0", masterId: "m", processedId: 3 })
        yield* until(() => master.reports.length > 0)
        isStuck = true
        master.message(4, launch("t"))
        yield* Effect.sleep(50)
        master.stream!.end()
        yield* Effect.sleep(500)
        // It has come back as far as it could, and waits for its disk with the rest.
        expect(master.registrations).toHaveLength(1)
        expect(new Set(master.reports.map(({ processedId }) => processedId))).toEqual(new Set([3]))
        expect(started).toEqual([])
        master.greetings = [greetWith([4, launch("again")])]
        yield* Deferred.succeed(free, undefined)
        yield* until(() => master.reports.some(({ processedId }) => processedId === 4))
        expect(master.registrations[1]).toMatchObject({
          processedId: 4,
          tasks: [{ spec: { taskId: "t" }, status: { state: "TASK_STARTING" } }],
        })
        expect(started).toEqual(["t"])
      }),
    ))

  it("is refused with the master's words, and asks again when somebody may have helped", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const logged: Array<string> = []
        const logger = Logger.make(({ message, annotations }) => {
          logged.push(`${message} ${JSON.stringify([...annotations])}`)
        })
        master.refusals = 1
        yield* linkTo(master, { refusedWaitMs: 60 }).pipe(
          Effect.provide(Logger.replace(Logger.defaultLogger, logger)),
        )
        expect(master.registrations).toHaveLength(2)
        const refusal = logged.find((line) => line.includes("the master does not take this agent"))
        expect(refusal).toContain("the id belongs to another host: remove its folder")
      }),
    ))

  it("tells a changed reserve at once", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        let reserve: Quantities = { cpus: 100 }
        const { link } = yield* linkTo(master, { reserve: () => reserve })
        expect(master.registrations[0]).toMatchObject({ reserve: { cpus: 100 } })
        yield* until(() => master.reports.length > 0)
        reserve = { cpus: 900 }
        link.reserveChanged()
        yield* until(() => master.reports.some((report) => report.reserve.cpus === 900))
        expect(master.reports.map(({ number }) => number)).toEqual([1, 2])
      }),
    ))

  it("counts another master's messages from their own start", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        master.greetings = [greetWith([1, launch("t")])]
        const journal = yield* leftBy("m-S0", { masterId: "old", processedId: 500 })
        const { agent, started } = yield* linkTo(master, { journal })
        yield* until(() => started.length > 0)
        expect(agent.durablePosition()).toEqual({ masterId: "m", processedId: 1 })
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

  it("sends no report that is too long for the master, however long its statuses are", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const { link } = yield* linkTo(master)
        // In UTF-8 each takes three times its length.
        const status = { ...statusOf("m-S0", "f", "t", "TASK_FAILED"), message: "€".repeat(100_000) }
        for (let count = 0; count < 10; count++) link.send(status, "TASK_FAILED")
        yield* until(() => master.reports.flatMap(({ statuses }) => statuses).length === 10)
        for (const report of master.reports) {
          expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(1024 * 1024)
        }
      }),
    ))

  it("drops what it is given while there is no connection: it is told again later", () =>
    quietly(
      Effect.gen(function* () {
        const master = new FakeMaster()
        const { agent, link } = yield* linkTo(master)
        agent.submit({ type: "Disconnected" })
        yield* settled(agent)
        link.send(statusOf("m-S0", "f", "t", "TASK_RUNNING"), "TASK_RUNNING")
        yield* link.flush(60_000)
        expect(master.reports.flatMap(({ statuses }) => statuses)).toEqual([])
      }),
    ))
})
