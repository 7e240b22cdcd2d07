import type { Reason } from "../Verdict.ts"

/** The event streams of operators. */
export const clusterEvents: ReadonlyArray<Reason> = [
  {
    exchanges: "operator/SUBSCRIBE_stream",
    at: ["TASK_ADDED task-hc/*", "TASK_UPDATED task-hc/*"],
    reason: "health checks are refused by name, so there is no such task",
  },
  {
    exchanges: "operator/SUBSCRIBE_stream",
    at: ["0/subscribed/get_state/get_frameworks/frameworks/0", "FRAMEWORK_REMOVED x/0"],
    isByChance: true,
    reason: "a framework that ended just before was still leaving; here it has gone when the stream begins",
  },
  {
    exchanges: "operator/SUBSCRIBE_stream_agents",
    at: "TASK_UPDATED t-a2/*",
    isByChance: true,
    reason: "a task that is lost and forgotten at once is told by its last state",
  },
]
