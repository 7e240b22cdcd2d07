import { randomUUID } from "node:crypto"
import { Context, Effect, Either, Runtime } from "effect"
import type { CallRefusal } from "../../core/master/Admission.ts"
import { updateProblem } from "../../core/master/FrameworkUpdates.ts"
import type { FrameworkInfo, MasterState } from "../../core/master/State.ts"
import type { Caller } from "../access/Caller.ts"
import { judgeAccept } from "../access/OperationRules.ts"
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
import { type CallEvent, readSchedulerCall, type SchedulerCall } from "../mesos/SchedulerCall.ts"
import { errorEvent } from "../mesos/SchedulerEvent.ts"
import type { Mail } from "./Mailbox.ts"
import { type MailRefused, Master } from "./Master.ts"

// POST /api/v1/scheduler: the Mesos v1 scheduler API (spec/mesos.md §2.2, §2.3).

const refusalToHttp = (refusal: CallRefusal): HttpRefusal => {
  switch (refusal.type) {
    case "FrameworkUnknown":
      return refuse(400, "Framework cannot be found")
    case "PrincipalDiffers":
      return refuse(400, principalDiffers(refusal.principal, refusal.owner))
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

const principalDiffers = (principal: string, named: string): string =>
  `Authenticated principal '${principal}' does not match principal '${named}' set in \`FrameworkInfo\``

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
    const { caller, principal } = request
    const { info } = subscribe
    if (principal !== null && info.principal !== null && principal !== info.principal) {
      const why = principalDiffers(principal, info.principal)
      return yield* refuse(400, `Failed to validate scheduler::Call: ${why}`)
    }
    const event = { ...subscribe, info: ownedBy(caller, info) }
    const refusal = problem ?? rolesProblem(caller, event)
    const master = yield* Master
    const runFork = Runtime.runFork(yield* Effect.runtime<never>())
    const streamId = randomUUID()
    const fail = (stream: RecordStream, message: string) => {
      stream.send(JSON.stringify(errorEvent(message)))
      stream.end()
    }
    const opened = (stream: RecordStream) => {
      if (refusal !== undefined) return fail(stream, refusal)
      master.streams.open(streamId, {
        send: stream.send,
        end: stream.end,
      })
      const subscribing = master.submit({ event: () => ({ ...event, streamId }) })
      // No ERROR event, which would end the framework for good: it is to try again.
      runFork(Effect.catchAll(subscribing, () => Effect.sync(stream.end)))
      // After the subscription, so that the end of a stream that is over already comes second.
      stream.onClosed(() => {
        master.streams.forget(streamId)
        runFork(disconnect(master, streamId))
      })
    }
    return streamReply(opened, { headers: { "Mesos-Stream-Id": streamId } })
  })

/**
 * A framework that names no principal belongs to the one that subscribed it. (Mesos leaves it without an owner.) Whoever has
 * the cluster's secret may also subscribe in the name of nobody.
 */
const ownedBy = ({ principal, isAdministrator }: Caller, info: FrameworkInfo): FrameworkInfo =>
  isAdministrator || info.principal !== null ? info : { ...info, principal }

/** Why the caller may not register in these roles; told as an ERROR event (mesos-transcripts README, 7). */
const rolesProblem = (
  caller: Caller,
  { frameworkId, info }: Pick<Subscribe["subscribe"], "frameworkId" | "info">,
): string | undefined => {
  const roles = info.roles.length === 0 ? [null] : info.roles
  return roles.every((role) => caller.isAllowed("register_frameworks", role))
    ? undefined
    : `Not authorized to register framework ${frameworkId ?? ""} with roles { ${info.roles.join(", ")} }`
}

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
const refusedToHttp = (refused: MailRefused): HttpRefusal => {
  if (refused._tag === "CallRefused") return refusalToHttp(refused.refusal)
  return refused._tag === "MailFailed" ? refuse(500, refused.message) : unavailable(refused.message)
}

/** Returns when what follows from a framework's call is durable. */
const submitCall = (master: Master["Type"], mail: Pick<Mail, "event" | "caller">) =>
  Effect.mapError(master.submit(mail), refusedToHttp)

const callerOf = (request: HttpRequest, frameworkId: string): Mail["caller"] => ({
  frameworkId,
  streamId: streamIdOf(request),
  principal: request.principal,
})

const accepted = emptyReply(202)

const call = (
  request: HttpRequest,
  { frameworkId, event }: Extract<SchedulerCall, { type: "Call" }>,
  master: Master["Type"],
  answer: Answer<Master>,
): void =>
  master.post({ event: judgedFor(request, event), caller: callerOf(request, frameworkId) }, (refused) =>
    answer(refused === undefined ? accepted : refusedToHttp(refused)),
  )

/** Rules may depend on the framework, which is looked up right before the step. */
const judgedFor =
  ({ caller, principal }: HttpRequest, event: CallEvent | undefined) =>
  (state: MasterState): CallEvent | undefined => {
    if (event?.type !== "OffersAccepted") return event
    // What is reserved carries who reserved it (spec/mesos.md §1.8).
    const accepted = principal === null ? event : { ...event, principal }
    return judgeAccept(caller, accepted, state)
  }

/**
 * UPDATE_FRAMEWORK, which says at once whether it was done: 200 with nothing in it, or 400 with the reason
 * (mesos-transcripts README, 1; scheduler/main_58). All of it is judged right before the step.
 */
const updateFramework = (
  request: HttpRequest,
  { frameworkId, event, problem }: Extract<SchedulerCall, { type: "UpdateFramework" }>,
) =>
  Effect.gen(function* () {
    const { caller } = request
    const update = { ...event, info: ownedBy(caller, event.info) }
    const master = yield* Master
    const verdict: { refusal?: HttpRefusal } = {}
    const judged = (state: MasterState) => {
      const before = state.frameworks.get(frameworkId)
      const unsupported = before && updateProblem(before.info, update.info)
      const wrong = problem ?? (unsupported && `FrameworkInfo update is not valid: ${unsupported}`)
      const forbidden = rolesProblem(caller, update)
      if (wrong !== undefined) verdict.refusal = refuse(400, wrong)
      else if (forbidden !== undefined) verdict.refusal = refuse(403, forbidden)
      else return update
      return undefined
    }
    yield* submitCall(master, { event: judged, caller: callerOf(request, frameworkId) })
    return verdict.refusal === undefined ? emptyReply(200) : yield* verdict.refusal
  })

export const schedulerRoutes = [
  post("/api/v1/scheduler", (request) =>
    answerJsonObject<Master>(request, (json, context, answer) => {
      const read = readSchedulerCall(json)
      if (Either.isLeft(read)) return answer(refuse(read.left.status, read.left.message))
      switch (read.right.type) {
        case "Subscribe":
          return answer(subscribe(request, read.right))
        case "UpdateFramework":
          return answer(updateFramework(request, read.right))
        case "Call":
          return call(request, read.right, Context.get(context, Master), answer)
      }
    }),
  ),
]
