import type { AgentAction } from "../../core/agent/Action.ts"
import type { AgentEvent } from "../../core/agent/Event.ts"
import { restoreAgent, snapshotAgent } from "../../core/agent/Snapshot.ts"
import { defaultAgentSettings, initialAgentState } from "../../core/agent/State.ts"
import { stepAgent } from "../../core/agent/Step.ts"
import type { Unstamped } from "../../core/Machine.ts"
import type { AgentMessage } from "../../core/master/Action.ts"
import type { Quantities } from "../../core/resources/Quantities.ts"
import type { TaskSpec, TaskState, TaskStatus } from "../../core/Task.ts"
import type { Transcript } from "./Transcript.ts"

export interface AgentReport {
  readonly status: TaskStatus
  readonly latestState: TaskState
}

/** An agent machine with a host that does at once what it is asked, and the wire to its master. */
export class AgentActor {
  private state
  private wakeAtMs: number | null = null
  /** Containers that run, and whose they are. */
  readonly containers = new Map<string, TaskSpec>()
  /** Not yet taken by the agent. */
  wire: ReadonlyArray<AgentMessage> = []
  reports: Array<AgentReport> = []
  isConnected = false
  agentId: string | null = null
  reserve: Quantities = {}

  constructor(
    readonly name: string,
    readonly total: Quantities,
    private readonly transcript: Transcript,
    private readonly nowMs: () => number,
  ) {
    this.state = initialAgentState(null, `agent ${name}`, defaultAgentSettings)
    this.step({ type: "AgentStarted", bootId: "boot" })
  }

  step(event: Unstamped<AgentEvent>): void {
    const nowMs = this.nowMs()
    const stamped = { ...event, nowMs, wallMs: 1_000_000 + nowMs } as AgentEvent
    const { actions, wakeAtMs } = stepAgent(this.state, stamped)
    this.wakeAtMs = wakeAtMs
    this.transcript.note(`${this.name} ${event.type}`, actions)
    for (const action of actions) this.carryOut(action)
  }

  private carryOut(action: AgentAction): void {
    switch (action.type) {
      case "StartTask":
        this.containers.set(action.containerId, action.spec)
        return this.step({ type: "TaskStarted", ...taskOf(action.spec) })
      case "RegainTask":
        if (this.containers.has(action.containerId))
          return this.step({ type: "TaskStarted", ...taskOf(action.spec) })
        return this.step({
          type: "StartFailed",
          ...taskOf(action.spec),
          reason: "REASON_EXECUTOR_TERMINATED",
          message: "gone",
        })
      case "DestroyContainer":
        this.containers.delete(action.containerId)
        return this.step({
          type: "ContainerDestroyed",
          frameworkId: action.frameworkId,
          taskId: action.taskId,
        })
      case "SendStatus":
        if (this.isConnected) this.reports.push({ status: action.status, latestState: action.latestState })
        return
      default:
        return
    }
  }

  /** Takes what the master has sent, while connected. */
  receive(): void {
    if (!this.isConnected) return
    const messages = this.wire
    this.wire = []
    for (const message of messages) {
      if (message.type === "LaunchTask") this.step({ type: "LaunchRequested", spec: message.spec })
      else if (message.type === "LaunchGroup")
        this.step({ type: "GroupLaunchRequested", specs: message.specs })
      else if (message.type === "KillTask") this.step({ ...message, type: "KillRequested" })
      else if (message.type === "AcknowledgeStatus") this.step({ ...message, type: "StatusAcknowledged" })
      else if (message.type === "CheckpointResources") this.step({ ...message, type: "CheckpointRequested" })
      else this.step({ ...message, type: "OperationAcknowledged" })
    }
  }

  finish(pick: number, exitCode: number): void {
    const specs = Array.from(this.containers.values())
    const spec = specs[pick % Math.max(1, specs.length)]
    if (spec === undefined) return
    const exit = { exitCode, isOutOfMemory: exitCode === 9, memMaxBytes: 1024, memLimitBytes: 2048 }
    this.step({ type: "TaskExited", ...taskOf(spec), exit })
  }

  /** Dies and comes back from its own rows, its containers untouched. */
  restart(): void {
    const rows = JSON.parse(JSON.stringify(snapshotAgent(this.state))) as ReturnType<typeof snapshotAgent>
    this.transcript.note(`${this.name} rows`, rows)
    this.state = restoreAgent(rows, defaultAgentSettings)!
    this.wakeAtMs = this.state.deadlines.nextAtMs()
    this.step({ type: "AgentStarted", bootId: "boot" })
  }

  wake(): void {
    if (this.wakeAtMs !== null && this.wakeAtMs <= this.nowMs()) this.step({ type: "TimePassed" })
  }

  checkpointed() {
    return this.state.checkpointed
  }

  reported() {
    return Array.from(this.state.tasks.values()).map(({ spec, latest }) => ({ spec, status: latest }))
  }
}

const taskOf = ({ frameworkId, taskId }: TaskSpec) => ({ frameworkId, taskId })
