/** Exchanges that cannot be played again, and why. */
export const notReplayed: ReadonlyArray<{
  readonly exchanges: string | ReadonlyArray<string>
  readonly reason: string
}> = [
  {
    exchanges: ["agent/*", "crashes/agent_REMOVE_CONTAINER_toplevel"],
    reason: "asks the operator API of an agent, which gleaner's agents do not have",
  },
  { exchanges: "executor/*", reason: "asks the executor API, which gleaner's agents do not have yet" },
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
