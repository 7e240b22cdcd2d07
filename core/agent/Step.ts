import { assert } from "../Assert.ts"
import { type Step, Turn } from "../Machine.ts"
import { nextUuid } from "../Prng.ts"
import { type TaskSpec, taskKey } from "../Task.ts"
import type { AgentAction } from "./Action.ts"
import {
  onCheckpointRequested,
  onOperationAcknowledged,
  onVolumesApplied,
  sendOutcomes,
  takeUpCheckpoint,
} from "./Checkpoint.ts"
import { type AgentContext, completeDeadline, killDeadline, putTask, retryDeadline } from "./Context.ts"
import type { AgentEvent, AgentEventOf } from "./Event.ts"
import { hasRoomFor, specBytesMax } from "./SpecSize.ts"
import type { AgentState, AgentTask } from "./State.ts"
import {
  type Announcement,
  announce,
  describeExit,
  evicted,
  nameDrain,
  onRetryDue,
  onStatusAcknowledged,
  sendHeads,
} from "./Statuses.ts"

/**
 * The agent: the life of every task on one host (design §2). It decides; the shell starts, signals and destroys. A task
 * leaves the state when its terminal status is acknowledged and nothing of it is left on the host.
 */
export const stepAgent = (state: AgentState, event: AgentEvent): Step<AgentAction> => {
  assert(event.nowMs >= state.nowMs, () => `time went back from ${state.nowMs} to ${event.nowMs}`)
  state.nowMs = event.nowMs
  const turn = new Turn<AgentAction>()
  turn.touch("agent", "self")
  handle({ state, turn, nowMs: event.nowMs, wallMs: event.wallMs }, event)
  return turn.finish(state.deadlines.nextAtMs())
}

const handle = (context: AgentContext, event: AgentEvent): void => {
  switch (event.type) {
    case "TimePassed":
      return fireDeadlines(context)
    case "AgentStarted":
      return onAgentStarted(context, event.bootId)
    case "Registered":
      context.state.agentId = event.agentId
      context.state.isConnected = true
      sendOutcomes(context)
      return sendHeads(context)
    case "Disconnected":
      context.state.isConnected = false
      return
    case "Stopping":
      return onStopping(context)
    case "LaunchRequested":
      return onLaunchRequested(context, [event.spec])
    case "GroupLaunchRequested":
      return onLaunchRequested(context, event.specs)
    case "KillRequested":
      return killTask(context, event)
    case "EvictionRequested":
      return onEvictionRequested(context, event)
    case "StatusAcknowledged":
      return onStatusAcknowledged(context, event)
    case "CheckpointRequested":
      return onCheckpointRequested(context, event)
    case "OperationAcknowledged":
      return onOperationAcknowledged(context, event)
    case "VolumesApplied":
      return onVolumesApplied(context, event)
    case "TaskStarted":
      return onTaskStarted(context, event)
    case "StartFailed":
      return onStartFailed(context, event)
    case "TaskExited":
      return onTaskExited(context, event)
    case "ContainerDestroyed":
      return onContainerDestroyed(context, event)
  }
}

/**
 * A new process takes up what the one before it had under way. Whatever that one decided is durable, but perhaps not
 * carried out; statuses wait for the registration.
 */
const onAgentStarted = (context: AgentContext, bootId: string): void => {
  const { state } = context
  const isHostRestarted = state.bootId !== null && state.bootId !== bootId
  state.bootId = bootId
  state.isConnected = false
  state.isStopping = false
  takeUpCheckpoint(context)
  for (const key of Array.from(state.tasks.keys()).sort()) {
    const known = state.tasks.get(key)!
    const task = isHostRestarted ? { ...known, isHostRestarted } : known
    if (isHostRestarted) putTask(context, task)
    takeUp(context, task)
  }
}

const takeUp = ({ turn }: AgentContext, task: AgentTask): void => {
  const { spec, containerId, phase, isHostRestarted } = task
  const isKilled = task.killedSinceMs !== null
  if (phase === "starting" || phase === "running") {
    const mayStart = phase === "starting" && !isKilled && !isHostRestarted
    turn.emit({ type: "RegainTask", spec, containerId, phase, isHostRestarted, mayStart })
    if (phase === "running" && isKilled) turn.emit({ type: "TerminateTask", containerId })
  } else if (phase === "ending") {
    const { frameworkId, taskId } = spec
    turn.emit({ type: "DestroyContainer", frameworkId, taskId, containerId })
  }
}

/** One task, or those of a group: all of them are begun or none. */
const onLaunchRequested = (context: AgentContext, specs: ReadonlyArray<TaskSpec>): void => {
  const { state } = context
  // The master may repeat a launch whose acknowledgement got lost.
  const begun = specs
    .filter(({ frameworkId, taskId }) => !state.tasks.has(taskKey(frameworkId, taskId)))
    .map((spec) => newTask(context, spec))
    .map(withParentOf(context, specs))
  if (state.isStopping) {
    for (const task of begun) drop(context, task, "REASON_AGENT_RESTARTED", "The agent is stopping")
  } else if (
    begun.length > 0 &&
    !hasRoomFor(
      state,
      begun.map(({ spec }) => spec),
    )
  ) {
    const message = `The commands, environments and labels of this agent's tasks may have ${specBytesMax} bytes together: put long texts into files`
    for (const task of begun) drop(context, task, "REASON_CONTAINER_LAUNCH_FAILED", message)
  } else {
    for (const task of begun) {
      announce(context, task, { state: "TASK_STARTING", source: "SOURCE_EXECUTOR" })
      context.turn.emit({ type: "StartTask", spec: task.spec, containerId: task.containerId })
    }
  }
}

const newTask = ({ state }: AgentContext, spec: TaskSpec): AgentTask => ({
  spec,
  containerId: nextUuid(state.prng),
  phase: "starting",
  killedSinceMs: null,
  killAtMs: null,
  drain: null,
  evictedWhy: null,
  isHostRestarted: false,
  exit: null,
  pending: [],
  latest: null,
  retryAtMs: null,
  retryMs: state.settings.retryMs,
})

/** Tasks of an executor say one container that theirs are within, also those of groups that come later. */
const withParentOf = (
  { state }: AgentContext,
  specs: ReadonlyArray<TaskSpec>,
): ((task: AgentTask) => AgentTask) => {
  const first = specs.find(({ executor }) => executor !== undefined)
  if (first === undefined) return (task) => task
  const others = Array.from(state.tasks.values()).filter(
    ({ spec }) =>
      spec.frameworkId === first.frameworkId && spec.executor?.executorId === first.executor?.executorId,
  )
  const known = others.find(({ parentContainerId }) => parentContainerId !== undefined)
  const parentContainerId = known === undefined ? nextUuid(state.prng) : known.parentContainerId!
  return (task) => ({ ...task, parentContainerId })
}

/** It was never begun. */
const drop = (context: AgentContext, task: AgentTask, reason: string, message: string): void =>
  announce(
    context,
    { ...task, phase: "gone" },
    { state: "TASK_DROPPED", source: "SOURCE_AGENT", reason, message },
  )

const onStopping = (context: AgentContext): void => {
  context.state.isStopping = true
  for (const key of Array.from(context.state.tasks.keys()).sort()) {
    const { frameworkId, taskId } = context.state.tasks.get(key)!.spec
    killTask(context, { frameworkId, taskId, graceMs: null })
  }
}

const onTaskStarted = (context: AgentContext, event: AgentEventOf<"TaskStarted">): void => {
  const key = taskKey(event.frameworkId, event.taskId)
  const task = context.state.tasks.get(key)
  if (task === undefined || task.phase !== "starting") return
  const { maxCompletionMs } = task.spec
  const completeAtMs = maxCompletionMs === undefined ? undefined : context.nowMs + maxCompletionMs
  const running: AgentTask = {
    ...task,
    phase: "running",
    ...(event.executorPid === undefined ? {} : { executorPid: event.executorPid }),
    ...(completeAtMs === undefined ? {} : { completeAtMs }),
  }
  if (completeAtMs !== undefined) context.state.deadlines.set(completeDeadline(key), completeAtMs)
  announce(context, running, { state: "TASK_RUNNING", source: "SOURCE_EXECUTOR" })
  // A kill that came while the container was being made.
  if (task.killedSinceMs !== null) terminate(context, key)
}

const onStartFailed = (context: AgentContext, event: AgentEventOf<"StartFailed">): void => {
  const task = context.state.tasks.get(taskKey(event.frameworkId, event.taskId))
  if (task === undefined || task.phase !== "starting") return
  const wasKilled = task.killedSinceMs !== null
  const failed: Announcement = {
    state: wasKilled ? "TASK_KILLED" : "TASK_FAILED",
    source: "SOURCE_AGENT",
    reason: wasKilled ? "REASON_TASK_KILLED_DURING_LAUNCH" : event.reason,
    message: event.message,
  }
  end(context, task, task.evictedWhy === null ? failed : evicted(task.evictedWhy))
}

/** Nothing of the task is left. Who was launched with it ends with it, unless it has done what it should. */
const end = (context: AgentContext, task: AgentTask, announcement: Announcement): void => {
  const { executor, frameworkId, taskId } = task.spec
  const { tasks, deadlines } = context.state
  deadlines.cancel(completeDeadline(taskKey(frameworkId, taskId)))
  announce(context, { ...task, phase: "gone", killAtMs: null }, nameDrain(task, announcement))
  if (executor === undefined || announcement.state === "TASK_FINISHED") return
  for (const key of Array.from(tasks.keys()).sort()) {
    const { spec, killedSinceMs } = tasks.get(key)!
    const isOfGroup =
      spec.frameworkId === frameworkId &&
      spec.executor !== undefined &&
      spec.executor.groupId === executor.groupId
    if (isOfGroup && killedSinceMs === null) {
      killTask(context, { frameworkId, taskId: spec.taskId, graceMs: null })
    }
  }
}

/** The main process is gone. Its end is told only when nothing else of the task is left either. */
const onTaskExited = (context: AgentContext, event: AgentEventOf<"TaskExited">): void => {
  const { frameworkId, taskId } = event
  const key = taskKey(frameworkId, taskId)
  const task = context.state.tasks.get(key)
  if (task === undefined || task.phase === "gone" || task.exit !== null) return
  context.state.deadlines.cancel(killDeadline(key))
  context.state.deadlines.cancel(completeDeadline(key))
  putTask(context, { ...task, phase: "ending", exit: event.exit, killAtMs: null })
  if (task.phase !== "ending") {
    context.turn.emit({ type: "DestroyContainer", frameworkId, taskId, containerId: task.containerId })
  }
}

const onContainerDestroyed = (context: AgentContext, event: AgentEventOf<"ContainerDestroyed">): void => {
  const task = context.state.tasks.get(taskKey(event.frameworkId, event.taskId))
  if (task === undefined || task.phase !== "ending") return
  end(context, task, describeExit(task))
}

/**
 * KILL: SIGTERM now, everything destroyed after the grace. A repeated kill may only shorten the time that is left;
 * grace 0 destroys at once (spec/mesos.md §3.5).
 */
const killTask = (
  context: AgentContext,
  event: Pick<AgentEventOf<"KillRequested">, "frameworkId" | "taskId" | "graceMs" | "drain">,
): void => {
  const { state, nowMs } = context
  const key = taskKey(event.frameworkId, event.taskId)
  const task = state.tasks.get(key)
  if (task === undefined || task.phase === "ending" || task.phase === "gone") return
  const graceMs =
    event.graceMs !== null
      ? event.graceMs
      : task.spec.killGraceMs !== null
        ? task.spec.killGraceMs
        : state.settings.killGraceMs
  const { drain = null } = event
  const graceMaxMs = drain === null || drain.graceMaxMs === null ? graceMs : drain.graceMaxMs
  const isFirst = task.killedSinceMs === null
  const killedSinceMs = task.killedSinceMs === null ? nowMs : task.killedSinceMs
  const wantedAtMs = nowMs + Math.max(0, Math.min(graceMs, graceMaxMs))
  const killAtMs = task.killAtMs === null ? wantedAtMs : Math.min(task.killAtMs, wantedAtMs)
  // What its end is called follows from who asked first.
  putTask(context, { ...task, killedSinceMs, killAtMs, drain: isFirst ? drain : task.drain })
  if (task.phase === "starting") return
  if (isFirst) terminate(context, key)
  else state.deadlines.set(killDeadline(key), killAtMs)
}

/** As a kill, with its grace; whoever asks repeats it, so only the first counts. */
const onEvictionRequested = (context: AgentContext, event: AgentEventOf<"EvictionRequested">): void => {
  const { tasks } = context.state
  const key = Array.from(tasks.keys()).find((name) => tasks.get(name)!.containerId === event.containerId)
  const task = key === undefined ? undefined : tasks.get(key)!
  if (task === undefined || task.killedSinceMs !== null) return
  if (task.phase !== "starting" && task.phase !== "running") return
  putTask(context, { ...task, evictedWhy: event.why })
  const { frameworkId, taskId } = task.spec
  killTask(context, { frameworkId, taskId, graceMs: null })
}

const terminate = (context: AgentContext, key: string): void => {
  const { state, turn } = context
  const task = state.tasks.get(key)!
  turn.emit({ type: "TerminateTask", containerId: task.containerId })
  state.deadlines.set(killDeadline(key), task.killAtMs === null ? context.nowMs : task.killAtMs)
}

const fireDeadlines = (context: AgentContext): void => {
  const { deadlines } = context.state
  for (
    let name = deadlines.popDue(context.nowMs);
    name !== undefined;
    name = deadlines.popDue(context.nowMs)
  ) {
    const key = name.slice(name.indexOf(":") + 1)
    if (name === killDeadline(key)) onGraceOver(context, key)
    else if (name === completeDeadline(key)) onTooLong(context, key)
    else if (name === retryDeadline(key)) onRetryDue(context, key)
  }
}

const onGraceOver = (context: AgentContext, key: string): void => {
  const task = context.state.tasks.get(key)
  if (task === undefined || task.phase !== "running") return
  putTask(context, { ...task, phase: "ending", killAtMs: null })
  const { frameworkId, taskId } = task.spec
  context.turn.emit({ type: "DestroyContainer", frameworkId, taskId, containerId: task.containerId })
}

/** It was to be complete by now: it is ended without a grace (`max_completion_time`). A kill under way comes first. */
const onTooLong = (context: AgentContext, key: string): void => {
  const task = context.state.tasks.get(key)
  if (task === undefined || task.phase !== "running" || task.killedSinceMs !== null) return
  putTask(context, { ...task, phase: "ending", isOverdue: true })
  const { frameworkId, taskId } = task.spec
  context.turn.emit({ type: "DestroyContainer", frameworkId, taskId, containerId: task.containerId })
}
