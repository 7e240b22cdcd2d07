import { cpus, freemem, loadavg, totalmem } from "node:os"
import { holdsResources } from "../../core/master/Context.ts"
import { quotasOf } from "../../core/master/RoleSettings.ts"
import type { MasterState } from "../../core/master/State.ts"
import { heldScalars } from "../../core/resources/HeldResources.ts"
import { amountOf, type Quantities, toQuantities } from "../../core/resources/Quantities.ts"
import { scalarQuantities } from "../../core/resources/Resources.ts"
import { taskStates } from "../../core/Task.ts"
import { topLevelRoles } from "./MeasuredRoles.ts"
import { countNames, type MesosCounters } from "./MesosCounters.ts"

// `/metrics/snapshot`: what the master knows, by the names of Mesos (spec/mesos.md §6.1), for the exporters that people run.
//
// A name stands here if its number is known. 0 for good are those of what gleaner has not: revocable resources, operations,
// subscribers to events, messages through executors, drivers of the v0 API. Missing, because nobody counts it: the queues of libprocess
// (`event_queue_*`), the cycles of the allocator and their times (`allocation_run*`), filters (`offer_filters`), percentiles of the
// journal's times and its size, caches (`http_cache_hits`), invalid statuses and acknowledgements, figures of single frameworks
// (`master/frameworks/…`).

type Metrics = { [name: string]: number }

export interface MesosFacts {
  readonly state: MasterState
  readonly uptimeMs: number
}

/** By Mesos's names; counters begin with this process, as Mesos's do. */
export const mesosMetrics = (
  { state, uptimeMs }: MesosFacts,
  counters: MesosCounters,
): { readonly [name: string]: number } => {
  const metrics: Metrics = { "master/elected": 1, "master/uptime_secs": uptimeMs / 1000 }
  addMembers(metrics, state)
  addTasks(metrics, state)
  addResources(metrics, state)
  addRoles(metrics, state)
  addAbsent(metrics)
  addSystem(metrics)
  return Object.assign(metrics, counters.values())
}

const addMembers = (metrics: Metrics, state: MasterState): void => {
  const agents = countNames([...state.agents.values()].map(({ condition }) => condition))
  const [active, stopping] = [agents("connected"), agents("stopping")]
  metrics["master/slaves_connected"] = active + stopping
  metrics["master/slaves_disconnected"] = agents("disconnected")
  metrics["master/slaves_active"] = active
  metrics["master/slaves_inactive"] = stopping + agents("disconnected")
  metrics["master/slaves_unreachable"] = agents("unreachable")
  let connected = 0
  for (const { streamId } of state.frameworks.values()) if (streamId !== null) connected++
  const away = state.frameworks.size - connected
  for (const name of ["connected", "active"]) metrics[`master/frameworks_${name}`] = connected
  for (const name of ["disconnected", "inactive"]) metrics[`master/frameworks_${name}`] = away
  metrics["master/outstanding_offers"] = state.offers.size
}

const livingStates = taskStates.filter((state) =>
  ["TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_UNREACHABLE"].includes(state),
)

const shortName = (state: string): string => state.slice("TASK_".length).toLowerCase()

const addTasks = (metrics: Metrics, state: MasterState): void => {
  const living = [...state.tasks.values()].filter(({ hasEnded }) => !hasEnded)
  const count = countNames(living.map((task) => task.state))
  for (const name of livingStates) metrics[`master/tasks_${shortName(name)}`] = count(name)
}

const sumOf = (parts: ReadonlyArray<Quantities>): Quantities =>
  toQuantities(parts.flatMap((amounts) => Object.entries(amounts)))

const scalarNames = ["cpus", "gpus", "mem", "disk"]

const addResources = (metrics: Metrics, state: MasterState): void => {
  const { agents, allocator, tasks } = state
  const total = allocator.clusterTotal()
  const used = sumOf(
    [...tasks.values()].filter(holdsResources).map(({ spec }) => heldScalars(spec.resources)),
  )
  const booked = sumOf([...agents.keys()].map((id) => scalarQuantities(allocator.allocatedOn(id))))
  for (const name of scalarNames) {
    const [all, taken] = [amountOf(total, name), amountOf(used, name)]
    metrics[`master/${name}_total`] = all / 1000
    metrics[`master/${name}_used`] = taken / 1000
    metrics[`master/${name}_percent`] = all === 0 ? 0 : taken / all
    for (const figure of ["total", "used", "percent"]) metrics[`master/${name}_revocable_${figure}`] = 0
  }
  for (const name of Object.keys(total)) {
    metrics[`allocator/mesos/resources/${name}/total`] = amountOf(total, name) / 1000
    metrics[`allocator/mesos/resources/${name}/offered_or_allocated`] = amountOf(booked, name) / 1000
  }
}

const addRoles = (metrics: Metrics, state: MasterState): void => {
  const { allocator } = state
  for (const role of topLevelRoles(state)) {
    metrics[`allocator/mesos/roles/${role}/shares/dominant`] = allocator.shareOf(role)
  }
  for (const [role, { guarantees, limits }] of quotasOf(state)) {
    const place = `allocator/mesos/quota/roles/${role}/resources`
    const [consumed, booked] = [allocator.consumedQuotaOf(role), allocator.allocatedToRole(role)]
    const parts = { guarantee: guarantees, limit: limits, consumed, offered_or_allocated: booked }
    for (const [figure, amounts] of Object.entries(parts)) {
      for (const [name, milli] of Object.entries(amounts))
        metrics[`${place}/${name}/${figure}`] = milli / 1000
    }
  }
}

const absent = [
  ...[
    "authenticate",
    "deactivate_framework",
    "resource_request",
    "framework_to_executor",
    "executor_to_framework",
  ],
  ...["exited_executor", "reconcile_operations", "unregister_slave", "update_slave"],
  ...["operation_status_update", "operation_status_update_acknowledgement"],
].map((message) => `master/messages_${message}`)

const addAbsent = (metrics: Metrics): void => {
  metrics["master/operator_event_stream_subscribers"] = 0
  for (const name of absent) metrics[name] = 0
  for (const validity of ["valid", "invalid"]) {
    for (const way of ["framework_to_executor", "executor_to_framework"]) {
      metrics[`master/${validity}_${way}_messages`] = 0
    }
  }
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
