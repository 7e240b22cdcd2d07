import { randomUUID } from "node:crypto"
import { Effect, Runtime, Schema } from "effect"
import type { MasterState } from "../../core/master/State.ts"
import { badRequest, emptyReply, refuse, streamReply, unavailable } from "../http/HttpMessage.ts"
import { readJsonObject } from "../http/JsonRequest.ts"
import type { RecordStream } from "../http/RecordStream.ts"
import { post } from "../http/Routes.ts"
import {
  AgentReport,
  protocolVersion,
  Registration,
  registrationBytesMax,
  reportPath,
  silenceMsMax,
  subscribePath,
} from "../protocol/AgentProtocol.ts"
import { Master } from "./Master.ts"

// The master's side of the agent protocol (see AgentProtocol.ts).

/** When each agent's stream last heard a report; a stream that stays silent is given up. */
interface Listening {
  lastHeardMs: number
  readonly giveUp: () => void
}

const register = (registration: Registration, listening: Map<string, Listening>) =>
  Effect.gen(function* () {
    const master = yield* Master
    const runFork = Runtime.runFork(yield* Effect.runtime<never>())
    const streamId = randomUUID()
    const { agentId, tasks, address, total, attributes, version } = registration
    // Numbers that another master gave mean nothing here.
    const processedId = registration.masterId === master.state.masterId ? registration.processedId : 0
    const opened = (stream: RecordStream) => {
      master.streams.open(streamId, {
        send: (record) => stream.send(JSON.stringify(record)),
        end: stream.end,
      })
      listening.set(streamId, { lastHeardMs: performance.now(), giveUp: stream.end })
      const registering = master.submit({
        processed: agentId === null ? undefined : { to: agentId, upToId: processedId },
        event: (_, outbox) => ({
          type: "AgentRegistered",
          streamId,
          agentId,
          address,
          total,
          attributes,
          version,
          tasks,
          launching: agentId === null ? [] : outbox.launching(agentId, processedId),
          acknowledging: agentId === null ? [] : outbox.acknowledging(agentId, processedId),
        }),
      })
      // Without the record `Registered` the agent tries again later.
      runFork(Effect.catchAll(registering, () => Effect.sync(stream.end)))
      // After the registration, so that the end of a stream that is over already comes second.
      stream.onClosed(() => {
        listening.delete(streamId)
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

const takeReport = (report: AgentReport, listening: Map<string, Listening>) =>
  Effect.gen(function* () {
    const { agentId, streamId, processedId, isStopping, statuses } = report
    const heard = listening.get(streamId)
    if (heard === undefined) return yield* refuse(409, "this stream is over: subscribe again")
    heard.lastHeardMs = performance.now()
    const master = yield* Master
    const processed = { to: agentId, upToId: processedId }
    // Not from a stream that has been replaced meanwhile; the agent repeats everything on the newer one.
    const isCurrent = (state: MasterState) => state.agents.get(agentId)?.streamId === streamId
    const statusEvent = (told: AgentReport["statuses"][number]) => (state: MasterState) =>
      isCurrent(state) ? ({ type: "StatusReported", agentId, ...told } as const) : undefined
    const stopping = (state: MasterState) =>
      isStopping && isCurrent(state) && state.agents.get(agentId)?.condition === "connected"
        ? ({ type: "AgentStopping", agentId, streamId } as const)
        : undefined
    // All are offered before any is awaited, so that one transaction can hold them.
    const mails = [
      master.submit({ processed, event: stopping }),
      ...statuses.map((told) => master.submit({ event: statusEvent(told) })),
    ]
    yield* Effect.all(mails, { concurrency: "unbounded", discard: true }).pipe(
      Effect.catchTags({
        MailboxFull: ({ message }) => Effect.fail(unavailable(message)),
        CallRefused: (error) => Effect.die(error),
      }),
    )
    return emptyReply(202)
  })

const decode = <A, I>(schema: Schema.Schema<A, I>, json: object) =>
  Schema.decodeUnknown(schema)(json).pipe(
    Effect.mapError((error) => badRequest(`not a message of gleaner's agent protocol: ${error.message}`)),
  )

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

/**
 * Gives up streams whose agent has been silent for too long, for as long as the scope lives. A round that comes much too
 * late proves that this process stood still, not that the agents were silent: their reports are still to be read.
 */
const watchSilence = (listening: Map<string, Listening>) =>
  Effect.suspend(() => {
    let lastRoundMs = performance.now()
    return Effect.sync(() => {
      const nowMs = performance.now()
      const isLate = nowMs - lastRoundMs > silenceMsMax / 4
      lastRoundMs = nowMs
      for (const { lastHeardMs, giveUp } of isLate ? [] : [...listening.values()]) {
        if (nowMs - lastHeardMs > silenceMsMax) giveUp()
      }
    }).pipe(Effect.delay("1 second"), Effect.forever)
  })

export const makeAgentRoutes = Effect.gen(function* () {
  const listening = new Map<string, Listening>()
  yield* Effect.forkScoped(watchSilence(listening))
  return [
    post(
      subscribePath,
      (request) =>
        Effect.gen(function* () {
          const json = yield* readJsonObject(request)
          yield* checkVersion(json)
          return yield* register(yield* decode(Registration, json), listening)
        }),
      { maxBodyBytes: registrationBytesMax },
    ),
    post(reportPath, (request) =>
      Effect.gen(function* () {
        const json = yield* readJsonObject(request)
        return yield* takeReport(yield* decode(AgentReport, json), listening)
      }),
    ),
  ]
})
