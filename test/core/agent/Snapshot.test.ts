import { describe, expect, it } from "vitest"
import type { AgentAction } from "../../../core/agent/Action.ts"
import { restoreAgent } from "../../../core/agent/Snapshot.ts"
import { defaultAgentSettings } from "../../../core/agent/State.ts"
import type { TaskSpec } from "../../../core/Task.ts"
import { AgentHarness, exit, of, spec, told } from "../../support/AgentHarness.ts"
import { specOf } from "../../support/MasterHarness.ts"

describe("a restored agent", () => {
  it("goes on as the original would: deadlines, queue and ids", () => {
    const script = (agent: AgentHarness, restart: () => void) => {
      const all: Array<AgentAction> = []
      const note = (actions: ReadonlyArray<AgentAction>) => {
        all.push(...actions)
        restart()
      }
      note(agent.step({ type: "Registered", agentId: "a" }))
      note(agent.step({ type: "LaunchRequested", spec: spec() }))
      note(agent.step({ type: "TaskStarted", ...of }))
      note(agent.advance(10_000))
      note(agent.step({ type: "KillRequested", ...of, graceMs: 500 }))
      note(agent.advance(500))
      note(agent.step({ type: "TaskExited", ...of, exit: exit(137) }))
      note(agent.step({ type: "ContainerDestroyed", ...of }))
      for (let left = 3; left > 0; left--) note(agent.acknowledge())
      return all
    }
    const straight = new AgentHarness()
    const restarted = new AgentHarness()
    expect(script(restarted, () => restarted.restart())).toEqual(script(straight, () => {}))
    expect(restarted.state.tasks.size).toBe(0)
  })
})

describe("an agent that starts again", () => {
  const startAgain = (agent: AgentHarness, bootId = "b") => {
    agent.restart()
    return agent.step({ type: "AgentStarted", bootId })
  }
  const started = (change: Partial<TaskSpec> = {}) => {
    const agent = new AgentHarness()
    agent.step({ type: "AgentStarted", bootId: "b" })
    agent.step({ type: "Registered", agentId: "a" })
    agent.step({ type: "LaunchRequested", spec: spec(change) })
    return agent
  }

  it("regains a task that was to be started, which may still be", () => {
    expect(startAgain(started())).toMatchObject([
      { type: "RegainTask", phase: "starting", mayStart: true, isHostRestarted: false },
    ])
  })

  it("does not start a task that was killed meanwhile", () => {
    const agent = started()
    agent.step({ type: "KillRequested", ...of, graceMs: null })
    expect(startAgain(agent)).toMatchObject([{ type: "RegainTask", phase: "starting", mayStart: false }])
  })

  it("regains a task that runs, and its kill goes on where it was", () => {
    const agent = started()
    agent.step({ type: "TaskStarted", ...of })
    expect(startAgain(agent)).toMatchObject([{ type: "RegainTask", phase: "running", mayStart: false }])
    agent.step({ type: "KillRequested", ...of, graceMs: 1_000 })
    agent.advance(400)
    expect(told(startAgain(agent))).toEqual(["RegainTask", "TerminateTask"])
    expect(told(agent.advance(599))).toEqual([])
    expect(told(agent.advance(1))).toEqual(["DestroyContainer"])
    expect(told(startAgain(agent))).toEqual(["DestroyContainer"])
  })

  it("tells what was never acknowledged once it is registered, and nothing of it before", () => {
    const agent = started()
    agent.step({ type: "TaskStarted", ...of })
    agent.step({ type: "TaskExited", ...of, exit: exit(3) })
    agent.step({ type: "ContainerDestroyed", ...of })
    expect(startAgain(agent)).toEqual([])
    expect(told(agent.advance(60_000))).toEqual([])
    expect(told(agent.step({ type: "Registered", agentId: "a" }))).toEqual(["TASK_STARTING"])
    expect(told(agent.acknowledge())).toEqual(["TASK_RUNNING"])
    expect(agent.acknowledge()).toMatchObject([
      { status: { state: "TASK_FAILED", labels: [{ value: "3" }] } },
    ])
  })

  it("takes tasks in again although the one before it was stopping", () => {
    const agent = started()
    agent.step({ type: "Stopping" })
    startAgain(agent)
    const other = specOf("other", "f", "a", {})
    expect(told(agent.step({ type: "LaunchRequested", spec: other }))).toContain("StartTask")
  })

  it("knows after a restart of the host that nothing runs any more, and says so", () => {
    const agent = started()
    agent.step({ type: "TaskStarted", ...of })
    expect(startAgain(agent, "another boot")).toMatchObject([{ type: "RegainTask", isHostRestarted: true }])
    // It is still so when this agent dies in the middle.
    expect(startAgain(agent, "another boot")).toMatchObject([{ type: "RegainTask", isHostRestarted: true }])
    const unknown = { ...exit(0), exitCode: null }
    expect(told(agent.step({ type: "TaskExited", ...of, exit: unknown }))).toEqual(["DestroyContainer"])
    agent.step({ type: "ContainerDestroyed", ...of })
    agent.step({ type: "Registered", agentId: "a" })
    agent.acknowledge()
    expect(agent.acknowledge()).toMatchObject([
      {
        status: {
          state: "TASK_FAILED",
          source: "SOURCE_AGENT",
          reason: "REASON_AGENT_RESTARTED",
          message: "The exit status is unknown: the host was restarted while the task ran",
        },
      },
    ])
  })

  it("is a new one when there are no rows, and refuses half of them", () => {
    expect(restoreAgent([], defaultAgentSettings)).toBeUndefined()
    expect(() => restoreAgent([{ kind: "task", key: "f/t", value: {} }], defaultAgentSettings)).toThrow(
      "checkpoint is incomplete",
    )
  })
})
