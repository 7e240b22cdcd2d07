import { Either, Schema } from "effect"
import { idProblem } from "../../core/Task.ts"
import { agentCall, agentCallNames } from "./messages/AgentCall.ts"
import { Bool, callDecoder, Double, Duration, Id, listOf } from "./ProtoJson.ts"
import type { CallRejection } from "./SchedulerCall.ts"

// The calls of the v1 operator API of agents as JSON (spec/mesos.md §2.11, "Agent v1"; see ProtoJson.ts).

/** A container, and the one that it lies in. */
export interface WireContainerId {
  readonly value: string
  readonly parent?: WireContainerId | undefined
}

const ContainerId: Schema.Schema<WireContainerId> = Schema.Struct({
  value: Schema.String,
  parent: Schema.optional(Schema.suspend((): Schema.Schema<WireContainerId> => ContainerId)),
})

/** uint32 and uint64, as far as JavaScript counts. */
const Whole = Double.pipe(Schema.filter((value) => Number.isSafeInteger(value) && value >= 0))

const OfContainer = Schema.optional(Schema.Struct({ container_id: ContainerId }))
const Anything = Schema.optional(Schema.Struct({}))

const Call = Schema.Struct({
  type: Schema.optional(Schema.String),
  get_metrics: Schema.optional(Schema.Struct({ timeout: Schema.optional(Duration) })),
  set_logging_level: Schema.optional(Schema.Struct({ level: Whole, duration: Duration })),
  list_files: Schema.optional(Schema.Struct({ path: Schema.String })),
  read_file: Schema.optional(
    Schema.Struct({ path: Schema.String, offset: Whole, length: Schema.optional(Whole) }),
  ),
  get_containers: Schema.optional(
    Schema.Struct({ show_nested: Schema.optional(Bool), show_standalone: Schema.optional(Bool) }),
  ),
  launch_container: Schema.optional(
    Schema.Struct({ container_id: ContainerId, resources: listOf(Schema.Unknown) }),
  ),
  wait_container: OfContainer,
  kill_container: OfContainer,
  remove_container: OfContainer,
  launch_nested_container: OfContainer,
  wait_nested_container: OfContainer,
  kill_nested_container: OfContainer,
  remove_nested_container: OfContainer,
  launch_nested_container_session: OfContainer,
  attach_container_input: Schema.optional(
    Schema.Struct({ type: Schema.optional(Schema.String), container_id: Schema.optional(ContainerId) }),
  ),
  attach_container_output: OfContainer,
  add_resource_provider_config: Anything,
  update_resource_provider_config: Anything,
  remove_resource_provider_config: Schema.optional(
    Schema.Struct({ type: Schema.String, name: Schema.String }),
  ),
  mark_resource_provider_gone: Schema.optional(Schema.Struct({ resource_provider_id: Id })),
})
export type WireAgentCall = typeof Call.Type

const jsonToCall = callDecoder(agentCall, Call)

/** Calls that say more than their type: the member that must be there. */
const members = {
  GET_METRICS: "get_metrics",
  SET_LOGGING_LEVEL: "set_logging_level",
  LIST_FILES: "list_files",
  READ_FILE: "read_file",
  LAUNCH_CONTAINER: "launch_container",
  WAIT_CONTAINER: "wait_container",
  KILL_CONTAINER: "kill_container",
  REMOVE_CONTAINER: "remove_container",
  LAUNCH_NESTED_CONTAINER: "launch_nested_container",
  WAIT_NESTED_CONTAINER: "wait_nested_container",
  KILL_NESTED_CONTAINER: "kill_nested_container",
  REMOVE_NESTED_CONTAINER: "remove_nested_container",
  LAUNCH_NESTED_CONTAINER_SESSION: "launch_nested_container_session",
  ATTACH_CONTAINER_INPUT: "attach_container_input",
  ATTACH_CONTAINER_OUTPUT: "attach_container_output",
  ADD_RESOURCE_PROVIDER_CONFIG: "add_resource_provider_config",
  UPDATE_RESOURCE_PROVIDER_CONFIG: "update_resource_provider_config",
  REMOVE_RESOURCE_PROVIDER_CONFIG: "remove_resource_provider_config",
  MARK_RESOURCE_PROVIDER_GONE: "mark_resource_provider_gone",
} as const satisfies { readonly [type: string]: keyof WireAgentCall }

/** Every type of call that counts as one. */
export const agentCallTypes: ReadonlyArray<string> = agentCallNames

/** A call whose type is a name of the enum, and which is valid as far as itself says. */
export type AgentCall = WireAgentCall & { readonly type: string }

/** A dot would stand between parent and child, a space makes logs hard to read; Mesos refuses both here alone. */
const containerIdProblem = ({ value, parent }: WireContainerId): string | undefined => {
  const problem =
    idProblem(value) ?? (/[. ]/.test(value) ? `'${value}' contains invalid characters` : undefined)
  if (problem !== undefined || parent === undefined) return problem
  const parentProblem = containerIdProblem(parent)
  return parentProblem === undefined ? undefined : `'ContainerID.parent' is invalid: ${parentProblem}`
}

const mustHaveParent = [
  "launch_nested_container",
  "wait_nested_container",
  "kill_nested_container",
  "remove_nested_container",
  "launch_nested_container_session",
]

const expecting = (field: string) => `Expecting '${field}' to be present`

/** What is wrong with a call's container, in Mesos's order. */
const containerProblem = (call: WireAgentCall, member: string): string | undefined => {
  const { attach_container_input: input } = call
  if (member === "attach_container_input") {
    if (input?.type !== "CONTAINER_ID" && input?.type !== "PROCESS_IO") return expecting(`${member}.type`)
    if (input.type !== "CONTAINER_ID") return `Expecting '${member}.type' to be CONTAINER_ID`
    if (input.container_id === undefined) return expecting(`${member}.container_id`)
  }
  const id = (call as { readonly [name: string]: { readonly container_id?: WireContainerId } | undefined })[
    member
  ]?.container_id
  if (id === undefined) return undefined
  const problem = containerIdProblem(id)
  if (problem !== undefined) return `'${member}.container_id' is invalid: ${problem}`
  if (mustHaveParent.includes(member) && id.parent === undefined)
    return expecting(`${member}.container_id.parent`)
  return member === "launch_container" &&
    id.parent !== undefined &&
    call.launch_container!.resources.length > 0
    ? "Resources may not be specified when using 'launch_container' to launch nested containers"
    : undefined
}

const problemOf = (call: WireAgentCall): string | undefined => {
  const { type } = call
  // An unknown name counts as none (mesos-transcripts README, 3).
  if (type === undefined || !agentCallTypes.includes(type)) return expecting("type")
  if (!Object.hasOwn(members, type)) return undefined
  const member = members[type as keyof typeof members]
  return call[member] === undefined ? expecting(member) : containerProblem(call, member)
}

/** Reads a call of an agent's operator. */
export const readAgentCall = (json: object): Either.Either<AgentCall, CallRejection> =>
  Either.flatMap(
    Either.mapLeft(jsonToCall(json), (message): CallRejection => ({ status: 400, message })),
    (call) => {
      const problem = problemOf(call)
      return problem === undefined
        ? Either.right({ ...call, type: call.type! })
        : Either.left({ status: 400, message: `Failed to validate agent::Call: ${problem}` })
    },
  )
