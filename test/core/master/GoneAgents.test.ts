import { describe, expect, it } from "vitest"
import { completedTasksOf } from "../../../core/master/History.ts"
import { defaultMasterSettings } from "../../../core/master/State.ts"
import { actionsOf, MasterHarness, statusesOf, statusOf } from "../../support/MasterHarness.ts"
import { host, running } from "../../support/MasterScenes.ts"

describe("an agent that is gone", () => {
  it("is removed at once: its tasks are lost, its framework and itself are told", () => {
    const { master, agentId } = running()
    const actions = master.step({ type: "AgentGone", agentId })
    expect(statusesOf(actions)).toEqual(["t TASK_LOST REASON_AGENT_REMOVED_BY_OPERATOR no-ack"])
    expect(actions.map(({ type }) => type)).toEqual([
      "SendStatus",
      "ShutDownAgent",
      "DropMessages",
      "ReportAgentFailure",
    ])
    expect([master.state.agents.size, master.state.tasks.size]).toEqual([0, 0])
    expect(master.state.allocator.clusterTotal()).toEqual({})
  })

  it("never comes back, also not to a master that was restarted, and its tasks stay gone", () => {
    const { master, agentId } = running()
    const aware = master.subscribe({ capabilities: ["PARTITION_AWARE"] })
    master.step({ type: "AgentGone", agentId })
    master.restart()
    master.addAgent(host, agentId)
    expect(master.actions[master.actions.length - 1]).toMatchObject({
      type: "ShutDownAgent",
      reason: "Agent has been marked gone",
    })
    expect(master.state.agents.size).toBe(0)
    const asked = master.step({
      type: "ReconciliationRequested",
      frameworkId: aware.id,
      tasks: [{ taskId: "t", agentId }],
    })
    expect(statusesOf(asked)).toEqual(["t TASK_GONE_BY_OPERATOR REASON_RECONCILIATION no-ack"])
    expect(master.addAgent(host)).not.toBe(agentId)
  })

  it("while it is unreachable tells only who hopes for it still", () => {
    const { master, agentId, framework } = running()
    const streamId = master.state.agents.get(agentId)!.streamId!
    master.step({ type: "AgentDisconnected", agentId, streamId })
    master.advance(75_000)
    master.step({ type: "FrameworkDisconnected", frameworkId: framework.id, streamId: framework.streamId })
    master.subscribe({ capabilities: ["PARTITION_AWARE"] }, framework.id)
    const actions = master.step({ type: "AgentGone", agentId })
    expect(statusesOf(actions)).toEqual(["t TASK_GONE_BY_OPERATOR REASON_AGENT_REMOVED_BY_OPERATOR no-ack"])
    expect(actionsOf(actions, "ReportAgentFailure")).toEqual([])
  })

  it("leaves the end of a task that its framework has not acknowledged, until it does", () => {
    for (const isRestarted of [false, true]) {
      const { master, agentId, framework } = running()
      const { id: frameworkId, streamId } = framework
      master.step({ type: "FrameworkDisconnected", frameworkId, streamId })
      master.report(agentId, frameworkId, "t", "TASK_FINISHED")
      expect(statusesOf(master.step({ type: "AgentGone", agentId }))).toEqual([])
      if (isRestarted) master.restart()
      const before = master.actions.length
      master.subscribe({}, frameworkId)
      expect(statusesOf(master.actions.slice(before))).toEqual(["t TASK_FINISHED - ack"])
      const uuid = "u-t-TASK_FINISHED"
      const acknowledged = master.step({
        type: "StatusAcknowledged",
        frameworkId,
        agentId,
        taskId: "t",
        uuid,
      })
      // Nobody is there any more whom to tell.
      expect(actionsOf(acknowledged, "SendToAgent")).toEqual([])
      expect(master.state.tasks.size).toBe(0)
      expect(completedTasksOf(master.state, frameworkId).map(({ state }) => state)).toEqual(["TASK_FINISHED"])
    }
  })

  it("has told how a task ended that its framework knows as running: it is told, until it acknowledges", () => {
    const { master, agentId, framework } = running()
    const { id: frameworkId } = framework
    const status = statusOf(agentId, frameworkId, "t", "TASK_RUNNING", "second")
    master.step({ type: "StatusReported", agentId, status, latestState: "TASK_FAILED" })
    const gone = master.step({ type: "AgentGone", agentId })
    expect(statusesOf(gone)).toEqual(["t TASK_FAILED REASON_AGENT_REMOVED_BY_OPERATOR ack"])
    const before = master.actions.length
    master.subscribe({}, frameworkId)
    const [told] = actionsOf(master.actions.slice(before), "SendStatus")
    expect(told).toMatchObject({ status: { taskId: "t", state: "TASK_FAILED", uuid: expect.any(String) } })
    const { uuid } = told!.status
    master.step({ type: "StatusAcknowledged", frameworkId, agentId, taskId: "t", uuid: uuid! })
    expect(master.state.tasks.size).toBe(0)
  })

  it("is remembered as long as there is room, the latest ones", () => {
    const master = new MasterHarness({ ...defaultMasterSettings, awayAgentsMax: 2 })
    const ids = [0, 1, 2].map(() => master.addAgent(host))
    for (const agentId of ids) master.step({ type: "AgentGone", agentId })
    expect([...master.state.gone.keys()]).toEqual(ids.slice(1))
  })
})
