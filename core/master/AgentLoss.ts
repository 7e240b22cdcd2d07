import { nextUuid } from "../Prng.ts"
import { isTerminal, type TaskState, type TaskStatus, taskKey } from "../Task.ts"
import {
  agentDeadline,
  deleteAgent,
  deleteKeptOrder,
  deleteTask,
  hasCapability,
  holdsResources,
  type MasterContext,
  masterStatus,
  putAgent,
  putKeptOrder,
  putTask,
  releaseTask,
  sendStatus,
  sortedKeys,
  tasksOfAgent,
} from "./Context.ts"
import { forgetPendingOn, tellAgentLost } from "./Feedback.ts"
import { completeTask } from "./History.ts"
import type { KeptOrder } from "./HostRecords.ts"
import { setWindow } from "./InverseOffers.ts"
import { forgetUnreachableTasks, type Loss, loseTask } from "./LostTasks.ts"
import { rescindOffersOn, wantAllocation } from "./Offers.ts"
import type { AgentRecord, MasterState, TaskRecord } from "./State.ts"
import { withNote } from "./StatusNotes.ts"

// Agents that stay away. Two things happen to them, and only one of them can be undone:
//
// - **Notice**: frameworks hear at once that agent and tasks are unreachable, and its resources count no more. All of it is taken
//   back when the agent returns, hence nothing holds it up, however many vanish together.
// - **Removal**: agent, tasks and messages that wait for it are forgotten. What returns afterwards is a stranger with tasks that nobody
//   asks about any more. So it comes late, and one agent at a time (`agentRemovalPauseMs`): when half of a cluster was cut off
//   together, people see the first of it being removed long before the last.
//
// Mesos's `agent_removal_rate_limit` holds the notice up along with the removal, for hours when much is lost
// (spec/mesos.md §7, 30), because there the notice cannot be taken back from frameworks that are not PARTITION_AWARE.

/** Agents given up or removed in one step, at most; the next step follows at once, and others are served in between. */
export const lossesPerStep = 100

/** An agent has been away for long enough: first it counts as unreachable, later it is removed. */
export const onAgentDeadline = (context: MasterContext, agentId: string): void => {
  const agent = context.state.agents.get(agentId)
  if (agent === undefined) return
  if (agent.condition === "disconnected") giveUpAgent(context, agent)
  else if (agent.condition === "unreachable") forgetAgent(context, agent)
}

/** Frameworks are told, so that they start elsewhere what they lost, and its resources count no more until it returns. */
const giveUpAgent = (context: MasterContext, agent: AgentRecord): void => {
  const { state, nowMs, wallMs } = context
  const { agentForgetMs, agentRemovalPauseMs, awayAgentsMax } = state.settings
  // Also one whose end is known but not told yet: nobody else would say that it runs no more when its agent stays away.
  const lost = tasksOfAgent(state, agent.id).filter((task) => !isTerminal(task.state))
  for (const task of lost.filter(holdsResources)) releaseTask(context, task)
  // Each has its turn from the beginning on, which outlives a restart; one that returns leaves its turn unused.
  const removeAtMs = Math.max(nowMs + agentForgetMs, state.nextAgentRemovalAtMs)
  state.nextAgentRemovalAtMs = removeAtMs + agentRemovalPauseMs
  putAgent(context, {
    ...agent,
    condition: "unreachable",
    sinceMs: nowMs,
    removeAtMs,
    unreachableWallMs: wallMs,
  })
  // Mesos's words (transcript scheduler/pc_stream): it misses answers to pings, here a stream.
  const message = "health check timed out"
  const affected = new Set<string>()
  for (const task of lost) {
    const { spec } = task
    const framework = state.frameworks.get(spec.frameworkId)
    if (framework === undefined) {
      deleteTask(context, taskKey(spec.frameworkId, spec.taskId))
      continue
    }
    affected.add(framework.id)
    const status = masterStatus(context, framework, spec, "TASK_UNREACHABLE", "REASON_AGENT_REMOVED", message)
    const notes = withNote(task.notes, status)
    putTask(context, { ...task, state: "TASK_UNREACHABLE", notes, unacknowledged: false })
    sendStatus(context, framework, status)
  }
  state.deadlines.set(agentDeadline(agent.id), removeAtMs)
  forgetUnreachableTasks(context, Array.from(affected).sort())
  wantAllocation(context)
  tellAgentLost(context, agent, "OPERATION_UNREACHABLE", message)
  reportFailure(context, agent.id)
  if (state.unreachableAgents.size > awayAgentsMax) forgetAgent(context, oldestUnreachable(state))
}

const oldestUnreachable = ({ agents, unreachableAgents }: MasterState): AgentRecord => {
  let oldest: AgentRecord | undefined
  unreachableAgents.forEach((id) => {
    const agent = agents.get(id)!
    const isOlder =
      oldest === undefined ||
      agent.removeAtMs! < oldest.removeAtMs! ||
      (agent.removeAtMs === oldest.removeAtMs && id < oldest.id)
    if (isOlder) oldest = agent
  })
  return oldest!
}

const reportFailure = ({ state, turn }: MasterContext, agentId: string): void => {
  for (const frameworkId of sortedKeys(state.frameworks)) {
    const { streamId } = state.frameworks.get(frameworkId)!
    if (streamId !== null) turn.emit({ type: "ReportAgentFailure", streamId, agentId })
  }
}

const forgetAgent = (context: MasterContext, agent: AgentRecord, isForGood = false): void => {
  const { state, turn } = context
  const { id } = agent
  for (const task of tasksOfAgent(state, id)) {
    if (!isEndUnacknowledged(state, task))
      deleteTask(context, taskKey(task.spec.frameworkId, task.spec.taskId))
  }
  forgetPendingOn(context, id)
  setWindow(context, id, null)
  state.deadlines.cancel(agentDeadline(id))
  deleteAgent(context, id)
  if (!isForGood) keepOrder(context, agent)
  turn.emit({ type: "DropMessages", agentId: id })
}

/** An operator's word holds until an operator takes it back, however long the host was away. */
const keepOrder = (context: MasterContext, { id, isDeactivated, drain }: AgentRecord): void => {
  const { state, nowMs } = context
  if (!isDeactivated && drain === null) return
  putKeptOrder(context, { agentId: id, isDeactivated, drain, forgottenAtMs: nowMs })
  if (state.keptOrders.size <= state.settings.awayAgentsMax) return
  let oldest: KeptOrder | undefined
  state.keptOrders.forEach((order) => {
    const isOlder =
      oldest === undefined ||
      order.forgottenAtMs < oldest.forgottenAtMs ||
      (order.forgottenAtMs === oldest.forgottenAtMs && order.agentId < oldest.agentId)
    if (isOlder) oldest = order
  })
  deleteKeptOrder(context, oldest!.agentId)
}

/** How it ended is known, and a framework is there to hear of it: it does, whatever has become of the agent (law L2). */
const isEndUnacknowledged = ({ frameworks }: MasterState, task: TaskRecord): boolean =>
  isTerminal(task.state) && task.unacknowledged && frameworks.has(task.spec.frameworkId)

/** An operator's word that ends an agent, and what is said of it to whom. */
export interface RemovalCause extends Loss {
  /** Why the agent must end its tasks and itself; what it may say on its way is not waited for. */
  readonly toldAgent: string
  /** It may never come back. */
  readonly isForGood: boolean
}

const endTaskOfRemoved = (
  context: MasterContext,
  task: TaskRecord,
  wasUnreachable: boolean,
  cause: RemovalCause,
): void => {
  const { spec } = task
  const framework = context.state.frameworks.get(spec.frameworkId)
  if (framework === undefined && isTerminal(task.state)) {
    return deleteTask(context, taskKey(spec.frameworkId, spec.taskId))
  }
  // Ended ones were told. So was the loss of unreachable ones, to those who know no other.
  const hasHeard = framework !== undefined && wasUnreachable && !hasCapability(framework, "PARTITION_AWARE")
  if (isTerminal(task.state)) completeTask(context, task, task.state)
  else if (hasHeard) completeTask(context, task, "TASK_LOST")
  else if (framework !== undefined && task.endState !== undefined)
    tellEnd(context, task, task.endState, cause)
  else loseTask(context, task, cause)
}

/**
 * Its agent has said how it ended, and can say it no more to the framework, which has not heard of it yet: the master does, until that
 * acknowledges.
 */
const tellEnd = (
  context: MasterContext,
  task: TaskRecord,
  end: TaskState,
  { reason, message }: Loss,
): void => {
  const framework = context.state.frameworks.get(task.spec.frameworkId)!
  const told = masterStatus(
    context,
    framework,
    task.spec,
    end,
    reason,
    `${message}; the task had ended before`,
  )
  const status: TaskStatus = { ...told, uuid: nextUuid(context.state.prng) }
  const notes = withNote(task.notes, status)
  putTask(context, { ...task, state: end, status: { ...status, state: end }, notes, unacknowledged: true })
  sendStatus(context, framework, status)
}

/** Removes an agent on an operator's word, whatever its condition, and tells everybody. */
export const removeAgent = (context: MasterContext, agent: AgentRecord, cause: RemovalCause): void => {
  const { state, turn } = context
  const wasUnreachable = agent.condition === "unreachable"
  rescindOffersOn(context, agent.id)
  for (const task of tasksOfAgent(state, agent.id)) {
    if (!isEndUnacknowledged(state, task)) endTaskOfRemoved(context, task, wasUnreachable, cause)
  }
  if (agent.streamId !== null) {
    turn.emit({ type: "ShutDownAgent", streamId: agent.streamId, reason: cause.toldAgent })
  }
  tellAgentLost(context, agent, "OPERATION_GONE_BY_OPERATOR", cause.message)
  forgetAgent(context, agent, cause.isForGood)
  wantAllocation(context)
  if (!wasUnreachable) reportFailure(context, agent.id)
}
