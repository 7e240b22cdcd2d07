import type { OperationOutcome, OperationRef } from "../master/Operation.ts"
import type { TaskSpec, TaskState, TaskStatus } from "../Task.ts"
import type { VolumeName } from "./State.ts"

/** What the agent's shell must do, in order, after the step is recorded. */
export type AgentAction =
  /** Make the container, the sandbox, start; answer with TaskStarted or StartFailed, later TaskExited. */
  | { readonly type: "StartTask"; readonly spec: TaskSpec; readonly containerId: string }
  /**
   * Find out what became of a task of an earlier life of this agent, and observe it from now on; answer as to StartTask.
   * One that certainly never ran is started when `mayStart`. After a restart of the host (`isHostRestarted`) nothing of
   * it runs, and only what its launcher wrote down counts.
   */
  | {
      readonly type: "RegainTask"
      readonly spec: TaskSpec
      readonly containerId: string
      readonly phase: "starting" | "running"
      readonly isHostRestarted: boolean
      readonly mayStart: boolean
    }
  /** SIGTERM to everything in the container. */
  | { readonly type: "TerminateTask"; readonly containerId: string }
  /** Freeze, kill, thaw, remove the cgroups; answer with ContainerDestroyed. Also for a task that ended by itself:
   * what it left behind must not live on (law L7). */
  | {
      readonly type: "DestroyContainer"
      readonly frameworkId: string
      readonly taskId: string
      readonly containerId: string
    }
  /** First remove, then make what is not there; answer with VolumesApplied. */
  | {
      readonly type: "ApplyVolumes"
      readonly make: ReadonlyArray<VolumeName>
      readonly remove: ReadonlyArray<VolumeName>
      /** Whose outcome that is. */
      readonly operations: ReadonlyArray<OperationRef>
    }
  | { readonly type: "SendOutcome"; readonly outcome: OperationOutcome }
  /** To the master, now if connected; it is sent again until acknowledged. */
  | {
      readonly type: "SendStatus"
      readonly status: TaskStatus
      /** The task's newest state: its resources are free when that is terminal, though earlier statuses wait. */
      readonly latestState: TaskState
    }
