import { describe, expect, it } from "vitest"
import { refuseCall } from "../../../core/master/Admission.ts"
import { completedTasksOf } from "../../../core/master/History.ts"
import { resourcesToPlain } from "../../../core/resources/PlainForm.ts"
import { actionsOf, MasterHarness, statusOf } from "../../support/MasterHarness.ts"
import { host, running } from "../../support/MasterScenes.ts"

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
    expect(resourcesToPlain(master.state.allocator.availableOn(agentId))).toEqual(host)
    master.actions.length = 0
    master.subscribe({}, framework.id)
    expect(actionsOf(master.actions, "RefuseSubscription")[0]!.message).toBe("Framework has been removed")
  })

  it("that subscribe again keep user and checkpoint, and must be the same principal", () => {
    const master = new MasterHarness()
    const { id, streamId } = master.subscribe({ user: "ann", checkpoint: true, principal: "p" })
    expect(master.state.frameworks.get(id)!.reregisteredWallMs).toBeNull()
    master.nowMs = 5
    master.subscribe({ user: "bob", checkpoint: false, principal: "p", name: "other" }, id)
    expect(master.state.frameworks.get(id)).toMatchObject({
      info: { user: "ann", checkpoint: true, name: "other" },
      registeredWallMs: 1_000_000,
      reregisteredWallMs: 1_000_005,
    })
    const current = master.state.frameworks.get(id)!.streamId
    master.actions.length = 0
    const thief = master.subscribe({ user: "ann", checkpoint: true, principal: "q" }, id)
    expect(actionsOf(master.actions, "RefuseSubscription")).toEqual([
      {
        type: "RefuseSubscription",
        streamId: thief.streamId,
        message: "Changing framework's principal is not allowed.",
      },
    ])
    expect(master.state.frameworks.get(id)!.streamId).toBe(current)
    expect(current).not.toBe(streamId)
  })

  it("get ids that nobody has brought along, or has had", () => {
    const master = new MasterHarness()
    master.subscribe({}, "m-0000")
    master.subscribe({ failoverTimeoutMs: 0 }, "m-0001")
    master.step({ type: "TeardownRequested", frameworkId: "m-0001" })
    expect(master.subscribe().id).toBe("m-0002")
    expect([...master.state.frameworks.keys()]).toEqual(["m-0000", "m-0002"])
  })

  it("that are removed leave no status behind that its agent would repeat for minutes", () => {
    const { master, agentId, framework } = running()
    master.report(agentId, framework.id, "t", "TASK_KILLING")
    const removed = master.step({ type: "TeardownRequested", frameworkId: framework.id })
    expect(actionsOf(removed, "SendToAgent").map(({ message }) => message)).toMatchObject([
      { type: "AcknowledgeStatus", taskId: "t", uuid: "u-t-TASK_KILLING" },
      { type: "KillTask", taskId: "t" },
    ])
    const ended = master.report(agentId, framework.id, "t", "TASK_KILLED")
    expect(actionsOf(ended, "SendToAgent")).toMatchObject([
      { message: { type: "AcknowledgeStatus", uuid: "u-t-TASK_KILLED" } },
    ])
    expect(master.state.tasks.size).toBe(0)
  })

  it("that are removed are remembered with the ends of their tasks, those too that they have not heard of", () => {
    const { master, agentId, framework } = running()
    const status = statusOf(agentId, framework.id, "t", "TASK_KILLING")
    master.step({ type: "StatusReported", agentId, status, latestState: "TASK_FINISHED" })
    master.step({ type: "TeardownRequested", frameworkId: framework.id })
    expect(completedTasksOf(master.state, framework.id).map(({ state }) => state)).toEqual(["TASK_FINISHED"])
    expect(master.allocatedOn(agentId)).toEqual({})
  })

  it("that are removed wait for no agent that is gone", () => {
    const { master, agentId, framework } = running()
    master.report(agentId, framework.id, "t", "TASK_FINISHED")
    master.step({ type: "AgentGone", agentId })
    expect(master.state.tasks.size).toBe(1)
    const removed = master.step({ type: "TeardownRequested", frameworkId: framework.id })
    expect(actionsOf(removed, "SendToAgent")).toEqual([])
    expect(master.state.tasks.size).toBe(0)
    expect(completedTasksOf(master.state, framework.id).map(({ state }) => state)).toEqual(["TASK_FINISHED"])
  })

  it("are torn down at once", () => {
    const { master, framework } = running()
    const actions = master.step({ type: "TeardownRequested", frameworkId: framework.id })
    expect(actions.map((action) => action.type)).toEqual(["SendToAgent", "CloseStream"])
    expect(master.state.frameworks.size).toBe(0)
  })
})
