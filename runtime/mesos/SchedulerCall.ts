import { Either } from "effect"
import type { Unstamped } from "../../core/Machine.ts"
import type { MasterEvent, TaskRequest } from "../../core/master/Event.ts"
import { noQuantities } from "../../core/resources/Quantities.ts"
import type { TaskCommand } from "../../core/Task.ts"
import {
  jsonToCall,
  type WireCall,
  type WireInverseAnswer,
  type WireOperation,
  type WireTask,
} from "./CallSchema.ts"
import {
  demandsProblem,
  frameworkInfoProblem,
  frameworkProblem,
  wireToFrameworkInfo,
} from "./FrameworkInfo.ts"
import { allocatedRoles, wireToResources } from "./Resources.ts"
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
  "ACKNOWLEDGE_OPERATION_STATUS",
  "RECONCILE_OPERATIONS",
  // A name of the enum, in contrast to other unknown ones (transcript scheduler/err_type_UNKNOWN).
  "UNKNOWN",
]

/** Reads a scheduler call from its JSON object; the order of the checks is Mesos's (spec/mesos.md §2.2, rows 6–8). */
export const readSchedulerCall = (json: object): Either.Either<SchedulerCall, CallRejection> =>
  Either.flatMap(
    Either.mapLeft(jsonToCall(json), (message): CallRejection => ({ status: 400, message })),
    toSchedulerCall,
  )

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
  if (update.framework_info.id === undefined) return expecting("update_framework.framework_info.id")
  if (update.framework_info.id.value !== id.value) {
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
    const unserved = accept.operations.find((operation) => operation.type !== "LAUNCH")
    if (unserved !== undefined) {
      const message = `gleaner does not take the operation ${unserved.type ?? "without a type"} yet; nothing of this ACCEPT was done`
      return Either.left({ status: 501, message })
    }
    return Either.right({
      type: "OffersAccepted",
      frameworkId,
      offerIds: accept.offer_ids.map((id) => id.value),
      launches: accept.operations.flatMap(operationToRequests),
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

/** A grace period; capped, so that it stays a whole number also as JSON. */
const nanosecondsToMs = (nanoseconds: number | undefined): number | null =>
  nanoseconds === undefined || Number.isNaN(nanoseconds)
    ? null
    : Math.min(Math.max(0, Math.ceil(nanoseconds / 1e6)), Number.MAX_SAFE_INTEGER)

const operationToRequests = (operation: WireOperation): ReadonlyArray<TaskRequest> =>
  (operation.launch?.task_infos ?? []).map((task) => {
    const resources = wireToResources(task.resources)
    const [role = null, otherRole] = allocatedRoles(task.resources)
    return {
      taskId: task.task_id.value,
      agentId: task.agent_id.value,
      name: task.name,
      resources: typeof resources === "string" ? noQuantities : resources,
      role,
      command: commandOf(task),
      killGraceMs: nanosecondsToMs(task.kill_policy?.grace_period?.nanoseconds),
      labels: (task.labels?.labels ?? []).map(({ key, value }) => ({ key, value: value ?? "" })),
      problem:
        taskInfoProblem(operation, task) ??
        (typeof resources === "string" ? resources : null) ??
        (otherRole === undefined
          ? null
          : `Task uses resources allocated to roles '${role}' and '${otherRole}'`),
    }
  })

const commandOf = (task: WireTask): TaskCommand | null => {
  const { command } = task
  if (command === undefined) return null
  return {
    shell: command.shell,
    value: command.value ?? "",
    arguments: command.arguments,
    environment: (command.environment?.variables ?? []).map(({ name, value }) => ({
      name,
      value: value ?? "",
    })),
    user: command.user ?? null,
  }
}

/** What of a TaskInfo this master cannot honour. Refusing is better than running without it. */
const taskInfoProblem = (operation: WireOperation, task: WireTask): string | undefined => {
  if (operation.id !== undefined) return "Operation 'id' must not be set for LAUNCH"
  if ((task.command === undefined) === (task.executor === undefined)) {
    return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
  }
  if (task.executor !== undefined) return "Custom executors are not supported yet"
  const { command } = task
  if (command === undefined) return undefined
  if ((command.value ?? "") === "") return "CommandInfo.value must be set"
  if (command.uris.length > 0) return "Fetching 'command.uris' is not supported yet"
  if ((command.environment?.variables ?? []).some((variable) => !isVariable(variable.name, variable.value))) {
    return "Environment variables must be plain text with a name that is not empty and has no '='"
  }
  if ([command.value ?? "", ...command.arguments].some((text) => text.includes("\0"))) {
    return "A command must not contain NUL"
  }
  const tooLong = commandLengthProblem(command)
  if (tooLong !== undefined) return tooLong
  const { container } = task
  const isPlain =
    container === undefined ||
    (container.type === "MESOS" &&
      container.mesos?.image === undefined &&
      container.volumes.length === 0 &&
      container.network_infos.length === 0)
  if (!isPlain) return "Containers with an image, volumes or networks are not supported yet"
  const special = (["hostname", "linux_info", "rlimit_info", "tty_info"] as const).find(
    (field) => container?.[field] !== undefined,
  )
  if (special !== undefined) return `'container.${special}' is not supported yet`
  if (task.health_check !== undefined || task.check !== undefined)
    return "Health checks are not supported yet"
  if (task.max_completion_time !== undefined) return "'max_completion_time' is not supported yet"
  if (task.limits !== undefined) return "'limits' are not supported yet"
  return undefined
}

/** Linux executes no argument and no `NAME=VALUE` longer than this, its NUL included (MAX_ARG_STRLEN, execve(2)). */
const wordBytesMax = 131_072
/** A task's command and environment are kept, journalled and sent as they are; more belongs into a file. */
const commandBytesMax = 262_144

/** Why a command could not be executed; told here, where the framework sees what it did, and not by a launch that fails. */
const commandLengthProblem = (command: NonNullable<WireTask["command"]>): string | undefined => {
  const bytesOf = (text: string) => Buffer.byteLength(text) + 1
  const words = [command.value ?? "", ...command.arguments].map(bytesOf)
  const variables = (command.environment?.variables ?? []).map((variable) => ({
    name: variable.name,
    bytes: bytesOf(`${variable.name}=${variable.value ?? ""}`),
  }))
  const long = words.find((bytes) => bytes > wordBytesMax)
  if (long !== undefined) {
    return `A command or argument has ${long - 1} bytes; Linux executes at most ${wordBytesMax - 1} in one`
  }
  const longVariable = variables.find(({ bytes }) => bytes > wordBytesMax)
  if (longVariable !== undefined) {
    const { name, bytes } = longVariable
    return `Environment variable ${name.slice(0, 64)} has ${bytes - 1} bytes with its name; Linux executes at most ${wordBytesMax - 1}`
  }
  const total = [...words, ...variables.map(({ bytes }) => bytes)].reduce((sum, bytes) => sum + bytes, 0)
  return total > commandBytesMax
    ? `Command and environment have ${total} bytes together; a task may have ${commandBytesMax}`
    : undefined
}

const isVariable = (name: string, value: string | undefined): boolean =>
  name !== "" && !/[=\0]/.test(name) && value !== undefined && !value.includes("\0")
