import { type TaskState, taskKey } from "../Task.ts"
import {
  deleteTask,
  holdsResources,
  type MasterContext,
  masterStatus,
  releaseTask,
  sendStatus,
  tasksOfAgent,
} from "./Context.ts"
import { completeTask } from "./History.ts"
import { wantAllocation } from "./Offers.ts"
import type { AgentRecord, MasterState, TaskRecord } from "./State.ts"
import { withNote } from "./StatusNotes.ts"

// Tasks that the master itself declares over, or forgets.

/** What the master says of a task that is over without a word of its agent. */
export interface Loss {
  readonly state: TaskState
  readonly reason: string
  readonly message: string
}

/** A task is over: what it held is free, its framework is told, and nothing is to be acknowledged. */
export const loseTask = (
  context: MasterContext,
  task: TaskRecord,
  { state, reason, message }: Loss,
): void => {
  const { spec } = task
  if (holdsResources(task)) {
    releaseTask(context, task)
    wantAllocation(context)
  }
  const framework = context.state.frameworks.get(spec.frameworkId)
  // Of a removed framework: its history says already that it is over.
  if (framework === undefined) return deleteTask(context, taskKey(spec.frameworkId, spec.taskId))
  const status = masterStatus(context, framework, spec, state, reason, message)
  completeTask(context, { ...task, notes: withNote(task.notes, status) }, status.state)
  sendStatus(context, framework, status)
}

/**
 * As in Mesos a framework without `checkpoint` loses its tasks as soon as the connection to their agent breaks (spec/mesos.md
 * §2.6). Only where the settings say so: gleaner's agents keep all tasks alive, and to declare over what runs on makes its
 * framework start it twice. What does run on is killed when its agent is back.
 */
export const loseUncheckpointedTasks = (context: MasterContext, agent: AgentRecord): void => {
  const { state, turn } = context
  if (!state.settings.losesUncheckpointedTasks) return
  for (const task of tasksOfAgent(state, agent.id)) {
    const { frameworkId, taskId } = task.spec
    const framework = state.frameworks.get(frameworkId)
    if (framework === undefined || framework.info.checkpoint || !holdsResources(task)) continue
    loseTask(context, task, {
      state: "TASK_LOST",
      reason: "REASON_AGENT_DISCONNECTED",
      message: `Agent ${agent.address.hostname} disconnected`,
    })
    turn.emit({
      type: "SendToAgent",
      agentId: agent.id,
      message: { type: "KillTask", frameworkId, taskId, graceMs: null },
    })
  }
}

/**
 * Of each framework only so many tasks on unreachable agents are remembered, those of the agents that were lost last. Nothing
 * is lost with the others: their agents know them, and tell them when they are back.
 */
export const forgetUnreachableTasks = (context: MasterContext, frameworkIds: ReadonlyArray<string>): void => {
  const { state } = context
  const max = state.settings.unreachableTasksPerFrameworkMax
  for (const frameworkId of frameworkIds) {
    if (state.unreachableByFramework.countOf(frameworkId) <= max) continue
    const keys = Array.from(state.unreachableByFramework.of(frameworkId))
    // Stable, so the keys decide among those of one moment.
    keys.sort((left, right) => lostAtMs(state, left) - lostAtMs(state, right))
    for (const key of keys.slice(0, keys.length - max)) deleteTask(context, key)
  }
}

const lostAtMs = (state: MasterState, key: string): number => {
  const agent = state.agents.get(state.tasks.get(key)!.spec.agentId)
  return agent === undefined ? 0 : agent.sinceMs
}
