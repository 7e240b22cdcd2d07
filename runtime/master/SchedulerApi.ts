import { randomUUID } from "node:crypto"
import { Effect, Either, Runtime } from "effect"
import type { CallRefusal } from "../../core/master/Admission.ts"
import {
  emptyReply,
  type HttpRefusal,
  type HttpRequest,
  refuse,
  streamReply,
  unavailable,
} from "../http/HttpMessage.ts"
import { checkAccept, readJsonObject } from "../http/JsonRequest.ts"
import type { RecordStream } from "../http/RecordStream.ts"
import { post } from "../http/Routes.ts"
import { readSchedulerCall, type SchedulerCall } from "../mesos/SchedulerCall.ts"
import { errorEvent } from "../mesos/SchedulerEvent.ts"
import { Master } from "./Master.ts"

// POST /api/v1/scheduler: the Mesos v1 scheduler API (spec/mesos.md §2.2, §2.3).

const refusalToHttp = (refusal: CallRefusal): HttpRefusal => {
  switch (refusal.type) {
    case "FrameworkUnknown":
      return refuse(400, "Framework cannot be found")
    case "FrameworkNotSubscribed":
      return refuse(403, "Framework is not subscribed")
    case "StreamIdMissing":
      return refuse(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header")
    case "StreamIdDiffers":
      return refuse(
        400,
        `The stream ID '${refusal.streamId}' included in this request didn't match the stream ID currently associated with framework ID ${refusal.frameworkId}`,
      )
  }
}

const streamIdOf = (request: HttpRequest): string | null => {
  const header = request.headers["mesos-stream-id"]
  return typeof header === "string" ? header : null
}

type Subscribe = Extract<SchedulerCall, { type: "Subscribe" }>

/** Opens the event stream and subscribes on it; what is wrong from here on is told as an ERROR event. */
const subscribe = (request: HttpRequest, { subscribe, problem }: Subscribe) =>
  Effect.gen(function* () {
    const notAcceptable = checkAccept(request)
    if (notAcceptable !== undefined) return yield* notAcceptable
    if (streamIdOf(request) !== null) {
      return yield* refuse(400, "Subscribe calls should not include the 'Mesos-Stream-Id' header")
    }
    const master = yield* Master
    const runFork = Runtime.runFork(yield* Effect.runtime<never>())
    const streamId = randomUUID()
    const fail = (stream: RecordStream, message: string) => {
      stream.send(JSON.stringify(errorEvent(message)))
      stream.end()
    }
    const opened = (stream: RecordStream) => {
      if (problem !== undefined) return fail(stream, problem)
      master.streams.open(streamId, {
        send: (record) => stream.send(JSON.stringify(record)),
        end: stream.end,
      })
      const subscribing = master.submit({ event: () => ({ ...subscribe, streamId }) })
      runFork(Effect.catchAll(subscribing, (error) => Effect.sync(() => fail(stream, error.message))))
      // After the subscription, so that the end of a stream that is over already comes second.
      stream.onClosed(() => {
        master.streams.forget(streamId)
        runFork(disconnect(master, streamId))
      })
    }
    return streamReply(opened, { headers: { "Mesos-Stream-Id": streamId } })
  })

const disconnect = (master: Master["Type"], streamId: string) =>
  master.tell((state) => {
    for (const framework of state.frameworks.values()) {
      if (framework.streamId === streamId) {
        return { type: "FrameworkDisconnected", frameworkId: framework.id, streamId }
      }
    }
    return undefined
  })

const call = (request: HttpRequest, { frameworkId, event }: Extract<SchedulerCall, { type: "Call" }>) =>
  Effect.gen(function* () {
    const master = yield* Master
    const { principal } = request
    // What is reserved carries who reserved it (spec/mesos.md §1.8).
    const asked = event?.type === "OffersAccepted" && principal !== null ? { ...event, principal } : event
    yield* master.submit({ event: () => asked, caller: { frameworkId, streamId: streamIdOf(request) } }).pipe(
      Effect.catchTags({
        CallRefused: ({ refusal }) => Effect.fail(refusalToHttp(refusal)),
        MailboxFull: ({ message }) => Effect.fail(unavailable(message)),
      }),
    )
    return emptyReply(202)
  })

export const schedulerRoutes = [
  post("/api/v1/scheduler", (request) =>
    Effect.gen(function* () {
      const json = yield* readJsonObject(request)
      const read = readSchedulerCall(json)
      if (Either.isLeft(read)) return yield* refuse(read.left.status, read.left.message)
      return yield* read.right.type === "Subscribe"
        ? subscribe(request, read.right)
        : call(request, read.right)
    }),
  ),
]
