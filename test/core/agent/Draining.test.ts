import { describe, expect, it } from "vitest"
import { restoreAgent, snapshotAgent } from "../../../core/agent/Snapshot.ts"
import { defaultAgentSettings } from "../../../core/agent/State.ts"
import { type AgentHarness, exit, of, running } from "../../support/AgentHarness.ts"

// What a task is told, and what is told of it, when its host is to be empty (spec/mesos.md §1.11).

const kill = (
  agent: AgentHarness,
  graceMs: number | null,
  drain?: { graceMaxMs: number | null; isGone: boolean },
) => agent.step({ type: "KillRequested", ...of, graceMs, ...(drain === undefined ? {} : { drain }) })

/** It ends, and everything before its last status is acknowledged. */
const lastStatusOf = (agent: AgentHarness) => {
  agent.step({ type: "TaskExited", ...of, exit: exit(143) })
  agent.step({ type: "ContainerDestroyed", ...of })
  return agent.state.tasks.get("f/t")!.latest!
}

describe("a task on a draining host", () => {
  it.each([
    // Its own grace is the default of 3 s.
    [null, 3_000],
    [10_000, 3_000],
    [2_000, 2_000],
    [0, 0],
  ])("has its grace, but at most %d ms", (graceMaxMs, killedAfterMs) => {
    const agent = running()
    kill(agent, null, { graceMaxMs, isGone: false })
    expect(agent.state.tasks.get("f/t")!.killAtMs).toBe(agent.nowMs + killedAfterMs)
  })

  it("has less time, never more, when a drain follows a kill", () => {
    const agent = running()
    kill(agent, 60_000)
    kill(agent, null, { graceMaxMs: 1_000, isGone: true })
    expect(agent.state.tasks.get("f/t")!.killAtMs).toBe(agent.nowMs + 1_000)
    expect(lastStatusOf(agent), "its framework had asked first").toMatchObject({
      state: "TASK_KILLED",
      reason: null,
    })
  })

  it.each([
    [false, "TASK_KILLED"],
    [true, "TASK_GONE_BY_OPERATOR"],
  ])("tells why it ended, also after a restart of the agent (gone: %s)", (isGone, state) => {
    const agent = running()
    kill(agent, null, { graceMaxMs: null, isGone })
    agent.restart()
    expect(lastStatusOf(agent)).toMatchObject({ state, reason: "REASON_AGENT_DRAINING" })
  })

  it("that runs out of memory meanwhile has failed of that", () => {
    const agent = running()
    kill(agent, null, { graceMaxMs: null, isGone: true })
    agent.step({ type: "TaskExited", ...of, exit: exit(137, { isOutOfMemory: true }) })
    agent.step({ type: "ContainerDestroyed", ...of })
    expect(agent.state.tasks.get("f/t")!.latest).toMatchObject({
      state: "TASK_FAILED",
      reason: "REASON_CONTAINER_LIMITATION_MEMORY",
    })
  })

  it("is taken up from a checkpoint of release 0.3, which knew no draining", () => {
    const rows = snapshotAgent(running().state).map((row) => {
      const { drain, ...value } = row.value as Record<string, unknown>
      return { ...row, value }
    })
    expect(restoreAgent(rows, defaultAgentSettings)!.tasks.get("f/t")!.drain).toBe(null)
  })
})
