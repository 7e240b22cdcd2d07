import { existsSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Cluster, eventually, gleaner, missingForEnforcement } from "../support/Gleaner.ts"
import { V1Framework } from "../support/V1Framework.ts"

// A framework that shares no code with gleaner, against a real master and a real agent with real cgroups.

describe.skipIf(missingForEnforcement !== undefined)("a cluster on one host", () => {
  let cluster!: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  })
  afterAll(async () => {
    await cluster?.stop()
    cluster?.remove()
  })

  const subscribed = async (info: object = {}) => {
    const framework = new V1Framework(cluster.url, cluster.secret)
    await framework.subscribe(info)
    await framework.next("SUBSCRIBED")
    return framework
  }
  const firstOffer = async (framework: V1Framework) => (await framework.next("OFFERS")).offers.offers[0]

  it("answers what monitoring asks: /health, /metrics, /state", async () => {
    const health = await fetch(`${cluster.url}/health`)
    expect([health.status, await health.text()]).toEqual([200, ""])
    const metrics = await (await fetch(`${cluster.url}/metrics`)).text()
    expect(metrics).toMatch(/^gleaner_master_agents\{condition="connected"\} 1$/m)
    expect((await fetch(`${cluster.url}/state`)).status).toBe(401)
    const headers = { Authorization: `Basic ${Buffer.from(`me:${cluster.secret}`).toString("base64")}` }
    const state = (await (await fetch(`${cluster.url}/master/state`, { headers })).json()) as {
      activated_slaves: number
    }
    expect(state.activated_slaves).toBe(1)
  })

  it("keeps its secret to its owner", () => {
    expect(statSync(join(cluster.data, "secret")).mode & 0o777).toBe(0o600)
  })

  it("takes a v1 framework through a task's life", async () => {
    const framework = await subscribed()
    expect(framework.events.slice(0, 2).map((event) => event.type)).toEqual(["SUBSCRIBED", "HEARTBEAT"])
    const offer = await firstOffer(framework)
    expect(offer.allocation_info).toEqual({ role: "web" })
    expect(offer.resources.map((resource: { name: string }) => resource.name)).toContain("cpus")
    const accepted = await framework.launch(offer, { id: "t1", command: { value: "echo out; exit 3" } })
    expect([accepted.status, accepted.body]).toEqual([202, ""])
    await framework.status("t1", "TASK_STARTING")
    await framework.status("t1", "TASK_RUNNING")
    const end = await framework.status("t1", "TASK_FAILED")
    expect(end.message).toBe("Command exited with status 3")
    expect(end.source).toBe("SOURCE_EXECUTOR")
    await framework.call({ type: "TEARDOWN" })
  })

  it("kills with SIGTERM first: what listens gets its time", async () => {
    const framework = await subscribed()
    const polite = "trap 'echo term > heard; exit 0' TERM; echo ready > ready; while :; do sleep 0.05; done"
    await framework.launch(await firstOffer(framework), { id: "polite", command: { value: polite } })
    await framework.status("polite", "TASK_RUNNING")
    const place = `frameworks/${framework.frameworkId}/executors/polite/runs/latest`
    const sandbox = join(cluster.data, "agent", "sandboxes", place)
    await eventually(() => (existsSync(join(sandbox, "ready")) ? true : undefined))
    const kill_policy = { grace_period: { nanoseconds: 60e9 } }
    await framework.call({ type: "KILL", kill: { task_id: { value: "polite" }, kill_policy } })
    const end = await framework.status("polite", "TASK_KILLED")
    expect(end.message).not.toContain("SIGKILL")
    expect(readFileSync(join(sandbox, "heard"), "utf8")).toBe("term\n")
    expect(cluster.containers()).toEqual([])
    await framework.call({ type: "TEARDOWN" })
  })

  it("kills with freeze-kill-thaw what does not listen", async () => {
    const framework = await subscribed()
    const stubborn = "trap '' TERM; (trap '' TERM; setsid sleep 1000) & while :; do sleep 0.1; done"
    await framework.launch(await firstOffer(framework), { id: "stubborn", command: { value: stubborn } })
    const running = await framework.status("stubborn", "TASK_RUNNING")
    const [container] = cluster.containers()
    expect(container).toContain(running.container_status.container_id.value)
    await framework.call({
      type: "KILL",
      kill: {
        task_id: { value: "stubborn" },
        kill_policy: { grace_period: { nanoseconds: 200_000_000 } },
      },
    })
    const end = await framework.status("stubborn", "TASK_KILLED")
    expect(end.message).toContain("SIGKILL")
    expect(cluster.containers()).toEqual([])
    await framework.call({ type: "TEARDOWN" })
  })

  it("keeps refused resources away for as long as the filter says", async () => {
    const framework = await subscribed()
    const offer = await firstOffer(framework)
    const declined = { offer_ids: [offer.id], filters: { refuse_seconds: 1_000 } }
    expect((await framework.call({ type: "DECLINE", decline: declined })).status).toBe(202)
    // The next framework gets them meanwhile; REVIVE brings them back to the first.
    const other = await subscribed()
    const taken = await firstOffer(other)
    await other.call({
      type: "DECLINE",
      decline: { offer_ids: [taken.id], filters: { refuse_seconds: 1_000 } },
    })
    expect(framework.events.filter((event) => event.type === "OFFERS")).toHaveLength(1)
    await framework.call({ type: "REVIVE" })
    await framework.next("OFFERS")
    await framework.call({ type: "TEARDOWN" })
    await other.call({ type: "TEARDOWN" })
  })

  it("loses nothing when the whole of it restarts between launch and acknowledgement", async () => {
    const framework = await subscribed({ failover_timeout: 60 })
    const offer = await firstOffer(framework)
    await framework.launch(offer, { id: "restart", command: { value: "sleep 1000" } })
    await framework.status("restart", "TASK_RUNNING")
    await cluster.stop()
    await cluster.begin()
    const again = new V1Framework(cluster.url, cluster.secret)
    await again.subscribe({ failover_timeout: 60 }, framework.frameworkId)
    expect((await again.next("SUBSCRIBED")).subscribed.framework_id.value).toBe(framework.frameworkId)
    // A clean stop ends the tasks; the framework hears of it once, from the journal of the master.
    await again.next("UPDATE", ({ update }) => update.status.state === "TASK_KILLED")
    await again.acknowledge(again.events.find((event) => event.type === "UPDATE")!)
    await again.call({ type: "TEARDOWN" })
    const resubscribed = new V1Framework(cluster.url, cluster.secret)
    await resubscribed.subscribe({}, framework.frameworkId)
    expect((await resubscribed.next("ERROR")).error.message).toBe("Framework has been removed")
  })

  it("kills the tasks of a framework that leaves without failover timeout", async () => {
    const framework = await subscribed()
    await framework.launch(await firstOffer(framework), { id: "orphan", command: { value: "sleep 1000" } })
    await framework.status("orphan", "TASK_RUNNING")
    framework.close()
    await eventually(() => (cluster.containers().length === 0 ? true : undefined))
  })

  it("shows people what it does", async () => {
    const { code, stdout } = await gleaner(["status", "--data", cluster.data])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^agent +condition +cpus used/m)
    const json = await gleaner(["status", "--data", cluster.data, "--json"])
    expect(JSON.parse(json.stdout).slaves).toHaveLength(1)
  })
})
