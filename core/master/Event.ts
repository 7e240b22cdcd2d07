import type { Stamp } from "../Machine.ts"
import type { ConversionType } from "../resources/Conversion.ts"
import type { PlainResources } from "../resources/PlainForm.ts"
import type { Quantities } from "../resources/Quantities.ts"
import type { TaskSpec, TaskState, TaskStatus } from "../Task.ts"
import type { MachineId, MaintenanceWindow } from "./HostRecords.ts"
import type { OperationOutcome } from "./Operation.ts"
import type { OperationRequest } from "./OperationRequest.ts"
import type { FrameworkInfo, NetworkAddress, QuotaRecord, TextAttribute, WeightRecord } from "./State.ts"

/** A task that an agent says it has. */
export interface ReportedTask {
  readonly spec: TaskSpec
  /** Its latest status; null while it is being launched. */
  readonly status: TaskStatus | null
}

export type MasterEvent = Stamp &
  (
    | { readonly type: "MasterStarted" }
    | { readonly type: "TimePassed" }
    | {
        readonly type: "AgentRegistered"
        readonly streamId: string
        /** The id it had before; null on its first registration. */
        readonly agentId: string | null
        readonly address: NetworkAddress
        /** What the host has, with its static reservations. */
        readonly total: PlainResources
        /** What is to be kept for the host's own work. */
        readonly reserve: Quantities
        readonly attributes: ReadonlyArray<TextAttribute>
        readonly version: string
        readonly tasks: ReadonlyArray<ReportedTask>
        /** What it remembers to be reserved and made on it. */
        readonly checkpointed: PlainResources
        /** Operations that it has done, or could not do, and whose acknowledgement it has not seen. */
        readonly outcomes: ReadonlyArray<OperationOutcome>
        /** Keys of tasks whose launch is still on its way to this agent. */
        readonly launching: ReadonlyArray<string>
        /** Uuids of statuses whose acknowledgement is still on its way to this agent. */
        readonly acknowledging: ReadonlyArray<string>
        /** Keys of tasks whose kill is on its way to this agent. Journals of releases until 0.3 do not have it. */
        readonly killing?: ReadonlyArray<string>
        /** Keys of operations that are still on their way to this agent. */
        readonly converting: ReadonlyArray<string>
      }
    /** The agent's monitor wants another amount kept for the host's own work (`HoldReserve`, design §5). */
    | {
        readonly type: "ReserveChanged"
        readonly agentId: string
        readonly streamId: string
        readonly reserve: Quantities
      }
    /** The agent ends its tasks and will take no more. */
    | { readonly type: "AgentStopping"; readonly agentId: string; readonly streamId: string }
    | { readonly type: "AgentDisconnected"; readonly agentId: string; readonly streamId: string }
    | {
        readonly type: "StatusReported"
        readonly agentId: string
        readonly status: TaskStatus
        /** The newest state of the task; later than the status when that waits for its acknowledgement. */
        readonly latestState: TaskState
      }
    | {
        readonly type: "FrameworkSubscribed"
        readonly streamId: string
        /** Null = new; otherwise a failover, or a framework of a former master. */
        readonly frameworkId: string | null
        readonly info: FrameworkInfo
        readonly suppressedRoles: ReadonlyArray<string>
      }
    /** UPDATE_FRAMEWORK: replaces what SUBSCRIBE said. */
    | {
        readonly type: "FrameworkUpdated"
        readonly frameworkId: string
        readonly info: FrameworkInfo
        readonly suppressedRoles: ReadonlyArray<string>
      }
    | { readonly type: "FrameworkDisconnected"; readonly frameworkId: string; readonly streamId: string }
    | {
        readonly type: "OffersAccepted"
        readonly frameworkId: string
        readonly offerIds: ReadonlyArray<string>
        /** In the order in which they are to be done. */
        readonly operations: ReadonlyArray<OperationRequest>
        /** Of the framework, as authentication has proven it; absent = nobody knows. */
        readonly principal?: string | null
        /** For the unused rest; null = the default, 0 = no filter. */
        readonly refuseMs: number | null
      }
    | {
        readonly type: "OffersDeclined"
        readonly frameworkId: string
        readonly offerIds: ReadonlyArray<string>
        readonly refuseMs: number | null
      }
    | {
        readonly type: "InverseOffersAnswered"
        readonly frameworkId: string
        readonly inverseOfferIds: ReadonlyArray<string>
        readonly answer: "accept" | "decline"
        /** Until it may be asked again; null = the default. */
        readonly refuseMs: number | null
      }
    | {
        readonly type: "OffersRevived"
        readonly frameworkId: string
        /** Empty = all its roles. */
        readonly roles: ReadonlyArray<string>
      }
    | {
        readonly type: "OffersSuppressed"
        readonly frameworkId: string
        readonly roles: ReadonlyArray<string>
      }
    | {
        readonly type: "KillRequested"
        readonly frameworkId: string
        readonly taskId: string
        readonly agentId: string | null
        readonly graceMs: number | null
      }
    /** SHUTDOWN. A command's executor is called as its task. */
    | {
        readonly type: "ExecutorShutdownRequested"
        readonly frameworkId: string
        readonly agentId: string
        readonly executorId: string
      }
    | {
        readonly type: "StatusAcknowledged"
        readonly frameworkId: string
        readonly agentId: string
        readonly taskId: string
        readonly uuid: string
      }
    | {
        readonly type: "ReconciliationRequested"
        readonly frameworkId: string
        /** Empty = every task of the framework (implicit). */
        readonly tasks: ReadonlyArray<{ readonly taskId: string; readonly agentId: string | null }>
      }
    /** An agent says what came of an operation. */
    | { readonly type: "OperationReported"; readonly agentId: string; readonly outcome: OperationOutcome }
    | {
        readonly type: "OperationAcknowledged"
        readonly frameworkId: string
        readonly operationId: string
        readonly agentId: string | null
        readonly uuid: string
      }
    | {
        readonly type: "OperationsReconciled"
        readonly frameworkId: string
        /** Empty = every operation of the framework. */
        readonly operations: ReadonlyArray<{ readonly operationId: string; readonly agentId: string | null }>
      }
    /** An operator wants resources of an agent converted. */
    | {
        readonly type: "OperationRequested"
        readonly agentId: string
        readonly operation: ConversionType
        readonly resources: PlainResources
        /** Of the operator, as authentication has proven it. */
        readonly principal: string | null
      }
    | { readonly type: "TeardownRequested"; readonly frameworkId: string }
    /** An operator gives roles other weights, whatever the settings say. Positive and finite. */
    | { readonly type: "WeightsUpdated"; readonly weights: ReadonlyArray<WeightRecord> }
    /** The same for quotas; one without guarantees and limits takes a role's quota away. Top-level roles only. */
    | { readonly type: "QuotasUpdated"; readonly quotas: ReadonlyArray<QuotaRecord> }
    /** What an operator said of a role's quota is as if it had never been said; one of the settings is none from now on. */
    | { readonly type: "QuotaRemoved"; readonly role: string }
    /** Nothing more of the host is to be offered. */
    | { readonly type: "AgentDeactivated"; readonly agentId: string }
    | { readonly type: "AgentReactivated"; readonly agentId: string }
    /** The host is to be empty; see `Drain` for what is asked. */
    | {
        readonly type: "DrainRequested"
        readonly agentId: string
        readonly graceMaxMs: number | null
        readonly isGoneAfter: boolean
      }
    | { readonly type: "AgentGone"; readonly agentId: string }
    /** The whole maintenance schedule, instead of the one before. */
    | { readonly type: "MaintenanceScheduled"; readonly windows: ReadonlyArray<MaintenanceWindow> }
    | { readonly type: "MachinesBroughtDown"; readonly machines: ReadonlyArray<MachineId> }
    | { readonly type: "MachinesBroughtUp"; readonly machines: ReadonlyArray<MachineId> }
  )

/** The event of one type. */
export type MasterEventOf<Type extends MasterEvent["type"]> = Extract<MasterEvent, { readonly type: Type }>
