import type { Label, StatusSource, TaskSpec, TaskState, TaskStatus } from "../Task.ts"

// What is remembered of the statuses of a task, for those who ask what happened to it.

/** A status without what its task says anyway, and without what says nothing. */
export interface StatusNote {
  readonly state: TaskState
  readonly source: StatusSource
  readonly wallMs: number
  readonly reason?: string
  readonly message?: string
  readonly uuid?: string
  readonly containerId?: string
  readonly labels?: ReadonlyArray<Label>
  readonly unreachableWallMs?: number
  readonly parentContainerId?: string
  readonly executorPid?: number
  readonly ip?: string
}

export const noteOf = (status: TaskStatus): StatusNote => {
  const { state, source, wallMs, reason, message, uuid, containerId, labels, unreachableWallMs } = status
  const { parentContainerId, executorPid, ip } = status
  return {
    ...{ state, source, wallMs },
    ...(reason === null ? {} : { reason }),
    ...(message === null ? {} : { message }),
    ...(uuid === null ? {} : { uuid }),
    ...(containerId === null ? {} : { containerId }),
    ...(labels.length === 0 ? {} : { labels }),
    ...(unreachableWallMs === undefined ? {} : { unreachableWallMs }),
    ...(parentContainerId === undefined ? {} : { parentContainerId }),
    ...(executorPid === undefined ? {} : { executorPid }),
    ...(ip === undefined ? {} : { ip }),
  }
}

/** The status that a note was made of. */
export const statusOfNote = (
  { taskId, frameworkId, agentId, executor }: TaskSpec,
  note: StatusNote,
): TaskStatus => ({
  ...{ taskId, frameworkId, agentId, reason: null, message: null, uuid: null, containerId: null, labels: [] },
  ...note,
  ...(executor === undefined ? {} : { executorId: executor.executorId }),
})

/** Notes of one task; one that goes to and fro between two states must not grow for ever. */
export const notesMax = 16

/** Of statuses that say the same state one after the other the last is kept, as Mesos does (spec/mesos.md §2.7). */
export const withNote = (notes: ReadonlyArray<StatusNote>, status: TaskStatus): ReadonlyArray<StatusNote> => {
  const last = notes.length - 1
  const isSame = last >= 0 && notes[last]!.state === status.state
  const before = isSame ? notes.slice(0, last) : notes
  return before.slice(Math.max(0, before.length - notesMax + 1)).concat(noteOf(status))
}
