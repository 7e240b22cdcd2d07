import { Either } from "effect"
import { describe, expect, it } from "vitest"
import type { TaskRequest } from "../../../core/master/OperationRequest.ts"
import { readSchedulerCall } from "../../../runtime/mesos/SchedulerCall.ts"

// LAUNCH: from TaskInfo to what the master is asked for.

const taskInfo = {
  name: "n",
  task_id: { value: "t" },
  agent_id: { value: "a" },
  resources: [
    { name: "cpus", type: "SCALAR", scalar: { value: 0.1 } },
    { name: "mem", type: "SCALAR", scalar: { value: 32 } },
  ],
  command: { value: "true" },
}

const launch = (task: object, operation: object = {}): TaskRequest => {
  const call = Either.getOrThrow(
    readSchedulerCall({
      type: "ACCEPT",
      framework_id: { value: "f" },
      accept: { operations: [{ type: "LAUNCH", launch: { task_infos: [task] }, ...operation }] },
    }),
  )
  if (call.type !== "Call" || call.event?.type !== "OffersAccepted") return expect.fail("no ACCEPT")
  const [launched] = call.event.operations
  return launched?.type === "LAUNCH" ? launched.tasks[0]! : expect.fail("no LAUNCH")
}
const problemOf = (change: object, operation: object = {}) =>
  launch({ ...taskInfo, ...change }, operation).problem

describe("a launch", () => {
  it("of a plain task", () => {
    expect(launch(taskInfo)).toEqual({
      taskId: "t",
      agentId: "a",
      name: "n",
      resources: { cpus: 100, mem: 32_000 },
      role: null,
      command: { shell: true, value: "true", arguments: [], environment: [], user: null },
      killGraceMs: null,
      labels: [],
      problem: null,
    })
  })

  it("of one that says all it may say", () => {
    const task = {
      ...taskInfo,
      resources: taskInfo.resources.map((resource) => ({ ...resource, allocation_info: { role: "web" } })),
      command: {
        shell: false,
        value: "/bin/echo",
        arguments: ["echo", "hi"],
        user: "nobody",
        environment: { variables: [{ name: "A", value: "" }] },
      },
      container: { type: "MESOS" },
      kill_policy: { grace_period: { nanoseconds: 5e9 } },
      labels: { labels: [{ key: "k", value: "v" }, { key: "bare" }] },
      data: "aGk=",
      discovery: { visibility: "CLUSTER" },
    }
    expect(launch(task)).toMatchObject({
      role: "web",
      command: {
        shell: false,
        value: "/bin/echo",
        arguments: ["echo", "hi"],
        user: "nobody",
        environment: [{ name: "A", value: "" }],
      },
      killGraceMs: 5_000,
      labels: [
        { key: "k", value: "v" },
        { key: "bare", value: "" },
      ],
      problem: null,
    })
  })

  const neither = "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
  const variables = "Environment variables must be plain text"
  const withVariable = (variable: object) => ({
    command: { value: "true", environment: { variables: [variable] } },
  })

  it.each<[string, object, string]>([
    ["no command", { command: null }, neither],
    ["command and executor", { executor: { executor_id: { value: "e" } } }, neither],
    ["an executor", { command: null, executor: { executor_id: { value: "e" } } }, "Custom executors"],
    ["an empty command", { command: {} }, "CommandInfo.value must be set"],
    ["URIs to fetch", { command: { value: "true", uris: [{ value: "http://x" }] } }, "'command.uris'"],
    ["a variable without a name", withVariable({ name: "", value: "v" }), variables],
    ["a variable with = in its name", withVariable({ name: "A=B", value: "v" }), variables],
    ["a secret variable", withVariable({ name: "A", type: "SECRET", secret: {} }), variables],
    ["a variable with NUL", withVariable({ name: "A", value: "\0" }), variables],
    ["a command with NUL", { command: { value: "a\0b" } }, "must not contain NUL"],
    ["an argument with NUL", { command: { value: "a", arguments: ["\0"] } }, "must not contain NUL"],
    ["a docker container", { container: { type: "DOCKER", docker: {} } }, "Containers with an image"],
    ["an image", { container: { type: "MESOS", mesos: { image: {} } } }, "Containers with an image"],
    [
      "volumes",
      { container: { type: "MESOS", volumes: [{ mode: "RW", container_path: "a" }] } },
      "volumes or networks",
    ],
    ["networks", { container: { type: "MESOS", network_infos: [{}] } }, "volumes or networks"],
    ["capabilities", { container: { type: "MESOS", linux_info: {} } }, "'container.linux_info'"],
    ["rlimits", { container: { type: "MESOS", rlimit_info: {} } }, "'container.rlimit_info'"],
    ["a terminal", { container: { type: "MESOS", tty_info: {} } }, "'container.tty_info'"],
    ["a hostname", { container: { type: "MESOS", hostname: "h" } }, "'container.hostname'"],
    ["a health check", { health_check: {} }, "Health checks"],
    ["a check", { check: {} }, "Health checks"],
    [
      "less than no time",
      { max_completion_time: { nanoseconds: -1 } },
      "`max_completion_time` must be non-negative",
    ],
    ["limits", { limits: { cpus: { value: 2 } } }, "'limits'"],
    ["ports", { resources: [{ name: "ports", type: "RANGES" }] }, "Invalid resource 'ports'"],
    [
      "resources of two roles",
      {
        resources: ["web", "ads"].map((role) => ({ ...taskInfo.resources[0], allocation_info: { role } })),
      },
      "Task uses resources allocated to roles 'web' and 'ads'",
    ],
  ])("with %s is refused by name", (_, change, text) => {
    expect(problemOf(change)).toContain(text)
  })

  const ofBytes = (bytes: number) => "é".repeat(bytes / 2)
  const variable = (name: string, value: string) => ({ name, value })
  it.each<[string, object, string]>([
    ["a line of 128 KiB", { value: ofBytes(131_072) }, "A command or argument has 131072 bytes"],
    ["an argument of 128 KiB", { value: "a", arguments: ["a", ofBytes(131_072)] }, "has 131072 bytes"],
    [
      "a variable of 128 KiB with its name",
      { value: "a", environment: { variables: [variable("AB", `x${ofBytes(131_068)}`)] } },
      "Environment variable AB has 131072 bytes with its name; Linux executes at most 131071",
    ],
    [
      "more than 256 KiB in all",
      { value: "a", arguments: ["a", ofBytes(100_000), ofBytes(100_000), ofBytes(62_142)] },
      "Command and environment have 262149 bytes together; a task may have 262144",
    ],
  ])("with %s is refused: Linux could not execute it", (_, command, text) => {
    expect(problemOf({ command })).toContain(text)
  })

  it.each<[string, object]>([
    ["argument", { value: "a", arguments: ["a", `x${ofBytes(131_070)}`] }],
    ["variable", { value: "a", environment: { variables: [variable("A", `x${ofBytes(131_068)}`)] } }],
  ])("may have an %s as long as Linux takes it", (_, command) => {
    expect(problemOf({ command })).toBeNull()
  })

  it("may not have an operation id", () => {
    expect(problemOf({}, { id: { value: "op" } })).toBe("The `id` field cannot be set on LAUNCH operations")
  })

  it("is not there when the operation holds no tasks", () => {
    expect(launch(taskInfo, { launch: {} })).toBeUndefined()
    expect(launch(taskInfo, { launch: null })).toBeUndefined()
  })
})
