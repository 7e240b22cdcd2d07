import { Schema } from "effect"
import { Bool, Duration, Id } from "./ProtoJson.ts"
import { Labels, Resource } from "./ResourceSchema.ts"

// TaskInfo as JSON. What gleaner does not offer is decoded as far as it must be recognised, so that it can be refused by name.

export const KillPolicy = Schema.Struct({ grace_period: Schema.optional(Duration) })

const Command = Schema.Struct({
  shell: Schema.optionalWith(Bool, { default: () => true }),
  value: Schema.optional(Schema.String),
  arguments: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
  user: Schema.optional(Schema.String),
  uris: Schema.optionalWith(Schema.Array(Schema.Unknown), { default: () => [] }),
  environment: Schema.optional(
    Schema.Struct({
      variables: Schema.optionalWith(
        Schema.Array(
          Schema.Struct({
            name: Schema.String,
            value: Schema.optional(Schema.String),
            type: Schema.optional(Schema.String),
          }),
        ),
        { default: () => [] },
      ),
    }),
  ),
})

const Container = Schema.Struct({
  type: Schema.String,
  mesos: Schema.optional(Schema.Struct({ image: Schema.optional(Schema.Unknown) })),
  docker: Schema.optional(Schema.Unknown),
  hostname: Schema.optional(Schema.Unknown),
  linux_info: Schema.optional(Schema.Unknown),
  rlimit_info: Schema.optional(Schema.Unknown),
  tty_info: Schema.optional(Schema.Unknown),
  volumes: Schema.optionalWith(Schema.Array(Schema.Unknown), { default: () => [] }),
  network_infos: Schema.optionalWith(Schema.Array(Schema.Unknown), { default: () => [] }),
})

export const ExecutorInfo = Schema.Struct({
  type: Schema.optional(Schema.String),
  executor_id: Id,
  framework_id: Schema.optional(Id),
  resources: Schema.optionalWith(Schema.Array(Resource), { default: () => [] }),
  command: Schema.optional(Schema.Unknown),
  container: Schema.optional(Schema.Unknown),
})
export type WireExecutor = typeof ExecutorInfo.Type

export const TaskInfo = Schema.Struct({
  name: Schema.String,
  task_id: Id,
  agent_id: Id,
  resources: Schema.optionalWith(Schema.Array(Resource), { default: () => [] }),
  command: Schema.optional(Command),
  executor: Schema.optional(Schema.Unknown),
  container: Schema.optional(Container),
  health_check: Schema.optional(Schema.Unknown),
  check: Schema.optional(Schema.Unknown),
  max_completion_time: Schema.optional(Duration),
  discovery: Schema.optional(Schema.Object),
  limits: Schema.optional(Schema.Unknown),
  kill_policy: Schema.optional(KillPolicy),
  labels: Schema.optional(Labels),
})
export type WireTask = typeof TaskInfo.Type
