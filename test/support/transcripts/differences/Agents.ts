import type { Reason } from "../Verdict.ts"

const tasks = ["agent/*_GET_STATE", "agent/*_GET_TASKS"]
const states = ["agent/*state"]
const statistics = ["agent/*_GET_CONTAINERS*", "agent/*monitor_statistics", "agent/*_containers"]
const metrics = ["agent/*_GET_METRICS", "agent/*_metrics_snapshot"]

/** What an agent says of itself and of its tasks, asked at its own door. */
export const agents: ReadonlyArray<Reason> = [
  {
    exchanges: [
      "agent/LAUNCH_CONTAINER_again",
      "agent/LAUNCH_CONTAINER_nested",
      "agent/LAUNCH_CONTAINER_standalone",
      "agent/LAUNCH_NESTED_CONTAINER*",
    ],
    at: "status",
    ours: "501 *",
    reason: "containers beside tasks are refused by name: nobody would account for what they use",
  },
  {
    exchanges: [
      "agent/KILL_CONTAINER_standalone",
      "agent/KILL_NESTED_CONTAINER",
      "agent/REMOVE_NESTED_CONTAINER_running",
      "agent/WAIT_CONTAINER_exited",
      "agent/WAIT_CONTAINER_killed",
      "agent/WAIT_NESTED_CONTAINER",
    ],
    at: "status",
    ours: "404 *",
    reason: "containers beside tasks are refused by name, so this one was never launched",
  },
  {
    exchanges: "agent/standalone_GET_CONTAINERS",
    at: "body/get_containers/containers/*",
    reason: "containers beside tasks are refused by name, so these were never launched",
  },
  {
    exchanges: [...tasks, ...states, "agent/sched_stream"],
    at: ["*/container_status/network_infos", "*/container_status/executor_pid"],
    reason: "of a container its id is told; it has the host's network, and no executor",
  },
  {
    exchanges: ["agent/*_GET_STATE", "agent/after_GET_EXECUTORS"],
    at: ["*/executor_info/command", "*/executor_info/resources"],
    reason: "behind the executor of a command stands no process, and it holds nothing",
  },
  {
    exchanges: ["agent/busy*_state", "agent/after*_state"],
    at: ["body/unreserved_resources_allocated/*", "body/*frameworks/*executors/*/resources/*"],
    reason:
      "behind the executor of a command stands no process, and it holds nothing; an ended one neither",
  },
  {
    exchanges: ["agent/busy_GET_METRICS", "agent/busy_metrics_snapshot"],
    at: ["*slave/cpus_*", "*slave/mem_*"],
    reason: "behind the executor of a command stands no process, and it holds nothing",
  },
  {
    exchanges: statistics,
    at: ["*/cpus_soft_limit", "*/mem_limit_bytes", "*/mem_soft_limit_bytes"],
    reason:
      "a container is one task, without the room that Mesos adds for an executor or sums up for a group",
  },
  {
    exchanges: statistics,
    at: [
      "*/cpus_limit",
      "*/cpus_nr_periods",
      "*/cpus_nr_throttled",
      "*/cpus_throttled_time_secs",
      "*/processes",
      "*/threads",
    ],
    reason:
      "cpu is limited by CFS and processes are counted, which flags of the recorded agent had switched off",
  },
  {
    exchanges: statistics,
    at: "*/mem_*_pressure_counter",
    reason: "the kernel's pressure events are not listened to: that would cost each task a file descriptor",
  },
  {
    exchanges: "agent/group_running_GET_CONTAINERS",
    at: "body/get_containers/containers/*",
    reason:
      "each task of a group has a container of its own, with figures of its own, not one within its executor's",
  },
  {
    exchanges: "agent/group_state",
    at: ["*/container", "*/directory", "*/container_status/container_id/parent"],
    reason: "each task of a group has a container and a sandbox of its own, not one within its executor's",
  },
  {
    exchanges: "agent/sched_stream",
    at: ["UPDATE/ag-oom/2/limitation", "UPDATE/ag-oom/2/container_status"],
    reason: "how the task ended, in other words, and with its exit code and its container",
  },
  {
    exchanges: "agent/group_state",
    at: ["*completed_tasks/*/statuses/2/message", "*completed_tasks/*/statuses/2/labels"],
    reason: "the older endpoints, too, say how a task ended, with its exit code",
  },
  {
    exchanges: metrics,
    at: [
      "*containerizer/fetcher/*",
      "*gc/path_removals_pending*",
      "*executor_directory_max_allowed_age_secs*",
    ],
    reason:
      "there is no fetcher; sandboxes are kept for a week, and those to be removed are looked for on the disk once an hour",
  },
  {
    exchanges: ["agent/after_GET_*", "agent/after_metrics_snapshot", "agent/after_*state"],
    at: [
      "*tasks/ag ag-1*",
      "*tasks_killed*",
      "*valid_status_updates*",
      "*invalid_status_updates*",
      "body/completed_frameworks/*completed_executors/*",
    ],
    reason: "the end of a task whose framework was torn down is known; Mesos leaves it running for ever",
  },
  {
    exchanges: ["agent/after_GET_STATE", "agent/after_GET_TASKS", "agent/sched_stream"],
    at: ["*oom/*/message", "*oom/*/limitation", "*oom/*/labels", "*oom/*/container_status"],
    reason: "how the task ended, in other words, and with its exit code and its container",
  },
]
