import { describe, expect, it } from "vitest"
import {
  actionsOf,
  launching,
  launchOf,
  MasterHarness,
  specOf,
  statusesOf,
} from "../../support/MasterHarness.ts"
import { host, offered, running, small } from "../../support/MasterScenes.ts"
import { operation, plain, reservedFor, webOffered } from "../../support/OperationScenes.ts"

const drain = (
  master: MasterHarness,
  agentId: string,
  order: { isGoneAfter?: boolean; graceMaxMs?: number } = {},
) => master.step({ type: "DrainRequested", agentId, graceMaxMs: null, isGoneAfter: false, ...order })

const stageOf = (master: MasterHarness, agentId: string) => master.state.agents.get(agentId)?.drain?.stage

const messages = (actions: ReturnType<MasterHarness["step"]>) =>
  actionsOf(actions, "SendToAgent").map(({ message }) => message)

describe("a deactivated agent", () => {
  it("loses its offers and gets no more until it is reactivated; what runs, runs on", () => {
    const { master, agentId, framework } = running()
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    expect(actionsOf(master.settle(), "OfferResources")).toHaveLength(1)
    const actions = master.step({ type: "AgentDeactivated", agentId })
    expect(actions.map(({ type }) => type)).toEqual(["RescindOffer"])
    expect(master.advance(3_600_000)).toEqual([])
    expect(master.allocatedOn(agentId)).toEqual(small)
    master.restart()
    master.step({ type: "AgentReactivated", agentId })
    expect(actionsOf(master.settle(), "OfferResources")).toHaveLength(1)
  })

  it("stays so when it comes back", () => {
    const { master, agentId } = offered()
    master.step({ type: "AgentDeactivated", agentId })
    master.addAgent(host, agentId)
    expect(actionsOf(master.settle(), "OfferResources")).toEqual([])
    expect(master.state.agents.get(agentId)).toMatchObject({ condition: "connected", isDeactivated: true })
  })
})

describe("a draining agent", () => {
  it("is told to kill its tasks within the longest grace, and is drained once their ends are acknowledged", () => {
    const { master, agentId, framework } = running()
    expect(messages(drain(master, agentId, { graceMaxMs: 2_000 }))).toEqual([
      {
        ...{ type: "KillTask", frameworkId: framework.id, taskId: "t", graceMs: null },
        drain: { graceMaxMs: 2_000, isGone: false },
      },
    ])
    expect(stageOf(master, agentId)).toBe("draining")
    master.report(agentId, framework.id, "t", "TASK_KILLED")
    expect(stageOf(master, agentId), "its end is not acknowledged").toBe("draining")
    master.restart()
    const uuid = "u-t-TASK_KILLED"
    master.step({ type: "StatusAcknowledged", frameworkId: framework.id, agentId, taskId: "t", uuid })
    expect(stageOf(master, agentId)).toBe("drained")
    expect(actionsOf(master.advance(3_600_000), "OfferResources")).toEqual([])
    master.step({ type: "AgentReactivated", agentId })
    expect(master.state.agents.get(agentId)).toMatchObject({ isDeactivated: false, drain: null })
    expect(actionsOf(master.settle(), "OfferResources")).toHaveLength(1)
  })

  it("without tasks is drained at once; one that is draining is not reactivated", () => {
    const { master, agentId } = offered()
    expect(drain(master, agentId).map(({ type }) => type)).toEqual(["RescindOffer"])
    expect(stageOf(master, agentId)).toBe("drained")
    const busy = running()
    drain(busy.master, busy.agentId)
    busy.master.step({ type: "AgentReactivated", agentId: busy.agentId })
    expect(stageOf(busy.master, busy.agentId)).toBe("draining")
  })

  it("that comes back is told again, also of tasks that the master took for lost", () => {
    const { master, agentId, framework } = running()
    const streamId = master.state.agents.get(agentId)!.streamId!
    master.step({ type: "AgentDisconnected", agentId, streamId })
    master.advance(75_000)
    // Nothing can be said to a task on an agent that is away; the agent is not drained either, since nobody knows.
    expect(messages(drain(master, agentId))).toEqual([])
    expect(stageOf(master, agentId)).toBe("draining")
    const back = master.register(agentId, {
      total: host,
      tasks: [{ spec: specOf("t", framework.id, agentId, small), status: null }],
    })
    expect(messages(back)).toMatchObject([{ type: "KillTask", taskId: "t", drain: { isGone: false } }])
    expect(stageOf(master, agentId)).toBe("draining")
  })

  it("is told once: neither the same order nor a return says it again while it is on its way", () => {
    const { master, agentId, framework } = running()
    expect(messages(drain(master, agentId, { graceMaxMs: 2_000 }))).toHaveLength(1)
    expect(drain(master, agentId, { graceMaxMs: 2_000 })).toEqual([])
    master.restart()
    const comeBack = (killing: ReadonlyArray<string>) =>
      messages(
        master.register(agentId, {
          total: host,
          killing,
          tasks: [{ spec: specOf("t", framework.id, agentId, small), status: null }],
        }),
      )
    expect(comeBack([`${framework.id}/t`])).toEqual([])
    expect(comeBack([])).toMatchObject([{ type: "KillTask", drain: { graceMaxMs: 2_000 } }])
    expect(messages(drain(master, agentId, { graceMaxMs: 1_000 }))).toMatchObject([
      { drain: { graceMaxMs: 1_000 } },
    ])
  })

  it("is told although another order is on its way, which gives a task more time", () => {
    const { master, agentId, framework } = running()
    const streamId = master.state.agents.get(agentId)!.streamId!
    master.step({ type: "AgentDisconnected", agentId, streamId })
    const { id: frameworkId } = framework
    master.step({ type: "KillRequested", frameworkId, taskId: "t", agentId: null, graceMs: 90_000 })
    master.advance(75_000)
    expect(messages(drain(master, agentId, { graceMaxMs: 2_000 }))).toEqual([])
    const back = master.register(agentId, {
      total: host,
      killing: [`${frameworkId}/t`],
      tasks: [{ spec: specOf("t", frameworkId, agentId, small), status: null }],
    })
    expect(messages(back)).toMatchObject([{ type: "KillTask", drain: { graceMaxMs: 2_000 } }])
  })

  it("that comes back without its last task is drained", () => {
    const { master, agentId } = running()
    drain(master, agentId)
    master.addAgent(host, agentId)
    expect(stageOf(master, agentId)).toBe("drained")
  })

  it("that is to be gone afterwards is, and its tasks are called so for those who know what it means", () => {
    for (const capabilities of [[], ["PARTITION_AWARE"]]) {
      const master = new MasterHarness()
      const agentId = master.addAgent(host)
      const framework = master.subscribe({ capabilities })
      const { offers } = actionsOf(master.settle(), "OfferResources")[0]!
      master.step({
        type: "OffersAccepted",
        frameworkId: framework.id,
        offerIds: [offers[0]!.offer.id],
        operations: launching([launchOf("t", agentId, small)]),
        refuseMs: null,
      })
      const isGone = capabilities.length > 0
      expect(messages(drain(master, agentId, { isGoneAfter: true }))).toMatchObject([{ drain: { isGone } }])
      master.report(agentId, framework.id, "t", "TASK_KILLED")
      const uuid = "u-t-TASK_KILLED"
      const last = master.step({
        type: "StatusAcknowledged",
        frameworkId: framework.id,
        agentId,
        taskId: "t",
        uuid,
      })
      expect(master.state.agents.has(agentId)).toBe(false)
      expect(master.state.gone.has(agentId)).toBe(true)
      expect(statusesOf(last), "its task has ended, and that was told").toEqual([])
      expect(actionsOf(last, "ShutDownAgent")).toHaveLength(1)
    }
  })

  it("waits for its operations to be done, not for their acknowledgement, which needs no agent", () => {
    const { master, agentId, framework, accept } = webOffered()
    accept([operation("RESERVE", plain(reservedFor("cpus:1", ["web"])), "o")])
    drain(master, agentId)
    expect(stageOf(master, agentId)).toBe("draining")
    const outcome = { frameworkId: framework.id, operationId: "o", problem: null }
    master.step({ type: "OperationReported", agentId, outcome })
    expect(stageOf(master, agentId)).toBe("drained")
  })

  it("may be told otherwise: a shorter time, and gone after all", () => {
    const { master, agentId } = running()
    drain(master, agentId)
    expect(messages(drain(master, agentId, { graceMaxMs: 0, isGoneAfter: true }))).toMatchObject([
      { type: "KillTask", drain: { graceMaxMs: 0 } },
    ])
    expect(master.state.agents.get(agentId)!.drain).toMatchObject({
      stage: "draining",
      isGoneAfter: true,
      startedWallMs: 1_000_000,
    })
  })
})
