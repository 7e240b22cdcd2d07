import { cpus, freemem, loadavg, totalmem } from "node:os"
import { amountOf } from "../../../core/resources/Quantities.ts"
import { scalarQuantities } from "../../../core/resources/Resources.ts"
import type { TaskState } from "../../../core/Task.ts"
import { sandboxAgeMsMax } from "../SandboxCleanup.ts"
import { executorsOf, heldBy, isLive } from "./Executors.ts"
import type { AgentFacts, ShownTask } from "./Facts.ts"
import { totalOf } from "./State.ts"

// `/metrics/snapshot` of an agent by the names of Mesos (spec/mesos.md §6.1); counters begin with this process, as Mesos's do.

type Metrics = { [name: string]: number }

/** 0 for good, because gleaner has not what they count: a fetcher, root file systems of their own, resource providers, executors
 * that speak with their agent, revocable resources. */
const absent: ReadonlyArray<string> = [
  ...["cache_size_total_bytes", "cache_size_used_bytes", "task_fetches_failed", "task_fetches_succeeded"].map(
    (name) => `containerizer/fetcher/${name}`,
  ),
  ...[
    "container_destroy_errors",
    "filesystem/containers_new_rootfs",
    "provisioner/bind/remove_rootfs_errors",
    "provisioner/remove_container_errors",
  ].map((name) => `containerizer/mesos/${name}`),
  // Old sandboxes are looked for on the disk; none waits in a queue.
  "gc/path_removals_pending",
  ...["events/disconnect", "events/subscribe", "subscribed"].map(
    (name) => `resource_provider_manager/${name}`,
  ),
  ...["executors_preempted", "executors_registering", "invalid_framework_messages"].map(ofAgent),
  ...["invalid_status_updates", "recovery_errors", "valid_framework_messages"].map(ofAgent),
]

function ofAgent(name: string): string {
  return `slave/${name}`
}

const resourceNames = ["cpus", "gpus", "mem", "disk"]

const addResources = (metrics: Metrics, facts: AgentFacts, tasks: ReadonlyArray<ShownTask>): void => {
  const [all, held] = [scalarQuantities(totalOf(facts)), scalarQuantities(heldBy(tasks))]
  for (const name of resourceNames) {
    const [total, used] = [amountOf(all, name), amountOf(held, name)]
    metrics[ofAgent(`${name}_total`)] = total / 1000
    metrics[ofAgent(`${name}_used`)] = used / 1000
    metrics[ofAgent(`${name}_percent`)] = total === 0 ? 0 : used / total
    for (const figure of ["total", "used", "percent"]) metrics[ofAgent(`${name}_revocable_${figure}`)] = 0
  }
}

const shortName = (state: TaskState): string => state.slice("TASK_".length).toLowerCase()

const living: ReadonlyArray<TaskState> = ["TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING"]
const ended: ReadonlyArray<TaskState> = [
  "TASK_FAILED",
  "TASK_FINISHED",
  "TASK_GONE",
  "TASK_KILLED",
  "TASK_LOST",
]

const addTasks = (metrics: Metrics, { history }: AgentFacts, tasks: ReadonlyArray<ShownTask>): void => {
  const { ends, statuses, launchErrors, executors } = history.counts()
  const live = tasks.filter(isLive)
  for (const state of living) {
    metrics[ofAgent(`tasks_${shortName(state)}`)] = live.filter((task) => task.state === state).length
  }
  for (const state of ended) metrics[ofAgent(`tasks_${shortName(state)}`)] = ends.get(state) ?? 0
  metrics[ofAgent("valid_status_updates")] = statuses
  metrics[ofAgent("container_launch_errors")] = launchErrors
  const ending = live.filter(({ phase }) => phase === "ending")
  metrics[ofAgent("executors_terminating")] = executorsOf(ending).length
  metrics[ofAgent("executors_running")] = executorsOf(live).length - executorsOf(ending).length
  metrics[ofAgent("executors_terminated")] = executors
  metrics[ofAgent("frameworks_active")] = new Set(tasks.map(({ spec }) => spec.frameworkId)).size
}

const addSystem = (metrics: Metrics): void => {
  const [one = 0, five = 0, fifteen = 0] = loadavg()
  metrics["system/cpus_total"] = cpus().length
  metrics["system/load_1min"] = one
  metrics["system/load_5min"] = five
  metrics["system/load_15min"] = fifteen
  metrics["system/mem_free_bytes"] = freemem()
  metrics["system/mem_total_bytes"] = totalmem()
}

/** Of all tasks, whoever asks: they are numbers. */
export const agentMetrics = (
  facts: AgentFacts,
  tasks: ReadonlyArray<ShownTask>,
): { readonly [name: string]: number } => {
  const metrics: Metrics = {}
  for (const name of absent) metrics[name] = 0
  addResources(metrics, facts, tasks)
  addTasks(metrics, facts, tasks)
  addSystem(metrics)
  metrics["gc/path_removals_succeeded"] = facts.removals.succeeded
  metrics["gc/path_removals_failed"] = facts.removals.failed
  metrics[ofAgent("executor_directory_max_allowed_age_secs")] = sandboxAgeMsMax / 1000
  metrics[ofAgent("recovery_time_secs")] = facts.identity.recoveryMs / 1000
  metrics[ofAgent("registered")] = facts.state.isConnected ? 1 : 0
  metrics[ofAgent("uptime_secs")] = facts.uptimeMs / 1000
  return Object.fromEntries(
    Object.keys(metrics)
      .sort()
      .map((name) => [name, metrics[name]!]),
  )
}
