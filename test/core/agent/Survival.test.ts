import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { AgentAction } from "../../../core/agent/Action.ts"
import type { AgentEvent } from "../../../core/agent/Event.ts"
import { restoreAgent, snapshotAgent } from "../../../core/agent/Snapshot.ts"
import { defaultAgentSettings, initialAgentState } from "../../../core/agent/State.ts"
import { stepAgent } from "../../../core/agent/Step.ts"
import type { Unstamped } from "../../../core/Machine.ts"
import { isTerminal, type TaskStatus } from "../../../core/Task.ts"
import { specOf } from "../../support/MasterHarness.ts"

// The agent's machine on a naive host, crashed at any instruction: before a step is durable, after it, between any two of
// its actions, and while the host's answer is on its way. The host may be restarted, too. Whatever happens, each task runs
// at most once and has exactly one end, which says what the host knows.

interface Container {
  runs: "running" | "ended" | "lost"
  exitCode: number
  /** The agent that lives now hears of its end. */
  isFollowed: boolean
}

type Message = Unstamped<
  Extract<AgentEvent, { type: "LaunchRequested" | "KillRequested" | "StatusAcknowledged" }>
>

class Host {
  private state = initialAgentState("a", "seed", defaultAgentSettings)
  private durable = { rows: JSON.stringify(snapshotAgent(this.state)), processedId: 0 }
  private processedId = 0
  private nowMs = 0
  private boot = 0
  /** Of the steps that are durable, not yet carried out. */
  private actions: Array<AgentAction> = []
  /** What the host has to say to the agent that lives now. */
  private answers: Array<Unstamped<AgentEvent>> = []
  private outbox: Array<Message> = []
  private nextTask = 0
  readonly containers = new Map<string, Container>()
  readonly starts = new Map<string, number>()
  readonly ends = new Map<string, Map<string, TaskStatus>>()
  readonly exits = new Map<string, number | null>()
  readonly killed = new Set<string>()

  constructor() {
    this.begin()
  }

  private begin(): void {
    this.step({ type: "AgentStarted", bootId: `boot ${this.boot}` })
    this.step({ type: "Registered", agentId: "a" })
  }

  /** `isDurable` false: the crash comes before the batch is on the disk. */
  private step(event: Unstamped<AgentEvent>, isDurable = true): void {
    const { actions } = stepAgent(this.state, { ...event, nowMs: this.nowMs, wallMs: 0 } as AgentEvent)
    if (!isDurable) return
    const rows = JSON.stringify(snapshotAgent(this.state))
    this.durable = { rows, processedId: this.processedId }
    this.actions.push(...actions)
  }

  crash(isHostRestarted: boolean): void {
    const restored = restoreAgent(JSON.parse(this.durable.rows), defaultAgentSettings)!
    expect(JSON.stringify(snapshotAgent(restored))).toBe(this.durable.rows)
    this.state = restored
    this.processedId = this.durable.processedId
    this.nowMs = this.state.nowMs
    this.actions = []
    this.answers = []
    for (const [, container] of this.containers) {
      container.isFollowed = false
      if (isHostRestarted && container.runs === "running") container.runs = "lost"
    }
    if (isHostRestarted) this.boot++
    this.begin()
  }

  launch(): void {
    this.outbox.push({ type: "LaunchRequested", spec: specOf(`t${this.nextTask++}`, "f", "a", { cpus: 1 }) })
  }

  kill(pick: number): void {
    if (this.nextTask === 0) return
    const taskId = `t${pick % this.nextTask}`
    this.killed.add(taskId)
    this.outbox.push({ type: "KillRequested", frameworkId: "f", taskId, graceMs: 10 })
  }

  /** The next message of the master is taken in, or the crash comes just before that is durable. */
  hear(isDurable = true): boolean {
    const message = this.outbox[this.processedId]
    if (message === undefined) return false
    this.processedId++
    this.step(message, isDurable)
    if (!isDurable) this.crash(false)
    return true
  }

  act(): boolean {
    const action = this.actions.shift()
    if (action !== undefined) this.carryOut(action)
    return action !== undefined
  }

  answer(isDurable = true): boolean {
    const event = this.answers.shift()
    if (event === undefined) return false
    this.step(event, isDurable)
    if (!isDurable) this.crash(false)
    return true
  }

  private carryOut(action: AgentAction): void {
    switch (action.type) {
      case "StartTask":
        return this.start(action.spec.taskId, action.containerId)
      case "RegainTask":
        return this.regain(action)
      case "TerminateTask":
        return
      case "DestroyContainer":
        return this.destroy(action.taskId, action.containerId)
      case "SendStatus":
        return this.tell(action.status)
    }
  }

  private start(taskId: string, containerId: string): void {
    this.starts.set(taskId, (this.starts.get(taskId) ?? 0) + 1)
    this.containers.set(containerId, { runs: "running", exitCode: 0, isFollowed: true })
    this.answers.push({ type: "TaskStarted", frameworkId: "f", taskId })
  }

  private regain(action: Extract<AgentAction, { type: "RegainTask" }>): void {
    const { spec, containerId, phase, isHostRestarted, mayStart } = action
    const of = { frameworkId: "f", taskId: spec.taskId }
    const container = this.containers.get(containerId)
    if (isHostRestarted) {
      expect(mayStart).toBe(false)
      this.tellExit(spec.taskId, container?.runs === "ended" ? container.exitCode : null)
    } else if (container === undefined) {
      if (mayStart) this.start(spec.taskId, containerId)
      else if (phase === "running") this.tellExit(spec.taskId, null)
      else this.answers.push({ type: "StartFailed", ...of, reason: "R", message: "never ran" })
    } else {
      container.isFollowed = true
      this.answers.push({ type: "TaskStarted", ...of })
      if (container.runs === "ended") this.tellExit(spec.taskId, container.exitCode)
    }
  }

  private tellExit(taskId: string, exitCode: number | null): void {
    this.exits.set(taskId, exitCode)
    const exit = { exitCode, isOutOfMemory: false, memMaxBytes: null, memLimitBytes: null }
    this.answers.push({ type: "TaskExited", frameworkId: "f", taskId, exit })
  }

  private destroy(taskId: string, containerId: string): void {
    const container = this.containers.get(containerId)
    if (container?.runs === "running") {
      container.runs = "ended"
      container.exitCode = 137
      this.tellExit(taskId, 137)
    }
    if (container !== undefined) this.containers.delete(containerId)
    this.answers.push({ type: "ContainerDestroyed", frameworkId: "f", taskId })
  }

  private tell(status: TaskStatus): void {
    const { frameworkId, taskId, uuid } = status
    this.outbox.push({ type: "StatusAcknowledged", frameworkId, taskId, uuid: uuid! })
    if (!isTerminal(status.state)) return
    const ends = this.ends.get(taskId) ?? new Map<string, TaskStatus>()
    this.ends.set(taskId, ends.set(uuid!, status))
  }

  /** A task ends by itself; when no agent follows it, only its status file knows. */
  finish(pick: number): void {
    const running = [...this.containers].filter(([, { runs }]) => runs === "running")
    const found = running[pick % Math.max(1, running.length)]
    if (found === undefined) return
    const [containerId, container] = found
    container.runs = "ended"
    container.exitCode = pick % 3
    const task = [...this.state.tasks.values()].find((each) => each.containerId === containerId)
    if (container.isFollowed && task !== undefined) this.tellExit(task.spec.taskId, container.exitCode)
  }

  pass(ms: number): void {
    this.nowMs += ms
    this.step({ type: "TimePassed" })
  }

  calm(): void {
    for (
      let round = 0;
      round < 1_000 && (this.nextTask > this.ends.size || this.state.tasks.size > 0);
      round++
    ) {
      while (this.hear() || this.act() || this.answer());
      this.finish(round)
      if (round % 20 === 19) this.pass(60_000)
    }
  }

  get launched(): ReadonlyArray<string> {
    return Array.from({ length: this.nextTask }, (_, number) => `t${number}`)
  }

  get left(): number {
    return this.state.tasks.size
  }
}

const deed = fc.oneof(
  { weight: 3, arbitrary: fc.constant("launch" as const) },
  { weight: 6, arbitrary: fc.constant("hear" as const) },
  { weight: 8, arbitrary: fc.constant("act" as const) },
  { weight: 6, arbitrary: fc.constant("answer" as const) },
  { weight: 2, arbitrary: fc.constantFrom("crash in hear" as const, "crash in answer" as const) },
  { weight: 2, arbitrary: fc.boolean().map((isHostRestarted) => ({ crash: isHostRestarted })) },
  { weight: 2, arbitrary: fc.nat(50).map((pick) => ({ finish: pick })) },
  { weight: 1, arbitrary: fc.nat(50).map((pick) => ({ kill: pick })) },
  { weight: 1, arbitrary: fc.nat(20_000).map((ms) => ({ pass: ms })) },
)
type Deed = typeof deed extends fc.Arbitrary<infer Each> ? Each : never

const play = (deeds: ReadonlyArray<Deed>): Host => {
  const host = new Host()
  for (const each of deeds) {
    if (each === "crash in hear") host.hear(false)
    else if (each === "crash in answer") host.answer(false)
    else if (typeof each === "string") host[each]()
    else if ("crash" in each) host.crash(each.crash)
    else if ("finish" in each) host.finish(each.finish)
    else if ("kill" in each) host.kill(each.kill)
    else host.pass(each.pass)
  }
  host.calm()
  return host
}

describe("an agent that is crashed and restored at any instruction", () => {
  it("runs each task at most once, and ends it exactly once with what the host knows", () => {
    let ended = 0
    const states = new Set<string>()
    fc.assert(
      fc.property(fc.array(deed, { minLength: 20, maxLength: 200, size: "max" }), (deeds) => {
        const host = play(deeds)
        for (const taskId of host.launched) {
          expect(host.starts.get(taskId) ?? 0, `starts of ${taskId}`).toBeLessThanOrEqual(1)
          const ends = [...(host.ends.get(taskId)?.values() ?? [])]
          expect(ends, `ends of ${taskId}`).toHaveLength(1)
          const [{ state, labels }] = ends as [TaskStatus]
          states.add(state)
          ended++
          if (host.killed.has(taskId)) continue
          const exitCode = host.exits.get(taskId) ?? null
          expect(state).toBe(exitCode === 0 ? "TASK_FINISHED" : "TASK_FAILED")
          expect(labels.map(({ value }) => value)).toEqual(exitCode === null ? [] : [String(exitCode)])
        }
        expect(host.left, "tasks the agent still has").toBe(0)
        expect([...host.containers.keys()]).toEqual([])
      }),
      { numRuns: 300 },
    )
    expect(ended).toBeGreaterThan(1_000)
    expect([...states].sort()).toEqual(["TASK_FAILED", "TASK_FINISHED", "TASK_KILLED"])
  })
})
