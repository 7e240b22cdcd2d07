import { describe, expect, it } from "vitest"
import {
  type AgentTask,
  defaultAgentSettings,
  initialAgentState,
  type TaskPhase,
} from "../../../core/agent/State.ts"
import { make } from "../../../runtime/agent/AgentMetrics.ts"
import type { HostView } from "../../../runtime/protocol/HostView.ts"
import { specOf, statusOf } from "../../support/MasterHarness.ts"

const taskOf = (phase: TaskPhase, unacknowledged: number): AgentTask => ({
  spec: specOf("t", "f", "a", {}),
  containerId: "c",
  phase,
  killedSinceMs: null,
  killAtMs: null,
  drain: null,
  evictedWhy: null,
  isHostRestarted: false,
  exit: null,
  pending: Array.from({ length: unacknowledged }, () => statusOf("a", "f", "t", "TASK_RUNNING")),
  latest: null,
  retryAtMs: null,
  retryMs: 0,
})

const leaseOf = (
  monitor: HostView["monitor"],
  beatAgeMs: number | null,
  losses = 0,
  ceilingRewrites = 0,
) => ({
  view: () => ({ monitor, beatAgeMs }) as HostView,
  counts: () => ({ losses, ceilingRewrites }),
})

const linesOf = (text: string) => text.split("\n").filter((line) => line.startsWith("gleaner_agent_"))

describe("an agent's metrics", () => {
  it("are read from the state and the lease when asked", async () => {
    const metrics = make()
    const state = initialAgentState("a", "seed", defaultAgentSettings)
    state.tasks.set("a", taskOf("running", 2))
    state.tasks.set("b", taskOf("running", 0))
    state.tasks.set("c", taskOf("gone", 1))
    state.isConnected = true
    metrics.observeRegained(2)
    const text = await metrics.expose(state, leaseOf("held", 250, 3, 4))
    expect(linesOf(text)).toEqual(
      expect.arrayContaining([
        'gleaner_agent_tasks{phase="starting"} 0',
        'gleaner_agent_tasks{phase="running"} 2',
        'gleaner_agent_tasks{phase="ending"} 0',
        'gleaner_agent_tasks{phase="gone"} 1',
        "gleaner_agent_connected 1",
        "gleaner_agent_statuses_unacknowledged 3",
        "gleaner_agent_monitor_lease 1",
        "gleaner_agent_monitor_beat_age_seconds 0.25",
        "gleaner_agent_lease_losses_total 3",
        "gleaner_agent_ceiling_rewrites_total 4",
        "gleaner_agent_regained_tasks_total 2",
      ]),
    )
    state.tasks.clear()
    state.isConnected = false
    // Asked twice, counted once.
    const later = linesOf(await metrics.expose(state, leaseOf("lost", 2_000, 3, 5)))
    expect(later).toEqual(
      expect.arrayContaining([
        'gleaner_agent_tasks{phase="running"} 0',
        "gleaner_agent_connected 0",
        "gleaner_agent_statuses_unacknowledged 0",
        "gleaner_agent_monitor_lease 0",
        "gleaner_agent_monitor_beat_age_seconds 2",
        "gleaner_agent_lease_losses_total 3",
        "gleaner_agent_ceiling_rewrites_total 5",
      ]),
    )
  })

  it("say nothing of the age of a beat that never came", async () => {
    const state = initialAgentState("a", "seed", defaultAgentSettings)
    const lines = linesOf(await make().expose(state, leaseOf("none", null)))
    expect(lines.filter((line) => line.includes("beat_age"))).toEqual([])
    expect(lines).toContain("gleaner_agent_monitor_lease 0")
  })

  it("time the checkpoint, and every one has a help text", async () => {
    const metrics = make()
    metrics.observeCheckpointAppend(0.003)
    const state = initialAgentState("a", "seed", defaultAgentSettings)
    const text = await metrics.expose(state, leaseOf("lost", null))
    expect(text).toContain('gleaner_agent_checkpoint_append_seconds_bucket{le="0.002"} 0')
    expect(text).toContain('gleaner_agent_checkpoint_append_seconds_bucket{le="0.005"} 1')
    for (const [, name] of text.matchAll(/^# TYPE (gleaner_\S+)/gm))
      expect(text).toMatch(new RegExp(`^# HELP ${name} \\w`, "m"))
    expect(metrics.contentType).toContain("text/plain")
  })
})
