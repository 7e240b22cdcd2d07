import { Either, Schema } from "effect"
import { callDecoder, Duration } from "./ProtoJson.ts"
import type { CallRejection } from "./SchedulerCall.ts"

// The calls of the v1 operator API as JSON (spec/mesos.md §2.11; see ProtoJson.ts).

const Call = Schema.Struct({
  type: Schema.optional(Schema.String),
  get_metrics: Schema.optional(Schema.Struct({ timeout: Schema.optional(Duration) })),
})
export type WireOperatorCall = typeof Call.Type

const jsonToCall = callDecoder(Call)

/** Calls that say more than their type: the member that must be there. */
const members: { readonly [type: string]: keyof WireOperatorCall } = {
  GET_METRICS: "get_metrics",
}

/** The other names of the enum. In contrast to those that nobody knows they count as a type. */
const names = [
  ...["UNKNOWN", "GET_HEALTH", "GET_FLAGS", "GET_VERSION", "GET_LOGGING_LEVEL", "SET_LOGGING_LEVEL"],
  ...[
    "LIST_FILES",
    "READ_FILE",
    "GET_STATE",
    "GET_AGENTS",
    "GET_FRAMEWORKS",
    "GET_EXECUTORS",
    "GET_OPERATIONS",
  ],
  ...["GET_TASKS", "GET_ROLES", "GET_WEIGHTS", "UPDATE_WEIGHTS", "GET_MASTER", "SUBSCRIBE"],
  ...["RESERVE_RESOURCES", "UNRESERVE_RESOURCES", "CREATE_VOLUMES", "DESTROY_VOLUMES", "GROW_VOLUME"],
  ...["SHRINK_VOLUME", "GET_MAINTENANCE_STATUS", "GET_MAINTENANCE_SCHEDULE", "UPDATE_MAINTENANCE_SCHEDULE"],
  ...["START_MAINTENANCE", "STOP_MAINTENANCE", "GET_QUOTA", "UPDATE_QUOTA", "SET_QUOTA", "REMOVE_QUOTA"],
  ...["TEARDOWN", "MARK_AGENT_GONE", "DRAIN_AGENT", "DEACTIVATE_AGENT", "REACTIVATE_AGENT"],
]

/** A call whose type is a name of the enum and whose member is there. */
export type OperatorCall = WireOperatorCall & { readonly type: string }

/** Reads an operator's call; an unknown name of a type counts as none (mesos-transcripts README, 3). */
export const readOperatorCall = (json: object): Either.Either<OperatorCall, CallRejection> =>
  Either.flatMap(
    Either.mapLeft(jsonToCall(json), (message): CallRejection => ({ status: 400, message })),
    (call) => {
      const { type } = call
      if (type === undefined || !(names.includes(type) || Object.hasOwn(members, type)))
        return expecting("type")
      const member = Object.hasOwn(members, type) ? members[type]! : "type"
      return call[member] === undefined ? expecting(member) : Either.right({ ...call, type })
    },
  )

const expecting = (field: string): Either.Either<never, CallRejection> =>
  Either.left({ status: 400, message: `Failed to validate master::Call: Expecting '${field}' to be present` })
