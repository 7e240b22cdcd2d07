import { isTerminal, taskKey } from "../Task.ts"
import {
  agentDeadline,
  deleteTask,
  holdsResources,
  type MasterContext,
  offersWhere,
  putAgent,
  putTask,
  sendMasterStatus,
  sortedKeys,
  tasksWhere,
} from "./Context.ts"
import type { MasterEventOf, ReportedTask } from "./Event.ts"
import { clearFilters, rescindOffer, wantAllocation } from "./Offers.ts"
import type { AgentRecord, TaskRecord } from "./State.ts"

// The life of agents as the master sees it (spec/mesos.md §2.9).

/**
 * Takes an agent in, new or returning, and brings the two views of its tasks together: what only the agent knows is
 * adopted (or killed when its framework is gone), what only the master knows is lost unless its launch is still on
 * the way.
 */
export const onAgentRegistered = (context: MasterContext, event: MasterEventOf<"AgentRegistered">): void => {
  const { state, turn, nowMs, wallMs } = context
  const id = event.agentId === null ? `${state.masterId}-S${state.nextAgentNumber++}` : event.agentId
  const before = state.agents.get(id)
  if (before !== undefined && before.streamId !== null) {
    turn.emit({ type: "CloseStream", streamId: before.streamId })
  }
  rescindOffersOn(context, id)
  state.deadlines.cancel(agentDeadline(id))
  const agent: AgentRecord = {
    id,
    address: event.address,
    total: event.total,
    attributes: event.attributes,
    version: event.version,
    condition: "connected",
    streamId: event.streamId,
    registeredWallMs: before === undefined ? wallMs : before.registeredWallMs,
    sinceMs: nowMs,
  }
  putAgent(context, agent)
  turn.emit({ type: "ConfirmRegistration", streamId: event.streamId, agentId: id })
  loseUnreportedTasks(context, id, event)
  countAgainAs(context, agent)
  for (const reported of event.tasks) takeReportedTask(context, agent, reported)
  wantAllocation(context)
}

/** The agent's total may have changed: books it anew with what its tasks hold. */
const countAgainAs = ({ state }: MasterContext, agent: AgentRecord): void => {
  const held = tasksWhere(state, (task) => task.spec.agentId === agent.id && holdsResources(task))
  for (const { spec } of held) {
    state.ledger.release(spec.frameworkId, spec.role, agent.id, spec.resources)
  }
  state.ledger.removeAgent(agent.id)
  state.ledger.addAgent(agent.id, agent.total)
  for (const { spec } of held) state.ledger.adopt(spec.frameworkId, spec.role, agent.id, spec.resources)
}

const loseUnreportedTasks = (
  context: MasterContext,
  agentId: string,
  event: MasterEventOf<"AgentRegistered">,
): void => {
  const { state } = context
  const known = new Set(event.launching)
  for (const { spec } of event.tasks) known.add(taskKey(spec.frameworkId, spec.taskId))
  const missing = tasksWhere(
    state,
    ({ spec, state: taskState }) =>
      spec.agentId === agentId &&
      !isTerminal(taskState) &&
      !known.has(taskKey(spec.frameworkId, spec.taskId)),
  )
  for (const task of missing) {
    const { spec } = task
    if (holdsResources(task)) {
      state.ledger.release(spec.frameworkId, spec.role, agentId, spec.resources)
    }
    deleteTask(context, taskKey(spec.frameworkId, spec.taskId))
    const framework = state.frameworks.get(spec.frameworkId)
    if (framework === undefined) continue
    const message = `Agent ${agentId} re-registered and no longer has the task`
    sendMasterStatus(context, framework, spec, "TASK_GONE", "REASON_RECONCILIATION", message)
  }
}

const takeReportedTask = (context: MasterContext, agent: AgentRecord, reported: ReportedTask): void => {
  const { state, turn, wallMs } = context
  const { spec, status } = reported
  const key = taskKey(spec.frameworkId, spec.taskId)
  const task = state.tasks.get(key)
  const framework = state.frameworks.get(spec.frameworkId)
  const taskState = status === null ? "TASK_STAGING" : status.state
  if (framework === undefined && task === undefined) {
    if (!isTerminal(taskState)) {
      const { frameworkId, taskId } = spec
      turn.emit({
        type: "SendToAgent",
        agentId: agent.id,
        message: { type: "KillTask", frameworkId, taskId, graceMs: null },
      })
    }
    return
  }
  if (task !== undefined && task.state !== "TASK_UNREACHABLE") return
  const adopted: TaskRecord = {
    spec,
    state: taskState,
    status,
    unacknowledged: false,
    killRequested: task?.killRequested === true,
    launchedWallMs: task === undefined ? wallMs : task.launchedWallMs,
  }
  putTask(context, adopted)
  if (holdsResources(adopted)) {
    state.ledger.adopt(spec.frameworkId, spec.role, agent.id, spec.resources)
  }
  if (framework !== undefined) {
    const message = "The agent of this task is back"
    sendMasterStatus(context, framework, spec, taskState, "REASON_AGENT_REREGISTERED", message)
  }
}

export const onAgentDisconnected = (
  context: MasterContext,
  event: MasterEventOf<"AgentDisconnected">,
): void => {
  const agent = context.state.agents.get(event.agentId)
  // A stream that was replaced by a newer one ends without consequence.
  if (agent === undefined || agent.streamId !== event.streamId) return
  disconnectAgent(context, agent)
}

/** Its tasks are believed to run on; only its offers are taken back. */
export const disconnectAgent = (context: MasterContext, agent: AgentRecord): void => {
  const { state, nowMs } = context
  putAgent(context, { ...agent, condition: "disconnected", streamId: null, sinceMs: nowMs })
  rescindOffersOn(context, agent.id)
  state.deadlines.set(agentDeadline(agent.id), nowMs + state.settings.agentTimeoutMs)
}

/** Gone for too long: frameworks are told, and its resources count no more until it returns. */
export const onAgentTimedOut = (context: MasterContext, agentId: string): void => {
  const { state, turn, nowMs } = context
  const agent = state.agents.get(agentId)
  if (agent === undefined || agent.condition !== "disconnected") return
  putAgent(context, { ...agent, condition: "unreachable", sinceMs: nowMs })
  for (const task of tasksWhere(state, (task) => task.spec.agentId === agentId && holdsResources(task))) {
    const { spec } = task
    state.ledger.release(spec.frameworkId, spec.role, agentId, spec.resources)
    const framework = state.frameworks.get(spec.frameworkId)
    if (framework === undefined) {
      deleteTask(context, taskKey(spec.frameworkId, spec.taskId))
      continue
    }
    putTask(context, { ...task, state: "TASK_UNREACHABLE", unacknowledged: false })
    const message = `Agent ${agent.address.hostname} did not return within ${state.settings.agentTimeoutMs} ms`
    sendMasterStatus(context, framework, spec, "TASK_UNREACHABLE", "REASON_AGENT_REMOVED", message)
  }
  clearFilters(context, (scope) => scope.agentId === agentId)
  state.ledger.removeAgent(agentId)
  for (const frameworkId of sortedKeys(state.frameworks)) {
    const { streamId } = state.frameworks.get(frameworkId)!
    if (streamId !== null) turn.emit({ type: "ReportAgentFailure", streamId, agentId })
  }
}

const rescindOffersOn = (context: MasterContext, agentId: string): void => {
  for (const offer of offersWhere(context.state, (offer) => offer.agentId === agentId)) {
    rescindOffer(context, offer)
  }
}
