import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { AgentAction } from "../../core/agent/Action.ts"
import type { AgentEvent } from "../../core/agent/Event.ts"
import { restoreAgent, snapshotAgent } from "../../core/agent/Snapshot.ts"
import { defaultAgentSettings, initialAgentState } from "../../core/agent/State.ts"
import { stepAgent } from "../../core/agent/Step.ts"
import type { Unstamped } from "../../core/Machine.ts"
import type { AgentMessage, MasterAction } from "../../core/master/Action.ts"
import type { Quantities } from "../../core/resources/Quantities.ts"
import { isTerminal, type TaskStatus, taskKey } from "../../core/Task.ts"
import { actionsOf, launching, launchOf, MasterHarness } from "../support/MasterHarness.ts"

// The real master and a real agent, one framework, and a wire that is cut again and again. The ledger of ends is kept
// from what the framework hears alone (law L2: each launch ends once, acknowledged, or still runs).

class World {
  readonly master = new MasterHarness()
  private agent = initialAgentState(null, "seed", defaultAgentSettings)
  private agentWakeAtMs: number | null = null
  /** What the host's monitor wants. */
  private reserve: Quantities = {}
  private outbox: Array<{ id: number; message: AgentMessage }> = []
  private nextId = 1
  private processedId = 0
  private isConnected = false
  /** Messages stay on the wire; a cut then loses them there, and they are sent again. */
  private isSlow = false
  private streams = 0
  private frameworkId = ""
  /** Containers that exist, by task. */
  readonly containers = new Map<string, string>()
  readonly launched = new Set<string>()
  readonly started = new Map<string, number>()
  readonly ends = new Map<string, Array<string>>()
  private unacknowledged: Array<TaskStatus> = []
  private nextTask = 0

  constructor() {
    this.stepAgent({ type: "AgentStarted", bootId: "b" })
    this.connect()
    const { id } = this.master.subscribe({
      roles: ["*"],
      failoverTimeoutMs: 1e9,
      capabilities: ["PARTITION_AWARE"],
    })
    this.frameworkId = id
    this.followMaster(this.master.settle())
  }

  private followMaster(actions: ReadonlyArray<MasterAction>): void {
    for (const action of actions) {
      if (action.type === "SendToAgent") this.outbox.push({ id: this.nextId++, message: action.message })
      if (action.type === "DropMessages") this.outbox = []
      if (action.type === "SendStatus") this.hear(action.status)
    }
    if (this.isConnected && !this.isSlow) this.deliver()
  }

  private hear(status: TaskStatus): void {
    if (status.uuid !== null) this.unacknowledged.push(status)
    if (!isTerminal(status.state)) return
    const ends = this.ends.get(status.taskId) ?? []
    // The same status may be told again until it is acknowledged; it is one end.
    const name = status.uuid ?? `master:${status.state}:${status.reason}`
    if (!ends.includes(name)) ends.push(name)
    this.ends.set(status.taskId, ends)
  }

  /** What waits for the agent arrives, in order; numbers it has seen are dropped. */
  private deliver(): void {
    for (const { id, message } of [...this.outbox]) {
      if (id <= this.processedId) continue
      this.processedId = id
      if (message.type === "LaunchTask") this.stepAgent({ type: "LaunchRequested", spec: message.spec })
      else if (message.type === "LaunchGroup") {
        this.stepAgent({ type: "GroupLaunchRequested", specs: message.specs })
      } else if (message.type === "KillTask") this.stepAgent({ ...message, type: "KillRequested" })
      else if (message.type === "AcknowledgeStatus") {
        this.stepAgent({ ...message, type: "StatusAcknowledged" })
      } else throw new Error(`no operations are in this story: ${message.type}`)
    }
    this.outbox = this.outbox.filter(({ id }) => id > this.processedId)
  }

  stepAgent(event: Unstamped<AgentEvent>): void {
    const stamped = { ...event, nowMs: this.master.nowMs, wallMs: 0 } as AgentEvent
    const { actions, wakeAtMs } = stepAgent(this.agent, stamped)
    this.agentWakeAtMs = wakeAtMs
    for (const action of actions) this.carryOut(action)
  }

  private carryOut(action: AgentAction): void {
    if (action.type === "StartTask") {
      const { frameworkId, taskId } = action.spec
      this.started.set(taskId, (this.started.get(taskId) ?? 0) + 1)
      this.containers.set(taskId, action.containerId)
      this.stepAgent({ type: "TaskStarted", frameworkId, taskId })
    } else if (action.type === "RegainTask") {
      const { frameworkId, taskId } = action.spec
      // Containers that have gone meanwhile ended with the agent's knowledge.
      expect(this.containers.get(taskId)).toBe(action.containerId)
      this.stepAgent({ type: "TaskStarted", frameworkId, taskId })
    } else if (action.type === "DestroyContainer") {
      this.containers.delete(action.taskId)
      this.stepAgent({ type: "ContainerDestroyed", frameworkId: action.frameworkId, taskId: action.taskId })
    } else if (action.type === "SendStatus" && this.isConnected) {
      const { status, latestState } = action
      const agentId = this.agent.agentId!
      this.followMaster(this.master.step({ type: "StatusReported", agentId, status, latestState }))
    }
  }

  connect(): void {
    if (this.isConnected) return
    const agentId = this.agent.agentId
    const pending = this.outbox.filter(({ id }) => id > this.processedId).map(({ message }) => message)
    const actions = this.master.step({
      type: "AgentRegistered",
      streamId: `w${this.streams++}`,
      agentId,
      address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
      total: { cpus: 4_000, mem: 8_000_000 },
      reserve: this.reserve,
      attributes: [],
      version: "1",
      tasks: [...this.agent.tasks.values()].map(({ spec, latest }) => ({ spec, status: latest })),
      launching: pending.flatMap((message) =>
        message.type === "LaunchTask" ? [taskKey(message.spec.frameworkId, message.spec.taskId)] : [],
      ),
      ...{ checkpointed: {}, outcomes: [], converting: [] },
      acknowledging: pending.flatMap((message) =>
        message.type === "AcknowledgeStatus" ? [message.uuid] : [],
      ),
    })
    this.isConnected = true
    const [confirmed] = actionsOf(actions, "ConfirmRegistration")
    this.followMaster(actions)
    this.stepAgent({ type: "Registered", agentId: confirmed!.agentId })
    if (!this.isSlow) this.deliver()
  }

  slow(): void {
    this.isSlow = true
  }

  fast(): void {
    this.isSlow = false
    if (this.isConnected) this.deliver()
  }

  cut(): void {
    if (!this.isConnected) return
    this.isConnected = false
    const agentId = this.agent.agentId!
    const { streamId } = this.master.state.agents.get(agentId)!
    this.followMaster(this.master.step({ type: "AgentDisconnected", agentId, streamId: streamId! }))
    this.stepAgent({ type: "Disconnected" })
  }

  hold(cpuMilli: number): void {
    this.reserve = { cpus: cpuMilli }
    if (this.isConnected) this.followMaster(this.master.reserve(this.agent.agentId!, this.reserve))
  }

  launch(): void {
    const [offerId] = this.master.offersOf(this.frameworkId)
    if (offerId === undefined) return
    const taskId = `t${this.nextTask++}`
    this.launched.add(taskId)
    const { agentId } = this.master.state.offers.get(offerId)!
    this.followMaster(
      this.master.step({
        type: "OffersAccepted",
        frameworkId: this.frameworkId,
        offerIds: [offerId],
        operations: launching([launchOf(taskId, agentId, { cpus: 100, mem: 1_000 })]),
        refuseMs: 0,
      }),
    )
  }

  finish(pick: number): void {
    const taskIds = [...this.containers.keys()]
    const taskId = taskIds[pick % Math.max(1, taskIds.length)]
    if (taskId === undefined) return
    const exit = { exitCode: pick % 2, isOutOfMemory: false, memMaxBytes: null, memLimitBytes: null }
    this.stepAgent({ type: "TaskExited", frameworkId: this.frameworkId, taskId, exit })
  }

  kill(pick: number): void {
    const taskId = `t${pick % Math.max(1, this.nextTask)}`
    const event = {
      type: "KillRequested",
      frameworkId: this.frameworkId,
      taskId,
      agentId: null,
      graceMs: 10,
    } as const
    this.followMaster(this.master.step(event))
  }

  acknowledge(): void {
    const status = this.unacknowledged.shift()
    if (status?.uuid == null || status.agentId === null) return
    const { frameworkId, taskId, agentId, uuid } = status
    this.followMaster(this.master.step({ type: "StatusAcknowledged", frameworkId, taskId, agentId, uuid }))
  }

  restartMaster(): void {
    this.cut()
    this.master.restart()
    this.followMaster(this.master.step({ type: "MasterStarted" }))
    this.followMaster(
      this.master.step({
        type: "FrameworkSubscribed",
        streamId: `f${this.streams++}`,
        frameworkId: this.frameworkId,
        info: { ...this.master.state.frameworks.get(this.frameworkId)!.info },
        suppressedRoles: [],
      }),
    )
  }

  /** What it had decided is on its disk; the tasks live on. */
  restartAgent(): void {
    this.cut()
    const rows = JSON.parse(JSON.stringify(snapshotAgent(this.agent))) as ReturnType<typeof snapshotAgent>
    this.agent = restoreAgent(rows, defaultAgentSettings)!
    this.stepAgent({ type: "AgentStarted", bootId: "b" })
  }

  pass(ms: number): void {
    const untilMs = this.master.nowMs + ms
    for (;;) {
      const next = Math.min(this.master.wakeAtMs ?? untilMs + 1, this.agentWakeAtMs ?? untilMs + 1)
      if (next > untilMs) break
      this.followMaster(this.master.advance(Math.max(0, next - this.master.nowMs)))
      if (this.agentWakeAtMs !== null && this.agentWakeAtMs <= this.master.nowMs)
        this.stepAgent({ type: "TimePassed" })
    }
    this.followMaster(this.master.advance(Math.max(0, untilMs - this.master.nowMs)))
  }

  /** Fair weather until nothing more happens: every task finishes, every status is acknowledged. */
  calm(): void {
    this.fast()
    this.connect()
    for (let round = 0; round < 200; round++) {
      this.pass(1_000)
      this.finish(round)
      while (this.unacknowledged.length > 0) this.acknowledge()
    }
  }

  agentTasks(): number {
    return this.agent.tasks.size
  }
}

const deed = fc.oneof(
  { weight: 5, arbitrary: fc.constant("launch" as const) },
  { weight: 4, arbitrary: fc.nat({ max: 50 }).map((pick) => ({ finish: pick })) },
  { weight: 1, arbitrary: fc.nat({ max: 50 }).map((pick) => ({ kill: pick })) },
  { weight: 1, arbitrary: fc.nat({ max: 5_000 }).map((hold) => ({ hold })) },
  { weight: 5, arbitrary: fc.constant("acknowledge" as const) },
  { weight: 2, arbitrary: fc.constant("cut" as const) },
  { weight: 3, arbitrary: fc.constant("connect" as const) },
  { weight: 1, arbitrary: fc.constant("restartMaster" as const) },
  { weight: 1, arbitrary: fc.constant("restartAgent" as const) },
  { weight: 2, arbitrary: fc.constant("slow" as const) },
  { weight: 2, arbitrary: fc.constant("fast" as const) },
  { weight: 4, arbitrary: fc.nat({ max: 100_000 }).map((ms) => ({ pass: ms })) },
)

type Deed = typeof deed extends fc.Arbitrary<infer Each> ? Each : never

const play = (deeds: ReadonlyArray<Deed>): World => {
  const world = new World()
  for (const each of deeds) {
    if (typeof each === "string") world[each]()
    else if ("finish" in each) world.finish(each.finish)
    else if ("hold" in each) world.hold(each.hold)
    else if ("kill" in each) world.kill(each.kill)
    else world.pass(each.pass)
    world.pass(0)
  }
  world.calm()
  return world
}

describe("master and agent together", () => {
  it("end every launched task exactly once, start it at most once, and keep nothing (L2)", () => {
    let ended = 0
    fc.assert(
      fc.property(fc.array(deed, { minLength: 10, maxLength: 120, size: "max" }), (deeds) => {
        const world = play(deeds)
        for (const taskId of world.launched) {
          expect(world.ends.get(taskId) ?? [], `ends of ${taskId}`).toHaveLength(1)
          expect(world.started.get(taskId) ?? 0, `starts of ${taskId}`).toBeLessThanOrEqual(1)
          ended++
        }
        expect([...world.containers.keys()]).toEqual([])
        expect(world.master.state.tasks.size, "tasks the master still has").toBe(0)
        expect(world.agentTasks(), "tasks the agent still has").toBe(0)
      }),
      { numRuns: 100 },
    )
    expect(ended, "stories in which tasks run").toBeGreaterThan(200)
  })
})
