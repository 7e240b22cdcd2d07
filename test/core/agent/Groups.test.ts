import { describe, expect, it } from "vitest"
import type { AgentAction } from "../../../core/agent/Action.ts"
import { specBytesMax } from "../../../core/agent/SpecSize.ts"
import type { TaskSpec } from "../../../core/Task.ts"
import { AgentHarness, exit, running, spec, told } from "../../support/AgentHarness.ts"

const executor = { executorId: "e", resources: { cpus: 100 }, groupId: "g" }
const member = (taskId: string, change: Partial<TaskSpec> = {}) => spec({ taskId, executor, ...change })
const of = (taskId: string) => ({ frameworkId: "f", taskId })

const started = (specs = [member("a"), member("b")]) => {
  const agent = new AgentHarness()
  agent.step({ type: "Registered", agentId: "a" })
  agent.step({ type: "GroupLaunchRequested", specs })
  for (const { taskId } of specs) agent.step({ type: "TaskStarted", ...of(taskId) })
  return agent
}

const end = (agent: AgentHarness, taskId: string, exitCode: number) => {
  agent.step({ type: "TaskExited", ...of(taskId), exit: exit(exitCode) })
  return agent.step({ type: "ContainerDestroyed", ...of(taskId) })
}

/** Who is asked to end. */
const terminated = (agent: AgentHarness, actions: ReadonlyArray<AgentAction>) =>
  actions.flatMap((action) => {
    if (action.type !== "TerminateTask") return []
    const task = [...agent.state.tasks.values()].find(({ containerId }) => containerId === action.containerId)
    return [task!.spec.taskId]
  })

describe("a group of tasks", () => {
  it("is started together, and its statuses name its executor", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    const actions = agent.step({ type: "GroupLaunchRequested", specs: [member("a"), member("b")] })
    expect(told(actions)).toEqual(["TASK_STARTING", "StartTask", "TASK_STARTING", "StartTask"])
    for (const action of actions) {
      if (action.type === "SendStatus") expect(action.status.executorId).toBe("e")
    }
    // The master may repeat it.
    expect(agent.step({ type: "GroupLaunchRequested", specs: [member("a"), member("b")] })).toEqual([])
  })

  it("says one container that those of its tasks are within, and who waits for the end of each", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    const statusesIn = (actions: ReadonlyArray<AgentAction>) =>
      actions.flatMap((action) => (action.type === "SendStatus" ? [action.status] : []))
    const first = statusesIn(agent.step({ type: "GroupLaunchRequested", specs: [member("a"), member("b")] }))
    const later = statusesIn(agent.step({ type: "GroupLaunchRequested", specs: [member("c")] }))
    const parents = new Set([...first, ...later].map(({ parentContainerId }) => parentContainerId))
    expect([...parents]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)])
    expect(first.map(({ executorPid }) => executorPid)).toEqual([undefined, undefined])
    agent.step({ type: "TaskStarted", ...of("a"), executorPid: 77 })
    const { latest } = [...agent.state.tasks.values()].find(({ spec: { taskId } }) => taskId === "a")!
    expect(latest).toMatchObject({ state: "TASK_RUNNING", executorPid: 77 })
    const other = { ...executor, executorId: "other" }
    const [alone] = statusesIn(
      agent.step({ type: "GroupLaunchRequested", specs: [member("d", { executor: other })] }),
    )
    expect(parents).not.toContain(alone!.parentContainerId)
  })

  it("is not begun at all where not all of it fits", () => {
    const large = { shell: true, value: "x".repeat(specBytesMax), arguments: [], environment: [], user: null }
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    const specs = [member("a"), member("b", { command: large })]
    expect(told(agent.step({ type: "GroupLaunchRequested", specs }))).toEqual([
      "TASK_DROPPED",
      "TASK_DROPPED",
    ])
  })

  it.each([
    ["fails", 7],
    ["is killed by a signal", 137],
  ])("ends when one of it %s; tasks of other groups go on", (_, exitCode) => {
    const other = { ...executor, groupId: "h" }
    const agent = started([member("a"), member("b"), member("c", { executor: other }), spec({ taskId: "d" })])
    const actions = end(agent, "a", exitCode)
    expect(terminated(agent, actions)).toEqual(["b"])
    end(agent, "b", 143)
    expect(agent.state.tasks.get("f/b")!.latest!.state).toBe("TASK_KILLED")
    expect(agent.state.tasks.get("f/c")!.killedSinceMs).toBeNull()
    expect(agent.state.tasks.get("f/d")!.killedSinceMs).toBeNull()
  })

  it("goes on when one of it has done its work", () => {
    const agent = started()
    expect(terminated(agent, end(agent, "a", 0))).toEqual([])
    expect(agent.state.tasks.get("f/b")!.killedSinceMs).toBeNull()
  })

  it("ends when one of it is killed", () => {
    const agent = started()
    agent.step({ type: "KillRequested", ...of("a"), graceMs: null })
    expect(terminated(agent, end(agent, "a", 143))).toEqual(["b"])
  })

  it("ends when one of it cannot be started", () => {
    const agent = new AgentHarness()
    agent.step({ type: "Registered", agentId: "a" })
    agent.step({ type: "GroupLaunchRequested", specs: [member("a"), member("b")] })
    agent.step({ type: "TaskStarted", ...of("b") })
    const failed = { type: "StartFailed" as const, reason: "REASON_CONTAINER_LAUNCH_FAILED", message: "no" }
    expect(terminated(agent, agent.step({ ...failed, ...of("a") }))).toEqual(["b"])
  })
})

describe("a task with a max_completion_time", () => {
  it("is destroyed without a grace when it still runs then, and has failed", () => {
    const agent = running({ maxCompletionMs: 60_000 })
    expect(told(agent.advance(59_999))).toEqual([])
    agent.restart()
    expect(told(agent.advance(1))).toEqual(["DestroyContainer"])
    const [action] = agent.step({ type: "ContainerDestroyed", ...of("t") })
    expect(action).toMatchObject({
      type: "SendStatus",
      status: { state: "TASK_FAILED", reason: "REASON_MAX_COMPLETION_TIME_REACHED" },
    })
  })

  it("that ends before, or is being killed, ends as others do; the next one of its id has its own time", () => {
    const agent = running({ maxCompletionMs: 60_000 })
    expect(told(end(agent, "t", 0))).toEqual(["TASK_FINISHED"])
    agent.acknowledge()
    agent.advance(50_000)
    agent.step({ type: "LaunchRequested", spec: spec() })
    agent.step({ type: "TaskStarted", ...of("t") })
    expect(told(agent.advance(20_000))).not.toContain("DestroyContainer")
    const killed = running({ maxCompletionMs: 1_000 })
    killed.step({ type: "KillRequested", ...of("t"), graceMs: 5_000 })
    expect(told(killed.advance(4_999))).toEqual([])
    killed.step({ type: "TaskExited", ...of("t"), exit: exit(143) })
    expect(told(killed.step({ type: "ContainerDestroyed", ...of("t") }))).toEqual(["TASK_KILLED"])
  })
})
