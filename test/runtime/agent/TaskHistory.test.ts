import { describe, expect, it } from "vitest"
import type { AgentEvent } from "../../../core/agent/Event.ts"
import { agentEntity } from "../../../core/agent/Snapshot.ts"
import { stepAgent } from "../../../core/agent/Step.ts"
import type { Unstamped } from "../../../core/Machine.ts"
import type { TaskSpec } from "../../../core/Task.ts"
import {
  executorNameOf,
  makeTaskHistory,
  pastCharactersMax,
  pastTasksMax,
} from "../../../runtime/agent/TaskHistory.ts"
import { AgentHarness, exit, spec } from "../../support/AgentHarness.ts"

// What is remembered of tasks beside the machine, which forgets them: fed with what its steps change, as an agent's shell does it.

const watched = (agent = new AgentHarness()) => {
  const history = makeTaskHistory(agent.state)
  const step = (event: Unstamped<AgentEvent>) => {
    const stamped = { ...event, nowMs: agent.nowMs, wallMs: 7 } as AgentEvent
    const { changed } = stepAgent(agent.state, stamped)
    history.observe(changed.map((ref) => ({ ...ref, value: agentEntity(agent.state, ref) })))
  }
  const acknowledge = (taskId: string) => {
    const { uuid } = agent.state.tasks.get(`f/${taskId}`)!.pending[0]!
    step({ type: "StatusAcknowledged", frameworkId: "f", taskId, uuid: uuid! })
  }
  const live = (of: TaskSpec) => {
    const { frameworkId, taskId } = of
    step({ type: "LaunchRequested", spec: of })
    step({ type: "TaskStarted", frameworkId, taskId })
    acknowledge(taskId)
    acknowledge(taskId)
  }
  const end = (taskId: string) => {
    const of = { frameworkId: "f", taskId }
    step({ type: "TaskExited", ...of, exit: exit(0) })
    step({ type: "ContainerDestroyed", ...of })
    acknowledge(taskId)
  }
  step({ type: "Registered", agentId: "a" })
  return { agent, history, step, live, end }
}

const statesOf = (notes: ReadonlyArray<{ readonly state: string }>) => notes.map(({ state }) => state)

describe("the history of an agent's tasks", () => {
  it("knows each status, also those that are acknowledged and forgotten", () => {
    const { history, live, end } = watched()
    live(spec())
    expect(statesOf(history.notesOf("f/t"))).toEqual(["TASK_STARTING", "TASK_RUNNING"])
    expect(history.past()).toEqual([])
    end("t")
    expect(history.notesOf("f/t")).toEqual([])
    const [past] = history.past()
    expect(statesOf(past!.notes)).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"])
    expect(history.counts()).toMatchObject({ statuses: 3, executors: 1, launchErrors: 0 })
    expect(history.counts().ends).toEqual(new Map([["TASK_FINISHED", 1]]))
  })

  it("keeps nothing of what a task executed: its environment may hold secrets", () => {
    const { history, live, end } = watched()
    const command = {
      ...spec().command,
      value: "do-not-keep-this",
      environment: [{ name: "PASSWORD", value: "nor-this" }],
    }
    live(spec({ command }))
    end("t")
    expect(history.past()).toHaveLength(1)
    expect(JSON.stringify(history.past())).not.toMatch(/do-not-keep-this|nor-this/)
  })

  it("of a new process knows what the newest statuses say, without counting them again", () => {
    const { agent, live } = watched()
    live(spec())
    agent.restart()
    const { history } = watched(agent)
    expect(statesOf(history.notesOf("f/t"))).toEqual(["TASK_RUNNING"])
    expect(history.counts().statuses).toBe(0)
  })

  it("has bounds in number and in size, and drops the oldest", () => {
    const { history, live, end } = watched()
    const run = (taskId: string, labels: TaskSpec["labels"] = []) => {
      live(spec({ taskId, labels }))
      end(taskId)
    }
    for (let index = 0; index < pastTasksMax + 3; index++) run(`t${index}`)
    expect(history.past()).toHaveLength(pastTasksMax)
    expect(history.past()[0]!.spec.taskId).toBe("t3")
    const large = [{ key: "k", value: "x".repeat(pastCharactersMax / 2) }]
    run("large-1", large)
    run("large-2", large)
    expect(history.past().map(({ spec: { taskId } }) => taskId)).toEqual(["large-2"])
  })

  it("counts an executor of a group once, when the last of its tasks has ended", () => {
    const { history, live, end } = watched()
    const executor = { executorId: "e", resources: {}, groupId: "g" }
    live(spec({ taskId: "a", executor }))
    live(spec({ taskId: "b", executor }))
    end("a")
    expect(history.counts().executors).toBe(0)
    end("b")
    expect(history.counts().executors).toBe(1)
  })

  it("names executors as Mesos does", () => {
    const named = (command: Partial<TaskSpec["command"]>) =>
      executorNameOf(spec({ command: { ...spec().command, ...command } }))
    expect(named({ shell: true, value: "echo started; sleep 500" })).toBe(
      "Command Executor (Task: t) (Command: sh -c 'echo started...')",
    )
    expect(named({ shell: true, value: "exactly15chars." })).toContain("'exactly15chars.')")
    expect(named({ shell: false, value: "ls", arguments: ["ls", "-l"] })).toContain("[ls, ls, -l])")
  })
})
