import { Either } from "effect"
import type { Unstamped } from "../../core/Machine.ts"
import type { MasterEvent } from "../../core/master/Event.ts"
import { jsonToCall, type WireCall, type WireInverseAnswer } from "./CallSchema.ts"
import {
  demandsProblem,
  frameworkInfoProblem,
  frameworkProblem,
  wireToFrameworkInfo,
} from "./FrameworkInfo.ts"
import { wireToOperation } from "./Operations.ts"
import { readQuickCall } from "./QuickCall.ts"
import { nanosecondsToMs } from "./TaskRequests.ts"
import { wireToUuid } from "./Uuid.ts"

export type CallEvent = Unstamped<
  Extract<
    MasterEvent,
    {
      type:
        | "OffersAccepted"
        | "OffersDeclined"
        | "InverseOffersAnswered"
        | "OffersRevived"
        | "OffersSuppressed"
        | "KillRequested"
        | "ExecutorShutdownRequested"
        | "StatusAcknowledged"
        | "ReconciliationRequested"
        | "OperationAcknowledged"
        | "OperationsReconciled"
        | "TeardownRequested"
    }
  >
>

/** What a call turned out to ask for. */
export type SchedulerCall =
  | {
      readonly type: "Subscribe"
      /** Everything but the stream, which is made when the answer begins. */
      readonly subscribe: Omit<Unstamped<Extract<MasterEvent, { type: "FrameworkSubscribed" }>>, "streamId">
      /** Set when the framework must be refused by an ERROR event. */
      readonly problem: string | undefined
    }
  /** Answered at once, with what is wrong if something is. */
  | {
      readonly type: "UpdateFramework"
      readonly frameworkId: string
      readonly event: Unstamped<Extract<MasterEvent, { type: "FrameworkUpdated" }>>
      readonly problem: string | undefined
    }
  /** Without an event it asks for nothing, and only who asks is judged. */
  | { readonly type: "Call"; readonly frameworkId: string; readonly event: CallEvent | undefined }

/** A call that is refused before anything is asked of the state: HTTP status and sentence. */
export interface CallRejection {
  readonly status: 400 | 501
  readonly message: string
}

/** Calls of the API that this master does not take yet; said so instead of dropped. */
const callsWithoutService = [
  // A name of the enum, in contrast to other unknown ones (transcript scheduler/err_type_UNKNOWN).
  "UNKNOWN",
]

/** Reads a scheduler call from its JSON object; the order of the checks is Mesos's (spec/mesos.md §2.2, rows 6–8). */
export const readSchedulerCall = (json: object): Either.Either<SchedulerCall, CallRejection> => {
  const quick = readQuickCall(json)
  if (quick !== undefined) return toSchedulerCall(quick)
  return Either.flatMap(
    Either.mapLeft(jsonToCall(json), (message): CallRejection => ({ status: 400, message })),
    toSchedulerCall,
  )
}

const invalid = (problem: string): Either.Either<never, CallRejection> =>
  Either.left({ status: 400, message: `Failed to validate scheduler::Call: ${problem}` })

const expecting = (field: string) => invalid(`Expecting '${field}' to be present`)

const toSchedulerCall = (call: WireCall): Either.Either<SchedulerCall, CallRejection> => {
  if (call.type === "SUBSCRIBE") return toSubscribe(call)
  if (call.type === "UPDATE_FRAMEWORK") return toUpdateFramework(call)
  const isTaken = call.type !== undefined && Object.hasOwn(eventReaders, call.type)
  const toEvent = isTaken ? eventReaders[call.type] : undefined
  const isKnown = toEvent !== undefined || callsWithoutService.includes(call.type ?? "")
  // An unknown enum name counts as unset (spec/mesos.md §2.1).
  if (!isKnown) return expecting("type")
  if (call.framework_id === undefined) return expecting("framework_id")
  const frameworkId = call.framework_id.value
  if (toEvent === undefined) {
    return Either.left({ status: 501, message: `gleaner does not take the call ${call.type} yet` })
  }
  return Either.map(toEvent(call, frameworkId), (event) => ({ type: "Call", frameworkId, event }))
}

const toSubscribe = (call: WireCall): Either.Either<SchedulerCall, CallRejection> => {
  if (call.subscribe === undefined) return expecting("subscribe")
  const { framework_info: info, suppressed_roles: suppressedRoles } = call.subscribe
  const id = call.framework_id?.value ?? ""
  if ((info.id?.value ?? "") !== id) {
    return invalid("'framework_id' differs from 'subscribe.framework_info.id'")
  }
  return Either.right({
    type: "Subscribe",
    subscribe: {
      type: "FrameworkSubscribed",
      frameworkId: id === "" ? null : id,
      info: wireToFrameworkInfo(call.subscribe),
      suppressedRoles: [...new Set(suppressedRoles)],
    },
    problem: frameworkProblem(call.subscribe),
  })
}

const toUpdateFramework = (call: WireCall): Either.Either<SchedulerCall, CallRejection> => {
  const { framework_id: id, update_framework: update } = call
  if (id === undefined) return expecting("framework_id")
  if (update === undefined) return expecting("update_framework")
  if ((update.framework_info.id?.value ?? "") !== id.value) {
    return invalid("'framework_id' differs from 'update_framework.framework_info.id'")
  }
  const invalidInfo = frameworkInfoProblem(update.framework_info)
  return Either.right({
    type: "UpdateFramework",
    frameworkId: id.value,
    event: {
      type: "FrameworkUpdated",
      frameworkId: id.value,
      info: wireToFrameworkInfo(update),
      suppressedRoles: [...new Set(update.suppressed_roles)],
    },
    problem:
      invalidInfo === undefined
        ? demandsProblem(update)
        : `Supplied FrameworkInfo is not valid: ${invalidInfo}`,
  })
}

type EventReader = (
  call: WireCall,
  frameworkId: string,
) => Either.Either<CallEvent | undefined, CallRejection>

const eventReaders: { readonly [type: string]: EventReader } = {
  ACCEPT: ({ accept }, frameworkId) => {
    if (accept === undefined) return expecting("accept")
    return Either.right({
      type: "OffersAccepted",
      frameworkId,
      offerIds: accept.offer_ids.map((id) => id.value),
      operations: accept.operations.map((operation) => wireToOperation(operation, frameworkId)),
      refuseMs: secondsToMs(accept.filters?.refuse_seconds),
    })
  },
  DECLINE: ({ decline }, frameworkId) =>
    decline === undefined
      ? expecting("decline")
      : Either.right({
          type: "OffersDeclined",
          frameworkId,
          offerIds: decline.offer_ids.map((id) => id.value),
          refuseMs: secondsToMs(decline.filters?.refuse_seconds),
        }),
  ACCEPT_INVERSE_OFFERS: ({ accept_inverse_offers: accept }, frameworkId) =>
    accept === undefined
      ? expecting("accept_inverse_offers")
      : Either.right(inverseAnswer("accept", accept, frameworkId)),
  DECLINE_INVERSE_OFFERS: ({ decline_inverse_offers: decline }, frameworkId) =>
    decline === undefined
      ? expecting("decline_inverse_offers")
      : Either.right(inverseAnswer("decline", decline, frameworkId)),
  REVIVE: ({ revive }, frameworkId) =>
    Either.right({ type: "OffersRevived", frameworkId, roles: revive?.roles ?? [] }),
  SUPPRESS: ({ suppress }, frameworkId) =>
    Either.right({ type: "OffersSuppressed", frameworkId, roles: suppress?.roles ?? [] }),
  KILL: ({ kill }, frameworkId) =>
    kill === undefined
      ? expecting("kill")
      : Either.right({
          type: "KillRequested",
          frameworkId,
          taskId: kill.task_id.value,
          agentId: kill.agent_id?.value ?? null,
          graceMs: nanosecondsToMs(kill.kill_policy?.grace_period?.nanoseconds),
        }),
  ACKNOWLEDGE: ({ acknowledge }, frameworkId) => {
    if (acknowledge === undefined) return expecting("acknowledge")
    const uuid = wireToUuid(acknowledge.uuid)
    if (uuid === undefined) return invalid("Not a valid UUID")
    return Either.right({
      type: "StatusAcknowledged",
      frameworkId,
      agentId: acknowledge.agent_id.value,
      taskId: acknowledge.task_id.value,
      uuid,
    })
  },
  RECONCILE: ({ reconcile }, frameworkId) =>
    reconcile === undefined
      ? expecting("reconcile")
      : Either.right({
          type: "ReconciliationRequested",
          frameworkId,
          tasks: reconcile.tasks.map((task) => ({
            taskId: task.task_id.value,
            agentId: task.agent_id?.value ?? null,
          })),
        }),
  ACKNOWLEDGE_OPERATION_STATUS: ({ acknowledge_operation_status: acknowledge }, frameworkId) => {
    if (acknowledge === undefined) return expecting("acknowledge_operation_status")
    const uuid = wireToUuid(acknowledge.uuid)
    if (uuid === undefined) return invalid("Not a valid UUID")
    if (acknowledge.agent_id === undefined) return expecting("agent_id")
    return Either.right({
      type: "OperationAcknowledged",
      frameworkId,
      operationId: acknowledge.operation_id.value,
      agentId: acknowledge.agent_id.value,
      uuid,
    })
  },
  RECONCILE_OPERATIONS: ({ reconcile_operations: reconcile }, frameworkId) =>
    reconcile === undefined
      ? expecting("reconcile_operations")
      : Either.right({
          type: "OperationsReconciled",
          frameworkId,
          operations: reconcile.operations.map((operation) => ({
            operationId: operation.operation_id.value,
            agentId: operation.agent_id?.value ?? null,
          })),
        }),
  SHUTDOWN: ({ shutdown }, frameworkId) =>
    shutdown === undefined
      ? expecting("shutdown")
      : Either.right({
          type: "ExecutorShutdownRequested",
          frameworkId,
          agentId: shutdown.agent_id.value,
          executorId: shutdown.executor_id.value,
        }),
  // Nobody is there who could read it: the executors of commands and of groups do not listen, in Mesos either, and what is best
  // effort may get lost (spec/mesos.md §2.3).
  MESSAGE: ({ message }) => (message === undefined ? expecting("message") : Either.right(undefined)),
  // Mesos's allocator takes it and does nothing (spec/mesos.md §2.3); whoever sends it wants a 202.
  REQUEST: ({ request }) => (request === undefined ? expecting("request") : Either.right(undefined)),
  TEARDOWN: (_, frameworkId) => Either.right({ type: "TeardownRequested", frameworkId }),
}

const inverseAnswer = (
  answer: "accept" | "decline",
  { inverse_offer_ids: ids, filters }: WireInverseAnswer,
  frameworkId: string,
): CallEvent => ({
  type: "InverseOffersAnswered",
  frameworkId,
  inverseOfferIds: ids.map(({ value }) => value),
  answer,
  refuseMs: secondsToMs(filters?.refuse_seconds),
})

/** Seconds of a filter; absent or not a number means the default (spec/mesos.md §1.5). */
const secondsToMs = (seconds: number | undefined): number | null =>
  seconds === undefined || Number.isNaN(seconds) ? null : Math.min(seconds * 1000, Number.MAX_SAFE_INTEGER)
