import type { PlainResources } from "./resources/PlainForm.ts"

/** Task states and their names as in Mesos (spec/mesos.md §2.7). */
export const taskStates = [
  "TASK_STAGING",
  "TASK_STARTING",
  "TASK_RUNNING",
  "TASK_KILLING",
  "TASK_FINISHED",
  "TASK_FAILED",
  "TASK_KILLED",
  "TASK_ERROR",
  "TASK_LOST",
  "TASK_DROPPED",
  "TASK_UNREACHABLE",
  "TASK_GONE",
  "TASK_GONE_BY_OPERATOR",
  "TASK_UNKNOWN",
] as const
export type TaskState = (typeof taskStates)[number]

const terminalStates: ReadonlyArray<TaskState> = [
  "TASK_FINISHED",
  "TASK_FAILED",
  "TASK_KILLED",
  "TASK_ERROR",
  "TASK_LOST",
  "TASK_DROPPED",
  "TASK_GONE",
  "TASK_GONE_BY_OPERATOR",
]

export const isTerminal = (state: TaskState): boolean => terminalStates.includes(state)

export interface Label {
  readonly key: string
  readonly value: string
}

/** What a task runs: a line for `/bin/sh -c` (`shell`), or a program with its arguments. */
export interface TaskCommand {
  readonly shell: boolean
  readonly value: string
  /** argv including argv[0]; only without `shell`. */
  readonly arguments: ReadonlyArray<string>
  readonly environment: ReadonlyArray<{ readonly name: string; readonly value: string }>
  /** The user the task itself asked for (`CommandInfo.user`). */
  readonly user: string | null
}

/** All that an agent needs to run a task, as accepted by the master. */
export interface TaskSpec {
  readonly taskId: string
  readonly frameworkId: string
  readonly agentId: string
  readonly name: string
  readonly role: string
  /** See `resources/HeldResources.ts`. */
  readonly resources: PlainResources
  readonly command: TaskCommand
  /** The framework's user, for tasks that ask for none (`FrameworkInfo.user`); empty = the agent's default. */
  readonly frameworkUser: string
  /** Whose framework it is, for a master that knows it from its tasks only; null = nobody's, missing = launched by a release until 0.3. */
  readonly principal?: string | null
  /** Time between SIGTERM and SIGKILL; null = the agent's default (spec/mesos.md §3.5: 3 s). */
  readonly killGraceMs: number | null
  readonly labels: ReadonlyArray<Label>
  /** It fails when it still runs this long after it was started; missing = it may run for ever. */
  readonly maxCompletionMs?: number
  /** What it said of itself for others to read (`DiscoveryInfo`, `ContainerInfo`), as JSON in Mesos's words. */
  readonly shown?: { readonly discovery?: object; readonly container?: object }
  /** Of a task of a group. */
  readonly executor?: ExecutorSpec
}

/** What the tasks of a group have in common. */
export interface ExecutorSpec {
  readonly executorId: string
  /** Held as long as one of its tasks lives. */
  readonly resources: PlainResources
  /** Tasks that were launched together, and end together when one of them fails. An executor may have several groups. */
  readonly groupId: string
}

/** The host is to be empty: what that means for one of its tasks. */
export interface DrainOrder {
  /** It gets no more time than this, however long its grace; null = its grace. */
  readonly graceMaxMs: number | null
  /** Its host is gone afterwards, and its framework knows what that means. */
  readonly isGone: boolean
}

export type StatusSource = "SOURCE_MASTER" | "SOURCE_AGENT" | "SOURCE_EXECUTOR"

/** One status of a task. With a `uuid` the framework must acknowledge it; without, it must not. */
export interface TaskStatus {
  readonly taskId: string
  readonly frameworkId: string
  readonly agentId: string | null
  readonly state: TaskState
  readonly source: StatusSource
  readonly reason: string | null
  readonly message: string | null
  readonly uuid: string | null
  /** Wall time as people see it, ms since 1970. */
  readonly wallMs: number
  /** Since when its agent is unreachable; only of the master's own statuses of such tasks. */
  readonly unreachableWallMs?: number
  readonly containerId: string | null
  readonly labels: ReadonlyArray<Label>
  /** Of a task of a group: its executor. That of any other is called as its task. */
  readonly executorId?: string
  /** Of a task of a group: what its executor's container is called. */
  readonly parentContainerId?: string
  /** On its host, the process that waits for the task's end; missing before the task runs. */
  readonly executorPid?: number
  /** Where the container is reached: it has its host's network. Said by the master, which knows the agent's address. */
  readonly ip?: string
}

/** Identity of a task in the whole cluster. Neither id may contain a slash (spec/mesos.md §0). */
export const taskKey = (frameworkId: string, taskId: string): string => `${frameworkId}/${taskId}`

/** The reverse of {@link taskKey}. */
export const taskOfKey = (key: string): { readonly frameworkId: string; readonly taskId: string } => {
  const slash = key.lastIndexOf("/")
  return { frameworkId: key.slice(0, slash), taskId: key.slice(slash + 1) }
}

/** Why a text may not be an id of a task (spec/mesos.md §0, last paragraph); undefined when it may. */
export const idProblem = (id: string): string | undefined => {
  if (id === "") return "ID must not be empty"
  if (id.length > 255) return `ID must not be longer than 255 characters, this one has ${id.length}`
  if (id === "." || id === "..") return `'${id}' is disallowed`
  for (let index = 0; index < id.length; index++) {
    const code = id.charCodeAt(index)
    if (code < 32 || code === 127 || code === 47 || code === 92) return `'${id}' contains invalid characters`
  }
  return undefined
}
