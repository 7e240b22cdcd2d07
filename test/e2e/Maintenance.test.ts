import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { eventually, missingForEnforcement, SplitCluster } from "../support/Gleaner.ts"
import { V1Framework } from "../support/V1Framework.ts"

// What operators order of hosts, with a real master, agent and tasks.

describe.skipIf(missingForEnforcement !== undefined)("an operator", () => {
  let cluster: SplitCluster | undefined
  afterEach(async () => {
    const left = await cluster?.end()
    cluster = undefined
    expect(left ?? []).toEqual([])
  })

  const order = async ({ url, secret }: SplitCluster, type: string, content?: object) => {
    const response = await fetch(`${url}/api/v1`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${secret}` },
      body: JSON.stringify({ type, [type.toLowerCase()]: content }),
    })
    const text = await response.text()
    if (response.status !== 200) throw new Error(`${type} was answered ${response.status}: ${text}`)
    return text === "" ? {} : JSON.parse(text)
  }

  const onlyAgent = async (of: SplitCluster) => (await order(of, "GET_AGENTS")).get_agents.agents[0]

  const subscribe = async (of: SplitCluster) => {
    const framework = new V1Framework(of.url, of.secret)
    await framework.subscribe({ failover_timeout: 600 })
    return framework
  }

  /** A task that would take an hour to end once it was asked to, if nobody cut that short. */
  const launch = (framework: V1Framework, offer: { readonly [field: string]: unknown }, commands: object) =>
    framework.call({
      type: "ACCEPT",
      accept: {
        offer_ids: [offer.id],
        operations: [
          {
            type: "LAUNCH",
            launch: {
              task_infos: Object.entries(commands).map(([id, value]) => ({
                name: id,
                task_id: { value: id },
                agent_id: offer.agent_id,
                resources: [
                  { name: "cpus", type: "SCALAR", scalar: { value: 0.1 } },
                  { name: "mem", type: "SCALAR", scalar: { value: 32 } },
                ],
                command: { value },
                kill_policy: { grace_period: { nanoseconds: 3.6e12 } },
              })),
            },
          },
        ],
      },
    })

  it("drains a host: tasks end in their time, none later than allowed, and it stays empty until told otherwise", async () => {
    cluster = await SplitCluster.start()
    const framework = await subscribe(cluster)
    const [offer] = (await framework.next("OFFERS")).offers.offers
    await launch(framework, offer, {
      polite:
        "trap 'sleep 0.3; echo bye > bye; exit 0' TERM; echo ready > ready; while :; do sleep 0.05; done",
      stubborn: "trap '' TERM; echo ready > ready; while :; do sleep 0.05; done",
    })
    const place = (id: string) =>
      join(cluster!.data, `agent/sandboxes/frameworks/${framework.frameworkId}/executors/${id}/runs/latest`)
    for (const id of ["polite", "stubborn"]) {
      await eventually(() => (existsSync(join(place(id), "ready")) ? true : undefined))
    }
    const agent_id = offer.agent_id
    await order(cluster, "DRAIN_AGENT", { agent_id, max_grace_period: { seconds: 2 } })
    expect(await onlyAgent(cluster)).toMatchObject({ deactivated: true, drain_info: { state: "DRAINING" } })
    const ends = new Map<string, string>()
    while (ends.size < 2) {
      const event = await framework.next("UPDATE")
      await framework.acknowledge(event)
      const { task_id, state, reason } = event.update.status
      if (state === "TASK_KILLED") ends.set(task_id.value, reason)
    }
    expect([...ends].sort()).toEqual([
      ["polite", "REASON_AGENT_DRAINING"],
      ["stubborn", "REASON_AGENT_DRAINING"],
    ])
    expect(readFileSync(join(place("polite"), "bye"), "utf8")).toBe("bye\n")
    expect(await onlyAgent(cluster)).toMatchObject({ drain_info: { state: "DRAINED" } })

    // Neither a new master nor a new agent forgets it.
    cluster.agent.signal("SIGKILL")
    cluster.master.signal("SIGKILL")
    await Promise.all([cluster.agent.finished, cluster.master.finished])
    await cluster.beginMaster()
    await cluster.beginAgent().says('"ready":true')
    expect(await onlyAgent(cluster)).toMatchObject({
      active: false,
      deactivated: true,
      drain_info: { state: "DRAINED", config: { max_grace_period: { nanoseconds: 2e9 }, mark_gone: false } },
    })
    const again = new V1Framework(cluster.url, cluster.secret)
    await again.subscribe({ failover_timeout: 600 }, framework.frameworkId)
    await again.next("SUBSCRIBED")
    await order(cluster, "REACTIVATE_AGENT", { agent_id })
    await again.next("OFFERS")
    expect(again.events.filter(({ type }) => type === "OFFERS")).toHaveLength(1)
    await again.call({ type: "TEARDOWN" })
  })

  it("takes a machine down and up again, and gives an agent up for good", async () => {
    cluster = await SplitCluster.start()
    const framework = await subscribe(cluster)
    const [offer] = (await framework.next("OFFERS")).offers.offers
    await framework.launch(offer, { id: "lost", command: { value: "while :; do sleep 0.05; done" } })
    await framework.status("lost", "TASK_RUNNING")
    const machine = { hostname: offer.hostname, ip: offer.url.address.ip }
    const unavailability = { start: { nanoseconds: Date.now() * 1e6 } }
    const schedule = { windows: [{ machine_ids: [machine], unavailability }] }
    await order(cluster, "UPDATE_MAINTENANCE_SCHEDULE", { schedule })
    const asked = (await framework.next("INVERSE_OFFERS")).inverse_offers.inverse_offers[0]
    await framework.call({
      type: "ACCEPT_INVERSE_OFFERS",
      accept_inverse_offers: { inverse_offer_ids: [asked.id] },
    })
    await order(cluster, "START_MAINTENANCE", { machines: [machine] })
    const { status } = (
      await framework.next("UPDATE", ({ update }) => update.status.source === "SOURCE_MASTER")
    ).update
    expect([status.state, status.reason]).toEqual(["TASK_LOST", "REASON_AGENT_REMOVED"])
    const down = await cluster.agent.finished
    expect([down.code, down.stderr]).toEqual([
      3,
      expect.stringContaining("Operator initiated 'Machine DOWN'"),
    ])
    const refused = await cluster.beginAgent().finished
    expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining("Machine is `DOWN`")])

    await order(cluster, "STOP_MAINTENANCE", { machines: [machine] })
    await cluster.beginAgent().says('"ready":true')
    const agent_id = (await framework.next("OFFERS")).offers.offers[0].agent_id
    await order(cluster, "MARK_AGENT_GONE", { agent_id })
    const gone = await cluster.agent.finished
    expect([gone.code, gone.stderr]).toEqual([3, expect.stringContaining("Agent has been marked gone")])
    const again = await cluster.beginAgent().finished
    expect([again.code, again.stderr]).toEqual([3, expect.stringContaining("Agent has been marked gone")])
    await framework.call({ type: "TEARDOWN" })
  })
})
