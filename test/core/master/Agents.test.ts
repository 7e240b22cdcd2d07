import { describe, expect, it } from "vitest"
import { actionsOf, MasterHarness, specOf, statusesOf } from "../../support/MasterHarness.ts"
import { host, running, small } from "../../support/MasterScenes.ts"

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
