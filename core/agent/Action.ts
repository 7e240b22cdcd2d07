import type { TaskSpec, TaskState, TaskStatus } from "../Task.ts"

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
  /** To the master, now if connected; it is sent again until acknowledged. */
  | {
      readonly type: "SendStatus"
      readonly status: TaskStatus
      /** The task's newest state: its resources are free when that is terminal, though earlier statuses wait. */
      readonly latestState: TaskState
    }
