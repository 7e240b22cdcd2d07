import type { Turn } from "../Machine.ts"
import { taskKey } from "../Task.ts"
import type { AgentAction } from "./Action.ts"
import type { AgentState, AgentTask } from "./State.ts"

/** What every handler of one agent step works with. */
export interface AgentContext {
  readonly state: AgentState
  readonly turn: Turn<AgentAction>
  readonly nowMs: number
  readonly wallMs: number
}

export const putTask = ({ state, turn }: AgentContext, task: AgentTask): void => {
  const key = taskKey(task.spec.frameworkId, task.spec.taskId)
  state.tasks.set(key, task)
  turn.touch("task", key)
}

export const deleteTask = ({ state, turn }: AgentContext, key: string): void => {
  state.tasks.delete(key)
  turn.touch("task", key)
}

export const killDeadline = (key: string): string => `kill:${key}`
export const completeDeadline = (key: string): string => `complete:${key}`
export const retryDeadline = (key: string): string => `retry:${key}`
