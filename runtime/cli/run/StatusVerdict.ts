import { isTerminal, type TaskState } from "../../../core/Task.ts"

/** A status as it came; the parts that one task is followed by. */
export interface WireStatus {
  readonly task_id: { readonly value: string }
  readonly agent_id?: { readonly value: string }
  readonly state: TaskState
  readonly message?: string
  readonly reason?: string
  readonly uuid?: string
  readonly labels?: { readonly labels?: ReadonlyArray<{ readonly key: string; readonly value?: string }> }
}

/**
 * What a status means for a command that waits for the end of its task: it goes on; it is over; it has not begun, so it
 * may be launched elsewhere; or it is only said in answer, and the end itself, which says more, will still be told.
 */
export type StatusVerdict = "GoesOn" | "Over" | "NotBegun" | "ToldStill"

/** With these the master answers a question about a task that it does not have (spec/mesos.md §2.8, 3–6). */
const unknownStates: ReadonlyArray<TaskState> = [
  "TASK_UNKNOWN",
  "TASK_GONE",
  "TASK_GONE_BY_OPERATOR",
  "TASK_LOST",
]

/** `hasBegun`: whether a status of it has come from its agent before. */
export const judgeStatus = ({ state, reason }: WireStatus, hasBegun: boolean): StatusVerdict => {
  const isAnswer = reason === "REASON_RECONCILIATION"
  if (!isTerminal(state) && state !== "TASK_UNKNOWN") return "GoesOn"
  // A task whose end is known is kept until that is acknowledged: the end comes by itself, with its exit code.
  if (isAnswer && !unknownStates.includes(state)) return "ToldStill"
  if (hasBegun) return "Over"
  // Dropped means by definition that no executor has seen it (spec/mesos.md §2.7).
  const isRefused = state === "TASK_DROPPED" || reason === "REASON_INVALID_OFFERS"
  return isRefused || isAnswer ? "NotBegun" : "Over"
}
