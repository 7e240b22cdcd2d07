import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest"
import { Cgroups } from "../../runtime/cgroups/Cgroups.ts"
import { type MonitorDaemon, startMonitor } from "../../runtime/monitor/MonitorDaemon.ts"
import { readTraces } from "../../traces/ReadTraces.ts"
import { linuxWorld } from "../contract/CgroupWorlds.ts"
import { findCgroups, sweepCgroups, whyNoRealCgroups } from "../support/CgroupLeftovers.ts"
import { type FakeMonitorAgent, grantOf, startFakeMonitorAgent, until } from "../support/FakeMonitorAgent.ts"
import { startHostOfGroups } from "../support/HostOfGroups.ts"

// The monitor on this host's kernel: real load outside and inside the harvest, real cgroups, an agent that only answers.

const parent = `gleaner-test-m${process.pid}`
const primaryGroup = `${parent}-primary`
const whyNot = whyNoRealCgroups()
const groupOf = (controller: string, name: string) => `/sys/fs/cgroup/${controller}/${name}`
const quotaOf = (name: string) => Number(readFileSync(`${groupOf("cpu", name)}/cpu.cfs_quota_us`, "utf8"))
const quota = () => quotaOf(parent)
const world = linuxWorld(parent)
const lentMilli = 2_000

let agent: FakeMonitorAgent
let monitor: MonitorDaemon | undefined
let folder = ""
let children: Array<ChildProcess> = []

beforeEach(async () => {
  agent = await startFakeMonitorAgent()
  folder = mkdtempSync(join(tmpdir(), "gleaner-monitor-"))
})
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL")
  children = []
  await monitor?.stop()
  await agent.close()
  rmSync(folder, { recursive: true, force: true })
})
afterAll(() => {
  if (whyNot !== undefined) return
  world.close()
  sweepCgroups(parent)
  expect(findCgroups(parent)).toEqual([])
})

/** A process that uses all the cpu it gets, in a group of its own choice. */
const spin = (name: string) => {
  const join = ["cpu", "cpuacct"].map(
    (controller) => `echo 0 > ${groupOf(controller, name)}/tasks || exit 1; `,
  )
  children.push(spawn("/bin/sh", ["-c", `${join.join("")}while :; do :; done`], { stdio: "ignore" }))
}
const endAllOf = (name: string) => {
  for (const pid of readFileSync(`${groupOf("cpu", name)}/cgroup.procs`, "utf8")
    .split("\n")
    .filter(Boolean))
    process.kill(Number(pid), "SIGKILL")
}
const beats = () => agent.lines.flatMap((line) => (line.type === "Beat" ? [line] : []))
const lastBeat = () => beats()[beats().length - 1]

const makeGroups = async () => {
  for (const controller of ["cpu", "cpuacct"])
    mkdirSync(groupOf(controller, primaryGroup), { recursive: true })
  // Whatever else runs here, the primary gets its cpus.
  writeFileSync(`${groupOf("cpu", primaryGroup)}/cpu.shares`, "100000")
  await Effect.runPromise(
    Effect.gen(function* () {
      const cgroups = yield* Cgroups
      yield* cgroups.ensureParent({ cpuQuotaMicros: lentMilli * 100, memBytes: "unlimited" })
      yield* cgroups.create("busy", { cpuMilli: lentMilli, memBytes: 64 * 1024 * 1024 })
    }).pipe(Effect.provide(world.layer)),
  )
}
const busyTask = {
  containerId: "busy",
  frameworkId: "f",
  taskId: "t",
  priority: 0,
  ageMs: 0,
  lostWork: 0,
  cpuMilli: lentMilli,
  memMilli: 64_000,
  isFrozen: false,
}

describe.skipIf(whyNot !== undefined)(`Monitor${whyNot === undefined ? "" : ` (skipped: ${whyNot})`}`, () => {
  it("takes the ceiling down under the primary's load, gives it back after, and records both", async () => {
    await makeGroups()
    agent.grant = { ...grantOf(parent, lentMilli, 1_000_000), tasks: [busyTask] }
    agent.answersBeats = true
    const host = startHostOfGroups(2, [groupOf("cpuacct", parent), groupOf("cpuacct", primaryGroup)])
    monitor = await startMonitor({
      agentFolder: agent.folder,
      folder,
      policyText: null,
      guardPeriodMs: 100,
      host: "127.0.0.1",
      port: 0,
      version: "test",
      onReady: () => undefined,
      log: () => undefined,
      procFolder: host.folder,
    })

    // An idle host: all but the headroom is lent, and what the harvest uses of it is not taken for the primary's.
    spin(`${parent}/busy`)
    await until(() => (lastBeat()?.use.harvest.cpuMilli ?? 0) > 0 && quota() < 200_000)
    await until(() => beats().length > 30)
    expect(quota()).toBeGreaterThan(140_000)

    // The primary takes what it can get: the ceiling falls, and the container's quota with it.
    for (let process = 0; process < 2; process++) spin(primaryGroup)
    await until(() => quota() < 100_000 && quotaOf(`${parent}/busy`) === quota())
    expect(lastBeat()!.lowered).toBeGreaterThan(0)

    // It is over: the harvest gets it back, the container too.
    endAllOf(primaryGroup)
    await until(() => quota() > 140_000 && quotaOf(`${parent}/busy`) === quota())
    expect(lastBeat()!.raised).toBeGreaterThan(0)
    expect(lastBeat()!.notBiting).toBe(0)

    const before = quota()
    await monitor.stop()
    host.stop()
    expect(quota()).toBeLessThanOrEqual(before)
    expect(readdirSync(folder).filter((name) => name.endsWith(".rec"))).toHaveLength(1)
    const [trace] = await readTraces([folder], { badLines: "fail" })
    expect(trace!.importReport.samples).toBeGreaterThan(3)
    expect(Math.max(...Array.from(trace!.cpu).filter((share) => share >= 0))).toBeGreaterThan(0)
  })
})
