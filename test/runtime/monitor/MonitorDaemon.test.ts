import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import {
  type MonitorDaemon,
  type MonitorDaemonOptions,
  startMonitor,
} from "../../../runtime/monitor/MonitorDaemon.ts"
import {
  type FakeMonitorAgent,
  grantOf,
  startFakeMonitorAgent,
  until,
} from "../../support/FakeMonitorAgent.ts"

let agent: FakeMonitorAgent
let folder = ""
let started: Array<MonitorDaemon> = []
let port = 0
beforeEach(async () => {
  agent = await startFakeMonitorAgent()
  folder = mkdtempSync(join(tmpdir(), "gleaner-monitor-"))
  started = []
})
afterEach(async () => {
  for (const daemon of started) await daemon.stop()
  await agent.close()
  rmSync(folder, { recursive: true })
})

const start = async (options: Partial<MonitorDaemonOptions> = {}) => {
  const daemon = await startMonitor({
    agentFolder: agent.folder,
    folder,
    policyText: null,
    guardPeriodMs: 20,
    host: "127.0.0.1",
    port: 0,
    version: "1.2.3",
    onReady: (ready) => {
      port = ready.port
    },
    log: () => undefined,
    ...options,
  })
  started.push(daemon)
  return daemon
}
const policy = (name: string, parameters: object = {}) => ({
  path: "/etc/my.policy.json",
  text: JSON.stringify({ version: 1, policy: name, parameters, intervalMs: 10_000, horizonMs: 600_000 }),
})
const messageOf = (options: Partial<MonitorDaemonOptions>) =>
  start(options).then(
    () => "was started",
    (error: Error) => error.message,
  )
const get = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: response.status, text: await response.text() }
}

describe("MonitorDaemon", () => {
  it("serves what it measures under the agreed names, with help texts", async () => {
    // Without this group the harvest is nothing, and no ceiling is touched.
    agent.grant = grantOf(`gleaner-test-none-${process.pid}`)
    agent.answersBeats = true
    await start()
    await until(() => agent.lines.length > 20)
    const { text } = await get("/metrics")
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1])
    for (const name of ["capacity", "primary", "harvest", "reserve"])
      for (const unit of ["cpus", "mem_bytes"]) {
        expect(value(`gleaner_monitor_${name}_${unit}`)).toBeGreaterThanOrEqual(0)
        expect(text).toContain(`# HELP gleaner_monitor_${name}_${unit} `)
      }
    expect(value("gleaner_monitor_capacity_mem_bytes")).toBeGreaterThan(1e8)
    expect(value("gleaner_monitor_ceiling_cpus")).toBeNaN()
    expect(value("gleaner_monitor_lease")).toBe(1)
    expect(value("gleaner_monitor_last_sample_age_seconds")).toBeLessThan(60)
    expect(value("gleaner_monitor_guard_late_seconds_count")).toBeGreaterThan(5)
    for (const counter of [
      "samples_missed_total",
      "ceiling_not_biting_total",
      'ceiling_moves_total{direction="down"}',
      'ceiling_moves_total{direction="up"}',
    ])
      expect(text).toContain(`gleaner_monitor_${counter} `)
    const health = await get("/health")
    expect(health.status).toBe(200)
    expect(JSON.parse(health.text)).toMatchObject({ status: "ok", lease: true })
    expect((await get("/other")).status).toBe(404)
  })

  it("beats at least each 200 ms, and tells the agent what runs", async () => {
    agent.grant = grantOf(`gleaner-test-none-${process.pid}`)
    agent.answersBeats = true
    await start({ guardPeriodMs: 1_000, policyText: policy("static", { reserve: "30%" }) })
    await until(() => agent.lines.length > 8)
    expect(agent.connections()).toBe(1)
    expect(agent.lines[0]).toMatchObject({
      type: "Hello",
      version: "1.2.3",
      policy: "cpu static:reserve=30% mem static:reserve=30% every 10000 ms",
    })
  })

  it("lets no second monitor at the same folder, and the next after it stopped", async () => {
    const first = await start()
    expect(await messageOf({})).toContain(`is held by process ${process.pid}`)
    await first.stop()
    expect(await first.ended).toBeUndefined()
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([".lock"])
    await start()
  })

  it("refuses what it cannot run, and leaves nothing behind", async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve))
    const takenPort = (taken.address() as AddressInfo).port
    for (const [options, reason] of [
      [{ policyText: policy("oracle") }, "/etc/my.policy.json: policy file: "],
      [{ policyText: { path: "p.json", text: "{" } }, "p.json: policy file: "],
      [{ guardPeriodMs: 5 }, "a guard period of 5 ms is not possible"],
      [{ guardPeriodMs: Number.NaN }, "choose 20ms to 1s"],
      [{ port: takenPort }, `cannot listen on 127.0.0.1:${takenPort}`],
    ] as const)
      expect(await messageOf(options)).toContain(reason)
    expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([".lock"])
    await new Promise((resolve) => taken.close(resolve))
  })

  it("takes another policy while it runs, and keeps the one it has when that is refused", async () => {
    agent.grant = grantOf(`gleaner-test-none-${process.pid}`)
    agent.answersBeats = true
    const daemon = await start()
    expect(daemon.reloadPolicy(policy("oracle"))).toContain("/etc/my.policy.json")
    expect(daemon.reloadPolicy(policy("static", { reserve: "30%" }))).toBeUndefined()
    await until(() => agent.lines.length > 10)
    const before = agent.connections()
    agent.cut()
    await until(
      () => agent.connections() > before && agent.lines.filter((line) => line.type === "Hello").length > 1,
    )
    const hellos = agent.lines.filter((line) => line.type === "Hello")
    expect(hellos[hellos.length - 1]!.policy).toContain("static:reserve=30%")
  })
})
