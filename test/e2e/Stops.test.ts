import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { sweepCgroups } from "../support/CgroupLeftovers.ts"
import {
  Cluster,
  eventually,
  GleanerProcess,
  gleanerScript,
  missingForEnforcement,
  processesOf,
  startGleaner,
} from "../support/Gleaner.ts"
import { V1Framework } from "../support/V1Framework.ts"

const repository = join(dirname(gleanerScript), "..")

// How `gleaner up` ends, asked to or not: nothing of it may be left.

describe.skipIf(missingForEnforcement !== undefined)("npm start", () => {
  it("ends with all it started when npm is told to, as init scripts and supervisors do", async () => {
    const data = mkdtempSync(join(tmpdir(), "gleaner-e2e-npm-"))
    const parent = `gleaner-e2e-npm-${process.pid}`
    const options = ["--data", data, "--port", "0", "--agent-port", "0", "--cgroup-parent", parent]
    options.push("--without-monitor")
    const npm = new GleanerProcess(
      spawn("npm", ["start", "--", ...options], { cwd: repository, stdio: ["ignore", "pipe", "pipe"] }),
    )
    await npm.says("agent        http")
    npm.signal("SIGTERM")
    await npm.finished
    await eventually(() => (processesOf(data).length === 0 ? true : undefined))
    expect(existsSync(`/sys/fs/cgroup/cpu/${parent}`)).toBe(false)
    rmSync(data, { recursive: true })
  })
})

describe.skipIf(missingForEnforcement !== undefined)("gleaner up", () => {
  let cluster: Cluster | undefined
  afterEach(async () => {
    if (cluster === undefined) return
    const { data } = cluster
    await cluster.stop("SIGKILL")
    // Its daemons notice, and end what they have started.
    await eventually(() => (processesOf(data).length === 0 ? true : undefined))
    // An agent that was not asked to end its tasks leaves them their cgroups.
    sweepCgroups(cluster.cgroupParent)
    cluster.remove()
    cluster = undefined
  })

  it("leaves no process and no cgroup, although a framework takes whatever is offered until the end", async () => {
    cluster = await Cluster.start()
    const framework = new V1Framework(cluster.url, cluster.secret)
    await framework.subscribe()
    let launched = 0
    const greedy = (async () => {
      for (;;) {
        const { offers } = await framework.next("OFFERS")
        for (const offer of offers.offers) {
          await framework.launch(offer, { id: `t${launched++}`, command: { value: "sleep 1000" } })
        }
      }
    })().catch(() => undefined) // the master has gone
    const running = cluster
    await eventually(() => (running.containers().length >= 2 ? true : undefined))
    const { code } = await cluster.stop("SIGTERM")
    await greedy
    expect(launched).toBeGreaterThanOrEqual(2)
    expect(code).toBe(0)
    expect(cluster.leftovers()).toEqual([])
    expect(processesOf(cluster.data)).toEqual([])
  })

  it("ends when its master does before anything was ready", async () => {
    cluster = await Cluster.start()
    await cluster.stop()
    // Once more on the same folder, which the master can no longer read.
    const { data, cgroupParent } = cluster
    writeFileSync(join(data, "master", "journal.db"), "no journal".repeat(1_000))
    const args = ["--data", data, "--port", "0", "--agent-port", "0", "--cgroup-parent", cgroupParent]
    cluster.up = startGleaner(["up", "--without-monitor", ...args])
    const { code, stderr } = await cluster.up.finished
    expect(code).toBe(1)
    expect(stderr).toContain("the master ended with exit code 1")
    expect(processesOf(data)).toEqual([])
  })

  it("starts a daemon again that dies, at the place where others look for it", async () => {
    cluster = await Cluster.start()
    const { data } = cluster
    const { pid } = JSON.parse(readFileSync(join(data, "master.json"), "utf8")) as { pid: number }
    process.kill(pid, "SIGKILL")
    await cluster.up.says(/the master was ended by SIGKILL; starting it again in \S+ s/)
    await cluster.up.says("the master is back")
    const { stdout, stderr } = await cluster.run("--", "echo", "hello").finished
    expect([stdout, stderr]).toEqual(["hello\n", ""])
    const { code } = await cluster.stop("SIGTERM")
    expect(code).toBe(0)
    expect(cluster.leftovers()).toEqual([])
    expect(processesOf(data)).toEqual([])
  })

  it("tells its hosts an address that they can reach when it listens on all", async () => {
    cluster = await Cluster.start(["--host", "0.0.0.0", "--advertise", "127.0.0.7"])
    expect(cluster.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(JSON.parse(readFileSync(join(cluster.data, "master.json"), "utf8"))).toMatchObject({
      url: cluster.url,
    })
    const framework = new V1Framework(cluster.url, cluster.secret)
    await framework.subscribe()
    const { subscribed } = await framework.next("SUBSCRIBED")
    expect(subscribed.master_info.address.ip).toBe("127.0.0.7")
    const { offers } = await framework.next("OFFERS")
    expect(offers.offers[0].url.address.ip).toBe("127.0.0.7")
    framework.close()
    // Its output comes from that address, too.
    const { stdout, stderr } = await cluster.run("--", "echo", "hello").finished
    expect([stdout, stderr]).toEqual(["hello\n", ""])
  })

  it("says once that a task's output cannot be read from here, and still tells how it ended", async () => {
    // All of 127.0.0.0/8 is this host, and the agent listens on another address of it.
    cluster = await Cluster.start(["--host", "127.0.0.1", "--advertise", "127.0.0.9"])
    const { code, stdout, stderr } = await cluster.run("--", "sh", "-c", "echo unseen; sleep 3; exit 4")
      .finished
    expect([code, stdout]).toEqual([4, ""])
    expect(stderr.match(/output cannot be read from here/g)).toHaveLength(1)
    expect(stderr).toContain("http://127.0.0.9:")
  })
})
