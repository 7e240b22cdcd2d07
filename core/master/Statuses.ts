import { isTerminal, type TaskState, type TaskStatus, taskKey } from "../Task.ts"
import {
  deleteTask,
  holdsResources,
  type MasterContext,
  putTask,
  releaseTask,
  sendMasterStatus,
  tasksOfFramework,
  visibleState,
} from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { hasLiveExecutor, tasksOfExecutor } from "./Executors.ts"
import { completeTask } from "./History.ts"
import { wantAllocation } from "./Offers.ts"
import type { AgentRecord, FrameworkRecord, MasterState, TaskRecord } from "./State.ts"
import { withNote } from "./StatusNotes.ts"

// From the agent's report to the framework's acknowledgement, kill and reconciliation (spec/mesos.md §2.7, §2.8).

/**
 * Takes a status in and passes it on. The agent repeats it until the framework has acknowledged, so the same status
 * may come again: it is then passed on again, or acknowledged once more when the first acknowledgement got lost.
 */
export const onStatusReported = (context: MasterContext, event: MasterEventOf<"StatusReported">): void => {
  const { state, turn } = context
  const { agentId } = event
  const status = withAddress(state, agentId, event.status)
  const key = taskKey(status.frameworkId, status.taskId)
  const task = state.tasks.get(key)
  const framework = state.frameworks.get(status.frameworkId)
  if (task === undefined || task.spec.agentId !== agentId) {
    // Nobody waits for it; told so, the agent stops repeating.
    acknowledgeToAgent(context, agentId, status)
    return
  }
  const isRepeated = task.status !== null && task.status.uuid === status.uuid
  if (isRepeated && !task.unacknowledged) {
    if (isTerminal(event.latestState)) freeResources(context, task, event.latestState)
    acknowledgeToAgent(context, agentId, status)
    return
  }
  if (!isRepeated && isTerminal(task.state)) return
  // Sent again only to say that the task has ended meanwhile; the framework has this status already.
  const isNewsOfEnd =
    isRepeated && isTerminal(event.latestState) && !task.hasEnded && !isTerminal(status.state)
  if (isNewsOfEnd) {
    freeResources(context, task, event.latestState)
    return
  }
  const hadExecutor = hasLiveExecutor(state, task.spec)
  settle(context, task, status, event.latestState)
  if (framework === undefined) {
    acknowledgeToAgent(context, agentId, status)
    if (isTerminal(status.state)) deleteTask(context, key)
    return
  }
  if (framework.streamId === null) return
  const told = { ...status, state: visibleState(framework, status.state) }
  turn.emit({ type: "SendStatus", streamId: framework.streamId, status: told })
  const { executor } = task.spec
  if (executor !== undefined && hadExecutor && !hasLiveExecutor(state, task.spec)) {
    const { executorId } = executor
    turn.emit({ type: "ReportExecutorEnd", streamId: framework.streamId, agentId, executorId })
  }
}

/**
 * Where the task is reached, as Mesos's agents say of theirs; of a task of a group only while something runs (transcripts
 * scheduler/main_stream, scheduler/group_stream).
 */
const withAddress = ({ agents }: MasterState, agentId: string, status: TaskStatus): TaskStatus => {
  const isWithoutContainer = status.executorId !== undefined && status.executorPid === undefined
  const agent = agents.get(agentId)
  if (status.containerId === null || isWithoutContainer || agent === undefined) return status
  return { ...status, ip: agent.address.ip }
}

const settle = (
  context: MasterContext,
  task: TaskRecord,
  status: TaskStatus,
  latestState: TaskState,
): void => {
  const end = isTerminal(latestState) ? latestState : status.state
  const settled = isTerminal(end) ? freeResources(context, task, end) : task
  putTask(context, {
    ...settled,
    state: status.state,
    status,
    notes: withNote(settled.notes, status),
    unacknowledged: status.uuid !== null,
  })
}

/** The task has ended on its agent: what it held is free, however long the framework takes to hear of it. */
export const freeResources = (context: MasterContext, task: TaskRecord, endState: TaskState): TaskRecord => {
  if (task.hasEnded) return task
  if (holdsResources(task)) {
    releaseTask(context, task)
    wantAllocation(context)
  }
  const ended: TaskRecord = { ...task, hasEnded: true, endState }
  putTask(context, ended)
  return ended
}

export const acknowledgeToAgent = (
  { state, turn }: MasterContext,
  agentId: string,
  status: TaskStatus,
): void => {
  // One that was removed takes no messages any more, though ends of its tasks may still have to be acknowledged.
  if (status.uuid === null || !state.agents.has(agentId)) return
  const { frameworkId, taskId, uuid } = status
  turn.emit({
    type: "SendToAgent",
    agentId,
    message: { type: "AcknowledgeStatus", frameworkId, taskId, uuid },
  })
}

/** Acknowledging anything but the latest status is ignored; the terminal one's acknowledgement ends the task. */
export const onStatusAcknowledged = (
  context: MasterContext,
  event: MasterEventOf<"StatusAcknowledged">,
): void => {
  const key = taskKey(event.frameworkId, event.taskId)
  const task = context.state.tasks.get(key)
  if (task === undefined || task.status === null || !task.unacknowledged) return
  if (task.status.uuid !== event.uuid || task.spec.agentId !== event.agentId) return
  acknowledgeToAgent(context, event.agentId, task.status)
  if (isTerminal(task.state)) completeTask(context, task, task.state)
  else putTask(context, { ...task, unacknowledged: false })
}

/** KILL: of an unknown task it is a question about it; of a task elsewhere than stated it is ignored (§2.3). */
export const onKillRequested = (context: MasterContext, event: MasterEventOf<"KillRequested">): void => {
  const { state } = context
  const { frameworkId, taskId } = event
  const framework = state.frameworks.get(frameworkId)
  if (framework === undefined) return
  const task = state.tasks.get(taskKey(frameworkId, taskId))
  if (task === undefined || task.state === "TASK_UNREACHABLE") {
    reconcile(context, framework, { taskId, agentId: event.agentId }, hasRecoveredAgents(state))
    return
  }
  if (event.agentId !== null && event.agentId !== task.spec.agentId) return
  killTask(context, task, event.graceMs)
}

/** SHUTDOWN: ends the tasks whose executor it is; one that nobody knows is ignored (spec/mesos.md §2.3). */
export const onExecutorShutdownRequested = (
  context: MasterContext,
  { frameworkId, agentId, executorId }: MasterEventOf<"ExecutorShutdownRequested">,
): void => {
  const { tasks } = context.state
  for (const key of tasksOfExecutor(context.state, { agentId, frameworkId }, executorId)) {
    killTask(context, tasks.get(key)!, null)
  }
  const task = tasks.get(taskKey(frameworkId, executorId))
  if (task === undefined || task.spec.agentId !== agentId || task.state === "TASK_UNREACHABLE") return
  if (task.spec.executor === undefined) killTask(context, task, null)
}

const killTask = (context: MasterContext, task: TaskRecord, graceMs: number | null): void => {
  const { state, turn } = context
  const { frameworkId, taskId } = task.spec
  if (isTerminal(task.state)) return
  const agent = state.agents.get(task.spec.agentId)
  // One waiting kill is enough for an agent that is away; more would only pile up.
  if (task.killRequested && graceMs === null && agent?.streamId === null) return
  putTask(context, { ...task, killRequested: true })
  turn.emit({
    type: "SendToAgent",
    agentId: task.spec.agentId,
    message: { type: "KillTask", frameworkId, taskId, graceMs },
  })
}

export const onReconciliationRequested = (
  context: MasterContext,
  event: MasterEventOf<"ReconciliationRequested">,
): void => {
  const framework = context.state.frameworks.get(event.frameworkId)
  if (framework === undefined) return
  // Once for all of them: who asks for thousands of tasks must not have thousands of agents looked at for each.
  const isRecovering = hasRecoveredAgents(context.state)
  const asked =
    event.tasks.length > 0
      ? event.tasks
      : tasksOfFramework(context.state, framework.id).map(({ spec }) => spec)
  for (const task of asked) reconcile(context, framework, task, isRecovering)
}

/** Whether the agent has not returned since the master started. */
export const isRecovered = ({ startedAtMs }: MasterState, { condition, sinceMs }: AgentRecord): boolean =>
  condition === "disconnected" && sinceMs <= startedAtMs

/** Looks at every agent: ask once per event. */
export const hasRecoveredAgents = (state: MasterState): boolean =>
  Array.from(state.agents.values()).some((agent) => isRecovered(state, agent))

/** Answers what the master believes of a task, first match of spec/mesos.md §2.8. `isRecovering`: of {@link hasRecoveredAgents}. */
const reconcile = (
  context: MasterContext,
  framework: FrameworkRecord,
  { taskId, agentId }: { readonly taskId: string; readonly agentId: string | null },
  isRecovering: boolean,
): void => {
  const { state, turn } = context
  const reason = "REASON_RECONCILIATION"
  const task = state.tasks.get(taskKey(framework.id, taskId))
  if (task !== undefined) {
    const told = { taskId, agentId: task.spec.agentId }
    if (task.status !== null && task.state === task.status.state && framework.streamId !== null) {
      const status: TaskStatus = {
        ...task.status,
        state: visibleState(framework, task.state),
        source: "SOURCE_MASTER",
        reason,
        message: "Reconciliation: Latest task state",
        uuid: null,
        labels: [],
      }
      turn.emit({ type: "SendStatus", streamId: framework.streamId, status })
    } else {
      sendMasterStatus(context, framework, told, task.state, reason, "Reconciliation: Latest task state")
    }
    return
  }
  const agent = agentId === null ? undefined : state.agents.get(agentId)
  // Who has just restarted, perhaps from an older copy of its journal, is not sure of what is unknown to it before all
  // agents have told their tasks: it stays silent, and is asked again.
  const isUnsure = agentId === null ? isRecovering : agent !== undefined && isRecovered(state, agent)
  if (isUnsure) return
  const told = { taskId, agentId }
  if (agentId !== null && state.gone.has(agentId)) {
    const message = "Reconciliation: Task is gone"
    sendMasterStatus(context, framework, told, "TASK_GONE_BY_OPERATOR", reason, message)
  } else if (agent === undefined) {
    sendMasterStatus(context, framework, told, "TASK_UNKNOWN", reason, "Reconciliation: Task is unknown")
  } else if (agent.condition === "unreachable") {
    const message = "Reconciliation: Task is unreachable"
    sendMasterStatus(context, framework, told, "TASK_UNREACHABLE", reason, message)
  } else {
    const message = "Reconciliation: Task is unknown to the agent"
    sendMasterStatus(context, framework, told, "TASK_GONE", reason, message)
  }
}
