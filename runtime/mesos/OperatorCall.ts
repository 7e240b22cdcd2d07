import { Either, Schema } from "effect"
import { Machines, Schedule } from "./MaintenanceCall.ts"
import { operatorCall, quotaRequest, weightInfo } from "./messages/OperatorCall.ts"
import {
  Bool,
  callDecoder,
  Double,
  Duration,
  Id,
  listOf,
  messageDecoder,
  messagesDecoder,
  Span,
} from "./ProtoJson.ts"
import { Resource } from "./ResourceSchema.ts"
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

const OfAgent = Schema.optional(Schema.Struct({ agent_id: Id }))
const OfMachines = Schema.optional(Schema.Struct({ machines: Machines }))
/** uint32 and uint64, as far as JavaScript counts. */
const Whole = Double.pipe(Schema.filter((value) => Number.isSafeInteger(value) && value >= 0))

/** The form of quotas before UPDATE_QUOTA. */
const QuotaRequest = Schema.Struct({
  force: Schema.optionalWith(Bool, { default: () => false }),
  role: Schema.optionalWith(Schema.String, { default: () => "" }),
  guarantee: listOf(Resource),
})
export type WireQuotaRequest = typeof QuotaRequest.Type

const Call = Schema.Struct({
  type: Schema.optional(Schema.String),
  update_maintenance_schedule: Schema.optional(Schema.Struct({ schedule: Schedule })),
  start_maintenance: OfMachines,
  stop_maintenance: OfMachines,
  drain_agent: Schema.optional(
    Schema.Struct({
      agent_id: Id,
      max_grace_period: Schema.optional(Span),
      mark_gone: Schema.optionalWith(Bool, { default: () => false }),
    }),
  ),
  deactivate_agent: OfAgent,
  reactivate_agent: OfAgent,
  mark_agent_gone: OfAgent,
  teardown: Schema.optional(Schema.Struct({ framework_id: Id })),
  update_weights: Schema.optional(Schema.Struct({ weight_infos: listOf(WeightInfo) })),
  update_quota: Schema.optional(
    Schema.Struct({
      force: Schema.optionalWith(Bool, { default: () => false }),
      quota_configs: listOf(QuotaConfig),
    }),
  ),
  set_quota: Schema.optional(Schema.Struct({ quota_request: QuotaRequest })),
  remove_quota: Schema.optional(Schema.Struct({ role: Schema.String })),
  set_logging_level: Schema.optional(Schema.Struct({ level: Whole, duration: Duration })),
  list_files: Schema.optional(Schema.Struct({ path: Schema.String })),
  read_file: Schema.optional(
    Schema.Struct({ path: Schema.String, offset: Whole, length: Schema.optional(Whole) }),
  ),
  reserve_resources: Schema.optional(
    Schema.Struct({
      agent_id: Id,
      resources: listOf(Resource),
      source: Schema.optional(Schema.Array(Schema.Unknown)),
    }),
  ),
  unreserve_resources: Schema.optional(Schema.Struct({ agent_id: Id, resources: listOf(Resource) })),
  create_volumes: Schema.optional(Schema.Struct({ agent_id: Id, volumes: listOf(Resource) })),
  destroy_volumes: Schema.optional(Schema.Struct({ agent_id: Id, volumes: listOf(Resource) })),
  grow_volume: Schema.optional(
    Schema.Struct({ agent_id: Schema.optional(Id), volume: Resource, addition: Resource }),
  ),
  shrink_volume: Schema.optional(
    Schema.Struct({
      agent_id: Schema.optional(Id),
      volume: Resource,
      subtract: Schema.Struct({ value: Double }),
    }),
  ),
  get_metrics: Schema.optional(Schema.Struct({ timeout: Schema.optional(Duration) })),
})
export type WireOperatorCall = typeof Call.Type

/** The body of PUT /weights: a list of what UPDATE_WEIGHTS carries; or what is wrong with it. */
export const readWeightInfos = messagesDecoder(weightInfo, WeightInfo)

/** The body of POST /quota, or what is wrong with it. */
export const readQuotaRequest = messageDecoder(quotaRequest, QuotaRequest)

const jsonToCall = callDecoder(operatorCall, Call)

/** Calls that say more than their type: the member that must be there. */
const members: { readonly [type: string]: keyof WireOperatorCall } = {
  GET_METRICS: "get_metrics",
  TEARDOWN: "teardown",
  UPDATE_WEIGHTS: "update_weights",
  UPDATE_QUOTA: "update_quota",
  UPDATE_MAINTENANCE_SCHEDULE: "update_maintenance_schedule",
  START_MAINTENANCE: "start_maintenance",
  STOP_MAINTENANCE: "stop_maintenance",
  DRAIN_AGENT: "drain_agent",
  DEACTIVATE_AGENT: "deactivate_agent",
  REACTIVATE_AGENT: "reactivate_agent",
  MARK_AGENT_GONE: "mark_agent_gone",
  SET_QUOTA: "set_quota",
  REMOVE_QUOTA: "remove_quota",
  SET_LOGGING_LEVEL: "set_logging_level",
  LIST_FILES: "list_files",
  READ_FILE: "read_file",
  RESERVE_RESOURCES: "reserve_resources",
  UNRESERVE_RESOURCES: "unreserve_resources",
  CREATE_VOLUMES: "create_volumes",
  DESTROY_VOLUMES: "destroy_volumes",
  GROW_VOLUME: "grow_volume",
  SHRINK_VOLUME: "shrink_volume",
}

/** The other names of the enum. In contrast to those that nobody knows they count as a type. */
const names = [
  ...["UNKNOWN", "GET_HEALTH", "GET_FLAGS", "GET_VERSION", "GET_LOGGING_LEVEL"],
  ...["GET_STATE", "GET_AGENTS", "GET_FRAMEWORKS", "GET_EXECUTORS", "GET_OPERATIONS"],
  ...["GET_TASKS", "GET_ROLES", "GET_WEIGHTS", "GET_MASTER", "SUBSCRIBE"],
  ...["GET_MAINTENANCE_STATUS", "GET_MAINTENANCE_SCHEDULE", "GET_QUOTA"],
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
      if (call[member] === undefined) return expecting(member)
      const isOfNobody =
        (member === "grow_volume" || member === "shrink_volume") && call[member]!.agent_id === undefined
      return isOfNobody
        ? expecting("agent_id", "; only agent default resources are supported right now")
        : Either.right({ ...call, type })
    },
  )

const expecting = (field: string, why = ""): Either.Either<never, CallRejection> =>
  Either.left({
    status: 400,
    message: `Failed to validate master::Call: Expecting '${field}' to be present${why}`,
  })
