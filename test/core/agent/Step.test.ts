import { describe, expect, it } from "vitest"
import type { AgentAction } from "../../../core/agent/Action.ts"
import type { AgentEvent } from "../../../core/agent/Event.ts"
import { restoreAgent, snapshotAgent } from "../../../core/agent/Snapshot.ts"
import {
  type AgentState,
  defaultAgentSettings,
  initialAgentState,
  type TaskExit,
} from "../../../core/agent/State.ts"
import { stepAgent } from "../../../core/agent/Step.ts"
import type { Unstamped } from "../../../core/Machine.ts"
import type { TaskSpec } from "../../../core/Task.ts"
import { specOf } from "../../support/MasterHarness.ts"

/** Drives the agent machine by hand. */
class AgentHarness {
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

const of = { frameworkId: "f", taskId: "t" }
const spec = (change: Partial<TaskSpec> = {}): TaskSpec => ({
  ...specOf("t", "f", "a", { cpus: 100 }),
  ...change,
})
const exit = (exitCode: number, change: Partial<TaskExit> = {}): TaskExit => ({
  exitCode,
  isOutOfMemory: false,
  memMaxBytes: null,
  memLimitBytes: null,
  ...change,
})

const told = (actions: ReadonlyArray<AgentAction>): ReadonlyArray<string> =>
  actions.map((action) => (action.type === "SendStatus" ? action.status.state : action.type))

const running = (change: Partial<TaskSpec> = {}) => {
  const agent = new AgentHarness()
  agent.step({ type: "Registered", agentId: "a" })
  agent.step({ type: "LaunchRequested", spec: spec(change) })
  agent.step({ type: "TaskStarted", ...of })
  agent.acknowledge()
  agent.acknowledge()
  return agent
}

describe("a task's life", () => {
  it("is told one status at a time, each after the one before was acknowledged", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    expect(told(agent.step({ type: "LaunchRequested", spec: spec() }))).toEqual([
      "TASK_STARTING",
      "StartTask",
    ])
    expect(told(agent.step({ type: "TaskStarted", ...of }))).toEqual([])
    expect(told(agent.acknowledge())).toEqual(["TASK_RUNNING"])
    expect(told(agent.step({ type: "TaskExited", ...of, exit: exit(0) }))).toEqual(["DestroyContainer"])
    // RUNNING is not acknowledged yet: it is sent again, with the news that the task has ended.
    expect(agent.step({ type: "ContainerDestroyed", ...of })).toMatchObject([
      { type: "SendStatus", status: { state: "TASK_RUNNING" }, latestState: "TASK_FINISHED" },
    ])
    expect(told(agent.acknowledge())).toEqual(["TASK_FINISHED"])
    agent.acknowledge()
    expect(agent.state.tasks.size).toBe(0)
    expect(agent.wakeAtMs).toBeNull()
  })

  it("is not begun twice when the launch is repeated", () => {
    const agent = running()
    expect(agent.step({ type: "LaunchRequested", spec: spec() })).toEqual([])
  })

  it("ends only when nothing of it is left: the container is destroyed before the end is told", () => {
    const agent = running()
    expect(told(agent.step({ type: "TaskExited", ...of, exit: exit(0) }))).toEqual(["DestroyContainer"])
    expect(told(agent.advance(60_000))).toEqual([])
    expect(told(agent.step({ type: "ContainerDestroyed", ...of }))).toEqual(["TASK_FINISHED"])
  })

  it.each([
    [exit(0), "TASK_FINISHED", null, "Command exited with status 0"],
    [exit(3), "TASK_FAILED", null, "Command exited with status 3"],
    [exit(127), "TASK_FAILED", null, "Command exited with status 127"],
    [exit(139), "TASK_FAILED", null, "Command terminated with signal SIGSEGV (status 139)"],
    [
      exit(137, { isOutOfMemory: true, memMaxBytes: 64 * 1048576, memLimitBytes: 64 * 1048576 }),
      "TASK_FAILED",
      "REASON_CONTAINER_LIMITATION_MEMORY",
      "Memory limit exceeded: Requested: 64MB Maximum Used: 64MB; the kernel killed the task (OOM)",
    ],
  ])("ends as %j says", (how, state, reason, message) => {
    const agent = running()
    agent.step({ type: "TaskExited", ...of, exit: how })
    const [action] = agent.step({ type: "ContainerDestroyed", ...of })
    expect(action).toMatchObject({
      status: { state, reason, message, labels: [{ key: "gleaner.exit_code", value: String(how.exitCode) }] },
    })
  })

  it("fails when it cannot be started", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    agent.step({ type: "LaunchRequested", spec: spec() })
    const reason = "REASON_CONTAINER_LAUNCH_FAILED"
    agent.step({ type: "StartFailed", ...of, reason, message: "no such user" })
    const [action] = agent.acknowledge()
    expect(action).toMatchObject({ status: { state: "TASK_FAILED", reason, message: "no such user" } })
    agent.acknowledge()
    expect(agent.state.tasks.size).toBe(0)
  })
})

describe("kill", () => {
  const kill = (graceMs: number | null): Unstamped<AgentEvent> => ({ type: "KillRequested", ...of, graceMs })

  it("asks first, and destroys after the grace", () => {
    const agent = running()
    expect(told(agent.step(kill(null)))).toEqual(["TerminateTask"])
    expect(told(agent.advance(2_999))).toEqual([])
    expect(told(agent.advance(1))).toEqual(["DestroyContainer"])
    agent.step({ type: "TaskExited", ...of, exit: exit(137) })
    expect(agent.step({ type: "ContainerDestroyed", ...of })).toMatchObject([
      { status: { state: "TASK_KILLED", message: "Command terminated with signal SIGKILL (status 137)" } },
    ])
  })

  it("is TASK_KILLED whatever the exit code", () => {
    const agent = running()
    agent.step(kill(null))
    expect(told(agent.step({ type: "TaskExited", ...of, exit: exit(0) }))).toEqual(["DestroyContainer"])
    expect(told(agent.step({ type: "ContainerDestroyed", ...of }))).toEqual(["TASK_KILLED"])
    expect(told(agent.advance(5_000))).toEqual([])
  })

  it("is an eviction, and says why, when the host asked for it first", () => {
    const agent = running()
    const containerId = [...agent.state.tasks.values()][0]!.containerId
    agent.step({ type: "EvictionRequested", containerId: "of nobody", why: "?" })
    expect(told(agent.step({ type: "EvictionRequested", containerId, why: "memory is short" }))).toEqual([
      "TerminateTask",
    ])
    expect(agent.step({ type: "EvictionRequested", containerId, why: "again" })).toEqual([])
    expect(told(agent.advance(3_000))).toEqual(["DestroyContainer"])
    expect(agent.step({ type: "ContainerDestroyed", ...of })).toMatchObject([
      {
        status: {
          state: "TASK_GONE",
          reason: "REASON_CONTAINER_PREEMPTED",
          message: "The host took its room back: memory is short",
        },
      },
    ])
  })

  it("takes the task's own grace, unless the call has one", () => {
    const agent = running({ killGraceMs: 100 })
    agent.step(kill(null))
    expect(told(agent.advance(100))).toEqual(["DestroyContainer"])
    const other = running({ killGraceMs: 100 })
    other.step(kill(900))
    expect(told(other.advance(899))).toEqual([])
    expect(told(other.advance(1))).toEqual(["DestroyContainer"])
  })

  it("that is repeated can only shorten what is left", () => {
    const agent = running()
    agent.step(kill(1_000))
    agent.step(kill(60_000))
    expect(told(agent.advance(1_000))).toEqual(["DestroyContainer"])
    const other = running()
    other.step(kill(60_000))
    expect(other.step(kill(0))).toEqual([])
    expect(told(other.advance(0))).toEqual(["DestroyContainer"])
  })

  it("that comes while the task is being started takes effect when it runs", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    agent.step({ type: "LaunchRequested", spec: spec() })
    expect(agent.step(kill(0))).toEqual([])
    expect(told(agent.step({ type: "TaskStarted", ...of }))).toEqual(["TerminateTask"])
    expect(told(agent.advance(0))).toEqual(["DestroyContainer"])
  })

  it("that comes while the task is being started, and the start fails, is a kill", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    agent.step({ type: "LaunchRequested", spec: spec() })
    agent.step(kill(0))
    agent.step({ type: "StartFailed", ...of, reason: "R", message: "m" })
    expect(agent.acknowledge()).toMatchObject([
      { status: { state: "TASK_KILLED", reason: "REASON_TASK_KILLED_DURING_LAUNCH" } },
    ])
  })

  it("comes to all tasks when the agent stops, and nothing is begun any more", () => {
    const agent = running()
    expect(told(agent.step({ type: "Stopping" }))).toEqual(["TerminateTask"])
    const late = { ...specOf("late", "f", "a", {}), taskId: "late" }
    expect(agent.step({ type: "LaunchRequested", spec: late })).toMatchObject([
      { type: "SendStatus", status: { taskId: "late", state: "TASK_DROPPED", source: "SOURCE_AGENT" } },
    ])
    expect(told(agent.advance(3_000))).toContain("DestroyContainer")
  })

  it("of a task that is not here is nothing", () => {
    expect(new AgentHarness().step(kill(0))).toEqual([])
  })
})

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
