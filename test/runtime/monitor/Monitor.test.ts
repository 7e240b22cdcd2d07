import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { policySpec } from "../../../core/policies/PolicySpec.ts"
import { type MemoryKernel, makeMemoryKernel } from "../../../runtime/cgroups/MemoryKernel.ts"
import type { HostSample } from "../../../runtime/host/HostSampler.ts"
import { createMonitor, type Monitor } from "../../../runtime/monitor/Monitor.ts"
import { openRecorder, type Recorder } from "../../../runtime/recording/Recorder.ts"
import {
  type FakeMonitorAgent,
  grantOf,
  startFakeMonitorAgent,
  until,
} from "../../support/FakeMonitorAgent.ts"

// The whole monitor on a kernel in memory, a host that the test invents, a clock that it moves, and a real socket.

const cpu = "/sys/fs/cgroup/cpu,cpuacct/harvest"
const memory = "/sys/fs/cgroup/memory/harvest"
const periodMs = 100

let agent: FakeMonitorAgent
let model: MemoryKernel
let folder = ""
let recorder: Recorder
let monitor: Monitor
let nowMs = 0
let logs: Array<string> = []
let defects: Array<Error> = []
const host = { cpuMilli: 0, memMilli: 500_000, harvestCpuMilli: 0 }

const sampleNow = (): HostSample => ({
  atMs: nowMs,
  capacityCpuMilli: 4_000,
  capacityMemMilli: 8_000_000,
  primaryCpuMilli: host.cpuMilli,
  primaryMemMilli: host.memMilli,
  harvestCpuMilli: host.harvestCpuMilli,
  harvestMemMilli: 0,
  failures: [],
})

beforeEach(async () => {
  agent = await startFakeMonitorAgent()
  folder = mkdtempSync(join(tmpdir(), "gleaner-monitor-"))
  model = makeMemoryKernel()
  nowMs = 1_000_000
  logs = []
  defects = []
  Object.assign(host, { cpuMilli: 0, memMilli: 500_000, harvestCpuMilli: 0 })
  for (const group of [cpu, memory]) await makeGroup(group)
  model.kernel.plain.write(`${cpu}/cpu.cfs_quota_us`, "400000")
  recorder = openRecorder({
    folder,
    host: "h",
    bootId: "",
    intervalMs: 1_000,
    writer: "t",
    onProblem: (text) => logs.push(text),
  })
})
afterEach(async () => {
  await monitor.stop()
  await recorder.stop()
  await agent.close()
  rmSync(folder, { recursive: true })
  expect(defects).toEqual([])
})

const makeGroup = async (path: string) => {
  const { Effect } = await import("effect")
  await Effect.runPromise(model.kernel.mkdir(path))
}
const start = () => {
  monitor = createMonitor({
    socketPath: `${agent.folder}/monitor.sock`,
    folder,
    host: "h",
    policy: {
      cpu: policySpec("window-max", { window: 60_000, margin: 0.1 }),
      mem: policySpec("static", { reserve: 0.25 }),
      intervalMs: 10_000,
    },
    guardPeriodMs: periodMs,
    version: "v",
    kernel: model.kernel.plain,
    writeMemory: async (path, text) => model.kernel.plain.write(path, text),
    openSampler: () => ({ sample: sampleNow, close: () => undefined }),
    recorder,
    nowMs: () => nowMs,
    wallMs: () => 1_700_000_000_000 + nowMs,
    chance: () => 0,
    log: (level, message) => logs.push(`${level} ${message}`),
    onDefect: (error) => defects.push(error),
  })
}
/** Guard periods, with time for the socket to bring each answer. */
const guard = async (periods: number) => {
  for (let period = 0; period < periods; period++) {
    nowMs += periodMs
    const before = beats().length
    monitor.guard(0, 0)
    // Not every period has a beat; five of them may go unanswered before the lease is in doubt.
    for (let wait = 0; wait < 10 && beats().length === before && agent.answersBeats; wait++)
      await new Promise((resolve) => setTimeout(resolve, 1))
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}
const beats = () => agent.lines.flatMap((line) => (line.type === "Beat" ? [line] : []))
const quota = () => Number(model.kernel.plain.read(`${cpu}/cpu.cfs_quota_us`))
const hold = async () => {
  agent.grant = grantOf("harvest", 4_000, 8_000_000)
  agent.answersBeats = true
  start()
  await until(() => monitor.view().hasLease)
}

describe("Monitor", () => {
  it("lowers the ceiling in the very period that shows the primary's rise, and raises it slowly after", async () => {
    await hold()
    await guard(5)
    // 10 % of headroom and a step are never lent.
    expect(quota()).toBe(356_000)
    host.cpuMilli = 3_000
    await guard(1)
    expect(quota()).toBe(56_000)
    expect(monitor.view()).toMatchObject({ ceilingCpuMilli: 560, hasLease: true, counts: { notBiting: 0 } })
    host.cpuMilli = 0
    await guard(25)
    expect(quota()).toBe(56_000)
    await guard(120)
    expect(quota()).toBe(356_000)
    await until(() => beats().some((beat) => beat.ceiling.cpuMilli === 3_560 && beat.raised > 5))
    expect(beats().map((beat) => beat.number)).toEqual(beats().map((_, index) => index + 1))
  })

  it("tells the agent what to keep, and everything as long as it does not know", async () => {
    await hold()
    expect(beats()[0]!.reserve).toBeNull()
    await guard(1)
    await until(() => beats().some((beat) => beat.reserve !== null))
    expect(beats().find((beat) => beat.reserve !== null)!.reserve).toEqual({
      cpuMilli: 4_000,
      memMilli: 8_000_000,
    })
    host.cpuMilli = 1_000
    await guard(120)
    await until(() => beats()[beats().length - 1]!.reserve!.cpuMilli < 4_000)
    expect(monitor.view().reserve).toEqual({ cpuMilli: 1_400, memMilli: 2_000_000 })
    expect(beats()[beats().length - 1]!.use).toEqual({
      capacity: { cpuMilli: 4_000, memMilli: 8_000_000 },
      primary: { cpuMilli: 1_000, memMilli: 500_000 },
      harvest: { cpuMilli: 0, memMilli: 0 },
    })
  })

  it("only lowers when the agent is silent, and raises nothing until it has handed over anew", async () => {
    await hold()
    await guard(5)
    host.cpuMilli = 3_000
    await guard(1)
    const low = quota()
    agent.answersBeats = false
    agent.grant = null
    host.cpuMilli = 0
    await guard(60)
    expect(monitor.view().hasLease).toBe(false)
    expect(quota()).toBe(low)
    host.cpuMilli = 4_000
    await guard(2)
    expect(quota()).toBe(2_000)
    // The agent floors; what the monitor believes of before must not come back.
    model.kernel.plain.write(`${cpu}/cpu.cfs_quota_us`, "1000")
    host.cpuMilli = 0
    await guard(60)
    expect(quota()).toBe(1_000)
    agent.grant = grantOf("harvest", 4_000, 8_000_000)
    agent.answersBeats = true
    // A Hello that nobody answered must be given up first, which takes the monitor's time.
    await until(() => {
      nowMs += 5
      monitor.beat()
      return monitor.view().hasLease
    })
    await guard(150)
    expect(quota()).toBe(356_000)
  })

  it("gives containers back what their own limits allow, and only those that it was told of", async () => {
    await makeGroup(`${cpu}/told`)
    await makeGroup(`${cpu}/other`)
    for (const name of ["told", "other"])
      model.kernel.plain.write(`${cpu}/${name}/cpu.cfs_quota_us`, "120000")
    agent.grant = {
      ...grantOf("harvest", 4_000, 8_000_000),
      tasks: [
        {
          containerId: "told",
          frameworkId: "f",
          taskId: "t",
          priority: 0,
          ageMs: 0,
          lostWork: 0,
          cpuMilli: 1_200,
          memMilli: 1,
          isFrozen: false,
        },
      ],
    }
    agent.answersBeats = true
    start()
    await until(() => monitor.view().hasLease)
    host.cpuMilli = 3_000
    await guard(2)
    const quotaOf = (name: string) => Number(model.kernel.plain.read(`${cpu}/${name}/cpu.cfs_quota_us`))
    expect([quotaOf("told"), quotaOf("other")]).toEqual([56_000, 56_000])
    host.cpuMilli = 0
    await guard(200)
    expect([quotaOf("told"), quotaOf("other")]).toEqual([120_000, 56_000])
  })

  it("sounds the alarm and lowers again when another program raises the ceiling", async () => {
    await hold()
    await guard(5)
    model.force(`${cpu}/cpu.cfs_quota_us`, "-1")
    await guard(1)
    expect(quota()).toBe(356_000)
    model.force(`${cpu}/cpu.cfs_quota_us`, "390000")
    await guard(1)
    expect(quota()).toBe(356_000)
    expect(monitor.view().counts.notBiting).toBe(2)
    expect(logs.join("\n")).toContain("raised by another program")
  })

  it("sounds the alarm when a quota does not bite", async () => {
    await hold()
    await guard(5)
    host.cpuMilli = 3_000
    host.harvestCpuMilli = 1_000
    await guard(15)
    expect(monitor.view().counts.notBiting).toBe(1)
    expect(logs.join("\n")).toContain("does not bite")
  })

  it("measures nothing, lends nothing: a host that cannot be read ends at the floor with all reserved", async () => {
    await hold()
    host.cpuMilli = 100
    await guard(120)
    expect(monitor.view().reserve!.cpuMilli).toBeLessThan(4_000)
    host.cpuMilli = Number.NaN
    host.memMilli = Number.NaN
    await guard(40)
    expect(quota()).toBe(2_000)
    expect(monitor.view()).toMatchObject({
      reserve: { cpuMilli: 4_000, memMilli: 8_000_000 },
      missedSamples: 40,
    })
    expect(monitor.view().sampleAgeMs).toBe(4_000)
  })

  it("goes on warm after a restart, and cold after a long pause", async () => {
    await hold()
    host.cpuMilli = 1_000
    await guard(310)
    await monitor.stop()
    await recorder.stop()
    start()
    expect(monitor.view().reserve).toMatchObject({ cpuMilli: 1_400 })
    await monitor.stop()
    nowMs += 10_000
    start()
    expect(monitor.view().reserve).toMatchObject({ cpuMilli: 4_000 })
    await guard(15)
    // Everything, until the host was measured again; then at once what the policy remembers.
    expect(monitor.view().reserve!.cpuMilli).toBe(1_400)
  })

  it("runs another policy from now on, under the same lease", async () => {
    await hold()
    host.cpuMilli = 1_000
    await guard(120)
    const spec = policySpec("static", { reserve: 0.5 })
    monitor.replacePolicy({ cpu: spec, mem: spec, intervalMs: 10_000 })
    expect(monitor.view().hasLease).toBe(true)
    await guard(120)
    expect(monitor.view().reserve).toEqual({ cpuMilli: 2_000, memMilli: 4_000_000 })
    host.cpuMilli = 3_900
    await guard(1)
    expect(quota()).toBe(2_000)
  })
})
