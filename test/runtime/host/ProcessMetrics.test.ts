import { Registry } from "prom-client"
import { expect, it } from "vitest"
import { registerProcessMetrics } from "../../../runtime/host/ProcessMetrics.ts"

const figureOf = (text: string, name: string): number =>
  Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN)

it("tells cpu time, memory and start of the process, as they are when asked", async () => {
  const registry = new Registry()
  registerProcessMetrics(registry)
  const cpuBefore = process.cpuUsage()
  const text = await registry.metrics()
  const cpuAfter = process.cpuUsage()
  const cpuSeconds = figureOf(text, "process_cpu_seconds_total")
  expect(cpuSeconds).toBeGreaterThanOrEqual((cpuBefore.user + cpuBefore.system) / 1e6)
  expect(cpuSeconds).toBeLessThanOrEqual((cpuAfter.user + cpuAfter.system) / 1e6)
  // Asked again it is not counted twice.
  expect(figureOf(await registry.metrics(), "process_cpu_seconds_total")).toBeLessThan(2 * cpuSeconds + 1)
  expect(figureOf(text, "process_resident_memory_bytes")).toBeGreaterThan(1e6)
  expect(figureOf(text, "nodejs_heap_size_used_bytes")).toBeGreaterThan(1e5)
  expect(
    Math.abs(figureOf(text, "process_start_time_seconds") - (Date.now() / 1e3 - process.uptime())),
  ).toBeLessThan(2)
})
