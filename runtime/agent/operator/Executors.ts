import { heldResources } from "../../../core/resources/HeldResources.ts"
import { addResources, noResources, type Resources } from "../../../core/resources/Resources.ts"
import { noteView, resourcesView } from "../../mesos/OlderViews.ts"
import { resourcesToWire } from "../../mesos/Resources.ts"
import { sandboxPath } from "../Sandbox.ts"
import type { Seen, ShownTask } from "./Facts.ts"

// Executors as Mesos's agents tell them: that of a task that is a command is called as its task. Here no process stands behind the word,
// and what an executor of a group holds is all that it is.

export interface ShownExecutor {
  readonly executorId: string
  readonly frameworkId: string
  readonly name: string
  /** Whether its tasks are a group. */
  readonly isGroup: boolean
  readonly role: string
  /** What it holds besides its tasks. */
  readonly own: Resources
  readonly tasks: ReadonlyArray<ShownTask>
}

/** Those of some tasks, in the order of these. */
export const executorsOf = (tasks: ReadonlyArray<ShownTask>): ReadonlyArray<ShownExecutor> => {
  const byKey = new Map<string, Array<ShownTask>>()
  for (const task of tasks) {
    // A command's id may be given again: each is an executor of its own.
    const isGroup = task.spec.executor !== undefined
    const key = `${task.spec.frameworkId}/${isGroup ? `group ${task.executorId}` : task.containerId}`
    const known = byKey.get(key)
    if (known === undefined) byKey.set(key, [task])
    else known.push(task)
  }
  return [...byKey.values()].map((of) => {
    const [{ spec, executorId, executorName }] = of as [ShownTask]
    return {
      executorId,
      frameworkId: spec.frameworkId,
      name: executorName,
      isGroup: spec.executor !== undefined,
      role: spec.role,
      own: spec.executor === undefined ? noResources : heldResources(spec.executor.resources),
      tasks: of,
    }
  })
}

/** Whether its process may still run. */
export const isLive = ({ phase }: ShownTask): boolean => phase !== "gone" && phase !== "past"

/** What tasks hold, and once what each of their executors holds. */
export const heldBy = (tasks: ReadonlyArray<ShownTask>): Resources =>
  executorsOf(tasks.filter(isLive)).reduce(
    (sum, { own, tasks: of }) =>
      of.reduce((all, { spec }) => addResources(all, heldResources(spec.resources)), addResources(sum, own)),
    noResources,
  )

const executorToWire = ({ executorId, frameworkId, name, isGroup, role, own }: ShownExecutor) => ({
  executor_info: {
    ...(isGroup ? { type: "DEFAULT" } : {}),
    executor_id: { value: executorId },
    framework_id: { value: frameworkId },
    ...(own.length === 0 ? {} : { resources: resourcesToWire(own, { withRole: false, allocatedTo: role }) }),
    ...(isGroup ? {} : { name, source: executorId }),
  },
})

export const getExecutors = ({ tasks, past }: Seen) => ({
  executors: executorsOf(tasks).map(executorToWire),
  completed_executors: endedExecutors(tasks, past).map(executorToWire),
})

/** An executor of a group ends with the last of its tasks. */
const endedExecutors = (
  tasks: ReadonlyArray<ShownTask>,
  past: ReadonlyArray<ShownTask>,
): ReadonlyArray<ShownExecutor> => executorsOf(past.filter((task) => !isOfLiving(task, tasks)))

const isOfLiving = (task: ShownTask, tasks: ReadonlyArray<ShownTask>): boolean =>
  task.spec.executor !== undefined &&
  tasks.some(
    ({ executorId, spec }) =>
      spec.executor !== undefined &&
      executorId === task.executorId &&
      spec.frameworkId === task.spec.frameworkId,
  )

const taskView = ({ spec, state, notes }: ShownTask) => ({
  id: spec.taskId,
  name: spec.name,
  framework_id: spec.frameworkId,
  executor_id: spec.executor?.executorId ?? "",
  slave_id: spec.agentId,
  state,
  resources: resourcesView(heldResources(spec.resources)),
  role: spec.role,
  statuses: notes.map(noteView),
  ...(spec.labels.length === 0 ? {} : { labels: spec.labels }),
  ...spec.shown,
})

/** Of a command its container and sandbox; tasks of a group have each their own, which their statuses tell. */
const placeOf = ({ executorId, frameworkId, isGroup, tasks }: ShownExecutor, sandboxRoot: string) => {
  const containerId = tasks[tasks.length - 1]!.containerId
  return isGroup
    ? {}
    : {
        container: containerId,
        directory: sandboxPath(sandboxRoot, { frameworkId, taskId: executorId, containerId }),
      }
}

/** `past`: its tasks that have ended before the others. */
const executorView = (executor: ShownExecutor, past: ReadonlyArray<ShownTask>, sandboxRoot: string) => {
  const { executorId, name, isGroup, role, tasks } = executor
  const live = tasks.filter(isLive)
  return {
    id: executorId,
    name,
    source: isGroup ? "" : executorId,
    ...placeOf(executor, sandboxRoot),
    resources: resourcesView(addResources(executor.own, heldBy(live.map(withoutExecutor)))),
    role,
    ...(isGroup ? { type: "DEFAULT" } : {}),
    tasks: live.map(taskView),
    queued_tasks: [],
    completed_tasks: [...past, ...tasks.filter((task) => !isLive(task))].map(taskView),
  }
}

const withoutExecutor = ({ spec: { executor: _, ...spec }, ...task }: ShownTask): ShownTask => ({
  ...task,
  spec,
})

/** `executors` and `completed_executors` of one framework, as `/state` shows them. */
export const executorViews = ({ facts, tasks, past }: Seen, frameworkId: string) => {
  const { sandboxRoot } = facts.identity
  const isOfFramework = ({ spec }: ShownTask) => spec.frameworkId === frameworkId
  const [here, over] = [tasks.filter(isOfFramework), past.filter(isOfFramework)]
  return {
    executors: executorsOf(here).map((executor) => {
      const endedBefore = executor.isGroup
        ? over.filter(({ spec }) => spec.executor?.executorId === executor.executorId)
        : []
      return executorView(executor, endedBefore, sandboxRoot)
    }),
    completed_executors: endedExecutors(here, over).map((executor) =>
      executorView(executor, [], sandboxRoot),
    ),
  }
}
