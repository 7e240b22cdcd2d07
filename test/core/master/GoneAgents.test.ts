import { describe, expect, it } from "vitest"
import { defaultMasterSettings } from "../../../core/master/State.ts"
import { actionsOf, MasterHarness, statusesOf } from "../../support/MasterHarness.ts"
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

  it("is remembered as long as there is room, the latest ones", () => {
    const master = new MasterHarness({ ...defaultMasterSettings, awayAgentsMax: 2 })
    const ids = [0, 1, 2].map(() => master.addAgent(host))
    for (const agentId of ids) master.step({ type: "AgentGone", agentId })
    expect([...master.state.gone.keys()]).toEqual(ids.slice(1))
  })
})
