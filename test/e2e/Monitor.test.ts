import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest"
import { Cgroups } from "../../runtime/cgroups/Cgroups.ts"
import { type MonitorDaemon, startMonitor } from "../../runtime/monitor/MonitorDaemon.ts"
import { readTraces } from "../../traces/ReadTraces.ts"
import { linuxWorld } from "../contract/CgroupWorlds.ts"
import { findCgroups, sweepCgroups, whyNoRealCgroups } from "../support/CgroupLeftovers.ts"
import { type FakeMonitorAgent, grantOf, startFakeMonitorAgent, until } from "../support/FakeMonitorAgent.ts"

// The monitor on this host's kernel: real load outside and inside the harvest, real cgroups, an agent that only answers.

const parent = `gleaner-test-m${process.pid}`
const whyNot = whyNoRealCgroups()
const lentMilli = cpus().length * 1_000
const quotaFile = `/sys/fs/cgroup/cpu/${parent}/cpu.cfs_quota_us`
const quota = () => Number(readFileSync(quotaFile, "utf8"))

let agent: FakeMonitorAgent
let monitor: MonitorDaemon
let folder = ""
let children: Array<ChildProcess> = []
const world = linuxWorld(parent)

beforeEach(async () => {
  agent = await startFakeMonitorAgent()
  folder = mkdtempSync(join(tmpdir(), "gleaner-monitor-"))
  children = []
})
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL")
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

const spin = (join = "") => {
  const child = spawn("/bin/sh", ["-c", `${join}while :; do :; done`], { stdio: "ignore" })
  children.push(child)
  return child
}

describe.skipIf(whyNot !== undefined)(`Monitor${whyNot === undefined ? "" : ` (skipped: ${whyNot})`}`, () => {
  it("takes the ceiling down under the primary's load, gives it back after, and records both", async () => {
    await Effect.runPromise(
      Effect.gen(function* () {
        const cgroups = yield* Cgroups
        yield* cgroups.ensureParent({ cpuQuotaMicros: lentMilli * 100, memBytes: "unlimited" })
        yield* cgroups.create("busy", { cpuMilli: lentMilli, memBytes: 64 * 1024 * 1024 })
      }).pipe(Effect.provide(world.layer)),
    )
    agent.grant = {
      ...grantOf(parent, lentMilli, 1_000_000),
      tasks: [
        {
          containerId: "busy",
          frameworkId: "f",
          taskId: "t",
          priority: 0,
          ageMs: 0,
          lostWork: 0,
          cpuMilli: lentMilli,
          memMilli: 64_000,
          isFrozen: false,
        },
      ],
    }
    agent.answersBeats = true
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
    })
    const beats = () => agent.lines.flatMap((line) => (line.type === "Beat" ? [line] : []))
    const lastBeat = () => beats()[beats().length - 1]

    // Load of the harvest is not taken for the primary's: what it uses is told apart.
    const tasks = ["cpu", "cpuacct"].map((name) => `/sys/fs/cgroup/${name}/${parent}/busy/tasks`)
    spin(tasks.map((path) => `echo 0 > ${path} || exit 1; `).join(""))
    await until(() => (lastBeat()?.use.harvest.cpuMilli ?? 0) > 100)

    // The primary takes every cpu: what is lent falls to the floor.
    const primary = cpus().map(() => spin())
    await until(() => quota() === 2_000)
    await until(() => (lastBeat()?.ceiling.cpuMilli ?? 0) === 20)
    expect(Number(readFileSync(quotaFile.replace(parent, `${parent}/busy`), "utf8"))).toBe(2_000)

    // It is over: the harvest gets more again, as far as this host is idle otherwise.
    for (const child of primary) child.kill("SIGKILL")
    await until(() => quota() > 2_000 + lentMilli * 10)
    const { ceiling, lowered, raised } = lastBeat()!
    expect(ceiling.cpuMilli).toBeGreaterThan(20)
    expect([lowered > 0, raised > 0]).toEqual([true, true])

    const before = quota()
    await monitor.stop()
    expect(quota()).toBeLessThanOrEqual(before)
    expect(readdirSync(folder).filter((name) => name.endsWith(".rec"))).toHaveLength(1)
    const [trace] = await readTraces([folder], { badLines: "fail" })
    expect(trace!.importReport.samples).toBeGreaterThan(3)
    expect(Math.max(...Array.from(trace!.cpu).filter((share) => !Number.isNaN(share)))).toBeGreaterThan(0.2)
  })
})
