import { Schema } from "effect"
import { schedulerCall } from "./messages/SchedulerCall.ts"
import { Operation } from "./OperationSchema.ts"
import { Bool, callDecoder, Double, Id, listOf } from "./ProtoJson.ts"
import { Labels } from "./ResourceSchema.ts"
import { KillPolicy } from "./TaskSchema.ts"

// The scheduler calls of the v1 API as JSON (spec/mesos.md §2.1, §2.3; see ProtoJson.ts). What gleaner does not offer is decoded as
// far as it must be recognised, so that it can be refused by name.

const Filters = Schema.Struct({ refuse_seconds: Schema.optional(Double) })

const OfferFilters = Schema.Struct({
  min_allocatable_resources: Schema.optional(
    Schema.Struct({
      quantities: listOf(
        Schema.Struct({
          quantities: Schema.optionalWith(
            Schema.Record({ key: Schema.String, value: Schema.Struct({ value: Double }) }),
            { default: () => ({}) },
          ),
        }),
      ),
    }),
  ),
})
export type WireOfferFilters = typeof OfferFilters.Type

const TextPredicate = Schema.optional(Schema.Struct({ value: Schema.optional(Schema.String) }))
const RegexPredicate = Schema.optional(Schema.Struct({ regex: Schema.optional(Schema.String) }))

const AttributeConstraint = Schema.Struct({
  selector: Schema.optional(
    Schema.Struct({
      pseudoattribute_type: Schema.optional(Schema.String),
      attribute_name: Schema.optional(Schema.String),
    }),
  ),
  predicate: Schema.optional(
    Schema.Struct({
      exists: Schema.optional(Schema.Unknown),
      not_exists: Schema.optional(Schema.Unknown),
      text_equals: TextPredicate,
      text_not_equals: TextPredicate,
      text_matches: RegexPredicate,
      text_not_matches: RegexPredicate,
    }),
  ),
})
export type WireAttributeConstraint = typeof AttributeConstraint.Type

const RoleConstraints = Schema.Struct({
  groups: listOf(Schema.Struct({ attribute_constraints: listOf(AttributeConstraint) })),
})
export type WireRoleConstraints = typeof RoleConstraints.Type

const FrameworkInfo = Schema.Struct({
  user: Schema.String,
  name: Schema.String,
  id: Schema.optional(Id),
  failover_timeout: Schema.optionalWith(Double, { default: () => 0 }),
  checkpoint: Schema.optionalWith(Bool, { default: () => false }),
  role: Schema.optional(Schema.String),
  roles: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  hostname: Schema.optional(Schema.String),
  principal: Schema.optional(Schema.String),
  webui_url: Schema.optional(Schema.String),
  offer_filters: Schema.optional(Schema.Record({ key: Schema.String, value: OfferFilters })),
  labels: Schema.optional(Labels),
  capabilities: Schema.optionalWith(Schema.Array(Schema.Struct({ type: Schema.optional(Schema.String) })), {
    default: () => [],
  }),
})
export type WireFrameworkInfo = typeof FrameworkInfo.Type

const OfferIds = Schema.optionalWith(Schema.Array(Id), { default: () => [] })
const Roles = Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] })

/** What UPDATE_FRAMEWORK says, too. */
const Subscribe = Schema.Struct({
  framework_info: FrameworkInfo,
  suppressed_roles: Roles,
  offer_constraints: Schema.optional(
    Schema.Struct({
      role_constraints: Schema.optional(Schema.Record({ key: Schema.String, value: RoleConstraints })),
    }),
  ),
})
export type WireSubscribe = typeof Subscribe.Type

const InverseAnswer = Schema.Struct({
  inverse_offer_ids: OfferIds,
  filters: Schema.optional(Filters),
})
export type WireInverseAnswer = typeof InverseAnswer.Type

const Call = Schema.Struct({
  type: Schema.optional(Schema.String),
  framework_id: Schema.optional(Id),
  subscribe: Schema.optional(Subscribe),
  update_framework: Schema.optional(Subscribe),
  accept: Schema.optional(
    Schema.Struct({
      offer_ids: OfferIds,
      operations: Schema.optionalWith(Schema.Array(Operation), { default: () => [] }),
      filters: Schema.optional(Filters),
    }),
  ),
  decline: Schema.optional(Schema.Struct({ offer_ids: OfferIds, filters: Schema.optional(Filters) })),
  accept_inverse_offers: Schema.optional(InverseAnswer),
  decline_inverse_offers: Schema.optional(InverseAnswer),
  revive: Schema.optional(Schema.Struct({ roles: Roles })),
  suppress: Schema.optional(Schema.Struct({ roles: Roles })),
  kill: Schema.optional(
    Schema.Struct({
      task_id: Id,
      agent_id: Schema.optional(Id),
      kill_policy: Schema.optional(KillPolicy),
    }),
  ),
  acknowledge: Schema.optional(Schema.Struct({ agent_id: Id, task_id: Id, uuid: Schema.String })),
  acknowledge_operation_status: Schema.optional(
    Schema.Struct({ agent_id: Schema.optional(Id), operation_id: Id, uuid: Schema.String }),
  ),
  reconcile_operations: Schema.optional(
    Schema.Struct({
      operations: listOf(Schema.Struct({ operation_id: Id, agent_id: Schema.optional(Id) })),
    }),
  ),
  request: Schema.optional(Schema.Struct({})),
  message: Schema.optional(Schema.Struct({ agent_id: Id, executor_id: Id, data: Schema.String })),
  shutdown: Schema.optional(Schema.Struct({ agent_id: Id, executor_id: Id })),
  reconcile: Schema.optional(
    Schema.Struct({
      tasks: Schema.optionalWith(
        Schema.Array(Schema.Struct({ task_id: Id, agent_id: Schema.optional(Id) })),
        { default: () => [] },
      ),
    }),
  ),
})
export type WireCall = typeof Call.Type

/** Reads a JSON object as a call, or says what is wrong with it in Mesos's words (spec/mesos.md §2.2, row 6). */
export const jsonToCall = callDecoder(schedulerCall, Call)
