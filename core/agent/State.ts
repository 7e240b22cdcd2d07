import { Deadlines } from "../Deadlines.ts"
import type { OperationRef } from "../master/Operation.ts"
import { type Prng, seedPrng } from "../Prng.ts"
import type { PlainResources } from "../resources/PlainForm.ts"
import type { DrainOrder, TaskSpec, TaskStatus } from "../Task.ts"

export interface AgentSettings {
  /** SIGTERM to SIGKILL when neither task nor call says otherwise (spec/mesos.md §3.5: 3 s). */
  readonly killGraceMs: number
  /** First repetition of an unacknowledged status; doubles up to the maximum (spec/mesos.md §2.7: 10 s, 10 min). */
  readonly retryMs: number
  readonly retryMsMax: number
}

export const defaultAgentSettings: AgentSettings = {
  killGraceMs: 3_000,
  retryMs: 10_000,
  retryMsMax: 600_000,
}

/**
 * Where a task is in its life on this host:
 * starting (launch asked for) → running → ending (its container is being destroyed) → gone (only statuses are left).
 */
export type TaskPhase = "starting" | "running" | "ending" | "gone"

export interface AgentTask {
  readonly spec: TaskSpec
  readonly containerId: string
  /** What those of one group's executor have in common: a name, since nothing runs in it but they. */
  readonly parentContainerId?: string
  /** The process that waits for its end, once it runs. */
  readonly executorPid?: number
  readonly phase: TaskPhase
  /** When the first KILL arrived; null = not being killed. */
  readonly killedSinceMs: number | null
  /** When SIGKILL follows; repeated kills may only shorten it. */
  readonly killAtMs: number | null
  /** When it fails if it still runs; missing = it may run for ever, or has not been started. */
  readonly completeAtMs?: number
  /** That moment has come, and it is being ended for it. */
  readonly isOverdue?: boolean
  /** Set when the first KILL came because the host is to be empty. */
  readonly drain: DrainOrder | null
  /** Why the host takes its room back (design §5); null = it does not. A kill that a framework asks for comes first. */
  readonly evictedWhy: string | null
  /** The host was restarted since the task began: it cannot run any more. */
  readonly isHostRestarted: boolean
  /** How the main process ended, while the container is still being destroyed. */
  readonly exit: TaskExit | null
  /** Statuses not yet acknowledged, oldest first; only the head is in flight (spec/mesos.md §2.7). At most three:
   * STARTING, RUNNING and a terminal one. */
  readonly pending: ReadonlyArray<TaskStatus>
  /** The newest status, acknowledged or not. */
  readonly latest: TaskStatus | null
  /** When the head is sent again. */
  readonly retryAtMs: number | null
  /** Wait before that repetition. */
  readonly retryMs: number
}

/** A persistent volume of this host: its id is unique within its role. */
export interface VolumeName {
  readonly role: string
  readonly id: string
}

/** An operation whose framework wants to hear of it, until the master has the outcome. */
export interface AgentOperation extends OperationRef {
  /** Null = under way. */
  readonly outcome: { readonly problem: string | null } | null
}

/** How a task's main process ended, as the host saw it. */
export interface TaskExit {
  /** 0–255; 128 + n after signal n, as a shell counts. Null: nobody knows, because its launcher was killed or the
   * host restarted. */
  readonly exitCode: number | null
  /** The kernel killed for memory in this container. */
  readonly isOutOfMemory: boolean
  /** Highest memory use, bytes; null when the host cannot tell. */
  readonly memMaxBytes: number | null
  readonly memLimitBytes: number | null
}

export interface AgentState {
  readonly settings: AgentSettings
  readonly prng: Prng
  nowMs: number
  /** Of the host's start in which this agent ran last; null before its first. */
  bootId: string | null
  /** Given by the master at the first registration. */
  agentId: string | null
  isConnected: boolean
  /** Every task is being ended, and no new one is begun. Of this process, not stored. */
  isStopping: boolean
  /** What is reserved and made on this host, as its master has told. */
  checkpointed: PlainResources
  /** Volumes that are destroyed, and whose data is not gone yet. */
  doomed: ReadonlyArray<VolumeName>
  /** By `operationKey`. */
  readonly operations: Map<string, AgentOperation>
  /** By `taskKey`. */
  readonly tasks: Map<string, AgentTask>
  readonly deadlines: Deadlines
}

/** `seed` must be unguessable and different for every agent: container ids and status uuids come from it. */
export const initialAgentState = (
  agentId: string | null,
  seed: string,
  settings: AgentSettings,
): AgentState => ({
  settings,
  prng: seedPrng(seed),
  nowMs: 0,
  bootId: null,
  agentId,
  isConnected: false,
  isStopping: false,
  checkpointed: {},
  doomed: [],
  operations: new Map(),
  tasks: new Map(),
  deadlines: new Deadlines(),
})
