import { cpus, freemem, loadavg, totalmem } from "node:os"
import { holdsResources } from "../../core/master/Context.ts"
import { quotasOf } from "../../core/master/RoleSettings.ts"
import type { MasterState } from "../../core/master/State.ts"
import { heldScalars } from "../../core/resources/HeldResources.ts"
import { amountOf, type Quantities, toQuantities } from "../../core/resources/Quantities.ts"
import { scalarQuantities } from "../../core/resources/Resources.ts"
import { taskStates } from "../../core/Task.ts"
import { isActive } from "../mesos/OperatorViews.ts"
import { countNames } from "./CountNames.ts"
import { measuredRolesMax, topLevelRoles } from "./MeasuredRoles.ts"
import type { MesosCounters } from "./MesosCounters.ts"

// `/metrics/snapshot`: what the master knows, by the names of Mesos (spec/mesos.md §6.1), for the exporters that people run.
//
// 0 for good are those of what gleaner has not: revocable resources, messages through executors, drivers of the v0 API, removals that
// are held back (`slave_shutdowns_*`, `recovery_slave_removals`), messages that are dropped (what is not taken is refused), queues of other actors than the master itself. Of the master's one
// mailbox all that waits counts as messages. Missing, because nobody counts it: heartbeats among a framework's events, and how operations ended by their type (`master/operations/…`).

type Metrics = { [name: string]: number }

export interface MesosFacts {
  readonly state: MasterState
  readonly uptimeMs: number
  /** Of the operator API's event stream. */
  readonly subscribers: number
  /** Mails that wait for the next batch. */
  readonly queued: number
  readonly journalBytes: number
}

/** By Mesos's names; counters begin with this process, as Mesos's do. */
export const mesosMetrics = (
  { state, uptimeMs, subscribers, queued, journalBytes }: MesosFacts,
  counters: MesosCounters,
): { readonly [name: string]: number } => {
  const metrics: Metrics = { "master/elected": 1, "master/uptime_secs": uptimeMs / 1000 }
  metrics["master/operator_event_stream_subscribers"] = subscribers
  metrics["master/event_queue_messages"] = queued
  metrics["registrar/registry_size_bytes"] = journalBytes
  addMembers(metrics, state)
  addTasks(metrics, state)
  addResources(metrics, state)
  addRoles(metrics, state)
  addFilters(metrics, state)
  addAbsent(metrics)
  addSystem(metrics)
  return Object.assign(metrics, counters.values(), counters.frameworks.figures(state))
}

const addMembers = (metrics: Metrics, state: MasterState): void => {
  const agents = countNames([...state.agents.values()].map(({ condition }) => condition))
  let active = 0
  for (const agent of state.agents.values()) if (isActive(agent)) active++
  const connected = agents("connected") + agents("stopping")
  metrics["master/slaves_connected"] = connected
  metrics["master/slaves_disconnected"] = agents("disconnected")
  metrics["master/slaves_active"] = active
  metrics["master/slaves_inactive"] = connected - active + agents("disconnected")
  metrics["master/slaves_unreachable"] = agents("unreachable")
  let present = 0
  for (const { streamId } of state.frameworks.values()) if (streamId !== null) present++
  const away = state.frameworks.size - present
  for (const name of ["connected", "active"]) metrics[`master/frameworks_${name}`] = present
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

/** As they are now, of the roles that somebody subscribes to: of the first ones, since frameworks name roles as they like. */
const addFilters = (metrics: Metrics, { frameworks, allocator }: MasterState): void => {
  const counts = new Map<string, number>()
  for (const { id, info } of frameworks.values()) {
    for (const role of info.roles) {
      const before = counts.get(role)
      if (before === undefined && counts.size === measuredRolesMax) continue
      counts.set(role, (before ?? 0) + allocator.filterCountOf(id, role))
    }
  }
  for (const [role, count] of counts) metrics[`allocator/mesos/offer_filters/roles/${role}/active`] = count
}

const absent = [
  ...[
    "authenticate",
    "deactivate_framework",
    "resource_request",
    "framework_to_executor",
    "executor_to_framework",
  ],
  ...["exited_executor", "unregister_slave", "update_slave"],
].map((message) => `master/messages_${message}`)

const absentToo = [
  ...["allocator/event_queue_dispatches", "allocator/mesos/event_queue_dispatches"],
  ...["master/event_queue_dispatches", "master/event_queue_http_requests", "registrar/queued_operations"],
  "master/dropped_messages",
  ...["master/recovery_slave_removals", "master/slave_unreachable_canceled", "master/http_cache_hits"],
  ...["registered", "unregistered"].map((reason) => `master/slave_removals/reason_${reason}`),
  ...["scheduled", "completed", "canceled"].map((step) => `master/slave_shutdowns_${step}`),
]

const addAbsent = (metrics: Metrics): void => {
  for (const name of absentToo) metrics[name] = 0
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
