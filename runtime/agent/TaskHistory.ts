import type { AgentState, AgentTask } from "../../core/agent/State.ts"
import { type StatusNote, withNote } from "../../core/master/StatusNotes.ts"
import { isTerminal, type TaskSpec, type TaskState, type TaskStatus } from "../../core/Task.ts"
import type { EntityChange } from "../journal/Journal.ts"

// What happened to the tasks of this host, for those who ask the agent. The machine forgets what nobody has to act on any more; this
// is kept beside it, in memory: a new agent process knows of its tasks what their newest statuses say, and nothing of older ones.

/** A task of which nothing is left on this host, nor to be told. */
export interface PastTask {
  /** Without what it executed. */
  readonly spec: TaskSpec
  readonly containerId: string
  readonly executorName: string
  readonly latest: TaskStatus | null
  readonly notes: ReadonlyArray<StatusNote>
}

/** Since this process began. */
export interface HistoryCounts {
  readonly statuses: number
  readonly launchErrors: number
  /** Ended executors: a command's with its task, a group's with the last of its tasks. */
  readonly executors: number
  /** Ends by state. */
  readonly ends: ReadonlyMap<TaskState, number>
}

export interface TaskHistory {
  readonly notesOf: (key: string) => ReadonlyArray<StatusNote>
  /** The oldest end first. */
  readonly past: () => ReadonlyArray<PastTask>
  readonly counts: () => HistoryCounts
  /** What became durable; see `Agent.onDurable`. */
  readonly observe: (changes: ReadonlyArray<EntityChange>) => void
}

/** Past tasks that are kept, at most, whatever their size. */
export const pastTasksMax = 500
/** What they may take together as JSON, characters: labels of tasks have no bound of their own. */
export const pastCharactersMax = 2 * 1024 * 1024

/** Longest command that a name shows in full, and what of a longer one it shows, as in Mesos (transcript agent/busy_state). */
const [commandMax, commandShown] = [15, 12]

/** As Mesos calls the executor of a task that is a command. */
export const executorNameOf = ({ taskId, command }: TaskSpec): string => {
  const whole = command.shell ? command.value : [command.value, ...command.arguments].join(", ")
  const text = whole.length > commandMax ? `${whole.slice(0, commandShown)}...` : whole
  return `Command Executor (Task: ${taskId}) (Command: ${command.shell ? `sh -c '${text}'` : `[${text}]`})`
}

/** Environments may hold secrets, and a thousand commands would take more room than all else. */
const withoutExecuted = (spec: TaskSpec): TaskSpec => ({
  ...spec,
  command: { ...spec.command, value: "", arguments: [], environment: [] },
})

interface Known {
  readonly task: AgentTask
  readonly notes: ReadonlyArray<StatusNote>
}

export const makeTaskHistory = (state: AgentState): TaskHistory => {
  const known = new Map<string, Known>()
  let past: Array<{ readonly task: PastTask; readonly characters: number }> = []
  let characters = 0
  let [statuses, launchErrors, executors] = [0, 0, 0]
  const ends = new Map<TaskState, number>()

  const count = (status: TaskStatus): void => {
    statuses++
    if (status.reason === "REASON_CONTAINER_LAUNCH_FAILED") launchErrors++
    if (isTerminal(status.state)) ends.set(status.state, (ends.get(status.state) ?? 0) + 1)
  }

  const note = (key: string, task: AgentTask, isNews: boolean): void => {
    let notes = known.get(key)?.notes ?? []
    const noted = new Set(notes.map(({ uuid }) => uuid))
    // The newest is among those that wait, unless it has been acknowledged.
    for (const status of task.latest === null ? task.pending : [...task.pending, task.latest]) {
      if (status.uuid === null || noted.has(status.uuid)) continue
      noted.add(status.uuid)
      notes = withNote(notes, status)
      if (isNews) count(status)
    }
    known.set(key, { task, notes })
  }

  const bury = ({ task, notes }: Known): void => {
    const { spec, containerId, latest } = task
    const executorName = spec.executor === undefined ? executorNameOf(spec) : ""
    const buried = { spec: withoutExecuted(spec), containerId, executorName, latest, notes }
    const size = JSON.stringify(buried).length
    past.push({ task: buried, characters: size })
    characters += size
    let dropped = 0
    while (past.length - dropped > pastTasksMax || characters > pastCharactersMax) {
      characters -= past[dropped++]!.characters
    }
    if (dropped > 0) past = past.slice(dropped)
  }

  const hasCompanions = ({ frameworkId, executor }: TaskSpec): boolean =>
    executor !== undefined &&
    [...known.values()].some(
      ({ task: { spec } }) =>
        spec.frameworkId === frameworkId && spec.executor?.executorId === executor.executorId,
    )

  const forget = (key: string): void => {
    const last = known.get(key)
    known.delete(key)
    if (last === undefined) return
    if (!hasCompanions(last.task.spec)) executors++
    bury(last)
  }

  for (const [key, task] of state.tasks) note(key, task, false)

  return {
    notesOf: (key) => known.get(key)?.notes ?? [],
    past: () => past.map(({ task }) => task),
    counts: () => ({ statuses, launchErrors, executors, ends }),
    observe: (changes) => {
      for (const { kind, key, value } of changes) {
        if (kind !== "task") continue
        const task = value as AgentTask | undefined
        // The id of one that has ended may be given to another at once.
        if (task?.containerId !== known.get(key)?.task.containerId) forget(key)
        if (task !== undefined) note(key, task, true)
      }
    },
  }
}
