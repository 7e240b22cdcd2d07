import type { PlainResources } from "../resources/PlainForm.ts"
import type { TaskSpec } from "../Task.ts"

// What an ACCEPT asks for, as the wire understood it (spec/mesos.md §2.4). What was found wrong while decoding comes along as a
// `problem`, since the others of the same ACCEPT are to be done all the same.

/** A task in an ACCEPT as the wire understood it. `problem` = why it can't be launched, found while decoding. */
export interface TaskRequest {
  readonly taskId: string
  readonly agentId: string
  readonly name: string
  readonly resources: PlainResources
  /** The role its resources say they are allocated to; null = they leave it to the offer. */
  readonly role: string | null
  readonly command: TaskSpec["command"] | null
  readonly killGraceMs: number | null
  readonly labels: TaskSpec["labels"]
  readonly maxCompletionMs?: number
  readonly shown?: TaskSpec["shown"]
  readonly problem: string | null
  /** Why the rules forbid it to its principal; absent = they do not. */
  readonly unauthorized?: string
}

/** Of all that is not a launch: the name by which the framework wants to hear what came of it; null = it does not. */
interface WithFeedback {
  readonly operationId: string | null
  readonly problem: string | null
  /** Why the rules forbid it to its principal; absent = they do not. */
  readonly unauthorized?: string
}

/** Reservations pushed or popped; volumes made or deleted. The resources as they are to be after RESERVE and CREATE, and as they are
 * before UNRESERVE and DESTROY. */
export interface ConversionRequest extends WithFeedback {
  readonly type: "RESERVE" | "UNRESERVE" | "CREATE" | "DESTROY"
  readonly resources: PlainResources
  /** The role they say they are allocated to; null = they leave it to the offer. */
  readonly role: string | null
}

/** An operation that gleaner has not, or nobody; `problem` says so. */
export interface UnservedRequest extends WithFeedback {
  readonly type: "GROW_VOLUME" | "SHRINK_VOLUME" | "CREATE_DISK" | "DESTROY_DISK" | "UNKNOWN"
}

export interface LaunchRequest {
  readonly type: "LAUNCH"
  readonly tasks: ReadonlyArray<TaskRequest>
}

/** The DEFAULT executor, which only says what is held for it; `problem` = it is another one, or said wrong. */
export interface ExecutorRequest {
  readonly executorId: string
  readonly resources: PlainResources
  /** As in {@link TaskRequest}. */
  readonly role: string | null
  readonly problem: string | null
}

/** Tasks that are launched together or not at all. */
export interface LaunchGroupRequest {
  readonly type: "LAUNCH_GROUP"
  readonly executor: ExecutorRequest
  readonly tasks: ReadonlyArray<TaskRequest>
  readonly problem: string | null
}

export type OperationRequest = LaunchRequest | LaunchGroupRequest | ConversionRequest | UnservedRequest
