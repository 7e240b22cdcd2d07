import { describe, expect, it } from "vitest"
import { refuseCall } from "../../../core/master/Admission.ts"
import { defaultMasterSettings } from "../../../core/master/State.ts"
import { actionsOf, launchOf, MasterHarness, specOf, statusesOf } from "../../support/MasterHarness.ts"

const host = { cpus: 4_000, mem: 8_000_000 }
const small = { cpus: 500, mem: 64_000 }

/** A master with one host and one framework that holds an offer of all of it. */
const offered = () => {
  const master = new MasterHarness()
  const agentId = master.addAgent(host)
  const framework = master.subscribe()
  const actions = master.settle()
  return { master, agentId, framework, offerId: actionsOf(actions, "OfferResources")[0]!.offers[0]!.offer.id }
}

const running = () => {
  const context = offered()
  const { master, agentId, framework, offerId } = context
  master.step({
    type: "OffersAccepted",
    frameworkId: framework.id,
    offerIds: [offerId],
    launches: [launchOf("t", agentId, small)],
    refuseMs: 1_000_000,
  })
  master.report(agentId, framework.id, "t", "TASK_RUNNING")
  master.step({
    type: "StatusAcknowledged",
    frameworkId: framework.id,
    agentId,
    taskId: "t",
    uuid: "u-t-TASK_RUNNING",
  })
  return context
}

describe("offers", () => {
  it("are made in one cycle for all events before it, of everything an agent has", () => {
    const master = new MasterHarness()
    master.addAgent(host)
    master.addAgent(host)
    const { id } = master.subscribe()
    expect(master.offersOf(id)).toEqual([])
    const made = actionsOf(master.settle(), "OfferResources")
    expect(made).toHaveLength(1)
    expect(made[0]!.offers.map(({ offer }) => offer.resources)).toEqual([host, host])
    expect(made[0]!.offers.map(({ offer }) => offer.id)).toEqual(["m-O0", "m-O1"])
  })

  it("stay away for as long as they were refused, and come back then without a tick", () => {
    const { master, framework, offerId } = offered()
    master.step({
      type: "OffersDeclined",
      frameworkId: framework.id,
      offerIds: [offerId],
      refuseMs: 2_000,
    })
    expect(master.advance(1_999)).toEqual([])
    expect(actionsOf(master.advance(1), "OfferResources")).toHaveLength(1)
  })

  it.each([
    ["no filter in the call", null, 5_000],
    ["a negative one", -1, 5_000],
    ["more than a year", 1e15, 365 * 24 * 3_600_000],
  ])("take %s as Mesos does", (_, refuseMs, effectiveMs) => {
    const { master, framework, offerId } = offered()
    master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds: [offerId], refuseMs })
    expect(master.advance(effectiveMs - 1)).toEqual([])
    expect(actionsOf(master.advance(1), "OfferResources")).toHaveLength(1)
  })

  it("come back at once when refused for 0 seconds, or revived", () => {
    const { master, framework, offerId } = offered()
    master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds: [offerId], refuseMs: 0 })
    const again = actionsOf(master.settle(), "OfferResources")[0]!.offers[0]!.offer.id
    master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds: [again], refuseMs: 9_000 })
    expect(master.settle()).toEqual([])
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    expect(actionsOf(master.settle(), "OfferResources")).toHaveLength(1)
  })

  it("do not go to a framework that suppressed its role", () => {
    const { master, framework, offerId } = offered()
    master.step({ type: "OffersSuppressed", frameworkId: framework.id, roles: [] })
    master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds: [offerId], refuseMs: 0 })
    expect(master.advance(60_000)).toEqual([])
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: ["nobody's"] })
    expect(master.advance(60_000)).toEqual([])
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: ["*"] })
    expect(actionsOf(master.settle(), "OfferResources")).toHaveLength(1)
  })

  it("are rescinded when nobody answers, and go to the next", () => {
    const { master, framework, offerId } = offered()
    const other = master.subscribe()
    const actions = master.advance(defaultMasterSettings.offerTimeoutMs!)
    expect(actionsOf(actions, "RescindOffer")).toEqual([
      { type: "RescindOffer", streamId: framework.streamId, offerId },
    ])
    expect(master.offersOf(other.id)).toHaveLength(1)
  })

  it("end without a word when the framework's stream ends, and go to others", () => {
    const { master, framework } = offered()
    const other = master.subscribe()
    const gone = master.step({
      type: "FrameworkDisconnected",
      frameworkId: framework.id,
      streamId: framework.streamId,
    })
    expect(gone).toEqual([])
    master.settle()
    expect(master.offersOf(other.id)).toHaveLength(1)
  })

  it("are rescinded when the agent goes", () => {
    const { master, agentId, framework, offerId } = offered()
    const streamId = master.state.agents.get(agentId)!.streamId!
    const actions = master.step({ type: "AgentDisconnected", agentId, streamId })
    expect(actions).toEqual([{ type: "RescindOffer", streamId: framework.streamId, offerId }])
    expect(master.settle()).toEqual([])
  })
})

describe("launches", () => {
  it("take their part; the rest is filtered as the call says", () => {
    const { master, agentId, framework, offerId } = offered()
    const actions = master.step({
      type: "OffersAccepted",
      frameworkId: framework.id,
      offerIds: [offerId],
      launches: [launchOf("t", agentId, small)],
      refuseMs: 1_000,
    })
    expect(actionsOf(actions, "SendToAgent").map(({ message }) => message.type)).toEqual(["LaunchTask"])
    expect(master.settle()).toEqual([])
    const rest = actionsOf(master.advance(1_000), "OfferResources")[0]!.offers[0]!.offer.resources
    expect(rest).toEqual({ cpus: 3_500, mem: 7_936_000 })
  })

  it("are judged one by one; the good ones start", () => {
    const { master, agentId, framework, offerId } = offered()
    const actions = master.step({
      type: "OffersAccepted",
      frameworkId: framework.id,
      offerIds: [offerId],
      launches: [
        launchOf("big", agentId, { cpus: 5_000 }),
        launchOf("good", agentId, { cpus: 3_000 }),
        launchOf("too-late", agentId, { cpus: 1_001 }),
        launchOf("good", agentId, small),
        launchOf("a/b", agentId, small),
        launchOf("elsewhere", "m-S9", small),
        launchOf("nothing", agentId, {}),
        { ...launchOf("odd", agentId, small), problem: "odd thing" },
      ],
      refuseMs: null,
    })
    expect(actionsOf(actions, "SendToAgent")).toHaveLength(1)
    expect(
      actionsOf(actions, "SendStatus").map(({ status }) => [status.taskId, status.state, status.message]),
    ).toEqual([
      ["big", "TASK_ERROR", expect.stringContaining("cpus:5 required by task")],
      ["too-late", "TASK_ERROR", expect.stringContaining("more than available cpus:1; mem:8000")],
      ["good", "TASK_ERROR", "Task has duplicate ID: good"],
      ["a/b", "TASK_ERROR", "'a/b' contains invalid characters"],
      ["elsewhere", "TASK_ERROR", "Task uses invalid agent m-S9 while agent m-S0 is expected"],
      ["nothing", "TASK_ERROR", "Task uses no resources"],
      ["odd", "TASK_ERROR", "odd thing"],
    ])
  })

  it("on an offer that is gone are lost, and the other offers of the call come back without a filter", () => {
    const master = new MasterHarness()
    const agentId = master.addAgent(host)
    master.addAgent(host)
    const { id } = master.subscribe()
    master.settle()
    const [first] = master.offersOf(id)
    const actions = master.step({
      type: "OffersAccepted",
      frameworkId: id,
      offerIds: [first!, "m-O77"],
      launches: [launchOf("t", agentId, small)],
      refuseMs: 1_000_000,
    })
    expect(statusesOf(actions)).toEqual(["t TASK_LOST REASON_INVALID_OFFERS no-ack"])
    expect(actionsOf(master.settle(), "OfferResources")).toHaveLength(1)
  })

  it("cannot combine offers of two agents", () => {
    const master = new MasterHarness()
    const agentId = master.addAgent(host)
    master.addAgent(host)
    const { id } = master.subscribe({ capabilities: ["PARTITION_AWARE"] })
    master.settle()
    const actions = master.step({
      type: "OffersAccepted",
      frameworkId: id,
      offerIds: master.offersOf(id),
      launches: [launchOf("t", agentId, small)],
      refuseMs: null,
    })
    expect(statusesOf(actions)).toEqual(["t TASK_DROPPED REASON_INVALID_OFFERS no-ack"])
  })
})

describe("statuses", () => {
  it("free the resources at the end, and the task is forgotten when its end is acknowledged", () => {
    const { master, agentId, framework } = running()
    const actions = master.report(agentId, framework.id, "t", "TASK_FINISHED")
    expect(statusesOf(actions)).toEqual(["t TASK_FINISHED - ack"])
    expect(actionsOf(master.settle(), "OfferResources")[0]!.offers[0]!.offer.resources).toEqual(host)
    expect(master.state.tasks.size).toBe(1)
    const acknowledged = master.step({
      type: "StatusAcknowledged",
      frameworkId: framework.id,
      agentId,
      taskId: "t",
      uuid: "u-t-TASK_FINISHED",
    })
    expect(actionsOf(acknowledged, "SendToAgent")[0]!.message).toEqual({
      type: "AcknowledgeStatus",
      frameworkId: framework.id,
      taskId: "t",
      uuid: "u-t-TASK_FINISHED",
    })
    expect(master.state.tasks.size).toBe(0)
  })

  it("that are repeated are passed on until acknowledged, then acknowledged again, and free nothing twice", () => {
    const { master, agentId, framework } = running()
    master.report(agentId, framework.id, "t", "TASK_FINISHED")
    const repeated = master.report(agentId, framework.id, "t", "TASK_FINISHED")
    expect(statusesOf(repeated)).toEqual(["t TASK_FINISHED - ack"])
    master.step({
      type: "StatusAcknowledged",
      frameworkId: framework.id,
      agentId,
      taskId: "t",
      uuid: "u-t-TASK_FINISHED",
    })
    const late = master.report(agentId, framework.id, "t", "TASK_FINISHED")
    expect(late.map((action) => action.type)).toEqual(["SendToAgent"])
  })

  it("are not acknowledged by another uuid", () => {
    const { master, agentId, framework } = running()
    master.report(agentId, framework.id, "t", "TASK_FINISHED")
    const uuid = "u-t-TASK_RUNNING"
    expect(
      master.step({ type: "StatusAcknowledged", frameworkId: framework.id, agentId, taskId: "t", uuid }),
    ).toEqual([])
    expect(master.state.tasks.size).toBe(1)
  })

  it("wait for a framework that comes back, and are told at once then", () => {
    const { master, agentId, framework } = running()
    master.step({
      type: "FrameworkDisconnected",
      frameworkId: framework.id,
      streamId: framework.streamId,
    })
    expect(statusesOf(master.report(agentId, framework.id, "t", "TASK_FINISHED"))).toEqual([])
    master.actions.length = 0
    master.subscribe({}, framework.id)
    expect(statusesOf(master.actions)).toEqual(["t TASK_FINISHED - ack"])
  })
})

describe("frameworks", () => {
  it("that fail over replace their former stream", () => {
    const { master, framework } = running()
    master.actions.length = 0
    const next = master.subscribe({}, framework.id)
    expect(next.id).toBe(framework.id)
    expect(actionsOf(master.actions, "RefuseSubscription")).toEqual([
      { type: "RefuseSubscription", streamId: framework.streamId, message: "Framework failed over" },
    ])
    // The end of the former stream has no consequence any more.
    master.step({
      type: "FrameworkDisconnected",
      frameworkId: framework.id,
      streamId: framework.streamId,
    })
    expect(refuseCall(master.state, framework.id, next.streamId)).toBeUndefined()
    expect(refuseCall(master.state, framework.id, framework.streamId)?.type).toBe("StreamIdDiffers")
    expect(refuseCall(master.state, framework.id, null)?.type).toBe("StreamIdMissing")
    expect(refuseCall(master.state, "m-9999", null)?.type).toBe("FrameworkUnknown")
  })

  it("that do not return in time lose their tasks and their id", () => {
    const { master, agentId, framework } = running()
    master.step({
      type: "FrameworkDisconnected",
      frameworkId: framework.id,
      streamId: framework.streamId,
    })
    expect(refuseCall(master.state, framework.id, null)?.type).toBe("FrameworkNotSubscribed")
    expect(actionsOf(master.advance(59_999), "SendToAgent")).toEqual([])
    expect(actionsOf(master.advance(1), "SendToAgent")[0]!.message.type).toBe("KillTask")
    const ended = master.report(agentId, framework.id, "t", "TASK_KILLED")
    expect(actionsOf(ended, "SendToAgent")[0]!.message.type).toBe("AcknowledgeStatus")
    expect(master.state.tasks.size).toBe(0)
    expect(master.state.ledger.availableOn(agentId)).toEqual(host)
    master.actions.length = 0
    master.subscribe({}, framework.id)
    expect(actionsOf(master.actions, "RefuseSubscription")[0]!.message).toBe("Framework has been removed")
  })

  it("are torn down at once", () => {
    const { master, framework } = running()
    const actions = master.step({ type: "TeardownRequested", frameworkId: framework.id })
    expect(actions.map((action) => action.type)).toEqual(["SendToAgent", "CloseStream"])
    expect(master.state.frameworks.size).toBe(0)
  })
})

describe("agents", () => {
  const lose = (master: MasterHarness, agentId: string) =>
    master.step({ type: "AgentDisconnected", agentId, streamId: master.state.agents.get(agentId)!.streamId! })

  it("that stay away become unreachable; their tasks are back when they are", () => {
    const { master, agentId, framework } = running()
    lose(master, agentId)
    expect(statusesOf(master.advance(74_999))).toEqual([])
    const actions = master.advance(1)
    expect(statusesOf(actions)).toEqual(["t TASK_LOST REASON_AGENT_REMOVED no-ack"])
    expect(actionsOf(actions, "ReportAgentFailure")).toHaveLength(1)
    expect(master.state.ledger.clusterTotal).toEqual({})
    const back = master.step({
      type: "AgentRegistered",
      streamId: "again",
      agentId,
      address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
      total: host,
      attributes: [],
      version: "1",
      tasks: [{ spec: specOf("t", framework.id, agentId, small), status: null }],
      launching: [],
    })
    expect(statusesOf(back)).toEqual(["t TASK_STAGING REASON_AGENT_REREGISTERED no-ack"])
    expect(master.state.ledger.allocatedOn(agentId)).toEqual(small)
  })

  it("that return without a task have lost it, unless its launch is still on the way", () => {
    const { master, agentId, framework } = running()
    master.settle()
    const register = (launching: ReadonlyArray<string>) =>
      master.step({
        type: "AgentRegistered",
        streamId: `s-${launching.length}`,
        agentId,
        address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
        total: host,
        attributes: [],
        version: "1",
        tasks: [],
        launching,
      })
    expect(statusesOf(register([`${framework.id}/t`]))).toEqual([])
    expect(statusesOf(register([]))).toEqual(["t TASK_LOST REASON_RECONCILIATION no-ack"])
    expect(master.state.ledger.allocatedOn(agentId)).toEqual({})
  })

  it("that report tasks of nobody are told to kill them", () => {
    const master = new MasterHarness()
    const actions = master.step({
      type: "AgentRegistered",
      streamId: "s",
      agentId: "old-S3",
      address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
      total: host,
      attributes: [],
      version: "1",
      tasks: [{ spec: specOf("t", "old-0001", "old-S3", small), status: null }],
      launching: [],
    })
    expect(actionsOf(actions, "SendToAgent")[0]!.message.type).toBe("KillTask")
  })

  it("that come back smaller than what runs on them are offered to nobody", () => {
    const { master, agentId, framework } = running()
    master.step({
      type: "AgentRegistered",
      streamId: "smaller",
      agentId,
      address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
      total: { cpus: 100 },
      attributes: [],
      version: "1",
      tasks: [{ spec: specOf("t", framework.id, agentId, small), status: null }],
      launching: [],
    })
    expect(actionsOf(master.settle(), "OfferResources")).toEqual([])
    expect(master.state.ledger.allocatedOn(agentId)).toEqual(small)
  })
})

describe("kill and reconciliation", () => {
  it("sends a kill to the agent, and answers for unknown tasks", () => {
    const { master, agentId, framework } = running()
    const kill = (taskId: string, onAgent: string | null) =>
      master.step({
        type: "KillRequested",
        frameworkId: framework.id,
        taskId,
        agentId: onAgent,
        graceMs: 5,
      })
    expect(actionsOf(kill("t", null), "SendToAgent")[0]!.message).toMatchObject({
      type: "KillTask",
      graceMs: 5,
    })
    expect(kill("t", "m-S9")).toEqual([])
    expect(statusesOf(kill("x", null))).toEqual(["x TASK_LOST REASON_RECONCILIATION no-ack"])
    expect(statusesOf(kill("x", agentId))).toEqual(["x TASK_LOST REASON_RECONCILIATION no-ack"])
  })

  it("tells everything it knows when asked for nothing in particular", () => {
    const { master, framework } = running()
    const actions = master.step({
      type: "ReconciliationRequested",
      frameworkId: framework.id,
      tasks: [],
    })
    expect(statusesOf(actions)).toEqual(["t TASK_RUNNING REASON_RECONCILIATION no-ack"])
  })
})

describe("a restarted master", () => {
  it("has no streams left, keeps the tasks, and gives frameworks and agents time to return", () => {
    const { master, agentId, framework } = running()
    master.settle()
    master.restart()
    expect(master.step({ type: "MasterStarted" }).filter((action) => action.type === "SendStatus")).toEqual(
      [],
    )
    expect(master.state.agents.get(agentId)!.condition).toBe("disconnected")
    expect(refuseCall(master.state, framework.id, framework.streamId)?.type).toBe("FrameworkNotSubscribed")
    expect(master.state.tasks.size).toBe(1)
    expect(master.state.offers.size).toBe(0)
  })

  it("refuses time that goes back", () => {
    const master = new MasterHarness()
    master.nowMs = 5
    master.step({ type: "TimePassed" })
    master.nowMs = 4
    expect(() => master.step({ type: "TimePassed" })).toThrow("time went back from 5 to 4")
  })
})
