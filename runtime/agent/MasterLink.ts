import { Data, Deferred, Effect, Random, Ref, Schedule, Schema, type Scope } from "effect"
import { withoutCommand } from "../../core/agent/SpecSize.ts"
import type { AgentState } from "../../core/agent/State.ts"
import type { ReportedTask } from "../../core/master/Event.ts"
import type { OperationOutcome } from "../../core/master/Operation.ts"
import type { NetworkAddress, TextAttribute } from "../../core/master/State.ts"
import type { PlainResources } from "../../core/resources/PlainForm.ts"
import type { Quantities } from "../../core/resources/Quantities.ts"
import type { TaskState, TaskStatus } from "../../core/Task.ts"
import {
  type ClientError,
  type HttpStatusError,
  makeConnectionPool,
  openStream,
  requestOk,
} from "../http/Client.ts"
import type { ClientTls, Proof } from "../http/ClientIdentity.ts"
import {
  type AgentReport,
  type FrameworkFacts,
  heartbeatMs,
  MasterRecord,
  masterSilenceMsOf,
  protocolVersion,
  type Registration,
  reportPath,
  silenceMsMax,
  subscribePath,
} from "../protocol/AgentProtocol.ts"
import type { Agent, MasterPosition, UnstampedEvent } from "./Agent.ts"

/** What this agent presents itself as. */
export interface AgentFacts {
  readonly address: NetworkAddress
  readonly total: PlainResources
  readonly attributes: ReadonlyArray<TextAttribute>
  readonly version: string
}

export interface MasterLinkOptions {
  readonly masterUrl: string
  readonly secret: Proof | undefined
  readonly tls?: ClientTls | undefined
  readonly facts: AgentFacts
  /** What is kept for the host's own work now; read for each report. */
  readonly reserve: () => Quantities
  /** What frameworks say of themselves, as the master tells it. */
  readonly onFrameworks?: (frameworks: ReadonlyArray<FrameworkFacts>) => void
  /** Silence of the master after which the stream is given up; default: the protocol's. */
  readonly silenceMs?: number
  /** Wait before another attempt when the master refuses this agent as it is; default 30 s. */
  readonly refusedWaitMs?: number
}

/** The connection to the master, kept up for as long as the scope lives. */
export interface MasterLink {
  /** Queues a status for the next report. Without a connection it is dropped: the machine repeats it. */
  readonly send: (status: TaskStatus, latestState: TaskState) => void
  /** The same for what came of an operation. */
  readonly sendOutcome: (outcome: OperationOutcome) => void
  /** Tells the master at once that this agent is stopping. */
  readonly tellStopping: () => void
  /** Tells the master at once what is kept for the host's own work now. */
  readonly reserveChanged: () => void
  /** Completes with the reason when the master tells this agent to end its tasks and itself; the link stays down then. */
  readonly toldToEnd: Effect.Effect<string>
  /** Completes with the first registration. */
  readonly registered: Effect.Effect<void>
  /** Returns when nothing is left to report, or after `waitMs`. */
  readonly flush: (waitMs: number) => Effect.Effect<void>
}

type Registered = Extract<MasterRecord, { type: "Registered" }>

/** The master has ended the stream, or said something that is not the protocol. */
class StreamOver extends Data.TaggedError("StreamOver")<{ readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}

/** The master does not take this agent as it is; only people can change that. */
class RefusedByMaster extends Data.TaggedError("RefusedByMaster")<{ readonly reason: string }> {
  override get message(): string {
    return `the master refuses this agent: ${this.reason}`
  }
}

/** The master wants nothing of this agent any more. */
class ToldToEnd extends Data.TaggedError("ToldToEnd")<{ readonly reason: string }> {
  override get message(): string {
    return `the master tells this agent to end: ${this.reason}`
  }
}

/** Statuses waiting for a report, at most; the machine repeats what is dropped beyond it. */
const queueLengthMax = 10_000
/** Statuses in one report, at most. */
const reportLengthMax = 500
/**
 * Their JSON in bytes, unless a single one has more: what is longer than the master takes as a body (1 MiB) would be
 * refused again after each registration, for ever.
 */
const reportBytesMax = 512 * 1024

const isBusy = (error: ClientError | HttpStatusError): boolean =>
  error._tag === "HttpStatusError" && error.status === 503

/** As the master says no, in words for people: another protocol version, another secret, another host's id. */
const isRefusal = (error: { readonly _tag: string; readonly status?: number }): boolean =>
  error._tag === "RefusedByMaster" ||
  (error._tag === "HttpStatusError" && [400, 401, 403].includes(error.status ?? 0))

/** 0.1 s, 0.2 s, … at most 2 s between attempts while the master is busy. */
const busyWaits = Schedule.union(Schedule.exponential("100 millis"), Schedule.spaced("2 seconds"))

/** A wait drawn between half and all of it, so that agents of a restarted master do not come all at once. */
const jittered = (waitMs: number): Effect.Effect<number> =>
  Effect.map(Random.next, (fraction) => waitMs * (0.5 + fraction / 2))

/** Wait before another attempt: doubles from 0.2 s to 15 s. */
const backoff = (attempt: number): Effect.Effect<number> =>
  jittered(Math.min(15_000, 200 * 2 ** Math.min(attempt, 10)))

export const makeMasterLink = (
  options: MasterLinkOptions,
  agent: Agent,
): Effect.Effect<MasterLink, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { masterUrl, secret, tls } = options
    const pool = yield* makeConnectionPool(2, masterUrl)
    const registered = yield* Deferred.make<void>()
    const toldToEnd = yield* Deferred.make<string>()
    let queue: Array<AgentReport["statuses"][number]> = []
    let outcomes: Array<OperationOutcome> = []
    let inFlight = 0
    let reportedId = -1
    let number = 0
    let hasToldStopping = false
    let isReserveTold = true
    /** How often the master asks for a report. */
    let paceMs = heartbeatMs
    /** The master has taken this agent in, and the machine has been told so or is about to be. */
    let isRegistered = false
    let wake = () => {}

    const post = (url: string, body: object) =>
      requestOk({
        url,
        secret,
        tls,
        pool,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      })

    const reportOnce = ({ agentId, streamId }: Registered) =>
      Effect.gen(function* () {
        const { processedId } = agent.durablePosition()
        const statuses = fittingReport(queue)
        queue = queue.slice(statuses.length)
        const told = outcomes.splice(0, reportLengthMax)
        inFlight = statuses.length + told.length
        const { isStopping } = agent.state
        number++
        isReserveTold = true
        const reserve = options.reserve()
        const report: AgentReport = {
          agentId,
          streamId,
          number,
          processedId,
          reserve,
          isStopping,
          outcomes: told,
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
        const isBehind = agent.durablePosition().processedId !== reportedId
        const isSilent = queue.length + outcomes.length === 0
        if (!isSilent || isBehind || isStoppingUntold || !isReserveTold) resume(Effect.void)
      }
      wake()
    })
    agent.onDurable(() => wake())

    // A report that fails ends the stream; the registration after it starts everything anew.
    const reportForever = (registered: Registered) =>
      Effect.suspend(() => Effect.raceFirst(somethingToReport, Effect.sleep(paceMs))).pipe(
        Effect.zipRight(Effect.yieldNow()),
        Effect.zipRight(reportOnce(registered)),
        Effect.forever,
      )

    const take = (record: MasterRecord, onRegistered: (registered: Registered) => void): void => {
      const known = agent.acceptedPosition()
      if (!agent.hasRoom()) throw new StreamOver({ detail: "this agent is behind with what it was told" })
      if (record.type === "Registered") {
        const { agentId, masterId } = record
        const position: MasterPosition = known.masterId === masterId ? known : { masterId, processedId: 0 }
        isRegistered = true
        options.onFrameworks?.(record.frameworks ?? [])
        agent.submitOfMaster({ type: "Registered", agentId }, position)
        onRegistered(record)
      } else if (record.type === "Refused") {
        throw new RefusedByMaster({ reason: record.reason })
      } else if (record.type === "ShutDown") {
        throw new ToldToEnd({ reason: record.reason })
      } else if (record.type === "Message") {
        if (record.framework !== undefined) options.onFrameworks?.([record.framework])
        if (record.id <= known.processedId) return
        agent.submitOfMaster(messageToEvent(record.message), { ...known, processedId: record.id })
      }
    }

    const session = Effect.gen(function* () {
      const known = yield* agent.whenDurable((state) => ({
        agentId: state.agentId,
        ...agent.durablePosition(),
        tasks: reportedTasks(state),
        checkpointed: state.checkpointed,
        outcomes: reportedOutcomes(state),
      }))
      const reserve = options.reserve()
      const registration: Registration = {
        ...{ protocolVersion, ...known, ...options.facts, reserve },
        bearsPace: true,
      }
      const stream = yield* openStream({
        url: masterUrl + subscribePath,
        secret,
        tls,
        headers: { "Content-Type": "application/json" },
        silenceMs: options.silenceMs ?? silenceMsMax,
        body: JSON.stringify(registration),
      })
      const confirmed = yield* Deferred.make<Registered>()
      number = 0
      paceMs = heartbeatMs
      const reading = stream.run((text) => {
        const record = decodeRecord(text)
        if ("paceMs" in record && record.paceMs !== undefined) {
          paceMs = record.paceMs
          stream.bearSilence(masterSilenceMsOf(paceMs))
        }
        take(record, (registered) => Deferred.unsafeDone(confirmed, Effect.succeed(registered)))
      })
      const reporting = Effect.gen(function* () {
        const record = yield* Deferred.await(confirmed)
        yield* agent.whenDurable(() => {})
        yield* Deferred.succeed(registered, undefined)
        yield* reportForever(record)
      })
      yield* Effect.raceFirst(reading, reporting)
      return yield* new StreamOver({ detail: "the master ended the stream" })
    }).pipe(
      Effect.scoped,
      // A record that is not the protocol may not end the link for good.
      Effect.catchAllDefect((defect) =>
        defect instanceof StreamOver || defect instanceof RefusedByMaster || defect instanceof ToldToEnd
          ? Effect.fail(defect)
          : Effect.fail(new StreamOver({ detail: String(defect) })),
      ),
    )

    const refusedWaitMs = options.refusedWaitMs ?? 30_000
    const failures = yield* Ref.make(0)
    const keepUp = Effect.gen(function* () {
      const startedMs = yield* Effect.sync(() => performance.now())
      yield* Effect.catchAll(session, (error) =>
        Effect.gen(function* () {
          if (isRegistered) agent.submit({ type: "Disconnected" })
          isRegistered = false
          queue = []
          outcomes = []
          if (error._tag === "ToldToEnd") {
            yield* Deferred.succeed(toldToEnd, error.reason)
            return yield* Effect.never
          }
          const lastedMs = (yield* Effect.sync(() => performance.now())) - startedMs
          const attempt = yield* Ref.updateAndGet(failures, (count) =>
            lastedMs > silenceMsMax ? 0 : count + 1,
          )
          const isRefused = isRefusal(error)
          const waitMs = yield* isRefused ? jittered(refusedWaitMs) : backoff(attempt)
          const problem = isRefused ? "the master does not take this agent" : "no connection to the master"
          yield* Effect.logWarning(`${problem}; trying again`).pipe(
            Effect.annotateLogs({ why: error.message, waitMs: Math.round(waitMs) }),
          )
          yield* Effect.sleep(waitMs)
        }),
      )
    })
    yield* Effect.forkScoped(Effect.forever(keepUp))

    return {
      toldToEnd: Deferred.await(toldToEnd),
      registered: Deferred.await(registered),
      send: (status, latestState) => {
        if (!agent.state.isConnected || queue.length >= queueLengthMax) return
        queue.push({ status, latestState })
        wake()
      },
      sendOutcome: (outcome) => {
        if (!agent.state.isConnected || outcomes.length >= queueLengthMax) return
        outcomes.push(outcome)
        wake()
      },
      tellStopping: () => wake(),
      reserveChanged: () => {
        isReserveTold = false
        wake()
      },
      flush: (waitMs) =>
        Effect.sync(() => queue.length + outcomes.length + inFlight).pipe(
          Effect.repeat({ until: (left) => left === 0, schedule: Schedule.spaced("20 millis") }),
          Effect.timeoutOption(waitMs),
          Effect.asVoid,
        ),
    }
  })

const fittingReport = (queue: AgentReport["statuses"]): AgentReport["statuses"] => {
  let bytes = 0
  let count = 0
  for (const told of queue.slice(0, reportLengthMax)) {
    bytes += Buffer.byteLength(JSON.stringify(told))
    if (count > 0 && bytes > reportBytesMax) break
    count++
  }
  return queue.slice(0, count)
}

const decodeRecord = (text: string): MasterRecord => {
  const decoded = decodeMasterRecord(JSON.parse(text))
  if (decoded._tag === "Left") throw decoded.left
  return decoded.right
}
const decodeMasterRecord = Schema.decodeUnknownEither(MasterRecord)

const messageToEvent = (message: Extract<MasterRecord, { type: "Message" }>["message"]): UnstampedEvent => {
  switch (message.type) {
    case "LaunchTask":
      return { type: "LaunchRequested", spec: message.spec }
    case "LaunchGroup":
      return { type: "GroupLaunchRequested", specs: message.specs }
    case "KillTask":
      return { ...message, type: "KillRequested" }
    case "AcknowledgeStatus":
      return { ...message, type: "StatusAcknowledged" }
    case "CheckpointResources":
      return { ...message, type: "CheckpointRequested" }
    case "AcknowledgeOperation":
      return { ...message, type: "OperationAcknowledged" }
  }
}

const reportedOutcomes = (state: AgentState): ReadonlyArray<OperationOutcome> =>
  [...state.operations.values()].flatMap(({ frameworkId, operationId, outcome }) =>
    outcome === null ? [] : [{ frameworkId, operationId, ...outcome }],
  )

const reportedTasks = (state: AgentState): ReadonlyArray<ReportedTask> =>
  [...state.tasks.values()].map(({ spec, phase, latest }) => ({
    spec: phase === "gone" ? withoutCommand(spec) : spec,
    status: latest,
  }))
