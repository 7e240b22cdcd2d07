import type { ExecutorRequest, TaskRequest } from "../../core/master/OperationRequest.ts"
import { noQuantities } from "../../core/resources/Quantities.ts"
import type { TaskCommand } from "../../core/Task.ts"
import { allocatedRoles, wireToResources } from "./Resources.ts"
import type { WireExecutor, WireTask } from "./TaskSchema.ts"

// From a TaskInfo to what the master is asked for.

/** What is wrong with it comes along as its problem: the other tasks of the call are launched all the same. */
export const wireToTaskRequest = (task: WireTask): TaskRequest => {
  const resources = wireToResources(task.resources)
  const [role = null, otherRole] = allocatedRoles(task.resources)
  return {
    taskId: task.task_id.value,
    agentId: task.agent_id.value,
    name: task.name,
    resources: typeof resources === "string" ? noQuantities : resources,
    role,
    command: commandOf(task),
    killGraceMs: nanosecondsToMs(task.kill_policy?.grace_period?.nanoseconds),
    labels: (task.labels?.labels ?? []).map(({ key, value }) => ({ key, value: value ?? "" })),
    ...maxCompletionOf(task),
    ...shownOf(task),
    problem:
      taskInfoProblem(task) ??
      (typeof resources === "string" ? resources : null) ??
      (otherRole === undefined
        ? null
        : `Task uses resources allocated to roles '${role}' and '${otherRole}'`),
  }
}

/** Zero and less is at once in Mesos, too. */
const maxCompletionOf = ({ max_completion_time: time }: WireTask): Pick<TaskRequest, "maxCompletionMs"> => {
  const maxCompletionMs = nanosecondsToMs(time?.nanoseconds)
  return maxCompletionMs === null ? {} : { maxCompletionMs }
}

/** What a task says of itself for others, of which nothing is done here. */
const shownOf = ({ discovery, container }: WireTask): Pick<TaskRequest, "shown"> =>
  discovery === undefined && container === undefined
    ? {}
    : {
        shown: {
          ...(discovery === undefined ? {} : { discovery }),
          ...(container === undefined ? {} : { container: plainContainer(container) }),
        },
      }

/** Of a container that is taken nothing else is there to be shown. */
const plainContainer = ({ type, mesos }: NonNullable<WireTask["container"]>) => ({
  type,
  ...(mesos === undefined ? {} : { mesos }),
})

/** A task of a group: its executor is the group's. */
export const wireToGroupTaskRequest = (task: WireTask): TaskRequest => {
  const request = wireToTaskRequest(task)
  return task.executor === undefined
    ? request
    : { ...request, problem: "'TaskInfo.executor' must not be set" }
}

export const wireToExecutorRequest = (
  executor: WireExecutor | undefined,
  frameworkId: string,
): ExecutorRequest => {
  const stated = executor?.resources ?? []
  const resources = wireToResources(stated)
  const [role = null, otherRole] = allocatedRoles(stated)
  return {
    executorId: executor?.executor_id.value ?? "",
    resources: typeof resources === "string" ? noQuantities : resources,
    role,
    problem:
      executorInfoProblem(executor, frameworkId) ??
      (typeof resources === "string" ? resources : null) ??
      (otherRole === undefined
        ? null
        : `Executor uses resources allocated to roles '${role}' and '${otherRole}'`),
  }
}

/** An executor of one's own would have to be started and spoken to, by an API that gleaner's agents do not have yet. */
const executorInfoProblem = (executor: WireExecutor | undefined, frameworkId: string): string | undefined => {
  if (executor === undefined) return "Expecting 'launch_group' to be present"
  if (executor.type === "CUSTOM") return "Custom executors are not supported yet"
  if (executor.type !== "DEFAULT") return "'ExecutorInfo.type' must be 'DEFAULT'"
  if (executor.framework_id !== undefined && executor.framework_id.value !== frameworkId) {
    return `ExecutorInfo has an invalid FrameworkID (Actual: ${executor.framework_id.value} vs Expected: ${frameworkId})`
  }
  if (executor.command !== undefined) {
    return "'ExecutorInfo.command' must not be set for 'DEFAULT' executor"
  }
  return executor.container === undefined
    ? undefined
    : "Containers of executors are not supported yet: their tasks run beside each other on the host"
}

/** A grace period; capped, so that it stays a whole number also as JSON. */
export const nanosecondsToMs = (nanoseconds: number | undefined): number | null =>
  nanoseconds === undefined || Number.isNaN(nanoseconds)
    ? null
    : Math.min(Math.max(0, Math.ceil(nanoseconds / 1e6)), Number.MAX_SAFE_INTEGER)

const commandOf = (task: WireTask): TaskCommand | null => {
  const { command } = task
  if (command === undefined) return null
  return {
    shell: command.shell,
    value: command.value ?? "",
    arguments: command.arguments,
    environment: (command.environment?.variables ?? []).map(({ name, value }) => ({
      name,
      value: value ?? "",
    })),
    // An empty one is none: the framework's counts.
    user: command.user || null,
  }
}

/** What of a TaskInfo this master cannot honour. Refusing is better than running without it. */
const taskInfoProblem = (task: WireTask): string | undefined => {
  if ((task.command === undefined) === (task.executor === undefined)) {
    return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
  }
  if (task.executor !== undefined) return "Custom executors are not supported yet"
  const { command } = task
  if (command === undefined) return undefined
  if ((command.value ?? "") === "") return "CommandInfo.value must be set"
  if (command.uris.length > 0) return "Fetching 'command.uris' is not supported yet"
  if ((command.environment?.variables ?? []).some((variable) => !isVariable(variable.name, variable.value))) {
    return "Environment variables must be plain text with a name that is not empty and has no '='"
  }
  if ([command.value ?? "", ...command.arguments].some((text) => text.includes("\0"))) {
    return "A command must not contain NUL"
  }
  const tooLong = commandLengthProblem(command)
  if (tooLong !== undefined) return tooLong
  const { container } = task
  const isPlain =
    container === undefined ||
    (container.type === "MESOS" &&
      container.mesos?.image === undefined &&
      container.volumes.length === 0 &&
      container.network_infos.length === 0)
  if (!isPlain) return "Containers with an image, volumes or networks are not supported yet"
  const special = (["hostname", "linux_info", "rlimit_info", "tty_info"] as const).find(
    (field) => container?.[field] !== undefined,
  )
  if (special !== undefined) return `'container.${special}' is not supported yet`
  if (task.health_check !== undefined || task.check !== undefined)
    return "Health checks are not supported yet"
  const { max_completion_time: time } = task
  if (time !== undefined && !(time.nanoseconds >= 0))
    return "Task's `max_completion_time` must be non-negative"
  if (task.limits !== undefined) return "'limits' are not supported yet"
  return undefined
}

/** Linux executes no argument and no `NAME=VALUE` longer than this, its NUL included (MAX_ARG_STRLEN, execve(2)). */
const wordBytesMax = 131_072
/** A task's command and environment are kept, journalled and sent as they are; more belongs into a file. */
const commandBytesMax = 262_144

/** Why a command could not be executed; told here, where the framework sees what it did, and not by a launch that fails. */
const commandLengthProblem = (command: NonNullable<WireTask["command"]>): string | undefined => {
  const bytesOf = (text: string) => Buffer.byteLength(text) + 1
  const words = [command.value ?? "", ...command.arguments].map(bytesOf)
  const variables = (command.environment?.variables ?? []).map((variable) => ({
    name: variable.name,
    bytes: bytesOf(`${variable.name}=${variable.value ?? ""}`),
  }))
  const long = words.find((bytes) => bytes > wordBytesMax)
  if (long !== undefined) {
    return `A command or argument has ${long - 1} bytes; Linux executes at most ${wordBytesMax - 1} in one`
  }
  const longVariable = variables.find(({ bytes }) => bytes > wordBytesMax)
  if (longVariable !== undefined) {
    const { name, bytes } = longVariable
    return `Environment variable ${name.slice(0, 64)} has ${bytes - 1} bytes with its name; Linux executes at most ${wordBytesMax - 1}`
  }
  const total = [...words, ...variables.map(({ bytes }) => bytes)].reduce((sum, bytes) => sum + bytes, 0)
  return total > commandBytesMax
    ? `Command and environment have ${total} bytes together; a task may have ${commandBytesMax}`
    : undefined
}

const isVariable = (name: string, value: string | undefined): boolean =>
  name !== "" && !/[=\0]/.test(name) && value !== undefined && !value.includes("\0")
