import { describe, expect, it } from "vitest"
import { actionsOf, offeredIn, statusesOf, statusOf } from "../../support/MasterHarness.ts"
import { host, running } from "../../support/MasterScenes.ts"

describe("statuses", () => {
  it("free the resources at the end, and the task is forgotten when its end is acknowledged", () => {
    const { master, agentId, framework } = running()
    const actions = master.report(agentId, framework.id, "t", "TASK_FINISHED")
    expect(statusesOf(actions)).toEqual(["t TASK_FINISHED - ack"])
    expect(offeredIn(master.settle())).toEqual([host])
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

  it("are passed on and kept with the address of their agent, of a group's tasks only while they run", () => {
    const { master, agentId, framework } = running()
    const { ip } = master.state.agents.get(agentId)!.address
    const told = (change: object, uuid: string) => {
      const status = { ...statusOf(agentId, framework.id, "t", "TASK_RUNNING", uuid), ...change }
      const actions = master.step({ type: "StatusReported", agentId, status, latestState: status.state })
      return actionsOf(actions, "SendStatus")[0]!.status.ip
    }
    expect(told({}, "1")).toBe(undefined)
    expect(told({ containerId: "c", ip: "of its own choice" }, "2")).toBe(ip)
    expect([...master.state.tasks.values()][0]!.notes).toMatchObject([{ containerId: "c", ip }])
    expect(told({ containerId: "c", executorId: "e" }, "3")).toBe(undefined)
    expect(told({ containerId: "c", executorId: "e", executorPid: 7 }, "4")).toBe(ip)
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

  it("are told after a failover in the words that the framework knows", () => {
    const { master, agentId, framework } = running()
    expect(statusesOf(master.report(agentId, framework.id, "t", "TASK_GONE"))).toEqual(["t TASK_LOST - ack"])
    master.actions.length = 0
    master.subscribe({}, framework.id)
    expect(statusesOf(master.actions)).toEqual(["t TASK_LOST - ack"])
    master.actions.length = 0
    master.subscribe({ capabilities: ["PARTITION_AWARE"] }, framework.id)
    expect(statusesOf(master.actions)).toEqual(["t TASK_GONE - ack"])
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

  // The six cases of spec/mesos.md §2.8, in its order.
  it("answers for each task by the first case that fits", () => {
    const { master, agentId, framework } = running()
    const other = master.addAgent(host)
    const ask = (taskId: string, onAgent: string | null) =>
      statusesOf(
        master.step({
          type: "ReconciliationRequested",
          frameworkId: framework.id,
          tasks: [{ taskId, agentId: onAgent }],
        }),
      ).map((status) => status.replace(" REASON_RECONCILIATION no-ack", ""))
    master.subscribe({ capabilities: ["PARTITION_AWARE"] }, framework.id)
    expect(ask("t", null)).toEqual(["t TASK_RUNNING"])
    expect(ask("x", agentId)).toEqual(["x TASK_GONE"])
    expect(ask("x", "m-S9")).toEqual(["x TASK_UNKNOWN"])
    expect(ask("x", null)).toEqual(["x TASK_UNKNOWN"])

    master.restart()
    master.step({ type: "MasterStarted" })
    master.subscribe({ capabilities: ["PARTITION_AWARE"] }, framework.id)
    // Silence: one of these agents may have it. What is known is known.
    expect([ask("x", agentId), ask("x", null)]).toEqual([[], []])
    expect(ask("t", null)).toEqual(["t TASK_RUNNING"])
    expect(ask("x", "m-S9")).toEqual(["x TASK_UNKNOWN"])
    master.addAgent(host, other)
    expect([ask("x", other), ask("x", null)]).toEqual([["x TASK_GONE"], []])

    master.advance(75_000)
    expect(ask("t", null)).toEqual(["t TASK_UNREACHABLE"])
    expect(ask("x", agentId)).toEqual(["x TASK_UNREACHABLE"])
    expect(ask("x", null)).toEqual(["x TASK_UNKNOWN"])
    // An agent whose stream broke while this master was there is in no doubt.
    const { streamId } = master.state.agents.get(other)!
    master.step({ type: "AgentDisconnected", agentId: other, streamId: streamId! })
    expect([ask("x", other), ask("x", null)]).toEqual([["x TASK_GONE"], ["x TASK_UNKNOWN"]])
  })

  it("looks at all agents once, however many unknown tasks it is asked for", () => {
    const { master, framework } = running()
    let looks = 0
    const { agents } = master.state
    const values = agents.values.bind(agents)
    agents.values = () => {
      looks++
      return values()
    }
    const ask = (count: number) => {
      looks = 0
      const tasks = Array.from({ length: count }, (_, index) => ({ taskId: `x${index}`, agentId: null }))
      master.step({ type: "ReconciliationRequested", frameworkId: framework.id, tasks })
      return looks
    }
    expect(ask(50)).toBe(ask(1))
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
