import { tasksOfAgent, tasksOfFramework } from "../../../core/master/Context.ts"
import { completedTasksOf } from "../../../core/master/History.ts"
import type { MasterState, TaskRecord } from "../../../core/master/State.ts"
import { agentSummary, agentsByStanding } from "./Agents.ts"
import { amountsOfAgent, amountsOfFramework } from "./Amounts.ts"
import type { OperatorFacts } from "./Facts.ts"
import { frameworkSummary } from "./Frameworks.ts"

/** The states that Mesos counts here. */
const countedStates = [
  "TASK_STAGING",
  "TASK_STARTING",
  "TASK_RUNNING",
  "TASK_KILLING",
  "TASK_FINISHED",
  "TASK_KILLED",
  "TASK_FAILED",
  "TASK_LOST",
  "TASK_ERROR",
  "TASK_UNREACHABLE",
]

const countByState = (tasks: ReadonlyArray<TaskRecord>): Record<string, number> => {
  const counts = Object.fromEntries(countedStates.map((state) => [state, 0]))
  for (const { state } of tasks) {
    const count = counts[state]
    if (count !== undefined) counts[state] = count + 1
  }
  return counts
}

const distinct = (ids: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(ids)].sort()

/** Of frameworks that are still there, as Mesos counts. */
const endedTasksByAgent = (state: MasterState): ReadonlyMap<string, ReadonlyArray<TaskRecord>> => {
  const byAgent = new Map<string, Array<TaskRecord>>()
  for (const { task } of state.completedTasks.values()) {
    const { agentId, frameworkId } = task.spec
    if (!state.frameworks.has(frameworkId)) continue
    const others = byAgent.get(agentId)
    if (others === undefined) byAgent.set(agentId, [task])
    else others.push(task)
  }
  return byAgent
}

/** `/state-summary`: the sizes of things without the things (spec/mesos.md §6.3). Of ended tasks those count that are remembered. */
export const stateSummary = ({ state, identity }: OperatorFacts) => {
  const tasksByAgent = endedTasksByAgent(state)
  return {
    hostname: identity.address.hostname,
    slaves: agentsByStanding(state).registered.map((agent) => {
      const tasks = (tasksByAgent.get(agent.id) ?? []).concat(tasksOfAgent(state, agent.id))
      return {
        ...agentSummary(agent, amountsOfAgent(state, agent), "mesos"),
        ...countByState(tasks),
        framework_ids: distinct(tasks.map(({ spec }) => spec.frameworkId)),
      }
    }),
    frameworks: [...state.frameworks.values()].map((framework) => {
      const tasks = [...tasksOfFramework(state, framework.id), ...completedTasksOf(state, framework.id)]
      return {
        ...frameworkSummary(framework, amountsOfFramework(state, framework)),
        ...countByState(tasks),
        slave_ids: distinct(tasks.map(({ spec }) => spec.agentId)),
      }
    }),
  }
}
