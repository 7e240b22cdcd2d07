import type { MasterEvent } from "../../core/master/Event.ts"
import type { AgentRecord, TaskRecord } from "../../core/master/State.ts"
import { isTerminal, taskKey, taskStates } from "../../core/Task.ts"
import type { Batch } from "../journal/Journal.ts"
import type { Outgoing } from "./Mailbox.ts"

/** How often each name occurs. */
export const countNames = (names: Iterable<string>): ((name: string) => number) => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return (name) => counts.get(name) ?? 0
}

/** The counters of an event, by Mesos's names. */
const countersOf = (event: MasterEvent): ReadonlyArray<string> => {
  const message = (name: string) => `master/messages_${name}`
  switch (event.type) {
    case "FrameworkSubscribed":
      return [message(event.frameworkId === null ? "register_framework" : "reregister_framework")]
    case "TeardownRequested":
      return [message("unregister_framework")]
    case "KillRequested":
      return [message("kill_task")]
    case "OffersAccepted":
      return [message("launch_tasks")]
    case "OffersDeclined":
      return [message("decline_offers")]
    case "OffersRevived":
      return [message("revive_offers")]
    case "OffersSuppressed":
      return [message("suppress_offers")]
    case "ReconciliationRequested":
      return [message("reconcile_tasks")]
    case "StatusReported":
      return [message("status_update"), "master/valid_status_updates"]
    case "StatusAcknowledged":
      return [message("status_update_acknowledgement"), "master/valid_status_update_acknowledgements"]
    case "AgentRegistered":
      return event.agentId === null
        ? [message("register_slave"), "master/slave_registrations"]
        : [message("reregister_slave"), "master/slave_reregistrations"]
    default:
      return []
  }
}

/** What an agent counts as once it is declared unreachable. */
const removalCounters = ["", "/reason_unhealthy"].map((reason) => `master/slave_removals${reason}`)
const unreachableCounters = ["scheduled", "completed"].map((step) => `master/slave_unreachable_${step}`)

const endedCounter = (state: string) => `master/tasks_${state.slice("TASK_".length).toLowerCase()}`

const always = [
  ...["register_framework", "reregister_framework", "unregister_framework", "kill_task", "launch_tasks"],
  ...["decline_offers", "revive_offers", "suppress_offers", "reconcile_tasks", "status_update"],
  ...["status_update_acknowledgement", "register_slave", "reregister_slave"],
]
  .map((name) => `master/messages_${name}`)
  .concat(taskStates.filter(isTerminal).map(endedCounter))
  .concat(["master/valid_status_updates", "master/valid_status_update_acknowledgements"])
  .concat(["master/slave_registrations", "master/slave_reregistrations"])
  .concat(removalCounters, unreachableCounters)

/** Counts what becomes durable. Task ends are counted once however often their agents tell them. */
export class MesosCounters {
  private readonly counts = new Map<string, number>(always.map((name) => [name, 0]))
  /** Tasks that have ended and agents that are unreachable, of those that the master has rows of. */
  private readonly counted = new Set<string>()
  private storeMs = { last: 0, count: 0, min: 0, max: 0 }

  observe({ events, changes }: Batch, effects: ReadonlyArray<Outgoing>): void {
    const ends = new Map<string, string>()
    for (const { event: journaled } of events) {
      const event = journaled as MasterEvent
      for (const name of countersOf(event)) this.count(name)
      if (event.type !== "StatusReported" || !isTerminal(event.latestState)) continue
      ends.set(taskKey(event.status.frameworkId, event.status.taskId), event.latestState)
    }
    for (const { kind, key, value } of changes) {
      if (kind === "task") this.observeTask(key, value as TaskRecord | undefined, ends.get(key))
      if (kind === "agent") this.observeAgent(key, value as AgentRecord | undefined)
    }
    for (const effect of effects) if (effect.type === "SendStatus") this.observeVerdict(effect)
  }

  observeAppend(seconds: number): void {
    const last = seconds * 1000
    const { count, min, max } = this.storeMs
    this.storeMs = {
      last,
      count: count + 1,
      min: count === 0 ? last : Math.min(min, last),
      max: Math.max(max, last),
    }
  }

  values(): { readonly [name: string]: number } {
    const { last, count, min, max } = this.storeMs
    const name = "registrar/state_store_ms"
    return {
      ...Object.fromEntries(this.counts),
      [name]: last,
      [`${name}/count`]: count,
      [`${name}/min`]: min,
      [`${name}/max`]: max,
    }
  }

  /** A task without framework goes with its end: then there is no row that says so, only what the agent told. */
  private observeTask(key: string, task: TaskRecord | undefined, told: string | undefined): void {
    const mark = `task ${key}`
    const wasCounted = task === undefined ? this.counted.delete(mark) : this.counted.has(mark)
    if (wasCounted) return
    const state = told ?? (task !== undefined && isTerminal(task.state) ? task.state : undefined)
    if (state === undefined) return
    this.count(endedCounter(state))
    if (task !== undefined) this.counted.add(mark)
  }

  private observeAgent(key: string, agent: AgentRecord | undefined): void {
    const mark = `agent ${key}`
    // On an operator's word; one that was unreachable has been counted.
    if (agent === undefined && !this.counted.has(mark)) this.count("master/slave_removals")
    if (agent === undefined || agent.condition !== "unreachable") {
      this.counted.delete(mark)
      return
    }
    if (this.counted.has(mark)) return
    this.counted.add(mark)
    for (const name of removalCounters.concat(unreachableCounters)) this.count(name)
  }

  /** What the master itself says of tasks that it did not launch: they have no row. */
  private observeVerdict({ status }: Extract<Outgoing, { type: "SendStatus" }>): void {
    const { state, source, reason } = status
    const isVerdict = reason === "REASON_TASK_INVALID" || reason === "REASON_INVALID_OFFERS"
    if (source === "SOURCE_MASTER" && isVerdict && isTerminal(state)) this.count(endedCounter(state))
  }

  private count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }
}
