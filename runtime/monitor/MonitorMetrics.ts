import { Counter, Gauge, Histogram, Registry } from "prom-client"
import { registerProcessMetrics } from "../host/ProcessMetrics.ts"
import type { MonitorView } from "./Monitor.ts"

/** What the monitor tells Prometheus; figures are taken from the monitor when someone asks. */
export interface MonitorMetrics {
  readonly observeLate: (lateMs: number) => void
  readonly contentType: string
  readonly expose: () => Promise<string>
}

const memMilliToBytes = (memMilli: number): number => (memMilli * 1_048_576) / 1_000

export const createMonitorMetrics = (view: () => MonitorView): MonitorMetrics => {
  const registry = new Registry()
  const registers = [registry]
  registerProcessMetrics(registry)

  const pair = (name: string, of: string) => ({
    cpus: new Gauge({ name: `gleaner_monitor_${name}_cpus`, help: `${of}, cpus`, registers }),
    mem: new Gauge({ name: `gleaner_monitor_${name}_mem_bytes`, help: `${of}, bytes of memory`, registers }),
  })
  const capacity = pair("capacity", "What the host has")
  const primary = pair("primary", "What the host's own work uses: use of the host less use of the harvest")
  const harvest = pair("harvest", "What all borrowed work uses")
  const reserve = pair("reserve", "What is kept for the host's own work")
  const ceiling = pair("ceiling", "What all borrowed work may use, as read back; NaN without a ceiling")
  const lease = new Gauge({
    name: "gleaner_monitor_lease",
    help: "1 while the agent has handed the harvest ceiling over and answers, else 0",
    registers,
  })
  const sampleAge = new Gauge({
    name: "gleaner_monitor_last_sample_age_seconds",
    help: "Since cpu and memory of the host were last both measured",
    registers,
  })
  const late = new Histogram({
    name: "gleaner_monitor_guard_late_seconds",
    help: "How much later than due the guard loop ran",
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1],
    registers,
  })
  const counter = (name: string, help: string, ...labelNames: Array<string>) =>
    new Counter({ name: `gleaner_monitor_${name}_total`, help, labelNames, registers })
  const missed = counter("samples_missed", "Guard periods without a measurement of cpu and memory")
  const notBiting = counter(
    "ceiling_not_biting",
    "Writes to the ceiling that did not hold, and seconds in which borrowed work used clearly more than it",
  )
  const moves = counter("ceiling_moves", "Moves of the cpu ceiling, by direction", "direction")

  const setPair = (gauges: ReturnType<typeof pair>, cpuMilli?: number, memMilli?: number) => {
    gauges.cpus.set(cpuMilli === undefined ? Number.NaN : cpuMilli / 1_000)
    gauges.mem.set(memMilli === undefined ? Number.NaN : memMilliToBytes(memMilli))
  }
  const setTotal = (total: Counter, value: number, labels: Record<string, string> = {}) => {
    total.remove(labels)
    total.inc(labels, value)
  }

  return {
    observeLate: (lateMs) => late.observe(lateMs / 1_000),
    contentType: registry.contentType,
    expose: () => {
      const { sample, counts, ...now } = view()
      setPair(capacity, sample.capacityCpuMilli, sample.capacityMemMilli)
      setPair(primary, sample.primaryCpuMilli, sample.primaryMemMilli)
      setPair(harvest, sample.harvestCpuMilli, sample.harvestMemMilli)
      setPair(reserve, now.reserve?.cpuMilli, now.reserve?.memMilli)
      setPair(ceiling, now.ceilingCpuMilli, now.ceilingMemMilli)
      lease.set(now.hasLease ? 1 : 0)
      sampleAge.set(now.sampleAgeMs / 1_000)
      setTotal(missed, now.missedSamples)
      setTotal(notBiting, counts.notBiting)
      setTotal(moves, counts.lowered, { direction: "down" })
      setTotal(moves, counts.raised, { direction: "up" })
      return registry.metrics()
    },
  }
}
