import type { InverseOffer, Unavailability } from "../allocation/InverseOffers.ts"
import type { PlainResources } from "../resources/PlainForm.ts"
import type { DrainOrder, TaskSpec, TaskStatus } from "../Task.ts"
import type { OperationRef, OperationStatus, ToldOperation } from "./Operation.ts"
import type { AgentRecord, FrameworkRecord, OfferRecord } from "./State.ts"

/** What the master tells an agent. Each is kept in the journal's outbox until the agent has taken it. */
export type AgentMessage =
  | { readonly type: "LaunchTask"; readonly spec: TaskSpec }
  /** All of them or none. */
  | { readonly type: "LaunchGroup"; readonly specs: ReadonlyArray<TaskSpec> }
  | {
      readonly type: "KillTask"
      readonly frameworkId: string
      readonly taskId: string
      /** Null = the task's own grace. */
      readonly graceMs: number | null
      /** Set when its host is drained. */
      readonly drain?: DrainOrder
    }
  | {
      readonly type: "AcknowledgeStatus"
      readonly frameworkId: string
      readonly taskId: string
      readonly uuid: string
    }
  /** All that is reserved and made on the agent, to be remembered; volumes are made, and those named as destroyed are deleted. */
  | {
      readonly type: "CheckpointResources"
      readonly resources: PlainResources
      readonly destroyed: PlainResources
      /** Who wants to hear whether it could be done. */
      readonly operation: OperationRef | null
      /** When that are several; missing = not more than the one. */
      readonly operations?: ReadonlyArray<ToldOperation>
    }
  /** The master has its outcome. */
  | { readonly type: "AcknowledgeOperation"; readonly frameworkId: string; readonly operationId: string }

/** An offer with what a framework must know of the host. */
export interface OfferedHost {
  readonly offer: OfferRecord
  readonly agent: AgentRecord
  /** The framework's executors there; missing = none. */
  readonly executorIds?: ReadonlyArray<string>
  /** When the host will be away; null = nobody has said so. */
  readonly unavailability: Unavailability | null
}

/** An inverse offer with what a framework must know of the host. */
export interface InverselyOfferedHost {
  readonly offer: InverseOffer
  readonly agent: AgentRecord
}

/**
 * What the master's shell must do, in order, after the step's transaction is durable. Stream actions go to the stream
 * named, and to nobody when it is gone: offers die with it, and agents repeat unacknowledged statuses. `SendToAgent`
 * is durable: the shell puts it into the outbox in the same transaction and delivers it until it is acknowledged.
 */
export type MasterAction =
  | { readonly type: "ConfirmSubscription"; readonly streamId: string; readonly framework: FrameworkRecord }
  /** ERROR event, then the stream is closed. */
  | { readonly type: "RefuseSubscription"; readonly streamId: string; readonly message: string }
  | {
      readonly type: "OfferResources"
      readonly streamId: string
      readonly framework: FrameworkRecord
      readonly offers: ReadonlyArray<OfferedHost>
    }
  | { readonly type: "RescindOffer"; readonly streamId: string; readonly offerId: string }
  | {
      readonly type: "OfferInversely"
      readonly streamId: string
      readonly offers: ReadonlyArray<InverselyOfferedHost>
    }
  | {
      readonly type: "RescindInverseOffer"
      readonly streamId: string
      readonly inverseOfferId: string
    }
  | { readonly type: "SendStatus"; readonly streamId: string; readonly status: TaskStatus }
  | {
      readonly type: "SendOperationStatus"
      readonly streamId: string
      readonly status: OperationStatus
    }
  | { readonly type: "ReportAgentFailure"; readonly streamId: string; readonly agentId: string }
  /** An executor of task groups has ended, as its last task has. */
  | {
      readonly type: "ReportExecutorEnd"
      readonly streamId: string
      readonly agentId: string
      readonly executorId: string
    }
  | { readonly type: "CloseStream"; readonly streamId: string }
  | { readonly type: "ConfirmRegistration"; readonly streamId: string; readonly agentId: string }
  /** The reason is written, then the stream is closed. */
  | { readonly type: "RefuseRegistration"; readonly streamId: string; readonly reason: string }
  /** The agent is to end its tasks and itself; the reason is written, then the stream is closed. */
  | { readonly type: "ShutDownAgent"; readonly streamId: string; readonly reason: string }
  /** Nothing that waits for this agent is to be delivered any more. */
  | { readonly type: "DropMessages"; readonly agentId: string }
  | { readonly type: "SendToAgent"; readonly agentId: string; readonly message: AgentMessage }
