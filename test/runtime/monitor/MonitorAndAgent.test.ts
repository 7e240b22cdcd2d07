import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { Effect, Exit, Scope } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { defaultPolicyFile, toMonitorPolicy } from "../../../core/policies/PolicyFile.ts"
import { type MonitorLease, makeMonitorLease } from "../../../runtime/agent/MonitorLease.ts"
import * as MemoryCgroups from "../../../runtime/cgroups/MemoryCgroups.ts"
import { startPeriodicTimer } from "../../../runtime/host/PeriodicTimer.ts"
import { createMonitor } from "../../../runtime/monitor/Monitor.ts"
import { openRecorder } from "../../../runtime/recording/Recorder.ts"
import { until } from "../../support/FakeMonitorAgent.ts"

// Both ends of the lease as they are, over one kernel in memory, in real time: two writers of one ceiling.

const { memoryKernel, layer } = MemoryCgroups.make()
const folder = mkdtempSync(join(tmpdir(), "gleaner-both-"))
const quota = () =>
  Number(memoryKernel.kernel.plain.read("/sys/fs/cgroup/cpu,cpuacct/gleaner/cpu.cfs_quota_us"))
let primaryCpuMilli = 500
let scope: Scope.CloseableScope
let lease: MonitorLease

beforeEach(async () => {
  scope = Effect.runSync(Scope.make())
  lease = await Effect.runPromise(
    makeMonitorLease({
      folder,
      total: { cpus: 4_000, mem: 4_000_000, disk: 0 },
      isMonitored: true,
      tasks: () => [],
      evict: () => undefined,
      onReserveChanged: () => undefined,
    }).pipe(Effect.provide(layer), Scope.extend(scope)),
  )
})
afterEach(async () => {
  await Effect.runPromise(Scope.close(scope, Exit.void))
  rmSync(folder, { recursive: true })
})

const startOne = () => {
  const nowMs = () => performance.now()
  const recorder = openRecorder({
    folder,
    host: "h",
    bootId: "",
    intervalMs: 1_000,
    writer: "t",
    onProblem: () => expect.unreachable(),
  })
  const monitor = createMonitor({
    socketPath: join(folder, "monitor.sock"),
    folder,
    host: "h",
    policy: toMonitorPolicy(defaultPolicyFile),
    guardPeriodMs: 50,
    version: "v",
    kernel: memoryKernel.kernel.plain,
    writeMemory: async (path, text) => memoryKernel.kernel.plain.write(path, text),
    openSampler: () => ({
      sample: (atMs) => ({
        atMs,
        capacityCpuMilli: 4_000,
        capacityMemMilli: 8_000_000,
        primaryCpuMilli,
        primaryMemMilli: 1_000_000,
        harvestCpuMilli: 0,
        harvestMemMilli: 0,
        failures: [],
      }),
      close: () => undefined,
    }),
    recorder,
    nowMs,
    wallMs: Date.now,
    chance: Math.random,
    log: () => undefined,
    onDefect: (error) => {
      throw error
    },
  })
  const timer = startPeriodicTimer({ periodMs: 50, nowMs, run: monitor.guard })
  return {
    monitor,
    stop: async () => {
      timer.stop()
      await monitor.stop()
      await recorder.stop()
    },
  }
}

it("hands the ceiling over and back: raised by who holds the lease, floored when it is gone", async () => {
  const floor = quota()
  expect(floor).toBeLessThan(20_000)
  const first = startOne()
  await until(() => quota() > 200_000)
  expect(lease.view()).toMatchObject({ monitor: "held", primary: { cpuMilli: 500 } })
  expect(first.monitor.view().hasLease).toBe(true)
  primaryCpuMilli = 3_000
  await until(() => quota() < 100_000)
  primaryCpuMilli = 500
  await first.stop()
  const left = quota()
  await until(() => lease.view().monitor === "lost")
  await until(() => quota() <= Math.max(floor, 2_000))
  expect(quota()).toBeLessThanOrEqual(left)
  const second = startOne()
  await until(() => quota() > 200_000)
  expect(lease.counts().losses).toBe(1)
  await second.stop()
}, 120_000)
