import { Context, Layer } from "effect"
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client"
import type { MasterEvent } from "../../core/master/Event.ts"
import type { MasterState } from "../../core/master/State.ts"
import { scalarQuantities } from "../../core/resources/Resources.ts"
import type { TaskStatus } from "../../core/Task.ts"
import type { Batch } from "../journal/Journal.ts"
import type { CycleTime, Outgoing } from "./Mailbox.ts"
import { topLevelRoles } from "./MeasuredRoles.ts"
import { MesosCounters } from "./MesosCounters.ts"
import { type MesosFacts, mesosMetrics } from "./MesosMetrics.ts"

/** What gauges are read from. */
export interface MasterFacts {
  readonly state: MasterState
  readonly outboxSize: number
  readonly isDurable: boolean
}

/** What the master counts, in Prometheus form. Gauges are read from the state when someone asks. */
export class MasterMetrics extends Context.Tag("gleaner/MasterMetrics")<
  MasterMetrics,
  {
    /** Counts a batch that has become durable. */
    readonly observe: (batch: Batch, effects: ReadonlyArray<Outgoing>) => void
    readonly observeAppend: (seconds: number) => void
    /** How long the journal took to give what it holds. */
    readonly observeRecovery: (seconds: number) => void
    readonly observeCycle: (cycle: CycleTime) => void
    /** From where the size of the journal is read, in bytes. */
    readonly watchJournal: (bytes: () => number) => void
    /** From where the age of the oldest last report is read. */
    readonly watchSilence: (silenceMs: () => number) => void
    readonly contentType: string
    /** The text of `/metrics`. */
    readonly expose: (facts: MasterFacts) => Promise<string>
    /** The figures of `/metrics/snapshot`, by Mesos's names. */
    readonly mesos: (facts: Omit<MesosFacts, "journalBytes">) => { readonly [name: string]: number }
  }
>() {}

const countOne = (counts: Map<string, number>, name: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

/** By state, then source. */
const countStatus = (counts: Map<string, Map<string, number>>, { state, source }: TaskStatus): void => {
  let ofState = counts.get(state)
  if (ofState === undefined) {
    ofState = new Map()
    counts.set(state, ofState)
  }
  countOne(ofState, source)
}

export const make = () => {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]

  const agents = new Gauge({
    name: "gleaner_master_agents",
    help: "Agents by condition: connected, stopping (ending its tasks), disconnected (tasks believed to run), unreachable",
    labelNames: ["condition"],
    registers,
  })
  const frameworks = new Gauge({
    name: "gleaner_master_frameworks",
    help: "Frameworks by condition: connected, disconnected (within their failover timeout)",
    labelNames: ["condition"],
    registers,
  })
  const offers = new Gauge({
    name: "gleaner_master_offers_outstanding",
    help: "Offers that wait for an answer",
    registers,
  })
  const tasks = new Gauge({
    name: "gleaner_master_tasks",
    help: "Tasks the master knows, by state; ended ones until their last status is acknowledged",
    labelNames: ["state"],
    registers,
  })
  const total = new Gauge({
    name: "gleaner_master_resources_capacity",
    help: "Resources of all reachable agents, reserves included, in Mesos's units (cpus, mem and disk in MiB)",
    labelNames: ["resource"],
    registers,
  })
  const allocated = new Gauge({
    name: "gleaner_master_resources_allocated",
    help: "Resources offered or used, in Mesos's units (cpus, mem and disk in MiB)",
    labelNames: ["resource"],
    registers,
  })
  const reserved = new Gauge({
    name: "gleaner_master_resources_reserved",
    help: "Resources kept for the hosts' own work (role primary), without what tasks still hold of it, in Mesos's units (cpus, mem and disk in MiB)",
    labelNames: ["resource"],
    registers,
  })
  const shares = new Gauge({
    name: "gleaner_master_role_share",
    help: "Dominant share over weight of each top-level role that a framework is subscribed to, of 1000 roles at most: the lower it is, the sooner the role is served",
    labelNames: ["role"],
    registers,
  })
  const journalDurable = new Gauge({
    name: "gleaner_master_journal_durable",
    help: "1 while events become durable; 0 once the journal has failed, or a write has taken longer than 5 seconds",
    registers,
  })
  const reportAge = new Gauge({
    name: "gleaner_master_agent_last_report_age_seconds_max",
    help: "Age of the last report of the connected agent that has been silent longest; 0 without connected agents",
    registers,
  })
  const outbox = new Gauge({
    name: "gleaner_master_outbox_messages",
    help: "Messages to agents that no agent has reported as processed yet",
    registers,
  })
  const events = new Counter({
    name: "gleaner_master_events_total",
    help: "Events taken into the journal, by type",
    labelNames: ["type"],
    registers,
  })
  const offersMade = new Counter({
    name: "gleaner_master_offers_total",
    help: "Offers made",
    registers,
  })
  const launches = new Counter({
    name: "gleaner_master_launches_total",
    help: "Tasks sent to agents",
    registers,
  })
  const statuses = new Counter({
    name: "gleaner_master_statuses_total",
    help: "Task statuses sent to frameworks, by state and source; repetitions count",
    labelNames: ["state", "source"],
    registers,
  })
  const appendSeconds = new Histogram({
    name: "gleaner_master_journal_append_seconds",
    help: "Time to make a batch of events durable",
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
    registers,
  })

  const mesosCounters = new MesosCounters()
  let silenceMs = () => 0
  let journalBytes = () => 0
  const setGauges = ({ state, outboxSize, isDurable }: MasterFacts) => {
    for (const condition of ["connected", "stopping", "disconnected", "unreachable"])
      agents.set({ condition }, 0)
    for (const condition of ["connected", "disconnected"]) frameworks.set({ condition }, 0)
    for (const gauge of [tasks, total, allocated, reserved, shares]) gauge.reset()
    for (const agent of state.agents.values()) {
      agents.inc({ condition: agent.condition })
      if (agent.condition === "unreachable") continue
      for (const [resource, milli] of Object.entries(scalarQuantities(agent.total))) {
        total.inc({ resource }, milli / 1000)
        // Nothing is a figure, too: a series that comes and goes is a gap in every chart.
        for (const gauge of [allocated, reserved]) gauge.inc({ resource }, 0)
      }
      for (const [resource, milli] of Object.entries(
        scalarQuantities(state.allocator.allocatedOn(agent.id)),
      )) {
        allocated.inc({ resource }, milli / 1000)
      }
      for (const [resource, milli] of Object.entries(state.allocator.heldOn(agent.id))) {
        reserved.inc({ resource }, milli / 1000)
      }
    }
    for (const framework of state.frameworks.values()) {
      frameworks.inc({ condition: framework.streamId === null ? "disconnected" : "connected" })
    }
    for (const role of topLevelRoles(state)) shares.set({ role }, state.allocator.shareOf(role))
    for (const task of state.tasks.values()) tasks.inc({ state: task.state })
    offers.set(state.offers.size)
    outbox.set(outboxSize)
    journalDurable.set(isDurable ? 1 : 0)
    reportAge.set(silenceMs() / 1000)
  }

  return MasterMetrics.of({
    observe: (batch, effects) => {
      mesosCounters.observe(batch, effects)
      // A labelled counter takes longer than all else here, so each is looked for once.
      const eventCounts = new Map<string, number>()
      for (const { event } of batch.events) countOne(eventCounts, (event as MasterEvent).type)
      for (const [type, count] of eventCounts) events.inc({ type }, count)
      const statusCounts = new Map<string, Map<string, number>>()
      for (const effect of effects) {
        if (effect.type === "OfferResources") offersMade.inc(effect.offers.length)
        if (effect.type === "SendStatus") countStatus(statusCounts, effect.status)
        if (effect.type !== "DeliverMessage") continue
        if (effect.message.type === "LaunchTask") launches.inc()
        else if (effect.message.type === "LaunchGroup") launches.inc(effect.message.specs.length)
      }
      for (const [state, counts] of statusCounts)
        for (const [source, count] of counts) statuses.inc({ state, source }, count)
    },
    observeAppend: (seconds) => {
      appendSeconds.observe(seconds)
      mesosCounters.observeAppend(seconds)
    },
    observeRecovery: (seconds) => mesosCounters.observeRecovery(seconds),
    observeCycle: (cycle) => mesosCounters.observeCycle(cycle),
    mesos: (facts) => mesosMetrics({ ...facts, journalBytes: journalBytes() }, mesosCounters),
    watchJournal: (read) => {
      journalBytes = read
    },
    contentType: registry.contentType,
    watchSilence: (read) => {
      silenceMs = read
    },
    expose: (facts) => {
      setGauges(facts)
      return registry.metrics()
    },
  })
}

export const layer = Layer.sync(MasterMetrics, make)
