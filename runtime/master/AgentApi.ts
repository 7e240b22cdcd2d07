import { randomUUID } from "node:crypto"
import { Context, Effect, ParseResult, Runtime, Schema } from "effect"
import type { AgentRecord, MasterState } from "../../core/master/State.ts"
import { sameQuantities, toQuantities } from "../../core/resources/Quantities.ts"
import type { Answer } from "../http/DirectReply.ts"
import {
  badRequest,
  emptyReply,
  type HttpRefusal,
  refuse,
  streamReply,
  unavailable,
} from "../http/HttpMessage.ts"
import { answerJsonObject, readJsonObject } from "../http/JsonRequest.ts"
import type { RecordStream } from "../http/RecordStream.ts"
import { post } from "../http/Routes.ts"
import {
  AgentReport,
  protocolVersion,
  Registration,
  registrationBytesMax,
  reportPath,
  subscribePath,
} from "../protocol/AgentProtocol.ts"
import { readQuickReport } from "../protocol/QuickReport.ts"
import { type ListeningStreams, makeListeningStreams } from "./ListeningStreams.ts"
import type { UnstampedEvent } from "./Mailbox.ts"
import { Master } from "./Master.ts"
import { MasterMetrics } from "./MasterMetrics.ts"

// The master's side of the agent protocol (see AgentProtocol.ts).

const register = (registration: Registration, listening: ListeningStreams) =>
  Effect.gen(function* () {
    const master = yield* Master
    const runFork = Runtime.runFork(yield* Effect.runtime<never>())
    const streamId = randomUUID()
    const { agentId, tasks, address, attributes, version, total, checkpointed, outcomes } = registration
    const reserve = toQuantities(Object.entries(registration.reserve))
    // Numbers that another master gave mean nothing here.
    const processedId = registration.masterId === master.state.masterId ? registration.processedId : 0
    const opened = (stream: RecordStream) => {
      const pace = listening.open(streamId, stream.end, registration.bearsPace === true)
      master.streams.open(streamId, { send: stream.send, end: stream.end, ...pace })
      const registering = master.submit({
        processed: agentId === null ? undefined : { to: agentId, upToId: processedId },
        event: (_, outbox) => ({
          type: "AgentRegistered",
          streamId,
          agentId,
          address,
          total,
          reserve,
          attributes,
          version,
          tasks,
          checkpointed,
          outcomes,
          launching: agentId === null ? [] : outbox.launching(agentId, processedId),
          acknowledging: agentId === null ? [] : outbox.acknowledging(agentId, processedId),
          killing: agentId === null ? [] : outbox.killing(agentId, processedId),
          converting: agentId === null ? [] : outbox.converting(agentId, processedId),
        }),
      })
      // Without the record `Registered` the agent tries again later.
      runFork(Effect.catchAll(registering, () => Effect.sync(stream.end)))
      // After the registration, so that the end of a stream that is over already comes second.
      stream.onClosed(() => {
        listening.close(streamId)
        master.streams.forget(streamId)
        runFork(disconnect(master, streamId))
      })
    }
    return streamReply(opened)
  })

const disconnect = (master: Master["Type"], streamId: string) =>
  master.tell((state) => {
    for (const agent of state.agents.values()) {
      if (agent.streamId === streamId) {
        return { type: "AgentDisconnected", agentId: agent.id, streamId }
      }
    }
    return undefined
  })

/**
 * Takes a report as a whole or not at all: its events share one place in the mailbox, so one that was turned away
 * (503) can be sent again under its number. All of a report that is not above the last one is passed over, statuses
 * too: an old copy could put a task back into a state that it has left, and an old reserve lends what is needed.
 */
const takeReport = (
  report: AgentReport,
  listening: ListeningStreams,
  master: Master["Type"],
  answer: Answer<Master>,
): void => {
  const { agentId, streamId, number, processedId } = report
  const stream = listening.get(streamId)
  // A stream that has been replaced counts as over too; the agent repeats everything on the newer one.
  const isCurrent = () => master.state.agents.get(agentId)?.streamId === streamId
  if (stream === undefined || !isCurrent()) {
    return answer(refuse(409, "this stream is over: subscribe again"))
  }
  if (number < stream.number) {
    return answer(refuse(409, `report ${number} comes too late: ${stream.number} has been taken already`))
  }
  stream.lastHeardMs = performance.now()
  const events = (state: MasterState): ReadonlyArray<UnstampedEvent> => {
    if (!isCurrent() || number <= stream.number) return []
    const news = reportToEvents(report, state.agents.get(agentId)!)
    // Taken only once it has been read: what throws is told, and comes again.
    stream.number = number
    return news
  }
  master.post({ processed: { to: agentId, upToId: processedId }, event: events }, (refused) => {
    // Nobody but frameworks is asked who they are.
    if (refused?._tag === "MailFailed") answer(refuse(500, refused.message))
    else answer(refused === undefined ? accepted : unavailable(refused.message))
  })
}

const accepted = emptyReply(202)

/** Only what is news becomes an event: a heartbeat leaves no trace in the journal. */
const reportToEvents = (report: AgentReport, agent: AgentRecord): ReadonlyArray<UnstampedEvent> => {
  const { agentId, streamId, isStopping, statuses, outcomes } = report
  const events: Array<UnstampedEvent> = []
  const reserve = toQuantities(Object.entries(report.reserve))
  if (!sameQuantities(reserve, agent.reserve)) {
    events.push({ type: "ReserveChanged", agentId, streamId, reserve })
  }
  if (isStopping && agent.condition === "connected") events.push({ type: "AgentStopping", agentId, streamId })
  for (const outcome of outcomes) events.push({ type: "OperationReported", agentId, outcome })
  for (const told of statuses) events.push({ type: "StatusReported", agentId, ...told })
  return events
}

const notOfTheProtocol = (why: string): HttpRefusal =>
  badRequest(`not a message of gleaner's agent protocol: ${why}`)

const decodeRegistration = (json: object) =>
  Schema.decodeUnknown(Registration)(json).pipe(Effect.mapError(({ message }) => notOfTheProtocol(message)))

const decodeReport = ParseResult.decodeUnknownEither(AgentReport)

/** Refuses before anything is read of it: a message of another version may mean something else. */
const checkVersion = (json: object) => {
  const theirs = (json as { protocolVersion?: unknown }).protocolVersion
  if (theirs === protocolVersion) return Effect.void
  return Effect.fail(
    badRequest(
      `this master speaks version ${protocolVersion} of the agent protocol, the agent ${theirs ?? "none"}: run the same release of gleaner on both`,
    ),
  )
}

export const makeAgentRoutes = Effect.gen(function* () {
  const listening = yield* makeListeningStreams
  const metrics = yield* MasterMetrics
  metrics.watchSilence(listening.silenceMs)
  return [
    post(
      subscribePath,
      (request) =>
        Effect.gen(function* () {
          const json = yield* readJsonObject(request)
          yield* checkVersion(json)
          return yield* register(yield* decodeRegistration(json), listening)
        }),
      { maxBodyBytes: registrationBytesMax },
    ),
    post(reportPath, (request) =>
      answerJsonObject<Master>(request, (json, context, answer) => {
        const quick = readQuickReport(json)
        if (quick !== undefined) return takeReport(quick, listening, Context.get(context, Master), answer)
        const decoded = decodeReport(json)
        if (decoded._tag === "Left")
          answer(notOfTheProtocol(ParseResult.TreeFormatter.formatIssueSync(decoded.left)))
        else takeReport(decoded.right, listening, Context.get(context, Master), answer)
      }),
    ),
  ]
})
