import type { Stamp } from "../Machine.ts"
import type { OperationRef, ToldOperation } from "../master/Operation.ts"
import type { PlainResources } from "../resources/PlainForm.ts"
import type { DrainOrder, TaskSpec } from "../Task.ts"
import type { TaskExit, VolumeName } from "./State.ts"

interface OfTask {
  readonly frameworkId: string
  readonly taskId: string
}

export type AgentEvent = Stamp &
  (
    | { readonly type: "TimePassed" }
    /** The first event of every process: what is under way has to be taken up again. `bootId` names the time since the
     * host's last start. */
    | { readonly type: "AgentStarted"; readonly bootId: string }
    | { readonly type: "Registered"; readonly agentId: string }
    | { readonly type: "Disconnected" }
    /** The agent is asked to stop: it ends its tasks and begins no new one. */
    | { readonly type: "Stopping" }
    | { readonly type: "LaunchRequested"; readonly spec: TaskSpec }
    /** All of them or none. */
    | { readonly type: "GroupLaunchRequested"; readonly specs: ReadonlyArray<TaskSpec> }
    | (OfTask & {
        readonly type: "KillRequested"
        readonly graceMs: number | null
        readonly drain?: DrainOrder
      })
    /** The host needs the room of this container for its own work. */
    | { readonly type: "EvictionRequested"; readonly containerId: string; readonly why: string }
    | (OfTask & { readonly type: "StatusAcknowledged"; readonly uuid: string })
    /** All that is reserved and made on this host from now on; see the master's message of this name. */
    | {
        readonly type: "CheckpointRequested"
        readonly resources: PlainResources
        readonly destroyed: PlainResources
        readonly operation: OperationRef | null
        readonly operations?: ReadonlyArray<ToldOperation>
      }
    | ({ readonly type: "OperationAcknowledged" } & OperationRef)
    /** What came of `ApplyVolumes`. */
    | {
        readonly type: "VolumesApplied"
        readonly removed: ReadonlyArray<VolumeName>
        readonly operations: ReadonlyArray<OperationRef>
        readonly problem: string | null
      }
    /** The task's own process is executing in its container. */
    | (OfTask & {
        readonly type: "TaskStarted"
        /** The process that waits for its end; missing in events of earlier releases. */
        readonly executorPid?: number
      })
    /** Nothing was started; `reason` is Mesos's name of it. */
    | (OfTask & { readonly type: "StartFailed"; readonly reason: string; readonly message: string })
    | (OfTask & { readonly type: "TaskExited"; readonly exit: TaskExit })
    /** No process and no cgroup of the task is left. */
    | (OfTask & { readonly type: "ContainerDestroyed" })
  )

export type AgentEventOf<Type extends AgentEvent["type"]> = Extract<AgentEvent, { readonly type: Type }>
