import { isTerminal, type TaskStatus, taskKey, taskOfKey } from "../Task.ts"
import {
  bookTask,
  holdsResources,
  type MasterContext,
  masterStatus,
  putTask,
  sendStatus,
  tasksOfAgent,
} from "./Context.ts"
import type { MasterEventOf, ReportedTask } from "./Event.ts"
import { loseTask } from "./LostTasks.ts"
import { expectFramework } from "./RecoveredFrameworks.ts"
import type { AgentRecord, FrameworkRecord, MasterState, TaskRecord } from "./State.ts"
import { freeResources } from "./Statuses.ts"
import { noteOf, type StatusNote, withNote } from "./StatusNotes.ts"

// What an agent says it has, against what the master believes (spec/mesos.md §2.9).

/**
 * Brings the two views of an agent's tasks together: what only the agent knows is adopted (or killed when its framework is gone), what
 * only the master knows is lost unless its launch is still on the way.
 */
export const takeTasksOf = (
  context: MasterContext,
  agent: AgentRecord,
  event: MasterEventOf<"AgentRegistered">,
): void => {
  loseUnreportedTasks(context, agent.id, event)
  const acknowledging = new Set(event.acknowledging)
  for (const reported of event.tasks) {
    const uuid = reported.status === null ? null : reported.status.uuid
    // Its end was told and acknowledged; only the agent has not heard that yet.
    const isDone = uuid !== null && acknowledging.has(uuid) && hasEnded(reported)
    if (!isDone && !isBeingKilled(context.state, event, reported)) takeReportedTask(context, agent, reported)
  }
  for (const key of event.launching) takeLaunchingTask(context, agent, key)
}

/** The master has declared it over, and the order to end it waits for the agent: it must not come back for that while. */
const isBeingKilled = (
  { tasks }: MasterState,
  { killing = [] }: MasterEventOf<"AgentRegistered">,
  { spec }: ReportedTask,
): boolean => {
  const key = taskKey(spec.frameworkId, spec.taskId)
  return !tasks.has(key) && killing.includes(key)
}

/** Nothing of an unreachable agent is booked; a task of it may hold again all the same, by a status that came late. */
export const bookHeldTasks = (state: MasterState, { id }: AgentRecord): void => {
  for (const task of tasksOfAgent(state, id).filter(holdsResources)) bookTask(state, task)
}

const loseUnreportedTasks = (
  context: MasterContext,
  agentId: string,
  event: MasterEventOf<"AgentRegistered">,
): void => {
  const { state } = context
  const known = new Set(event.launching)
  for (const { spec } of event.tasks) known.add(taskKey(spec.frameworkId, spec.taskId))
  const missing = tasksOfAgent(state, agentId).filter(
    ({ spec, state: taskState }) =>
      !isTerminal(taskState) && !known.has(taskKey(spec.frameworkId, spec.taskId)),
  )
  for (const task of missing) {
    loseTask(context, task, {
      state: "TASK_GONE",
      reason: "REASON_RECONCILIATION",
      message: `Agent ${agentId} re-registered and no longer has the task`,
    })
  }
}

/** A task that the agent has: known already, adopted, or of nobody and hence killed. */
const takeReportedTask = (context: MasterContext, agent: AgentRecord, reported: ReportedTask): void => {
  const { state } = context
  const { spec, status } = reported
  const task = state.tasks.get(taskKey(spec.frameworkId, spec.taskId))
  const isOver = hasEnded(reported)
  if (task === undefined && spec.agentId === agent.id) expectFramework(context, spec)
  const isOfNobody = task === undefined && !state.frameworks.has(spec.frameworkId)
  // Booked on another agent, as a copied data folder can bring about: it cannot be in two places.
  const isElsewhere = spec.agentId !== agent.id || (task !== undefined && task.spec.agentId !== agent.id)
  if (isOfNobody || isElsewhere) {
    if (!isOver) killOnAgent(context, agent.id, spec)
    return
  }
  if (task !== undefined && task.state !== "TASK_UNREACHABLE") {
    if (isOver) freeResources(context, task, status!.state)
    return
  }
  // The agent is about to tell, one by one, the statuses that nobody has acknowledged. Those must all be passed on, so
  // none of them counts as told: not by its uuid, and not the end before what came before it.
  const told = status === null || isOver ? null : { ...status, uuid: null }
  // What has ended holds nothing again, though its agent has forgotten that end: its executor may be there for another role by now.
  const endState = isOver ? status!.state : task?.endState
  adoptTask(context, {
    spec,
    state: isOver ? "TASK_RUNNING" : status === null ? "TASK_STAGING" : status.state,
    status: told,
    notes: notesOnReturn(context, reported, task),
    hasEnded: isOver || task?.hasEnded === true,
    ...(endState === undefined ? {} : { endState }),
    unacknowledged: false,
    killRequested: task?.killRequested === true,
    ...(task?.isDrained === true ? { isDrained: true } : {}),
    launchedWallMs: task === undefined ? context.wallMs : task.launchedWallMs,
  })
  const framework = state.frameworks.get(spec.frameworkId)
  if (isOver || framework === undefined) return
  sendStatus(context, framework, returnedStatus(context, framework, reported))
}

/** A task whose launch is still on its way to the agent: given up meanwhile, it holds its resources again. */
const takeLaunchingTask = (context: MasterContext, agent: AgentRecord, key: string): void => {
  const task = context.state.tasks.get(key)
  if (task === undefined) {
    killOnAgent(context, agent.id, taskOfKey(key))
  } else if (task.state === "TASK_UNREACHABLE") {
    const reported: ReportedTask = { spec: task.spec, status: null }
    const notes = notesOnReturn(context, reported, task)
    adoptTask(context, { ...task, state: "TASK_STAGING", status: null, notes })
    const framework = context.state.frameworks.get(task.spec.frameworkId)
    if (framework !== undefined) sendStatus(context, framework, returnedStatus(context, framework, reported))
  }
}

const hasEnded = ({ status }: ReportedTask): boolean => status !== null && isTerminal(status.state)

const adoptTask = (context: MasterContext, task: TaskRecord): void => {
  putTask(context, task)
  if (holdsResources(task)) bookTask(context.state, task)
}

const returnedStatus = (
  context: MasterContext,
  framework: FrameworkRecord,
  { spec, status }: ReportedTask,
): TaskStatus => {
  const taskState = status === null ? "TASK_STAGING" : status.state
  // Mesos's words, to the letter (transcript scheduler/pc_stream).
  const message = "Unreachable agent re-reregistered"
  const returned = masterStatus(context, framework, spec, taskState, "REASON_AGENT_REREGISTERED", message)
  if (status === null || status.containerId === null) return returned
  const { containerId, parentContainerId, executorPid } = status
  const agent = context.state.agents.get(spec.agentId)
  return {
    ...returned,
    containerId,
    ...(parentContainerId === undefined ? {} : { parentContainerId }),
    ...(executorPid === undefined ? {} : { executorPid }),
    ...(agent === undefined ? {} : { ip: agent.address.ip }),
  }
}

/** What was said of a task before, and that it is back; of one that nobody knew, what its agent says. */
const notesOnReturn = (
  context: MasterContext,
  reported: ReportedTask,
  task: TaskRecord | undefined,
): ReadonlyArray<StatusNote> => {
  const { spec, status } = reported
  const framework = context.state.frameworks.get(spec.frameworkId)
  if (task === undefined) return status === null || hasEnded(reported) ? [] : [noteOf(status)]
  if (framework === undefined || hasEnded(reported)) return task.notes
  return withNote(task.notes, returnedStatus(context, framework, reported))
}

const killOnAgent = (
  { turn }: MasterContext,
  agentId: string,
  { frameworkId, taskId }: { readonly frameworkId: string; readonly taskId: string },
): void => {
  turn.emit({
    type: "SendToAgent",
    agentId,
    message: { type: "KillTask", frameworkId, taskId, graceMs: null },
  })
}
