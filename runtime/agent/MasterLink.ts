import { Data, Deferred, Effect, Random, Ref, Schedule, Schema, type Scope } from "effect"
import type { ReportedTask } from "../../core/master/Event.ts"
import type { NetworkAddress, TextAttribute } from "../../core/master/State.ts"
import type { Resources } from "../../core/Resources.ts"
import type { TaskState, TaskStatus } from "../../core/Task.ts"
import {
  type ClientError,
  type HttpStatusError,
  makeConnectionPool,
  openStream,
  requestOk,
} from "../http/Client.ts"
import {
  type AgentReport,
  heartbeatMs,
  MasterRecord,
  protocolVersion,
  type Registration,
  reportPath,
  silenceMsMax,
  subscribePath,
} from "../protocol/AgentProtocol.ts"
import type { Agent } from "./Agent.ts"
import type { IdentityFile } from "./AgentIdentity.ts"

/** What this agent presents itself as. */
export interface AgentFacts {
  readonly address: NetworkAddress
  readonly total: Resources
  readonly attributes: ReadonlyArray<TextAttribute>
  readonly version: string
}

export interface MasterLinkOptions {
  readonly masterUrl: string
  readonly secret: string | undefined
  readonly facts: AgentFacts
  readonly identity: IdentityFile
  /** What is kept for the host's own work now; read for each report. */
  readonly reserve: () => Resources
  /** Silence of the master after which the stream is given up; default: the protocol's. */
  readonly silenceMs?: number
}

/** The connection to the master, kept up for as long as the scope lives. */
export interface MasterLink {
  /** Queues a status for the next report. Without a connection it is dropped: the machine repeats it. */
  readonly send: (status: TaskStatus, latestState: TaskState) => void
  /** Tells the master at once that this agent is stopping. */
  readonly tellStopping: () => void
  /** Completes with the first registration. */
  readonly registered: Effect.Effect<void>
  /** Returns when nothing is left to report, or after `waitMs`. */
  readonly flush: (waitMs: number) => Effect.Effect<void>
}

/** The master has ended the stream, or said something that is not the protocol. */
class StreamOver extends Data.TaggedError("StreamOver")<{ readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}

/** Statuses waiting for a report, at most; the machine repeats what is dropped beyond it. */
const queueLengthMax = 10_000
/** Statuses in one report, at most, so that it stays well within what the master takes as a body (1 MiB). */
const reportLengthMax = 500

const isBusy = (error: ClientError | HttpStatusError): boolean =>
  error._tag === "HttpStatusError" && error.status === 503

/** 0.1 s, 0.2 s, … at most 2 s between attempts while the master is busy. */
const busyWaits = Schedule.union(Schedule.exponential("100 millis"), Schedule.spaced("2 seconds"))

/** Wait before another attempt: doubles from 0.2 s to 15 s, each drawn between half and all of it, so that agents of a
 * restarted master do not come all at once. */
const backoff = (attempt: number): Effect.Effect<number> =>
  Effect.map(
    Random.next,
    (fraction) => Math.min(15_000, 200 * 2 ** Math.min(attempt, 10)) * (0.5 + fraction / 2),
  )

export const makeMasterLink = (
  options: MasterLinkOptions,
  agent: Agent,
): Effect.Effect<MasterLink, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { identity, masterUrl } = options
    const secret = options.secret === undefined ? {} : { secret: options.secret }
    const pool = yield* makeConnectionPool(2)
    const registered = yield* Deferred.make<void>()
    let queue: Array<AgentReport["statuses"][number]> = []
    let inFlight = 0
    let reportedId = -1
    let number = 0
    let hasToldStopping = false
    let wake = () => {}

    const post = (url: string, body: object) =>
      requestOk({
        url,
        ...secret,
        pool,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      })

    const reportOnce = (streamId: string) =>
      Effect.gen(function* () {
        const { agentId, processedId } = identity.read()
        const statuses = queue.slice(0, reportLengthMax)
        queue = queue.slice(reportLengthMax)
        inFlight = statuses.length
        const { isStopping } = agent.state
        number++
        const reserve = options.reserve()
        const report: AgentReport = {
          agentId: agentId ?? "",
          streamId,
          number,
          processedId,
          reserve,
          isStopping,
          statuses,
        }
        yield* post(masterUrl + reportPath, report).pipe(
          // A master that is busy has kept the stream; a new registration would only add to its work.
          Effect.retry({ while: isBusy, schedule: busyWaits }),
          Effect.ensuring(
            Effect.sync(() => {
              inFlight = 0
            }),
          ),
        )
        reportedId = processedId
        hasToldStopping = isStopping
      })

    const somethingToReport = Effect.async<void>((resume) => {
      wake = () => {
        const isStoppingUntold = agent.state.isStopping && !hasToldStopping
        if (queue.length > 0 || identity.read().processedId > reportedId || isStoppingUntold)
          resume(Effect.void)
      }
      wake()
    })

    // A report that fails ends the stream; the registration after it starts everything anew.
    const reportForever = (streamId: string) =>
      Effect.raceFirst(somethingToReport, Effect.sleep(heartbeatMs)).pipe(
        Effect.zipRight(Effect.yieldNow()),
        Effect.zipRight(reportOnce(streamId)),
        Effect.forever,
      )

    const take = (record: MasterRecord, onRegistered: (streamId: string) => void): void => {
      if (record.type === "Registered") {
        const known = identity.read()
        const { agentId, masterId } = record
        if (known.masterId !== masterId) identity.write({ agentId, masterId, processedId: 0 })
        else if (known.agentId !== agentId) identity.write({ ...known, agentId })
        agent.submit({ type: "Registered", agentId })
        Deferred.unsafeDone(registered, Effect.void)
        onRegistered(record.streamId)
      } else if (record.type === "Refused") {
        throw new StreamOver({ detail: `the master refuses this agent: ${record.reason}` })
      } else if (record.type === "Message") {
        const known = identity.read()
        if (record.id <= known.processedId) return
        identity.write({ ...known, processedId: record.id })
        submitMessage(agent, record.message)
        wake()
      }
    }

    const session = Effect.gen(function* () {
      const registration: Registration = {
        protocolVersion,
        ...identity.read(),
        ...options.facts,
        reserve: options.reserve(),
        tasks: reportedTasks(agent),
      }
      const stream = yield* openStream({
        url: masterUrl + subscribePath,
        ...secret,
        headers: { "Content-Type": "application/json" },
        silenceMs: options.silenceMs ?? silenceMsMax,
        body: JSON.stringify(registration),
      })
      const streamId = yield* Deferred.make<string>()
      number = 0
      const reading = stream.run((text) =>
        take(decodeRecord(text), (id) => Deferred.unsafeDone(streamId, Effect.succeed(id))),
      )
      const reporting = Effect.flatMap(Deferred.await(streamId), reportForever)
      yield* Effect.raceFirst(reading, reporting)
      return yield* new StreamOver({ detail: "the master ended the stream" })
    }).pipe(
      Effect.scoped,
      // A record that is not the protocol, or a disk that does not take the identity: neither may end the link for good.
      Effect.catchAllDefect((defect) =>
        defect instanceof StreamOver ? defect : new StreamOver({ detail: String(defect) }),
      ),
    )

    const failures = yield* Ref.make(0)
    const keepUp = Effect.gen(function* () {
      const startedMs = yield* Effect.sync(() => performance.now())
      yield* Effect.catchAll(session, (error) =>
        Effect.gen(function* () {
          if (agent.state.isConnected) agent.submit({ type: "Disconnected" })
          queue = []
          const lastedMs = (yield* Effect.sync(() => performance.now())) - startedMs
          const attempt = yield* Ref.updateAndGet(failures, (count) =>
            lastedMs > silenceMsMax ? 0 : count + 1,
          )
          const waitMs = yield* backoff(attempt)
          yield* Effect.logWarning("no connection to the master; trying again").pipe(
            Effect.annotateLogs({ why: error.message, waitMs: Math.round(waitMs) }),
          )
          yield* Effect.sleep(waitMs)
        }),
      )
    })
    yield* Effect.forkScoped(Effect.forever(keepUp))

    return {
      registered: Deferred.await(registered),
      send: (status, latestState) => {
        if (!agent.state.isConnected || queue.length >= queueLengthMax) return
        queue.push({ status, latestState })
        wake()
      },
      tellStopping: () => wake(),
      flush: (waitMs) =>
        Effect.sync(() => queue.length + inFlight).pipe(
          Effect.repeat({ until: (left) => left === 0, schedule: Schedule.spaced("20 millis") }),
          Effect.timeoutOption(waitMs),
          Effect.asVoid,
        ),
    }
  })

const decodeRecord = (text: string): MasterRecord => {
  const decoded = decodeMasterRecord(JSON.parse(text))
  if (decoded._tag === "Left") throw decoded.left
  return decoded.right
}
const decodeMasterRecord = Schema.decodeUnknownEither(MasterRecord)

const submitMessage = (
  agent: Agent,
  message: Extract<MasterRecord, { type: "Message" }>["message"],
): void => {
  switch (message.type) {
    case "LaunchTask":
      return agent.submit({ type: "LaunchRequested", spec: message.spec })
    case "KillTask": {
      const { frameworkId, taskId, graceMs } = message
      return agent.submit({ type: "KillRequested", frameworkId, taskId, graceMs })
    }
    case "AcknowledgeStatus": {
      const { frameworkId, taskId, uuid } = message
      return agent.submit({ type: "StatusAcknowledged", frameworkId, taskId, uuid })
    }
  }
}

const reportedTasks = (agent: Agent): ReadonlyArray<ReportedTask> =>
  [...agent.state.tasks.values()].map(({ spec, latest }) => ({ spec, status: latest }))
