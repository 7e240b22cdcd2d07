import { Schema } from "effect"
import { Id, listOf } from "./ProtoJson.ts"
import { Resource } from "./ResourceSchema.ts"
import { ExecutorInfo, TaskInfo } from "./TaskSchema.ts"

// The operations of an ACCEPT as JSON (spec/mesos.md §2.4, "Offer.Operation JSON"). Of those that gleaner has not only the name counts.

const ofResources = Schema.optional(Schema.Struct({ resources: listOf(Resource) }))
const ofVolumes = Schema.optional(Schema.Struct({ volumes: listOf(Resource) }))

export const Operation = Schema.Struct({
  type: Schema.optional(Schema.String),
  id: Schema.optional(Id),
  launch_group: Schema.optional(
    Schema.Struct({
      executor: ExecutorInfo,
      task_group: Schema.Struct({ tasks: listOf(TaskInfo) }),
    }),
  ),
  launch: Schema.optional(Schema.Struct({ task_infos: listOf(TaskInfo) })),
  reserve: Schema.optional(
    Schema.Struct({ resources: listOf(Resource), source: Schema.optional(Schema.Array(Schema.Unknown)) }),
  ),
  unreserve: ofResources,
  create: ofVolumes,
  destroy: ofVolumes,
})
export type WireOperation = typeof Operation.Type
