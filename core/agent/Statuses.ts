import { nextUuid } from "../Prng.ts"
import {
  isTerminal,
  type Label,
  type StatusSource,
  type TaskState,
  type TaskStatus,
  taskKey,
} from "../Task.ts"
import { type AgentContext, deleteTask, killDeadline, putTask, retryDeadline } from "./Context.ts"
import type { AgentEventOf } from "./Event.ts"
import type { AgentTask } from "./State.ts"

// Statuses go to the framework one at a time and are repeated until acknowledged (spec/mesos.md §2.7).

/** What a new status says. */
export interface Announcement {
  readonly state: TaskState
  readonly source: StatusSource
  readonly reason?: string
  readonly message?: string
  readonly labels?: ReadonlyArray<Label>
}

/** Of what a host says of a failure; paths may be long, and a status is kept, repeated and shown. */
const messageLengthMax = 4_000

/** Adds a status to the task's queue and sends it when it is the head; stores the task as given. */
export const announce = (context: AgentContext, task: AgentTask, announcement: Announcement): void => {
  const { state, wallMs } = context
  const status: TaskStatus = {
    taskId: task.spec.taskId,
    frameworkId: task.spec.frameworkId,
    agentId: task.spec.agentId,
    state: announcement.state,
    source: announcement.source,
    reason: announcement.reason || null,
    message: announcement.message ? announcement.message.slice(0, messageLengthMax) : null,
    uuid: nextUuid(state.prng),
    wallMs,
    containerId: task.containerId,
    labels: announcement.labels || [],
    ...(task.spec.executor === undefined ? {} : { executorId: task.spec.executor.executorId }),
    ...(task.parentContainerId === undefined ? {} : { parentContainerId: task.parentContainerId }),
    ...(task.executorPid === undefined ? {} : { executorPid: task.executorPid }),
  }
  const queued: AgentTask = { ...task, pending: task.pending.concat([status]), latest: status }
  if (queued.pending.length === 1) sendHead(context, { ...queued, retryMs: state.settings.retryMs })
  else {
    putTask(context, queued)
    // Its framework waits for the head alone, whose repetition must not come later for it; the master frees the resources.
    if (isTerminal(status.state)) emitHead(context, queued)
  }
}

/** Sends the head of the queue, when connected, and sets its repetition. */
const sendHead = (context: AgentContext, task: AgentTask): void => {
  const { state, nowMs } = context
  if (task.pending.length === 0) return
  const retryAtMs = nowMs + task.retryMs
  const retryMs = Math.min(2 * task.retryMs, state.settings.retryMsMax)
  putTask(context, { ...task, retryAtMs, retryMs })
  state.deadlines.set(retryDeadline(taskKey(task.spec.frameworkId, task.spec.taskId)), retryAtMs)
  emitHead(context, task)
}

const emitHead = ({ state, turn }: AgentContext, task: AgentTask): void => {
  const head = task.pending[0]!
  const latestState = task.latest === null ? head.state : task.latest.state
  if (state.isConnected) turn.emit({ type: "SendStatus", status: head, latestState })
}

export const onRetryDue = (context: AgentContext, key: string): void => {
  const task = context.state.tasks.get(key)
  if (task !== undefined) sendHead(context, task)
}

/** After a registration every head is sent again at once, its wait starting anew. */
export const sendHeads = (context: AgentContext): void => {
  const { state } = context
  for (const key of Array.from(state.tasks.keys()).sort()) {
    sendHead(context, { ...state.tasks.get(key)!, retryMs: state.settings.retryMs })
  }
}

/** Only the head can be acknowledged; anything else is a repetition and ignored. */
export const onStatusAcknowledged = (
  context: AgentContext,
  event: AgentEventOf<"StatusAcknowledged">,
): void => {
  const { state } = context
  const key = taskKey(event.frameworkId, event.taskId)
  const task = state.tasks.get(key)
  const head = task?.pending[0]
  if (task === undefined || head === undefined || head.uuid !== event.uuid) return
  state.deadlines.cancel(retryDeadline(key))
  const rest: AgentTask = {
    ...task,
    pending: task.pending.slice(1),
    retryAtMs: null,
    retryMs: state.settings.retryMs,
  }
  if (isForgettable(rest)) {
    state.deadlines.cancel(killDeadline(key))
    deleteTask(context, key)
  } else {
    putTask(context, rest)
    sendHead(context, rest)
  }
}

/** Whether nothing of the task is left, neither on the host nor to tell. */
const isForgettable = (task: AgentTask): boolean =>
  task.phase === "gone" && task.pending.length === 0 && task.latest !== null && isTerminal(task.latest.state)

/** Label that carries the exit code in numbers, for clients that do not want to read the message. */
export const exitCodeLabel = "gleaner.exit_code"

/**
 * What to say of a task whose process ended. After a kill it is KILLED whatever the exit code (spec/mesos.md §3.4),
 * except that a memory kill by the kernel is told as such.
 */
export const describeExit = (task: AgentTask): Announcement => {
  const { exit } = task
  if (task.evictedWhy !== null) return evicted(task.evictedWhy)
  if (task.isOverdue === true) {
    return {
      state: "TASK_FAILED",
      source: "SOURCE_EXECUTOR",
      reason: "REASON_MAX_COMPLETION_TIME_REACHED",
      message: `The task still ran after ${task.spec.maxCompletionMs} ms, its 'max_completion_time'`,
    }
  }
  if (exit === null) return { state: "TASK_KILLED", source: "SOURCE_EXECUTOR", message: "Command was killed" }
  if (exit.exitCode === null) {
    return {
      state: task.killedSinceMs === null ? "TASK_FAILED" : "TASK_KILLED",
      source: "SOURCE_AGENT",
      ...(task.isHostRestarted
        ? {
            reason: "REASON_AGENT_RESTARTED",
            message: "The exit status is unknown: the host was restarted while the task ran",
          }
        : {
            reason: "REASON_EXECUTOR_TERMINATED",
            message: "The exit status is unknown: the launcher of the task was killed",
          }),
    }
  }
  const labels = [{ key: exitCodeLabel, value: String(exit.exitCode) }]
  if (exit.isOutOfMemory) {
    return {
      state: "TASK_FAILED",
      source: "SOURCE_AGENT",
      reason: "REASON_CONTAINER_LIMITATION_MEMORY",
      message: memoryMessage(exit.memLimitBytes, exit.memMaxBytes),
      labels,
    }
  }
  const message = exitMessage(exit.exitCode)
  if (task.killedSinceMs !== null) {
    return { state: "TASK_KILLED", source: "SOURCE_EXECUTOR", message, labels }
  }
  const state = exit.exitCode === 0 ? "TASK_FINISHED" : "TASK_FAILED"
  return { state, source: "SOURCE_EXECUTOR", message, labels }
}

/** As what Mesos takes back from revocable tasks (spec/mesos.md §1.9); TASK_LOST for frameworks that know no finer loss. */
export const evicted = (why: string): Announcement => ({
  state: "TASK_GONE",
  source: "SOURCE_AGENT",
  reason: "REASON_CONTAINER_PREEMPTED",
  message: `The host took its room back: ${why}`,
})

/** Says of a kill that it came because the host is to be empty (spec/mesos.md §1.11). */
export const nameDrain = ({ drain }: AgentTask, end: Announcement): Announcement => {
  if (drain === null || end.state !== "TASK_KILLED") return end
  return {
    ...end,
    state: drain.isGone ? "TASK_GONE_BY_OPERATOR" : end.state,
    reason: "REASON_AGENT_DRAINING",
  }
}

const memoryMessage = (limitBytes: number | null, maxBytes: number | null): string => {
  const megabytes = (bytes: number | null) =>
    bytes === null ? "unknown" : `${Math.round(bytes / 1048576)}MB`
  return `Memory limit exceeded: Requested: ${megabytes(limitBytes)} Maximum Used: ${megabytes(maxBytes)}; the kernel killed the task (OOM)`
}

const signalNames: { readonly [signal: number]: string } = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
}

/** A shell reports signal n as 128 + n; a command may also exit with such a number itself, hence both are said. */
const exitMessage = (exitCode: number): string => {
  const signal = exitCode > 128 ? signalNames[exitCode - 128] : undefined
  return signal === undefined
    ? `Command exited with status ${exitCode}`
    : `Command terminated with signal ${signal} (status ${exitCode})`
}
