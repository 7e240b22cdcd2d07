import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type LeaseClient, retryWaitMs, startLeaseClient } from "../../../runtime/monitor/LeaseClient.ts"
import { leaseMs, lineBytesMax } from "../../../runtime/protocol/MonitorProtocol.ts"
import {
  type FakeMonitorAgent,
  grantOf,
  startFakeMonitorAgent,
  until,
} from "../../support/FakeMonitorAgent.ts"

let agent: FakeMonitorAgent
let client: LeaseClient | undefined
let nowMs = 0
let events: Array<string> = []
let logs: Array<string> = []

beforeEach(async () => {
  agent = await startFakeMonitorAgent()
  nowMs = 1_000
  events = []
  logs = []
})
afterEach(async () => {
  client?.stop()
  await agent.close()
})

const use = { capacity: { cpuMilli: 2000, memMilli: 1 }, primary: { cpuMilli: 1, memMilli: 1 } }
const beat = {
  reserve: null,
  use: { ...use, harvest: use.primary },
  ceiling: { cpuMilli: null, memMilli: null },
  notBiting: 0,
  missedSamples: 0,
  lowered: 0,
  raised: 0,
  lateMs: 0,
}
const start = () => {
  client = startLeaseClient({
    socketPath: `${agent.folder}/monitor.sock`,
    hello: () => ({ pid: 7, version: "v", policy: "p" }),
    beat: () => beat,
    nowMs: () => nowMs,
    tickMs: 100,
    chance: () => 0,
    onGranted: (granted) => events.push(`granted ${granted.cgroupParent}`),
    onTasks: (tasks) => events.push(`tasks ${tasks.map((task) => task.containerId).join()}`),
    onLost: (reason) => events.push(`lost: ${reason}`),
    log: (_, message, fields) => logs.push(`${message} ${String(fields?.reason)}`),
  })
  return client
}
const hold = async () => {
  agent.grant = grantOf("g")
  agent.answersBeats = true
  const held = start()
  await until(() => events.length === 1)
  agent.grant = null
  agent.answersBeats = false
  return held
}
const beats = () => agent.lines.filter((line) => line.type === "Beat").length
const task = {
  containerId: "c1",
  frameworkId: "f",
  taskId: "t",
  priority: 0,
  ageMs: 1,
  lostWork: 0,
  cpuMilli: 100,
  memMilli: 100,
  isFrozen: false,
}

describe("LeaseClient", () => {
  it("holds the lease only after its first beat was answered", async () => {
    agent.grant = grantOf("g")
    const made = start()
    await until(() => beats() === 1)
    expect(agent.lines[0]).toEqual({ type: "Hello", protocolVersion: 1, pid: 7, version: "v", policy: "p" })
    expect(agent.lines[1]).toEqual({ type: "Beat", number: 1, ...beat })
    expect(made.isTrusted()).toBe(false)
    expect(made.order({ type: "Thaw", containerId: "c" })).toBe(false)
    agent.say({ type: "Heard", number: 1, tasks: [task] })
    await until(() => events.length === 2)
    expect(events).toEqual(["granted g", "tasks c1"])
    expect(made.isTrusted()).toBe(true)
    expect(made.order({ type: "Freeze", containerId: "c", why: "w" })).toBe(true)
    await until(() => agent.lines.some((line) => line.type === "Freeze"))
  })

  it("trusts by when the answered beat was sent, not by when the answer came", async () => {
    const held = await hold()
    nowMs += 300
    held.tick()
    nowMs += 199
    expect(held.isTrusted()).toBe(true)
    nowMs += 1
    expect(held.isTrusted()).toBe(false)
    // The answer to the beat that was sent 200 ms ago renews to its sending.
    await until(() => beats() === 2)
    agent.say({ type: "Heard", number: 2 })
    await until(() => held.isTrusted())
    nowMs += 299
    expect(held.isTrusted()).toBe(true)
    nowMs += 1
    expect(held.isTrusted()).toBe(false)
    expect(events).toEqual(["granted g"])
  })

  it("loses the lease over silence, connects anew and hands over from the start", async () => {
    const held = await hold()
    for (let round = 0; round < 4; round++) {
      nowMs += 100
      held.tick()
    }
    expect(events).toEqual(["granted g"])
    agent.grant = grantOf("g2")
    agent.answersBeats = true
    nowMs += 100
    held.tick()
    expect(events[1]).toBe("lost: the agent has not answered for 500 ms")
    expect(held.isTrusted()).toBe(false)
    await until(() => events.length === 3)
    expect(events[2]).toBe("granted g2")
    expect(agent.connections()).toBe(2)
  })

  it("does not believe answers that waited for it while it was stopped", async () => {
    const held = await hold()
    nowMs += 200
    held.tick()
    await until(() => beats() === 2)
    agent.say({ type: "Heard", number: 2 })
    // As after SIGSTOP: the clock is far on before the answer is read, and before the first tick.
    nowMs += 3_000
    expect(held.isTrusted()).toBe(false)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(held.isTrusted()).toBe(false)
    held.tick()
    expect(events[1]).toContain("lost: the agent has not answered")
  })

  it("beats when the next tick would be too late, and at once when there is news", async () => {
    const held = await hold()
    agent.answersBeats = true
    const sentAfter: Array<number> = []
    for (let tick = 1; tick <= 9; tick++) {
      nowMs += 100
      if (tick === 6) held.tellSoon()
      const before = beats()
      held.tick()
      // A second tick of the same moment has nothing to add.
      held.tick()
      await new Promise((resolve) => setTimeout(resolve, 5))
      if (beats() > before) sentAfter.push(tick)
    }
    expect(sentAfter).toEqual([2, 4, 6, 8])
    nowMs += 100
    held.tellSoon()
    held.tick()
    await until(() => beats() === 6)
    expect(held.isTrusted()).toBe(true)
  })

  it("looks for an agent that is away twice a second, and asks one that refuses more seldom", () => {
    for (let failures = 0; failures < 30; failures++) {
      // An agent that comes back floors the ceiling after `leaseMs` without a Hello.
      expect(retryWaitMs("absent", failures, 1)).toBeLessThanOrEqual(leaseMs / 2)
      expect(retryWaitMs("refused", failures, 1)).toBe(Math.min(5_000, 50 * 2 ** failures))
      expect(retryWaitMs("hopeless", failures, 0)).toBe(2_500)
    }
  })

  it("never comes to hold a lease whose proof is old", async () => {
    agent.grant = grantOf("g")
    const made = start()
    await until(() => beats() === 1)
    nowMs += 600
    agent.say({ type: "Heard", number: 1 })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect([made.isTrusted(), events]).toEqual([false, []])
  })

  it("gives the lease up when it is revoked or the connection ends", async () => {
    await hold()
    agent.grant = grantOf("again")
    agent.answersBeats = true
    agent.say({ type: "Revoked", reason: "the agent stops" })
    await until(() => events.length === 3)
    agent.cut()
    await until(() => events.length === 5)
    expect(events).toEqual([
      "granted g",
      "lost: the agent took the ceiling back: the agent stops",
      "granted again",
      "lost: the agent closed the connection",
      "granted again",
    ])
  })

  it("takes lines in any pieces", async () => {
    const made = start()
    await until(() => agent.lines.length === 1)
    const text = `${JSON.stringify(grantOf("g"))}\n{"type":"Heard","number":1}\n`
    for (const letter of text) {
      agent.sayText(letter)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await until(() => events.length === 1)
    expect(made.isTrusted()).toBe(true)
  })

  it.each([
    ["no JSON", "hello\n", "is no JSON object"],
    ["an unknown type", '{"type":"Grant"}\n', 'is of type "Grant"'],
    ["an answer to no beat", '{"type":"Heard","number":99}\n', "answered beat 99"],
    ["a second grant", `${JSON.stringify(grantOf("g"))}\n`, "was not asked for"],
    ["a line without end", "x".repeat(lineBytesMax + 1), `more than ${lineBytesMax} bytes`],
  ])("ends the connection over %s, and says so", async (_, text, reason) => {
    await hold()
    agent.sayText(text)
    await until(() => events.length === 2)
    expect(events[1]).toContain(reason)
    expect(logs.join("\n")).toContain(reason)
  })

  it("says clearly that the agent is of another release", async () => {
    agent.grant = { ...grantOf("g"), protocolVersion: 2 }
    start()
    await until(() => logs.length > 0)
    expect(logs[0]).toContain(
      "this monitor speaks version 1 of the protocol between monitor and agent, the agent 2",
    )
    expect(events).toEqual([])
  })

  it("takes no way out of the cgroup hierarchies for the parent's name", async () => {
    agent.grant = grantOf("../../etc")
    start()
    await until(() => logs.length > 0)
    expect(logs[0]).toContain('"../../etc" cannot name a cgroup')
  })

  it("says once why it is refused, and goes on trying", async () => {
    const made = start()
    await until(() => agent.connections() === 1 && agent.lines.length === 1)
    agent.say({ type: "Refused", reason: "another monitor has the lease" })
    await until(() => logs.length === 1)
    expect(logs[0]).toContain("the agent refuses: another monitor has the lease")
    agent.grant = grantOf("g")
    agent.answersBeats = true
    await until(() => events.length === 1)
    expect(made.isTrusted()).toBe(true)
  })

  it("gives up on an agent that never answers its Hello", async () => {
    const made = start()
    await until(() => agent.lines.length === 1)
    nowMs += 5_000
    made.tick()
    await until(() => agent.connections() === 2)
    expect(logs[0]).toContain("has not answered for 5000 ms")
  })
})
