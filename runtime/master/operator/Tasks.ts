import { type ExecutorView, executorsOf } from "../../../core/master/Executors.ts"
import type { MasterState, TaskRecord } from "../../../core/master/State.ts"
import type { StatusNote } from "../../../core/master/StatusNotes.ts"
import { heldResources } from "../../../core/resources/HeldResources.ts"
import { taskKey } from "../../../core/Task.ts"
import { noteView, resourcesView } from "../../mesos/OlderViews.ts"
import { executorToWire, taskToWire } from "../../mesos/OperatorViews.ts"
import { isUnreachable } from "./Amounts.ts"
import { formOf, ownMembers, type ViewForm } from "./ViewForm.ts"

// Tasks, in the v0 naming of `/tasks` and `/state` and in that of GET_TASKS.

const statusView = (note: StatusNote, form: ViewForm) => ({
  ...noteView(note),
  ...(note.message === undefined ? {} : ownMembers(form, () => ({ message: note.message }))),
})

export const taskView = ({ spec, state, notes, launchedWallMs }: TaskRecord, form: ViewForm) => ({
  id: spec.taskId,
  name: spec.name,
  framework_id: spec.frameworkId,
  executor_id: spec.executor?.executorId ?? "",
  slave_id: spec.agentId,
  state,
  resources: resourcesView(heldResources(spec.resources)),
  role: spec.role,
  ...(spec.command.user === null ? {} : { user: spec.command.user }),
  statuses: notes.map((note) => statusView(note, form)),
  ...(spec.labels.length === 0 ? {} : { labels: spec.labels }),
  ...spec.shown,
  ...ownMembers(form, () => ({
    command: [spec.command.value, ...spec.command.arguments.slice(1)].join(" "),
    launched_time: launchedWallMs / 1000,
  })),
})

/** Tasks of frameworks that were torn down while they ran; Mesos has none of these. */
export const orphanTasks = (state: MasterState): ReadonlyArray<TaskRecord> =>
  [...state.tasks.values()].filter(({ spec }) => !state.frameworks.has(spec.frameworkId))

/** The oldest end first, of frameworks that are over too. */
const completedTasks = (state: MasterState): ReadonlyArray<TaskRecord> =>
  [...state.completedTasks.values()].map(({ task }) => task)

export const getTasks = (state: MasterState) => {
  const known = [...state.tasks.values()].filter(({ spec }) => state.frameworks.has(spec.frameworkId))
  const past = completedTasks(state)
  const orphans = orphanTasks(state)
  return {
    tasks: known.filter((task) => !isUnreachable(task)).map(taskToWire),
    unreachable_tasks: [...known, ...past].filter(isUnreachable).map(taskToWire),
    completed_tasks: past.filter((task) => !isUnreachable(task)).map(taskToWire),
    ...(orphans.length === 0 ? {} : { orphan_tasks: orphans.map(taskToWire) }),
  }
}

/** No executor is listed for a task that is a command (mesos-transcripts README, 15). */
export const getExecutors = (state: MasterState) => ({ executors: executorsOf(state).map(executorToWire) })

export const executorView = ({ executorId, frameworkId, agentId, role, resources }: ExecutorView) => ({
  executor_id: executorId,
  name: "",
  framework_id: frameworkId,
  resources: resourcesView(heldResources(resources)),
  role,
  type: "DEFAULT",
  slave_id: agentId,
})

/** How many tasks `/tasks` shows when nobody says (Mesos: TASK_LIMIT). */
const tasksShown = 100

/** What is no whole number counts as not said, as in Mesos (transcript legacy/busy_master_tasks_limit_abc). */
const countOf = (text: string | null, otherwise: number): number =>
  text !== null && /^\d{1,15}$/.test(text) ? Number(text) : otherwise

const compareLaunches = (left: TaskRecord, right: TaskRecord): number =>
  left.launchedWallMs - right.launchedWallMs || (keyOf(left) < keyOf(right) ? -1 : 1)

const keyOf = ({ spec }: TaskRecord): string => taskKey(spec.frameworkId, spec.taskId)

/** `/tasks?framework_id=&task_id=&limit=&offset=&order=asc|des`: by when they were launched, the newest first. */
export const taskViews = (state: MasterState, query: URLSearchParams) => {
  const [frameworkId, taskId] = [query.get("framework_id"), query.get("task_id")]
  const wanted = [...state.tasks.values(), ...completedTasks(state)].filter(
    ({ spec }) =>
      (frameworkId === null || spec.frameworkId === frameworkId) &&
      (taskId === null || spec.taskId === taskId),
  )
  wanted.sort(compareLaunches)
  if (query.get("order") !== "asc") wanted.reverse()
  const offset = countOf(query.get("offset"), 0)
  const limit = countOf(query.get("limit"), tasksShown)
  return { tasks: wanted.slice(offset, offset + limit).map((task) => taskView(task, formOf(query))) }
}
