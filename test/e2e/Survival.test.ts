import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { findCgroups, pidsIn, sweepCgroups } from "../support/CgroupLeftovers.ts"
import { fittingOffer } from "../support/FittingOffer.ts"
import { eventually, gleanerScript, missingForEnforcement } from "../support/Gleaner.ts"
import { Host, type HostOptions } from "../support/kills/Host.ts"
import { V1Framework } from "../support/V1Framework.ts"

// Nothing dies with gleaner (law L6), and nothing is loosened by its absence.

const failover_timeout = 600

/** Lends whatever this machine does besides. */
const unmonitored = { isMonitored: false }

describe.skipIf(missingForEnforcement !== undefined)("a task", () => {
  let host!: Host
  let framework!: V1Framework
  afterEach(async () => {
    framework?.close()
    await host?.remove()
  })

  const begin = async (options: HostOptions = {}) => {
    host = await Host.start(options)
    await host.connected()
    framework = new V1Framework(host.url, host.secret)
    await framework.subscribe({ failover_timeout, checkpoint: true })
  }

  /** After the master's end: the same framework on a new stream. */
  const subscribeAgain = async () => {
    await host.connected()
    const { frameworkId } = framework
    framework = new V1Framework(host.url, host.secret)
    await framework.subscribe({ failover_timeout, checkpoint: true }, frameworkId)
    await framework.next("SUBSCRIBED")
  }

  const launch = async (id: string, value: string, cpus = 0.1): Promise<string> => {
    await framework.launch(await fittingOffer(framework, cpus), { id, cpus, command: { value } })
    const running = await framework.status(id, "TASK_RUNNING")
    return running.container_status.container_id.value
  }

  const sandboxOf = (id: string) =>
    join(host.data, "agent/sandboxes/frameworks", framework.frameworkId, "executors", id, "runs/latest")
  /** Tells a task that waits for it to go on. */
  const release = (id: string) => writeFileSync(join(sandboxOf(id), "go"), "")
  const waitThenExit = (code: number) =>
    `echo $$ >>started; while [ ! -e go ]; do sleep 0.05; done; echo $$ >>ended; exit ${code}`
  const startsOf = (id: string) =>
    readFileSync(join(sandboxOf(id), "started"), "utf8")
      .trim()
      .split("\n")
  const cpuCgroupOf = (containerId: string) => `/sys/fs/cgroup/cpu/${host.cgroupParent}/${containerId}`
  const readNumber = (path: string) => Number(readFileSync(path, "utf8").trim())
  const exitLabel = (code: number) => ({ labels: [{ key: "gleaner.exit_code", value: String(code) }] })
  const isAlive = (containerId: string) => pidsIn(cpuCgroupOf(containerId)).length > 0

  it("outlives kill -9 of agent, monitor and master in turn, and ends with its own exit code at its framework", async () => {
    await begin()
    const containerId = await launch("survivor", waitThenExit(42))
    for (const daemon of [host.agent, host.monitor, host.master]) {
      const { lives } = daemon
      expect(daemon.kill()).toBe(true)
      await eventually(() => (daemon.lives > lives && daemon.pid !== undefined ? true : undefined))
      await host.connected()
      expect(isAlive(containerId), daemon.options.name).toBe(true)
    }
    await subscribeAgain()
    release("survivor")
    const end = await framework.status("survivor", "TASK_FAILED")
    expect(end).toMatchObject({ message: "Command exited with status 42", labels: exitLabel(42) })
    expect(startsOf("survivor")).toHaveLength(1)
    expect(host.containers()).toEqual([])
    await framework.call({ type: "TEARDOWN" })
    expect(await host.end()).toEqual([])
  })

  it("that ends while its agent is dead is told with its exit code when an agent is back", async () => {
    await begin(unmonitored)
    await launch("unseen", waitThenExit(7))
    await host.agent.end("SIGKILL")
    const ended = join(sandboxOf("unseen"), "ended")
    release("unseen")
    await eventually(() => existsSync(ended) || undefined)
    await eventually(() => host.taskProcesses().length === 0 || undefined)
    host.agent.start()
    const end = await framework.status("unseen", "TASK_FAILED")
    expect(end.labels).toEqual(exitLabel(7))
    expect(host.containers()).toEqual([])
  })

  it("goes on under another build of the agent", async () => {
    await begin(unmonitored)
    const containerId = await launch("upgraded", waitThenExit(0))
    const build = join(host.folder, "build")
    cpSync(dirname(gleanerScript), build, { recursive: true })
    writeFileSync(join(build, "package.json"), '{"type":"module"}')
    const script = readFileSync(join(build, "launch.sh"), "utf8")
    // A shell reads its script as it goes: were the old one written over, it would go on in the middle of a comment.
    const padding = `#!/bin/sh\n${"# another build\n".repeat(100)}`
    writeFileSync(join(build, "launch.sh"), script.replace("#!/bin/sh\n", padding))
    await host.agent.end("SIGTERM")
    expect(isAlive(containerId)).toBe(true)
    host.agent = host.superviseAgent(join(build, "gleaner.js"))
    host.agent.start()
    await host.connected()
    release("upgraded")
    expect((await framework.status("upgraded", "TASK_FINISHED")).labels).toEqual(exitLabel(0))
    expect(startsOf("upgraded")).toHaveLength(1)
    // And the new build starts tasks of its own.
    await launch("new", "exit 0")
    await framework.status("new", "TASK_FINISHED")
  })

  it("is left alone by SIGTERM to its agent, and ended with its grace by SIGUSR1", async () => {
    await begin(unmonitored)
    const polite = "trap 'echo term >heard; exit 0' TERM; echo $$ >started; while :; do sleep 0.05; done"
    const containerId = await launch("polite", polite)
    const heard = join(sandboxOf("polite"), "heard")
    await eventually(() => existsSync(join(sandboxOf("polite"), "started")) || undefined)
    await host.agent.end("SIGTERM")
    expect(isAlive(containerId)).toBe(true)
    expect(existsSync(heard)).toBe(false)
    host.agent.start()
    await host.connected()
    await host.agent.end("SIGUSR1")
    expect(readFileSync(heard, "utf8")).toBe("term\n")
    expect(findCgroups(host.cgroupParent)).toEqual([])
    await framework.status("polite", "TASK_KILLED")
  })

  it("stays within its quota, and all of them within the ceiling, while agent and monitor are dead", async () => {
    await begin()
    const containerId = await launch("busy", "while :; do :; done", 0.05)
    const own = cpuCgroupOf(containerId)
    const quotas = () => [dirname(own), own].map((group) => readNumber(join(group, "cpu.cfs_quota_us")))
    const throttled = () => Number(/nr_throttled (\d+)/.exec(readFileSync(join(own, "cpu.stat"), "utf8"))![1])
    // The ceiling rises slowly from its floor, and the task's own quota with it.
    const ownMicros = readNumber(join(own, "cpu.cfs_period_us")) * 0.05
    await eventually(() => quotas()[1] === ownMicros || undefined)
    const before = quotas()
    expect(before[0]).toBeGreaterThanOrEqual(ownMicros)
    await host.agent.end("SIGKILL")
    const afterAgent = quotas()
    await host.monitor.end("SIGKILL")
    const afterBoth = quotas()
    for (const [index, quotaMicros] of before.entries()) {
      expect(afterAgent[index]).toBeLessThanOrEqual(quotaMicros)
      expect(afterBoth[index]).toBeLessThanOrEqual(afterAgent[index]!)
    }
    expect(Math.min(...afterBoth)).toBeGreaterThan(0)
    const since = throttled()
    await eventually(() => throttled() > since + 3 || undefined)
    expect(quotas()).toEqual(afterBoth)
    // A new agent without a monitor lends no more than that either; a monitor brings it back.
    host.agent.start()
    await host.connected()
    const [parentNow] = quotas()
    expect(parentNow).toBeLessThanOrEqual(before[0]!)
    host.monitor.start()
    await eventually(() => quotas()[1] === before[1] || undefined)
  })

  it("of before a reboot is told to have ended, and nothing of now is taken for it", async () => {
    await begin(unmonitored)
    const containerId = await launch("old", waitThenExit(0))
    const wasTold = framework.events.length
    await host.agent.end("SIGKILL")
    // What a reboot takes away: processes and cgroups.
    for (const line of host.taskProcesses()) {
      try {
        process.kill(Number.parseInt(line, 10), "SIGKILL")
      } catch {} // it ended with another of them
    }
    await eventually(() => host.taskProcesses().length === 0 || undefined)
    sweepCgroups(host.cgroupParent)
    // What it brings: another boot id, in a mount namespace of the new agent's own.
    const bootId = join(host.folder, "boot_id")
    writeFileSync(bootId, "00000000-1111-2222-3333-444444444444\n")
    const { command, args } = host.agent.options
    const mountAndExec = `mount --bind ${bootId} /proc/sys/kernel/random/boot_id && exec "$@"`
    host.agent = host.superviseCommand("agent", "unshare", [
      ...["--mount", "sh", "-c", mountAndExec, "sh", command, ...args],
    ])
    host.agent.start()
    const end = await eventually(async () => {
      for (const event of framework.events.slice(wasTold)) {
        if (event.type !== "UPDATE") continue
        await framework.acknowledge(event)
        const { status } = event.update
        if (status.task_id.value === "old" && status.state !== "TASK_RUNNING") return status
      }
      return undefined
    })
    expect(end.state).toMatch(/^TASK_(FAILED|LOST|GONE|DROPPED)$/)
    expect(end.labels ?? { labels: [] }).not.toEqual(exitLabel(0))
    expect(existsSync(cpuCgroupOf(containerId))).toBe(false)
    await launch("young", "exit 3")
    expect((await framework.status("young", "TASK_FAILED")).labels).toEqual(exitLabel(3))
  })
})
