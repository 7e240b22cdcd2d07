/** Exchanges that cannot be played again, and why. */
export const notReplayed: ReadonlyArray<{
  readonly exchanges: string | ReadonlyArray<string>
  readonly reason: string
}> = [
  {
    exchanges: "executor/*",
    reason:
      "is what a custom executor says to its agent; the master refuses custom executors by name, so no process here would say it",
  },
  {
    exchanges: "agent/executor_GET_EXECUTORS",
    reason: "shows a custom executor, which are not there yet",
  },
  {
    exchanges: [
      "legacy/executor_state",
      "legacy/slaves_by_id",
      "legacy/frameworks_by_id",
      "legacy/tasks_limit2",
      "legacy/tasks_by_id",
    ],
    reason: "shows tasks of custom executors, which are not there yet",
  },
  {
    exchanges: [
      "scheduler/main_3x_*",
      "scheduler/main_25_DECLINE_0",
      "scheduler/main_51_ACKNOWLEDGE_after_KILL_TASK_FAILED",
    ],
    reason: "left over from another run, of which neither stream nor earlier calls were kept",
  },
]
