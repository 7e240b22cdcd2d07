import { describe, expect, it } from "vitest"
import { lossesPerStep } from "../../../core/master/AgentLoss.ts"
import { defaultMasterSettings } from "../../../core/master/State.ts"
import {
  actionsOf,
  launching,
  launchOf,
  MasterHarness,
  specOf,
  statusesOf,
  statusOf,
} from "../../support/MasterHarness.ts"
import { host, small } from "../../support/MasterScenes.ts"

const { agentTimeoutMs, agentForgetMs, agentRemovalPauseMs } = defaultMasterSettings

/** A cluster of hosts with a task on each; then half of them are cut off at once. */
const cutInHalf = (hosts: number, settings = defaultMasterSettings) => {
  const master = new MasterHarness({ ...settings, offerTimeoutMs: null })
  const ids = Array.from({ length: hosts }, () => master.addAgent(host))
  const framework = master.subscribe()
  for (const { offer } of actionsOf(master.settle(), "OfferResources")[0]!.offers) {
    master.step({
      type: "OffersAccepted",
      frameworkId: framework.id,
      offerIds: [offer.id],
      operations: launching([launchOf(`on-${offer.agentId}`, offer.agentId, small)]),
      refuseMs: 1e9,
    })
  }
  const lost = ids.filter((_, index) => index % 2 === 0)
  for (const agentId of lost) {
    const streamId = master.state.agents.get(agentId)!.streamId!
    master.step({ type: "AgentDisconnected", agentId, streamId })
  }
  return { master, lost }
}

describe("a task that ended, on an agent that stays away before it could say so", () => {
  const ended = () => {
    const master = new MasterHarness()
    const agentId = master.addAgent(host)
    const framework = master.subscribe({ capabilities: ["PARTITION_AWARE"] })
    master.settle()
    master.step({
      type: "OffersAccepted",
      frameworkId: framework.id,
      offerIds: [master.offersOf(framework.id)[0]!],
      operations: launching([launchOf("t", agentId, small)]),
      refuseMs: 0,
    })
    master.report(agentId, framework.id, "t", "TASK_RUNNING", "u1")
    const status = statusOf(agentId, framework.id, "t", "TASK_RUNNING", "u1")
    master.step({ type: "StatusReported", agentId, status, latestState: "TASK_FINISHED" })
    expect(master.state.tasks.get(`${framework.id}/t`)).toMatchObject({
      state: "TASK_RUNNING",
      hasEnded: true,
    })
    master.step({ type: "AgentDisconnected", agentId, streamId: master.state.agents.get(agentId)!.streamId! })
    return { master, framework }
  }

  it("is told to be unreachable, and frees nothing a second time", () => {
    const { master, framework } = ended()
    const told = actionsOf(master.advance(agentTimeoutMs), "SendStatus")
    expect(told.map(({ status }) => status.state)).toEqual(["TASK_UNREACHABLE"])
    expect(master.state.tasks.get(`${framework.id}/t`)!.state).toBe("TASK_UNREACHABLE")
    master.restart()
    expect(master.state.unreachableByFramework.countOf(framework.id)).toBe(1)
  })
})

describe("an agent that has been away for so long that it is forgotten", () => {
  const forgotten = (order: { type: "AgentDeactivated" } | { type: "DrainRequested" }, settings = {}) => {
    const master = new MasterHarness({ ...defaultMasterSettings, ...settings })
    const agentId = master.addAgent(host)
    const asked = { agentId, graceMaxMs: 5_000, isGoneAfter: false }
    // Only while it is away, since a host without tasks is drained at once.
    master.step({ type: "AgentDisconnected", agentId, streamId: master.state.agents.get(agentId)!.streamId! })
    master.advance(agentTimeoutMs)
    master.step({ ...asked, ...order })
    master.advance(agentForgetMs)
    expect(master.state.agents.size).toBe(0)
    return { master, agentId }
  }

  it("is still deactivated when it comes back, until it is reactivated", () => {
    const { master, agentId } = forgotten({ type: "AgentDeactivated" })
    master.restart()
    master.addAgent(host, agentId)
    master.subscribe()
    expect(actionsOf(master.settle(), "OfferResources")).toEqual([])
    expect(master.state.agents.get(agentId)).toMatchObject({ isDeactivated: true, drain: null })
    expect(master.state.keptOrders.size).toBe(0)
    master.step({ type: "AgentReactivated", agentId })
    expect(actionsOf(master.settle(), "OfferResources")).toHaveLength(1)
  })

  it("still drains: what it has on it is told to end", () => {
    const { master, agentId } = forgotten({ type: "DrainRequested" })
    const framework = master.subscribe()
    const back = master.register(agentId, {
      total: host,
      tasks: [{ spec: specOf("t", framework.id, agentId, small), status: null }],
    })
    expect(actionsOf(back, "SendToAgent")).toMatchObject([
      { message: { type: "KillTask", drain: { graceMaxMs: 5_000 } } },
    ])
  })

  it("of which an operator says that it is gone needs no order any more; of too many the oldest go", () => {
    const { master, agentId } = forgotten({ type: "DrainRequested" }, { awayAgentsMax: 1 })
    const other = master.addAgent(host)
    master.step({ type: "AgentDeactivated", agentId: other })
    const bystander = master.addAgent(host)
    master.step({ type: "AgentDeactivated", agentId: bystander })
    master.step({ type: "AgentGone", agentId: bystander })
    expect([...master.state.keptOrders.keys()]).toEqual([agentId])
    master.step({
      type: "AgentDisconnected",
      agentId: other,
      streamId: master.state.agents.get(other)!.streamId!,
    })
    master.advance(agentTimeoutMs + agentForgetMs)
    expect([...master.state.keptOrders.keys()]).toEqual([other])
  })
})

describe("half of a cluster that is lost at once", () => {
  const hosts = 4 * lossesPerStep + 20

  it("is told to frameworks at once, all of it, in steps between which others are served", () => {
    const { master, lost } = cutInHalf(hosts)
    expect(statusesOf(master.advance(agentTimeoutMs - 1))).toEqual([])
    master.nowMs += 1
    const told: Array<number> = []
    while (master.wakeAtMs !== null && master.wakeAtMs <= master.nowMs) {
      const actions = master.step({ type: "TimePassed" })
      told.push(statusesOf(actions).length)
      expect(actionsOf(actions, "ReportAgentFailure")).toHaveLength(statusesOf(actions).length)
    }
    // Time has stood still meanwhile: nothing waited for a rate.
    expect(told.filter((count) => count > 0)).toEqual([lossesPerStep, lossesPerStep, 10])
    expect(master.state.unreachableAgents.size).toBe(lost.length)
  })

  it("is said to be unreachable since then, also later and after a restart", () => {
    const { master, lost } = cutInHalf(2)
    const sinceOf = (actions: ReturnType<MasterHarness["step"]>) =>
      actionsOf(actions, "SendStatus").map(({ status }) => status.unreachableWallMs)
    expect(sinceOf(master.advance(agentTimeoutMs))).toEqual([1_000_000 + agentTimeoutMs])
    master.advance(5_000)
    master.restart()
    for (const taskId of [`on-${lost[0]}`, "never-heard-of"]) {
      const tasks = [{ taskId, agentId: lost[0]! }]
      const told = master.step({ type: "ReconciliationRequested", frameworkId: "m-0000", tasks })
      expect(sinceOf(told)).toEqual([1_000_000 + agentTimeoutMs])
    }
  })

  it("is removed one agent after the other, each in its turn, also over restarts", () => {
    const { master, lost } = cutInHalf(20)
    master.advance(agentTimeoutMs)
    master.advance(agentForgetMs - 1)
    expect(master.state.unreachableAgents.size).toBe(lost.length)
    for (let left = lost.length; left > 0; left--) {
      master.advance(left === lost.length ? 1 : agentRemovalPauseMs)
      expect(master.state.unreachableAgents.size).toBe(left - 1)
      master.restart()
    }
    expect(master.state.tasks.size).toBe(lost.length)
  })

  it("comes back as if nothing had happened, and nothing of it is removed", () => {
    const { master, lost } = cutInHalf(20)
    master.advance(agentTimeoutMs)
    for (const agentId of lost) master.addAgent(host, agentId)
    master.advance(2 * agentForgetMs)
    expect(master.state.agents.size).toBe(20)
    expect(master.state.allocator.clusterTotal()).toEqual({ cpus: 80_000, mem: 160_000_000 })
  })

  it("beyond the bound is removed without a pause, who was lost first", () => {
    const { master, lost } = cutInHalf(20, { ...defaultMasterSettings, awayAgentsMax: 3 })
    master.advance(agentTimeoutMs)
    expect([...master.state.unreachableAgents].sort()).toHaveLength(3)
    const removed = lost.filter((id) => !master.state.agents.has(id))
    expect(removed).toHaveLength(lost.length - 3)
    master.restart()
    expect(master.state.unreachableAgents.size).toBe(3)
  })
})
