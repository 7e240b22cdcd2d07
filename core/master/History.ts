import {
  type Label,
  type TaskCommand,
  type TaskSpec,
  type TaskState,
  type TaskStatus,
  taskKey,
} from "../Task.ts"
import { deleteTask, type MasterContext } from "./Context.ts"
import type { CompletedTaskRecord, FrameworkRecord, MasterState, RemovalRecord, TaskRecord } from "./State.ts"
import type { StatusNote } from "./StatusNotes.ts"

// What is remembered of tasks and frameworks that are over, for those who ask what happened. Nothing is decided on it but that a
// removed framework may not come back. All of it is bounded, the oldest is forgotten first (spec/mesos.md §1.1).

// --- completed tasks ---

/** Sorts as the numbers do. */
const completedTaskKey = (number: number): string => String(number).padStart(15, "0")

/** Characters of a command's text, and of a name, that are remembered. */
const textMax = 256

/** Of a status's message. */
const messageMax = 512

/** Of all labels of a task or of a status together, as JSON. */
const labelsMax = 1_024

/** Of what a task said of itself for others, as JSON: half of that says nothing, so a longer one goes as a whole. */
const shownMax = 4_096

/** Half a character (of a surrogate pair) is no text. */
const beginningOf = (text: string, max: number): string => {
  if (text.length <= max) return text
  const last = text.charCodeAt(max - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? max - 1 : max)
}

/** The first ones; each is remembered whole or not at all. */
const shortLabels = (labels: ReadonlyArray<Label>): ReadonlyArray<Label> => {
  let length = 0
  const end = labels.findIndex((label) => {
    length += JSON.stringify(label).length
    return length > labelsMax
  })
  return end < 0 ? labels : labels.slice(0, end)
}

/** A command can be large, and of one that is over only what it was about is wanted. */
const shortCommand = (command: TaskCommand): TaskCommand => ({
  ...command,
  value: beginningOf(command.value, textMax),
  arguments: [],
  environment: [],
})

const shortSpec = ({ shown, ...spec }: TaskSpec): TaskSpec => ({
  ...spec,
  name: beginningOf(spec.name, textMax),
  command: shortCommand(spec.command),
  labels: shortLabels(spec.labels),
  ...(shown === undefined || JSON.stringify(shown).length > shownMax ? {} : { shown }),
})

const shortNote = (note: StatusNote): StatusNote => ({
  ...note,
  ...(note.message === undefined ? {} : { message: beginningOf(note.message, messageMax) }),
  ...(note.labels === undefined ? {} : { labels: shortLabels(note.labels) }),
})

const shortStatus = (status: TaskStatus): TaskStatus => ({
  ...status,
  message: status.message === null ? null : beginningOf(status.message, messageMax),
  labels: shortLabels(status.labels),
})

/** History is counted in tasks, so that each must be small, whatever its framework and its agent wrote into it. */
const shortTask = (task: TaskRecord): TaskRecord => ({
  ...task,
  spec: shortSpec(task.spec),
  status: task.status === null ? null : shortStatus(task.status),
  notes: task.notes.map(shortNote),
})

/** Remembers a task that is over. Its id may be used again, so it is remembered by a number. */
export const rememberTask = (context: MasterContext, task: TaskRecord, state: TaskState): void => {
  const { state: master, turn } = context
  const { frameworkId } = task.spec
  const { completedTasksPerFrameworkMax, completedTasksMax } = master.settings
  if (completedTasksPerFrameworkMax === 0 || completedTasksMax === 0) return
  const number = master.nextCompletedNumber++
  const key = completedTaskKey(number)
  master.completedTasks.set(key, { number, task: { ...shortTask(task), state, hasEnded: true } })
  master.completedIndex.add(frameworkId, number)
  turn.touch("completedTask", key)
  while (master.completedIndex.countOf(frameworkId) > completedTasksPerFrameworkMax) {
    forgetOldestOf(context, frameworkId)
  }
  while (master.completedIndex.size > completedTasksMax) {
    forgetOldestOf(context, master.completedIndex.oldestOwner()!)
  }
}

/** Ends a task for good: it is known by its history only. */
export const completeTask = (context: MasterContext, task: TaskRecord, state: TaskState): void => {
  deleteTask(context, taskKey(task.spec.frameworkId, task.spec.taskId))
  rememberTask(context, task, state)
}

const forgetOldestOf = ({ state, turn }: MasterContext, frameworkId: string): void => {
  const number = state.completedIndex.dropOldestOf(frameworkId)
  if (number === undefined) return
  const key = completedTaskKey(number)
  state.completedTasks.delete(key)
  turn.touch("completedTask", key)
}

/** Oldest first. */
export const completedTasksOf = (state: MasterState, frameworkId: string): ReadonlyArray<TaskRecord> =>
  state.completedIndex
    .of(frameworkId)
    .map((number) => state.completedTasks.get(completedTaskKey(number))!.task)

/** For a restored state; records must come in the order of their numbers. */
export const indexCompletedTask = (state: MasterState, { number, task }: CompletedTaskRecord): void =>
  state.completedIndex.add(task.spec.frameworkId, number)

// --- removed frameworks ---

/** How many ids of removed frameworks are remembered; one costs about 100 bytes. */
export const removalsMax = 10_000

/** Of the last ones everything is remembered, of older ones that they may not come back. */
export const rememberRemoval = (context: MasterContext, framework: FrameworkRecord): void => {
  const { state } = context
  const { completedFrameworksMax } = state.settings
  putRemoval(context, {
    frameworkId: framework.id,
    number: state.nextRemovalNumber++,
    framework: completedFrameworksMax === 0 ? null : { ...framework, streamId: null, removeAtMs: null },
    unregisteredWallMs: context.wallMs,
  })
  const shown = completedFrameworks(state)
  for (const removal of shown.slice(0, Math.max(0, shown.length - completedFrameworksMax))) {
    putRemoval(context, { ...removal, framework: null })
  }
  if (state.removals.size > removalsMax) forgetOldestRemoval(context)
}

const putRemoval = (context: MasterContext, removal: RemovalRecord): void => {
  context.state.removals.set(removal.frameworkId, removal)
  context.turn.touch("removal", removal.frameworkId)
  if (removal.framework === null) forgetTasksOf(context, removal.frameworkId)
}

const forgetTasksOf = (context: MasterContext, frameworkId: string): void => {
  while (context.state.completedIndex.countOf(frameworkId) > 0) forgetOldestOf(context, frameworkId)
}

const forgetOldestRemoval = ({ state, turn }: MasterContext): void => {
  let oldest: RemovalRecord | undefined
  state.removals.forEach((removal) => {
    if (oldest === undefined || removal.number < oldest.number) oldest = removal
  })
  if (oldest === undefined) return
  const { frameworkId } = oldest as RemovalRecord
  state.removals.delete(frameworkId)
  turn.touch("removal", frameworkId)
}

/** A removed framework of which everything is remembered. */
export interface CompletedFramework extends RemovalRecord {
  readonly framework: FrameworkRecord
}

/** Oldest first. */
export const completedFrameworks = ({ removals }: MasterState): ReadonlyArray<CompletedFramework> =>
  Array.from(removals.values())
    .filter((removal): removal is CompletedFramework => removal.framework !== null)
    .sort((left, right) => left.number - right.number)
