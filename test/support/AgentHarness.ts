import type { AgentAction } from "../../core/agent/Action.ts"
import type { AgentEvent } from "../../core/agent/Event.ts"
import { restoreAgent, snapshotAgent } from "../../core/agent/Snapshot.ts"
import {
  type AgentState,
  defaultAgentSettings,
  initialAgentState,
  type TaskExit,
} from "../../core/agent/State.ts"
import { stepAgent } from "../../core/agent/Step.ts"
import type { Unstamped } from "../../core/Machine.ts"
import type { TaskSpec } from "../../core/Task.ts"
import { specOf } from "./MasterHarness.ts"

/** Drives the agent machine by hand. */
export class AgentHarness {
  state: AgentState = initialAgentState("a", "seed", defaultAgentSettings)
  nowMs = 0
  wakeAtMs: number | null = null

  step(event: Unstamped<AgentEvent>): ReadonlyArray<AgentAction> {
    const result = stepAgent(this.state, { ...event, nowMs: this.nowMs, wallMs: 7 } as AgentEvent)
    this.wakeAtMs = result.wakeAtMs
    return result.actions
  }

  advance(ms: number): ReadonlyArray<AgentAction> {
    const untilMs = this.nowMs + ms
    const actions: Array<AgentAction> = []
    while (this.wakeAtMs !== null && this.wakeAtMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.wakeAtMs)
      actions.push(...this.step({ type: "TimePassed" }))
    }
    this.nowMs = untilMs
    return actions
  }

  /** Acknowledges the status in flight; returns what follows, the next status above all. */
  acknowledge(): ReadonlyArray<AgentAction> {
    const uuid = this.state.tasks.get("f/t")!.pending[0]!.uuid!
    return this.step({ type: "StatusAcknowledged", ...of, uuid })
  }

  restart(): void {
    const rows = JSON.parse(JSON.stringify(snapshotAgent(this.state))) as ReturnType<typeof snapshotAgent>
    this.state = restoreAgent([...rows].reverse(), defaultAgentSettings)!
    this.wakeAtMs = this.state.deadlines.nextAtMs()
  }
}

export const of = { frameworkId: "f", taskId: "t" }
export const spec = (change: Partial<TaskSpec> = {}): TaskSpec => ({
  ...specOf("t", "f", "a", { cpus: 100 }),
  ...change,
})
export const exit = (exitCode: number, change: Partial<TaskExit> = {}): TaskExit => ({
  exitCode,
  isOutOfMemory: false,
  memMaxBytes: null,
  memLimitBytes: null,
  ...change,
})

export const told = (actions: ReadonlyArray<AgentAction>): ReadonlyArray<string> =>
  actions.map((action) => (action.type === "SendStatus" ? action.status.state : action.type))

export const running = (change: Partial<TaskSpec> = {}) => {
  const agent = new AgentHarness()
  agent.step({ type: "Registered", agentId: "a" })
  agent.step({ type: "LaunchRequested", spec: spec(change) })
  agent.step({ type: "TaskStarted", ...of })
  agent.acknowledge()
  agent.acknowledge()
  return agent
}
