import { Context, Layer } from "effect"
import { Counter, Gauge, Histogram, Registry } from "prom-client"
import type { AgentState } from "../../core/agent/State.ts"
import { registerProcessMetrics } from "../host/ProcessMetrics.ts"
import type { MonitorLease } from "./MonitorLease.ts"

/** What the agent counts, in Prometheus form. Gauges are read from the state when someone asks. */
export class AgentMetrics extends Context.Tag("gleaner/AgentMetrics")<
  AgentMetrics,
  {
    /** One append to a checkpoint file, until it was durable. */
    readonly observeCheckpointAppend: (seconds: number) => void
    /** Tasks of an earlier agent process that this one took over. */
    readonly observeRegained: (tasks: number) => void
    readonly contentType: string
    /** The text of `/metrics`. */
    readonly expose: (state: AgentState, lease: Pick<MonitorLease, "view" | "counts">) => Promise<string>
  }
>() {}

const phases = ["starting", "running", "ending", "gone"] as const

const makeStateGauges = (registers: Array<Registry>) => {
  const tasks = new Gauge({
    name: "gleaner_agent_tasks",
    help: "Tasks by phase: starting, running, ending (being destroyed), gone (only statuses are left to be acknowledged)",
    labelNames: ["phase"],
    registers,
  })
  const connected = new Gauge({
    name: "gleaner_agent_connected",
    help: "Whether the agent is registered with a master over a living stream: 1 or 0",
    registers,
  })
  const unacknowledged = new Gauge({
    name: "gleaner_agent_statuses_unacknowledged",
    help: "Task statuses that their frameworks have not acknowledged yet",
    registers,
  })
  return (state: AgentState) => {
    for (const phase of phases) tasks.set({ phase }, 0)
    let pending = 0
    for (const task of state.tasks.values()) {
      tasks.inc({ phase: task.phase })
      pending += task.pending.length
    }
    connected.set(state.isConnected ? 1 : 0)
    unacknowledged.set(pending)
  }
}

const makeLeaseGauges = (registers: Array<Registry>) => {
  const held = new Gauge({
    name: "gleaner_agent_monitor_lease",
    help: "Whether a monitor holds the lease on the harvest's ceiling: 1 or 0; also 0 when lending without a monitor",
    registers,
  })
  const beatAge = new Gauge({
    name: "gleaner_agent_monitor_beat_age_seconds",
    help: "Time since the monitor's newest beat; absent until one has come",
    registers,
  })
  const losses = new Counter({
    name: "gleaner_agent_lease_losses_total",
    help: "Leases taken back from a monitor that was silent or talked nonsense",
    registers,
  })
  const rewrites = new Counter({
    name: "gleaner_agent_ceiling_rewrites_total",
    help: "Times that someone had raised the harvest's ceiling while no monitor held the lease, and the agent lowered it again",
    registers,
  })
  return ({ view, counts }: Pick<MonitorLease, "view" | "counts">) => {
    const { monitor, beatAgeMs } = view()
    const { losses: lossCount, ceilingRewrites } = counts()
    held.set(monitor === "held" ? 1 : 0)
    if (beatAgeMs === null) beatAge.remove()
    else beatAge.set(beatAgeMs / 1_000)
    // They are counted where they happen.
    losses.reset()
    losses.inc(lossCount)
    rewrites.reset()
    rewrites.inc(ceilingRewrites)
  }
}

export const make = () => {
  const registry = new Registry()
  registerProcessMetrics(registry)
  const registers = [registry]
  const setStateGauges = makeStateGauges(registers)
  const setLeaseGauges = makeLeaseGauges(registers)
  const appendSeconds = new Histogram({
    name: "gleaner_agent_checkpoint_append_seconds",
    help: "Time to make a change of a task durable in the agent's checkpoint",
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
    registers,
  })
  const regained = new Counter({
    name: "gleaner_agent_regained_tasks_total",
    help: "Tasks of an earlier agent process that this one took over",
    registers,
  })

  return AgentMetrics.of({
    observeCheckpointAppend: (seconds) => appendSeconds.observe(seconds),
    observeRegained: (tasks) => regained.inc(tasks),
    contentType: registry.contentType,
    expose: (state, lease) => {
      setStateGauges(state)
      setLeaseGauges(lease)
      return registry.metrics()
    },
  })
}

export const layer = Layer.sync(AgentMetrics, make)
