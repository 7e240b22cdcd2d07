import { describe, expect, it } from "vitest"
import { wireToOperation } from "../../../runtime/mesos/Operations.ts"
import { wireToTaskRequest } from "../../../runtime/mesos/TaskRequests.ts"

const cpus = { name: "cpus", type: "SCALAR", scalar: { value: 0.1 }, allocation_info: { role: "web" } }
const task = {
  name: "n",
  task_id: { value: "t" },
  agent_id: { value: "a" },
  resources: [cpus],
  command: { shell: true, value: "true", arguments: [], uris: [] },
}
const executor = { type: "DEFAULT", executor_id: { value: "e" }, resources: [cpus] }

const groupOf = (change: object = {}, tasks: ReadonlyArray<object> = [task], others: object = {}) => {
  const wire = {
    ...{ type: "LAUNCH_GROUP", ...others },
    launch_group: { executor: { ...executor, ...change }, task_group: { tasks } },
  }
  const operation = wireToOperation(wire as Parameters<typeof wireToOperation>[0], "f")
  return operation.type === "LAUNCH_GROUP" ? operation : expect.fail("no group")
}

describe("LAUNCH_GROUP on the wire", () => {
  it("brings its tasks, and of its executor the id, the resources and their role", () => {
    expect(groupOf()).toMatchObject({
      executor: { executorId: "e", resources: { cpus: 100 }, role: "web", problem: null },
      tasks: [{ taskId: "t", problem: null }],
      problem: null,
    })
    expect(groupOf({ framework_id: { value: "f" } }).executor.problem).toBeNull()
    expect(groupOf({}, []).tasks).toEqual([])
  })

  it.each([
    ["of one's own", { type: "CUSTOM", command: {} }, "Custom executors are not supported yet"],
    ["of no type", { type: undefined }, "'ExecutorInfo.type' must be 'DEFAULT'"],
    ["with a command", { command: {} }, "'ExecutorInfo.command' must not be set"],
    ["with a container", { container: {} }, "Containers of executors are not supported yet"],
    [
      "of another framework",
      { framework_id: { value: "g" } },
      "ExecutorInfo has an invalid FrameworkID (Actual: g vs Expected: f)",
    ],
    [
      "of two roles",
      { resources: [cpus, { ...cpus, allocation_info: { role: "ads" } }] },
      "Executor uses resources allocated to roles 'web' and 'ads'",
    ],
  ])("an executor %s is refused by name", (_, change, text) => {
    expect(groupOf(change).executor.problem).toContain(text)
  })

  it("may have no id, and its tasks no executors of their own", () => {
    expect(groupOf({}, [task], { id: { value: "o" } }).problem).toBe(
      "The `id` field cannot be set on LAUNCH_GROUP operations",
    )
    const { tasks } = groupOf({}, [{ ...task, command: undefined, executor: {} }])
    expect(tasks[0]!.problem).toBe("'TaskInfo.executor' must not be set")
  })
})

describe("a task on the wire", () => {
  const read = (change: object) =>
    wireToTaskRequest({ ...task, ...change } as Parameters<typeof wireToTaskRequest>[0])

  it("may say how long it may run, and what it is for others", () => {
    const discovery = { visibility: "CLUSTER", name: "web", ports: { ports: [{ number: 80 }] } }
    const container = { type: "MESOS", volumes: [], network_infos: [] }
    const given = read({ max_completion_time: { nanoseconds: 1_500_000_001 }, discovery, container })
    expect(given).toMatchObject({ maxCompletionMs: 1_501, problem: null })
    expect(given.shown).toEqual({ discovery, container: { type: "MESOS" } })
  })

  it("that says nothing of it has no such members", () => {
    expect(read({})).not.toHaveProperty("maxCompletionMs")
    expect(read({})).not.toHaveProperty("shown")
  })
})
