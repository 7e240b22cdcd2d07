import type { Reason } from "../Verdict.ts"

const streams = ["operator/SUBSCRIBE_stream", "operator/SUBSCRIBE_stream_agents"]

/** The event streams of operators. */
export const clusterEvents: ReadonlyArray<Reason> = [
  {
    exchanges: streams,
    at: [
      "TASK_UPDATED */task_updated/status/container_status/network_infos",
      "TASK_UPDATED */task_updated/status/container_status/executor_pid",
    ],
    reason: "of a container its id is told; it has the host's network, and no executor",
  },
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
    reason:
      "tasks outlive their agent also without `checkpoint`, so they are not given up when only the connection ends",
  },
  {
    exchanges: "operator/SUBSCRIBE_stream_agents",
    at: "AGENT_REMOVED/0",
    reason:
      "an agent that stays away is told as removed, which Mesos forgets where it only becomes unreachable",
  },
]
