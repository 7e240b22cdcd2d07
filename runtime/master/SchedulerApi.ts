import { randomUUID } from "node:crypto"
import { Context, Effect, Either, Runtime } from "effect"
import type { CallRefusal } from "../../core/master/Admission.ts"
import type { Answer } from "../http/DirectReply.ts"
import {
  emptyReply,
  type HttpRefusal,
  type HttpRequest,
  refuse,
  streamReply,
  unavailable,
} from "../http/HttpMessage.ts"
import { answerJsonObject, checkAccept } from "../http/JsonRequest.ts"
import type { RecordStream } from "../http/RecordStream.ts"
import { post } from "../http/Routes.ts"
import { readSchedulerCall, type SchedulerCall } from "../mesos/SchedulerCall.ts"
import { errorEvent } from "../mesos/SchedulerEvent.ts"
import { type CallRefused, type MailboxFull, Master } from "./Master.ts"

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

/** Why a call was not taken in. */
const refusedToHttp = (refused: CallRefused | MailboxFull): HttpRefusal =>
  refused._tag === "CallRefused" ? refusalToHttp(refused.refusal) : unavailable(refused.message)

const accepted = emptyReply(202)

const call = (
  request: HttpRequest,
  { frameworkId, event }: Extract<SchedulerCall, { type: "Call" }>,
  master: Master["Type"],
  answer: Answer<Master>,
): void =>
  master.post({ event: () => event, caller: { frameworkId, streamId: streamIdOf(request) } }, (refused) =>
    answer(refused === undefined ? accepted : refusedToHttp(refused)),
  )

export const schedulerRoutes = [
  post("/api/v1/scheduler", (request) =>
    answerJsonObject<Master>(request, (json, context, answer) => {
      const read = readSchedulerCall(json)
      if (Either.isLeft(read)) answer(refuse(read.left.status, read.left.message))
      else if (read.right.type === "Subscribe") answer(subscribe(request, read.right))
      else call(request, read.right, Context.get(context, Master), answer)
    }),
  ),
]
