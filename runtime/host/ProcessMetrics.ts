import { Counter, Gauge, type Registry } from "prom-client"

/**
 * The process itself, under the names that every Prometheus client uses, read when someone asks. Instead of prom-client's
 * default metrics: those measure the event loop with a timer of 10 ms, which costs an idle daemon more than its work.
 */
export const registerProcessMetrics = (registry: Registry): void => {
  const registers = [registry]
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Cpu time of this process, user and system, seconds",
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc((user + system) / 1e6)
    },
  })
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory of this process that is in RAM, bytes",
    registers,
    collect() {
      this.set(process.memoryUsage().rss)
    },
  })
  new Gauge({
    name: "nodejs_heap_size_used_bytes",
    help: "JavaScript heap in use, bytes",
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed)
    },
  })
  const startedAtSeconds = Math.round(Date.now() / 1_000 - process.uptime())
  new Gauge({
    name: "process_start_time_seconds",
    help: "When this process started, seconds since 1970",
    registers,
  }).set(startedAtSeconds)
}
