import { Either, Schema } from "effect"
import { Bool, callDecoder, Double, Duration, Id, listOf } from "./ProtoJson.ts"
import type { CallRejection } from "./SchedulerCall.ts"

// The calls of the v1 operator API as JSON (spec/mesos.md §2.11; see ProtoJson.ts).

/** The role may be missing for the parser, and is refused as a role. */
const WeightInfo = Schema.Struct({
  weight: Double,
  role: Schema.optionalWith(Schema.String, { default: () => "" }),
})
export type WireWeightInfo = typeof WeightInfo.Type

const Scalars = Schema.optionalWith(
  Schema.Record({ key: Schema.String, value: Schema.Struct({ value: Double }) }),
  { default: () => ({}) },
)

const QuotaConfig = Schema.Struct({
  role: Schema.String,
  guarantees: Scalars,
  limits: Scalars,
})
export type WireQuotaConfig = typeof QuotaConfig.Type

const Call = Schema.Struct({
  type: Schema.optional(Schema.String),
  teardown: Schema.optional(Schema.Struct({ framework_id: Id })),
  update_weights: Schema.optional(Schema.Struct({ weight_infos: listOf(WeightInfo) })),
  update_quota: Schema.optional(
    Schema.Struct({
      force: Schema.optionalWith(Bool, { default: () => false }),
      quota_configs: listOf(QuotaConfig),
    }),
  ),
  get_metrics: Schema.optional(Schema.Struct({ timeout: Schema.optional(Duration) })),
})
export type WireOperatorCall = typeof Call.Type

const decodeWeights = callDecoder(Schema.Struct({ weight_infos: listOf(WeightInfo) }))

/** The body of PUT /weights: a list of what UPDATE_WEIGHTS carries. */
export const readWeightInfos = (json: unknown): Either.Either<ReadonlyArray<WireWeightInfo>, CallRejection> =>
  Either.mapBoth(decodeWeights({ weight_infos: json }), {
    onLeft: (message): CallRejection => ({ status: 400, message }),
    onRight: ({ weight_infos }) => weight_infos,
  })

const jsonToCall = callDecoder(Call)

/** Calls that say more than their type: the member that must be there. */
const members: { readonly [type: string]: keyof WireOperatorCall } = {
  GET_METRICS: "get_metrics",
  TEARDOWN: "teardown",
  UPDATE_WEIGHTS: "update_weights",
  UPDATE_QUOTA: "update_quota",
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
  ...["GET_TASKS", "GET_ROLES", "GET_WEIGHTS", "GET_MASTER", "SUBSCRIBE"],
  ...["RESERVE_RESOURCES", "UNRESERVE_RESOURCES", "CREATE_VOLUMES", "DESTROY_VOLUMES", "GROW_VOLUME"],
  ...["SHRINK_VOLUME", "GET_MAINTENANCE_STATUS", "GET_MAINTENANCE_SCHEDULE", "UPDATE_MAINTENANCE_SCHEDULE"],
  ...["START_MAINTENANCE", "STOP_MAINTENANCE", "GET_QUOTA", "SET_QUOTA", "REMOVE_QUOTA"],
  ...["MARK_AGENT_GONE", "DRAIN_AGENT", "DEACTIVATE_AGENT", "REACTIVATE_AGENT"],
]

/** Every type of call that counts as one. */
export const operatorCallTypes: ReadonlyArray<string> = [...new Set([...Object.keys(members), ...names])]

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
