import type { ConversionType } from "../resources/Conversion.ts"
import type { PlainResources } from "../resources/PlainForm.ts"

// Operations that a framework gave an id, because it wants to hear what came of them (spec/mesos.md §2.12).

/** Names as in Mesos. What is no state of a record is told of operations that have none, or whose agent is away. */
export type OperationState =
  | "OPERATION_PENDING"
  | "OPERATION_FINISHED"
  | "OPERATION_FAILED"
  | "OPERATION_ERROR"
  | "OPERATION_DROPPED"
  | "OPERATION_UNREACHABLE"
  | "OPERATION_GONE_BY_OPERATOR"
  | "OPERATION_RECOVERING"
  | "OPERATION_UNKNOWN"

export interface OperationStatus {
  readonly operationId: string
  readonly state: OperationState
  readonly message: string | null
  /** With one the framework must acknowledge. */
  readonly uuid: string | null
  readonly agentId: string | null
}

/** Kept until the framework has acknowledged the end of it. */
export interface OperationRecord {
  readonly frameworkId: string
  readonly operationId: string
  readonly agentId: string
  readonly type: ConversionType
  readonly resources: PlainResources
  /** Pending until the agent has said whether it could. */
  readonly state: "OPERATION_PENDING" | "OPERATION_FINISHED" | "OPERATION_FAILED"
  readonly message: string | null
  /** Of its final status; null while it is pending. */
  readonly uuid: string | null
  /** When that is told again; null = it is pending. */
  readonly retryAtMs: number | null
  /** Wait after that. */
  readonly retryMs: number
}

/** Names an operation to its agent, and back. */
export interface OperationRef {
  readonly frameworkId: string
  readonly operationId: string
}

/** One of several that one message tells an agent of. */
export interface ToldOperation extends OperationRef {
  /** False: it is done as soon as the agent remembers it; true: when it has made and removed its volumes. */
  readonly hasVolumes: boolean
}

/** What an agent says of an operation. */
export interface OperationOutcome extends OperationRef {
  /** Null = it is done. */
  readonly problem: string | null
}

/** Framework ids contain no slash; the name of an operation may. */
export const operationKey = ({ frameworkId, operationId }: OperationRef): string =>
  `${frameworkId}/${operationId}`

/** Operations of one framework that are not acknowledged; one more is refused. */
export const operationsMax = 10_000
