import { describe, expect, it } from "vitest"
import { defaultAgentSettings, initialAgentState } from "../../../core/agent/State.ts"
import { stepAgent } from "../../../core/agent/Step.ts"
import { AgentHarness, exit, of, running, spec, told } from "../../support/AgentHarness.ts"
import { specOf } from "../../support/MasterHarness.ts"

describe("statuses", () => {
  it("are repeated after 10 s, 20 s, 40 s … at most every 10 min, until acknowledged", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    agent.step({ type: "LaunchRequested", spec: spec() })
    expect(told(agent.advance(9_999))).toEqual([])
    expect(told(agent.advance(1))).toEqual(["TASK_STARTING"])
    expect(told(agent.advance(19_999))).toEqual([])
    expect(told(agent.advance(1))).toEqual(["TASK_STARTING"])
    agent.advance(10 * 3_600_000)
    expect(told(agent.advance(600_000))).toEqual(["TASK_STARTING"])
  })

  it("are repeated no later because the task has ended meanwhile, which is told at once", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    agent.step({ type: "LaunchRequested", spec: spec() })
    agent.step({ type: "TaskStarted", ...of })
    agent.advance(4_000)
    agent.step({ type: "TaskExited", ...of, exit: exit(0) })
    const ended = agent.step({ type: "ContainerDestroyed", ...of })
    expect(ended).toMatchObject([
      { type: "SendStatus", status: { state: "TASK_STARTING" }, latestState: "TASK_FINISHED" },
    ])
    expect(told(agent.advance(5_999))).toEqual([])
    expect(told(agent.advance(1))).toEqual(["TASK_STARTING"])
  })

  it("wait while there is no master, and are sent at once when there is one again", () => {
    const agent = running()
    agent.step({ type: "Disconnected" })
    agent.step({ type: "TaskExited", ...of, exit: exit(0) })
    expect(told(agent.step({ type: "ContainerDestroyed", ...of }))).toEqual([])
    expect(told(agent.advance(3_600_000))).toEqual([])
    expect(told(agent.step({ type: "Registered", agentId: "a" }))).toEqual(["TASK_FINISHED"])
  })

  it("are not acknowledged by another uuid", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    agent.step({ type: "LaunchRequested", spec: spec() })
    agent.step({ type: "StatusAcknowledged", ...of, uuid: "another" })
    expect(agent.state.tasks.get("f/t")!.pending).toHaveLength(1)
  })

  it("have uuids and containers that differ from task to task and from seed to seed", () => {
    const ids = new Set<string>()
    for (const seed of ["x", "y"]) {
      const state = initialAgentState("a", seed, defaultAgentSettings)
      for (let number = 0; number < 100; number++) {
        const event = {
          type: "LaunchRequested" as const,
          spec: specOf(`t${number}`, "f", "a", {}),
          nowMs: 0,
          wallMs: 0,
        }
        stepAgent(state, event)
      }
      for (const task of state.tasks.values()) ids.add(task.containerId).add(task.latest!.uuid!)
    }
    expect(ids.size).toBe(400)
  })
})
