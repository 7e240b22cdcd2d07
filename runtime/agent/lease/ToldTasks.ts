import type { AgentState, AgentTask } from "../../../core/agent/State.ts"
import { heldScalars } from "../../../core/resources/HeldResources.ts"
import { amountOf } from "../../../core/resources/Quantities.ts"
import { lineBytesMax, type ToldTask } from "../../protocol/MonitorProtocol.ts"

/** A task as the monitor hears of it, but for whether it stands still: that the lease knows. */
export type HeldTask = Omit<ToldTask, "isFrozen">

/** Tells whom to stop first: a whole number, higher is more important; anything else counts as 0. */
export const priorityLabel = "gleaner.priority"

const priorityMax = 1_000_000_000

const priorityOf = (task: AgentTask): number => {
  const label = task.spec.labels.find(({ key }) => key === priorityLabel)
  if (label === undefined || !/^[+-]?\d{1,10}$/.test(label.value)) return 0
  return Math.max(-priorityMax, Math.min(priorityMax, Number(label.value)))
}

/**
 * Since its RUNNING was told, ms. By wall time, which outlives the agent: after a jump of the clock another task may be
 * the one to be stopped first, and nothing else hangs on it.
 */
const ageOf = ({ latest }: AgentTask, wallMs: number): number =>
  latest === null || latest.state !== "TASK_RUNNING" ? 0 : Math.max(0, Math.floor(wallMs - latest.wallMs))

/** `lostWork` is what it may have worked at most since then: its limit × its age. */
export const agentTaskToHeldTask = (task: AgentTask, wallMs: number): HeldTask => {
  const scalars = heldScalars(task.spec.resources)
  const cpuMilli = amountOf(scalars, "cpus")
  const ageMs = ageOf(task, wallMs)
  return {
    containerId: task.containerId,
    frameworkId: task.spec.frameworkId,
    taskId: task.spec.taskId,
    priority: priorityOf(task),
    ageMs,
    lostWork: Math.min(Number.MAX_SAFE_INTEGER, cpuMilli * ageMs),
    cpuMilli,
    memMilli: amountOf(scalars, "mem"),
  }
}

/** All tasks of which something may still run. */
export const heldTasksOf = (state: AgentState, wallMs: number): ReadonlyArray<HeldTask> =>
  [...state.tasks.values()]
    .filter(({ phase }) => phase !== "gone")
    .map((task) => agentTaskToHeldTask(task, wallMs))

/** Whether the monitor would be told the same; what only grows with time is no news. */
export const sameTasks = (left: ReadonlyArray<ToldTask>, right: ReadonlyArray<ToldTask>): boolean =>
  left.length === right.length &&
  left.every((task, index) => {
    const other = right[index]!
    return (
      task.containerId === other.containerId &&
      task.isFrozen === other.isFrozen &&
      task.priority === other.priority &&
      task.cpuMilli === other.cpuMilli &&
      task.memMilli === other.memMilli
    )
  })

/** Leaves room for the rest of the line. */
const tasksBytesMax = lineBytesMax - 64 * 1024

/** As many tasks as fit into a line, the first ones: thousands. The others keep the limits that they have. */
export const tasksThatFit = (tasks: ReadonlyArray<ToldTask>): ReadonlyArray<ToldTask> => {
  let told = tasks
  while (Buffer.byteLength(JSON.stringify(told)) > tasksBytesMax) {
    told = told.slice(0, Math.floor(told.length / 2))
  }
  return told
}
