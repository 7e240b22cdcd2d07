import { heldResources } from "../resources/HeldResources.ts"
import { isTerminal, type TaskSpec, type TaskStatus, taskKey, taskOfKey } from "../Task.ts"
import {
  agentDeadline,
  bookTask,
  deleteAgent,
  deleteTask,
  frameworkDeadline,
  holdsResources,
  type MasterContext,
  masterStatus,
  offersOfAgent,
  putAgent,
  putFramework,
  putTask,
  releaseTask,
  sendStatus,
  sortedKeys,
  tasksOfAgent,
} from "./Context.ts"
import type { MasterEventOf, ReportedTask } from "./Event.ts"
import { forgetUnreachableTasks, loseTask, loseUncheckpointedTasks } from "./LostTasks.ts"
import { rescindOffer, wantAllocation, wantAllocationNow } from "./Offers.ts"
import {
  type AgentRecord,
  type FrameworkRecord,
  type MasterState,
  recoveredName,
  type TaskRecord,
} from "./State.ts"
import { freeResources } from "./Statuses.ts"
import { noteOf, type StatusNote, withNote } from "./StatusNotes.ts"

// The life of agents as the master sees it (spec/mesos.md §2.9).

/**
 * Takes an agent in, new or returning, and brings the two views of its tasks together: what only the agent knows is
 * adopted (or killed when its framework is gone), what only the master knows is lost unless its launch is still on
 * the way.
 */
export const onAgentRegistered = (context: MasterContext, event: MasterEventOf<"AgentRegistered">): void => {
  const { state, turn, nowMs, wallMs } = context
  const id = event.agentId === null ? nextAgentId(state) : event.agentId
  const before = state.agents.get(id)
  const stranger = before === undefined ? undefined : describeStranger(before, event)
  if (stranger !== undefined) {
    turn.emit({ type: "RefuseRegistration", streamId: event.streamId, reason: stranger })
    return
  }
  if (before !== undefined && before.streamId !== null) {
    turn.emit({ type: "CloseStream", streamId: before.streamId })
  }
  rescindOffersOn(context, id)
  state.deadlines.cancel(agentDeadline(id))
  const agent: AgentRecord = {
    id,
    address: event.address,
    total: heldResources(event.total),
    reserve: event.reserve,
    attributes: event.attributes,
    version: event.version,
    condition: "connected",
    streamId: event.streamId,
    registeredWallMs: before === undefined ? wallMs : before.registeredWallMs,
    sinceMs: nowMs,
  }
  putAgent(context, agent)
  if (before !== undefined && before.condition === "unreachable") bookHeldTasks(state, agent)
  turn.emit({ type: "ConfirmRegistration", streamId: event.streamId, agentId: id })
  loseUnreportedTasks(context, id, event)
  const acknowledging = new Set(event.acknowledging)
  for (const reported of event.tasks) {
    const uuid = reported.status === null ? null : reported.status.uuid
    // Its end was told and acknowledged; only the agent has not heard that yet.
    const isDone = uuid !== null && acknowledging.has(uuid) && hasEnded(reported)
    if (!isDone && !isBeingKilled(state, event, reported)) takeReportedTask(context, agent, reported)
  }
  for (const key of event.launching) takeLaunchingTask(context, agent, key)
  wantAllocationNow(context)
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

/**
 * An id that is in use belongs to one host (spec/mesos.md §2.9): a copied data folder must not take over another host's
 * tasks. A host that really changed its address is taken in once the old one counts as unreachable.
 */
const describeStranger = (
  before: AgentRecord,
  { address }: MasterEventOf<"AgentRegistered">,
): string | undefined => {
  const isSameHost = before.address.hostname === address.hostname && before.address.ip === address.ip
  if (isSameHost || before.condition === "unreachable") return undefined
  const known = `${before.address.hostname} (${before.address.ip})`
  return `agent id ${before.id} belongs to ${known}, not to ${address.hostname} (${address.ip}): if its data folder was copied, remove agent/checkpoint on the copy; if the host has a new address, this goes away when the old one counts as unreachable`
}

/** Ids come from outside too, so one that was never given may be taken already. */
const nextAgentId = (state: MasterState): string => {
  let id: string
  do id = `${state.masterId}-S${state.nextAgentNumber++}`
  while (state.agents.has(id))
  return id
}

/** Nothing of an unreachable agent is booked; a task of it may hold again all the same, by a status that came late. */
const bookHeldTasks = (state: MasterState, { id }: AgentRecord): void => {
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

/**
 * A framework that another master knew, as after the loss of this one's journal, has done nothing to lose its tasks: it gets
 * time to come back under its id. One of this master that is not there has been removed.
 */
const expectFramework = (context: MasterContext, { frameworkId, frameworkUser, role }: TaskSpec): void => {
  const { state, nowMs, wallMs } = context
  const isOwn = frameworkId.startsWith(`${state.masterId}-`)
  if (isOwn || state.frameworks.has(frameworkId) || state.removals.has(frameworkId)) return
  const removeAtMs = nowMs + state.settings.strangerWaitMs
  putFramework(context, {
    id: frameworkId,
    info: {
      name: recoveredName,
      user: frameworkUser,
      roles: [role],
      principal: null,
      hostname: "",
      webuiUrl: null,
      checkpoint: true,
      failoverTimeoutMs: state.settings.strangerWaitMs,
      labels: [],
      capabilities: [],
      minAllocatable: {},
      constraints: {},
    },
    streamId: null,
    suppressedRoles: [],
    registeredWallMs: wallMs,
    reregisteredWallMs: null,
    isRecovered: true,
    sinceMs: nowMs,
    removeAtMs,
  })
  state.deadlines.set(frameworkDeadline(frameworkId), removeAtMs)
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
    if (isOver) freeResources(context, task)
    return
  }
  // The agent is about to tell, one by one, the statuses that nobody has acknowledged. Those must all be passed on, so
  // none of them counts as told: not by its uuid, and not the end before what came before it.
  const told = status === null || isOver ? null : { ...status, uuid: null }
  adoptTask(context, {
    spec,
    state: isOver ? "TASK_RUNNING" : status === null ? "TASK_STAGING" : status.state,
    status: told,
    notes: notesOnReturn(context, reported, task),
    hasEnded: isOver,
    unacknowledged: false,
    killRequested: task?.killRequested === true,
    launchedWallMs: task === undefined ? context.wallMs : task.launchedWallMs,
  })
  const framework = state.frameworks.get(spec.frameworkId)
  if (!isOver && framework !== undefined)
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
  const message = "The agent of this task is back"
  const returned = masterStatus(context, framework, spec, taskState, "REASON_AGENT_REREGISTERED", message)
  return { ...returned, containerId: status === null ? null : status.containerId }
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

/** It ends its tasks: whatever it is offered now would be launched into nothing. */
export const onAgentStopping = (context: MasterContext, event: MasterEventOf<"AgentStopping">): void => {
  const agent = context.state.agents.get(event.agentId)
  if (agent === undefined || agent.streamId !== event.streamId || agent.condition === "stopping") return
  putAgent(context, { ...agent, condition: "stopping", sinceMs: context.nowMs })
  rescindOffersOn(context, agent.id)
}

export const onAgentDisconnected = (
  context: MasterContext,
  event: MasterEventOf<"AgentDisconnected">,
): void => {
  const agent = context.state.agents.get(event.agentId)
  // A stream that was replaced by a newer one ends without consequence.
  if (agent === undefined || agent.streamId !== event.streamId) return
  disconnectAgent(context, agent)
  loseUncheckpointedTasks(context, agent)
}

/** Its tasks are believed to run on; only its offers are taken back. */
export const disconnectAgent = (context: MasterContext, agent: AgentRecord): void => {
  const { state, nowMs } = context
  putAgent(context, { ...agent, condition: "disconnected", streamId: null, sinceMs: nowMs })
  rescindOffersOn(context, agent.id)
  state.deadlines.set(agentDeadline(agent.id), nowMs + state.settings.agentTimeoutMs)
}

/** An agent has been away for long enough: first it counts as unreachable, later it is forgotten. */
export const onAgentDeadline = (context: MasterContext, agentId: string): void => {
  const agent = context.state.agents.get(agentId)
  if (agent === undefined) return
  if (agent.condition === "disconnected") giveUpAgent(context, agent)
  else if (agent.condition === "unreachable") forgetAgent(context, agent)
}

/** Frameworks are told, so that they start elsewhere what they lost, and its resources count no more until it returns. */
const giveUpAgent = (context: MasterContext, agent: AgentRecord): void => {
  const { state, turn, nowMs, wallMs } = context
  const agentId = agent.id
  const affected = new Set<string>()
  state.deadlines.set(agentDeadline(agentId), nowMs + state.settings.agentForgetMs)
  for (const task of tasksOfAgent(state, agentId).filter(holdsResources)) {
    const { spec } = task
    releaseTask(context, task)
    const framework = state.frameworks.get(spec.frameworkId)
    if (framework === undefined) {
      deleteTask(context, taskKey(spec.frameworkId, spec.taskId))
      continue
    }
    const message = `Agent ${agent.address.hostname} did not return within ${state.settings.agentTimeoutMs} ms`
    const lost = {
      ...masterStatus(context, framework, spec, "TASK_UNREACHABLE", "REASON_AGENT_REMOVED", message),
      unreachableWallMs: wallMs,
    }
    const notes = withNote(task.notes, lost)
    affected.add(framework.id)
    putTask(context, { ...task, state: "TASK_UNREACHABLE", notes, unacknowledged: false })
    sendStatus(context, framework, lost)
  }
  putAgent(context, { ...agent, condition: "unreachable", sinceMs: nowMs })
  forgetUnreachableTasks(context, Array.from(affected).sort())
  wantAllocation(context)
  for (const frameworkId of sortedKeys(state.frameworks)) {
    const { streamId } = state.frameworks.get(frameworkId)!
    if (streamId !== null) turn.emit({ type: "ReportAgentFailure", streamId, agentId })
  }
}

const forgetAgent = (context: MasterContext, { id }: AgentRecord): void => {
  for (const { spec } of tasksOfAgent(context.state, id)) {
    deleteTask(context, taskKey(spec.frameworkId, spec.taskId))
  }
  deleteAgent(context, id)
  context.turn.emit({ type: "DropMessages", agentId: id })
}

const rescindOffersOn = (context: MasterContext, agentId: string): void => {
  for (const offer of offersOfAgent(context.state, agentId)) rescindOffer(context, offer)
}
