import { describe, expect, it } from "vitest"
import type { AgentEvent } from "../../../core/agent/Event.ts"
import type { Unstamped } from "../../../core/Machine.ts"
import { AgentHarness, exit, of, running, spec, told } from "../../support/AgentHarness.ts"
import { specOf } from "../../support/MasterHarness.ts"

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

  it("is told of a failure in words of bounded length", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    agent.step({ type: "LaunchRequested", spec: spec() })
    agent.step({ type: "StartFailed", ...of, reason: "R", message: `ENOSPC${"x".repeat(1_000_000)}` })
    const [action] = agent.acknowledge()
    const { message } = (action as Extract<typeof action, { type: "SendStatus" }>).status
    expect(message).toMatch(/^ENOSPCx/)
    expect(message!.length).toBeLessThan(10_000)
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

  it("is an eviction also when the host asked for it while the task was being started, and the start fails", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    agent.step({ type: "LaunchRequested", spec: spec() })
    const containerId = [...agent.state.tasks.values()][0]!.containerId
    agent.step({ type: "EvictionRequested", containerId, why: "memory is short" })
    agent.step({ type: "StartFailed", ...of, reason: "R", message: "m" })
    expect(agent.acknowledge()).toMatchObject([
      { status: { state: "TASK_GONE", reason: "REASON_CONTAINER_PREEMPTED" } },
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
