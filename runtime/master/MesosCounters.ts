import type { AgentMessage } from "../../core/master/Action.ts"
import type { MasterEvent } from "../../core/master/Event.ts"
import { operationKey } from "../../core/master/Operation.ts"
import type { AgentRecord, TaskRecord } from "../../core/master/State.ts"
import {
  isTerminal,
  type TaskState,
  type TaskStatus,
  taskKey,
  taskOfKey,
  taskStates,
} from "../../core/Task.ts"
import type { Batch } from "../journal/Journal.ts"
import { FrameworkCounters } from "./FrameworkCounters.ts"
import type { CycleTime, Outgoing } from "./Mailbox.ts"
import { Timings } from "./Timings.ts"

const message = (name: string) => `master/messages_${name}`

/** The counters of events, by Mesos's names. Made once: there are several events for each task. */
const countersByType: { readonly [type in MasterEvent["type"]]?: ReadonlyArray<string> } = {
  TeardownRequested: [message("unregister_framework")],
  KillRequested: [message("kill_task")],
  OffersAccepted: [message("launch_tasks")],
  OffersDeclined: [message("decline_offers")],
  OffersRevived: [message("revive_offers")],
  OffersSuppressed: [message("suppress_offers")],
  ReconciliationRequested: [message("reconcile_tasks")],
  StatusReported: [message("status_update")],
  StatusAcknowledged: [message("status_update_acknowledgement")],
  OperationReported: [message("operation_status_update"), "master/valid_operation_status_updates"],
  OperationAcknowledged: [message("operation_status_update_acknowledgement")],
  OperationsReconciled: [message("reconcile_operations")],
}

const noCounters: ReadonlyArray<string> = []
const firstSubscription = [message("register_framework")]
const laterSubscription = [message("reregister_framework")]
const firstRegistration = [message("register_slave"), "master/slave_registrations"]
const laterRegistration = [message("reregister_slave"), "master/slave_reregistrations"]

const countersOf = (event: MasterEvent): ReadonlyArray<string> => {
  if (event.type === "FrameworkSubscribed")
    return event.frameworkId === null ? firstSubscription : laterSubscription
  if (event.type === "AgentRegistered") return event.agentId === null ? firstRegistration : laterRegistration
  return countersByType[event.type] ?? noCounters
}

/** What an agent counts as once it is declared unreachable. */
const removalCounters = ["", "/reason_unhealthy"].map((reason) => `master/slave_removals${reason}`)
const unreachableCounters = ["scheduled", "completed"].map((step) => `master/slave_unreachable_${step}`)

const validityCounters = ["valid", "invalid"].flatMap((validity) =>
  ["status_updates", "status_update_acknowledgements"].flatMap((what) => [
    `master/${validity}_${what}`,
    `master/${validity}_operation_${what}`,
  ]),
)

/** Why tasks ended; only of ends that have a reason. */
const reasonCounter = ({ state, source, reason }: TaskStatus): string | undefined =>
  reason === null
    ? undefined
    : ["master", state, source === "SOURCE_AGENT" ? "source_slave" : source, reason].join("/").toLowerCase()

const endedCounter = (state: string) => `master/tasks_${state.slice("TASK_".length).toLowerCase()}`

const always = [
  ...["register_framework", "reregister_framework", "unregister_framework", "kill_task", "launch_tasks"],
  ...["decline_offers", "revive_offers", "suppress_offers", "reconcile_tasks", "status_update"],
  ...["status_update_acknowledgement", "register_slave", "reregister_slave", "reconcile_operations"],
  ...["operation_status_update", "operation_status_update_acknowledgement"],
]
  .map((name) => `master/messages_${name}`)
  .concat(taskStates.filter(isTerminal).map(endedCounter))
  .concat(validityCounters)
  .concat(["allocator/mesos/allocation_runs"])
  .concat(["master/slave_registrations", "master/slave_reregistrations"])
  .concat(removalCounters, unreachableCounters)

/** Counts what becomes durable. Task ends are counted once however often their agents tell them. */
export class MesosCounters {
  private readonly counts = new Map<string, number>(always.map((name) => [name, 0]))
  /** Tasks that have ended, of those that the master has rows of. */
  private readonly countedTasks = new Set<string>()
  /** Agents that are unreachable, likewise. */
  private readonly countedAgents = new Set<string>()
  private readonly storeMs = new Timings()
  private readonly cycleMs = new Timings()
  private readonly overdueMs = new Timings()
  private fetchMs = 0
  readonly frameworks = new FrameworkCounters()

  observe(batch: Batch, effects: ReadonlyArray<Outgoing>): void {
    const ends = new Map<string, TaskState>()
    for (const { event: journaled } of batch.events) {
      const event = journaled as MasterEvent
      for (const name of countersOf(event)) this.count(name)
      if (event.type !== "StatusReported" || !isTerminal(event.latestState)) continue
      ends.set(taskKey(event.status.frameworkId, event.status.taskId), event.latestState)
    }
    this.observeValidity(batch)
    for (const { kind, key, value } of batch.changes) {
      if (kind === "task") this.observeTask(key, value as TaskRecord | undefined, ends.get(key))
      if (kind === "agent") this.observeAgent(key, value as AgentRecord | undefined)
    }
    for (const effect of effects) if (effect.type === "SendStatus") this.observeVerdict(effect)
    this.frameworks.observe(batch, effects)
  }

  observeAppend(seconds: number): void {
    this.storeMs.add(seconds * 1000)
  }

  observeRecovery(seconds: number): void {
    this.fetchMs = seconds * 1000
  }

  observeCycle(cycle: CycleTime): void {
    this.count("allocator/mesos/allocation_runs")
    this.cycleMs.add(cycle.tookMs)
    this.overdueMs.add(cycle.overdueMs)
  }

  values(): { readonly [name: string]: number } {
    return {
      ...Object.fromEntries(this.counts),
      "registrar/state_fetch_ms": this.fetchMs,
      ...this.storeMs.figures("registrar/state_store_ms"),
      ...this.cycleMs.figures("allocator/mesos/allocation_run_ms"),
      ...this.overdueMs.figures("allocator/mesos/allocation_run_latency_ms"),
    }
  }

  /** Acknowledging what is not there comes to nothing; so does a status that is acknowledged at once, with nobody told. */
  private observeValidity({ events, outbox, changes }: Batch): void {
    const acknowledged = new Set<string>()
    for (const { message } of outbox as ReadonlyArray<{ readonly message: AgentMessage }>)
      if (message.type === "AcknowledgeStatus") acknowledged.add(message.uuid)
    const told = new Set<string | null | undefined>()
    for (const { kind, value } of changes)
      if (kind === "task") told.add((value as TaskRecord | undefined)?.status?.uuid)
    const ended = new Set(
      changes.flatMap(({ kind, key, value }) => (kind === "operation" && value === undefined ? [key] : [])),
    )
    const askedFor = new Set<string>()
    for (const { event: journaled } of events) {
      const event = journaled as MasterEvent
      if (event.type === "OperationAcknowledged") {
        const isValid = ended.has(operationKey(event))
        this.count(`master/${isValid ? "valid" : "invalid"}_operation_status_update_acknowledgements`)
      }
      if (event.type !== "StatusAcknowledged") continue
      askedFor.add(event.uuid)
      const validity = acknowledged.has(event.uuid) ? "valid" : "invalid"
      this.count(`master/${validity}_status_update_acknowledgements`)
    }
    for (const { event: journaled } of events) {
      const event = journaled as MasterEvent
      if (event.type !== "StatusReported") continue
      const { uuid } = event.status
      const isLost = uuid !== null && acknowledged.has(uuid) && !told.has(uuid) && !askedFor.has(uuid)
      this.count(`master/${isLost ? "invalid" : "valid"}_status_updates`)
    }
  }

  /** A task without framework goes with its end: then there is no row that says so, only what the agent told. */
  private observeTask(key: string, task: TaskRecord | undefined, told: TaskState | undefined): void {
    const wasCounted = task === undefined ? this.countedTasks.delete(key) : this.countedTasks.has(key)
    if (wasCounted) return
    const state = told ?? (task !== undefined && isTerminal(task.state) ? task.state : undefined)
    if (state === undefined) return
    this.count(endedCounter(state))
    this.frameworks.observeEnd(taskOfKey(key).frameworkId, state)
    if (task !== undefined) this.countedTasks.add(key)
    if (task?.status != null && task.status.state === state) this.countReason(task.status)
  }

  private observeAgent(key: string, agent: AgentRecord | undefined): void {
    // On an operator's word; one that was unreachable has been counted.
    if (agent === undefined && !this.countedAgents.has(key)) this.count("master/slave_removals")
    if (agent === undefined || agent.condition !== "unreachable") {
      this.countedAgents.delete(key)
      return
    }
    if (this.countedAgents.has(key)) return
    this.countedAgents.add(key)
    for (const name of removalCounters.concat(unreachableCounters)) this.count(name)
  }

  /** What the master itself says of tasks that it did not launch: they have no row. */
  private observeVerdict({ status }: Extract<Outgoing, { type: "SendStatus" }>): void {
    const { state, source, reason } = status
    const isVerdict = reason === "REASON_TASK_INVALID" || reason === "REASON_INVALID_OFFERS"
    if (source !== "SOURCE_MASTER" || !isVerdict || !isTerminal(state)) return
    this.count(endedCounter(state))
    this.frameworks.observeEnd(status.frameworkId, state)
    this.countReason(status)
  }

  private countReason(status: TaskStatus): void {
    const name = reasonCounter(status)
    if (name !== undefined) this.count(name)
  }

  private count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
  }
}
