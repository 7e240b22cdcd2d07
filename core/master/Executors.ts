import type { PlainResources } from "../resources/PlainForm.ts"
import { type ExecutorSpec, type TaskSpec, taskKey } from "../Task.ts"
import type { MasterState } from "./State.ts"

// The executors of task groups. An executor is there, and holds what is its own, as long as one of its tasks holds resources; so
// everything about it follows from the tasks, and nothing of it is stored (spec/mesos.md §2.4).

/** No id may contain a slash (spec/mesos.md §0). */
const executorKey = ({ agentId, frameworkId }: TaskSpec, { executorId }: ExecutorSpec): string =>
  `${agentId}/${frameworkId}/${executorId}`

const clientKey = (agentId: string, frameworkId: string): string => `${agentId}/${frameworkId}`

/** Notes that a task of it holds resources; true when it is the first, and the executor's are to be booked too. */
export const joinExecutor = (state: MasterState, spec: TaskSpec, executor: ExecutorSpec): boolean => {
  const key = executorKey(spec, executor)
  const isFirst = state.tasksByExecutor.countOf(key) === 0
  state.tasksByExecutor.add(key, taskKey(spec.frameworkId, spec.taskId))
  if (isFirst) state.executorsByClient.add(clientKey(spec.agentId, spec.frameworkId), executor.executorId)
  return isFirst
}

/** The reverse of {@link joinExecutor}; true when it was the last. */
export const leaveExecutor = (state: MasterState, spec: TaskSpec, executor: ExecutorSpec): boolean => {
  const key = executorKey(spec, executor)
  state.tasksByExecutor.delete(key, taskKey(spec.frameworkId, spec.taskId))
  if (state.tasksByExecutor.countOf(key) > 0) return false
  state.executorsByClient.delete(clientKey(spec.agentId, spec.frameworkId), executor.executorId)
  return true
}

/** Whether the executor of a task of a group is there. */
export const hasLiveExecutor = (state: MasterState, spec: TaskSpec): boolean =>
  spec.executor !== undefined && state.tasksByExecutor.countOf(executorKey(spec, spec.executor)) > 0

/** Ids of a framework's executors on an agent. */
export const executorIdsOn = (
  state: MasterState,
  agentId: string,
  frameworkId: string,
): ReadonlyArray<string> => state.executorsByClient.of(clientKey(agentId, frameworkId))

/** Keys of the tasks of one executor that hold resources. */
export const tasksOfExecutor = (
  state: MasterState,
  spec: Pick<TaskSpec, "agentId" | "frameworkId">,
  executorId: string,
): ReadonlyArray<string> => state.tasksByExecutor.of(`${spec.agentId}/${spec.frameworkId}/${executorId}`)

/** An executor as those see it who ask. */
export interface ExecutorView {
  readonly executorId: string
  readonly frameworkId: string
  readonly agentId: string
  readonly role: string
  readonly resources: PlainResources
}

/** All of them, or those of one framework, in a fixed order. */
export const executorsOf = (
  state: MasterState,
  frameworkId: string | null = null,
): ReadonlyArray<ExecutorView> => {
  const views: Array<ExecutorView> = []
  for (const key of state.tasksByExecutor.owners()) {
    const [taskOfIt] = state.tasksByExecutor.of(key)
    const { spec } = state.tasks.get(taskOfIt!)!
    if (frameworkId !== null && spec.frameworkId !== frameworkId) continue
    const { executorId, resources } = spec.executor!
    const { agentId, role } = spec
    views.push({ executorId, frameworkId: spec.frameworkId, agentId, role, resources })
  }
  return views
}
