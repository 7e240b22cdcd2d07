import { Effect, Either } from "effect"
import { mayCallAgent } from "../../access/AgentRules.ts"
import { seenRoles } from "../../access/SeenRoles.ts"
import { build, buildView } from "../../Build.ts"
import type { Cgroups } from "../../cgroups/Cgroups.ts"
import {
  forbidden,
  type HttpRefusal,
  type HttpReply,
  type HttpRequest,
  jsonReply,
  notFound,
  refuse,
} from "../../http/HttpMessage.ts"
import { checkAccept, readJsonObject } from "../../http/JsonRequest.ts"
import { type AgentCall, readAgentCall } from "../../mesos/AgentCall.ts"
import { getLoggingLevel, setLoggingLevel } from "../../mesos/LoggingLevel.ts"
import { getContainers } from "./Containers.ts"
import { getExecutors } from "./Executors.ts"
import { type AgentFacts, type Seen, seenBy } from "./Facts.ts"
import type { SandboxFileCalls } from "./Files.ts"
import { agentMetrics } from "./Metrics.ts"
import { getAgent, getFrameworks, getOperations, getState, getTasks } from "./State.ts"

// POST /api/v1 of an agent: type → handler (spec/mesos.md §2.11, "Agent v1").

/** What stands in the reply's member of the call's name; undefined leaves the member out. */
type Question = (seen: Seen) => object | undefined

const getMetrics: Question = ({ facts, allTasks }) => ({
  metrics: Object.entries(agentMetrics(facts, allTasks)).map(([name, value]) => ({ name, value })),
})

const questions: { readonly [type: string]: Question } = {
  GET_HEALTH: () => ({ healthy: true }),
  GET_FLAGS: ({ flags }) => ({ flags: flags ?? [] }),
  GET_VERSION: ({ facts }) => ({ version_info: { version: facts.identity.version, ...buildView(build) } }),
  GET_METRICS: getMetrics,
  GET_STATE: getState,
  GET_FRAMEWORKS: getFrameworks,
  GET_EXECUTORS: getExecutors,
  GET_OPERATIONS: getOperations,
  GET_TASKS: getTasks,
  GET_AGENT: getAgent,
  GET_RESOURCE_PROVIDERS: () => ({}),
}

/** Who is asked about a container that is not there, in Mesos's words. */
const absentContainers: { readonly [type: string]: (id: string) => string } = {
  WAIT_CONTAINER: (id) => `Container ${id} cannot be found`,
  WAIT_NESTED_CONTAINER: (id) => `Container ${id} cannot be found`,
  KILL_CONTAINER: (id) => `Container '${id}' cannot be found (or is already killed)`,
  KILL_NESTED_CONTAINER: (id) => `Container '${id}' cannot be found (or is already killed)`,
  REMOVE_CONTAINER: (id) => `Container ${id} cannot be found`,
  REMOVE_NESTED_CONTAINER: (id) => `Container ${id} cannot be found`,
  ATTACH_CONTAINER_INPUT: (id) => `Container ${id} cannot be found`,
  ATTACH_CONTAINER_OUTPUT: (id) => `Container ${id} cannot be found`,
}

const insteadOf: { readonly [type: string]: string } = {
  LAUNCH_CONTAINER: "launch a task through a framework",
  LAUNCH_NESTED_CONTAINER: "launch a task of its own, or a group of tasks, through a framework",
  LAUNCH_NESTED_CONTAINER_SESSION: "launch a task of its own through a framework",
  WAIT_CONTAINER: "a framework is told when its task ends",
  KILL_CONTAINER: "kill the task through its framework",
  REMOVE_CONTAINER: "it goes with its task",
  ATTACH_CONTAINER_INPUT: "tasks have no input",
  ATTACH_CONTAINER_OUTPUT: "read stdout and stderr of its sandbox by READ_FILE",
}

/** Ids as Mesos writes them: the parent's first. */
const idText = ({ value, parent }: { readonly value: string; readonly parent?: unknown }): string =>
  parent === undefined ? value : `${idText(parent as { readonly value: string })}.${value}`

/** Every container here is that of a task, and goes with it. */
const refuseContainerCall = (call: AgentCall, { facts }: Seen): HttpRefusal => {
  const { type } = call
  const id = (call as { readonly [name: string]: unknown })[type.toLowerCase()] as
    | { readonly container_id?: { readonly value: string; readonly parent?: unknown } }
    | undefined
  const name = id?.container_id === undefined ? undefined : idText(id.container_id)
  const isThere = [...facts.state.tasks.values()].some(({ containerId }) => containerId === name)
  if (name !== undefined && !isThere && Object.hasOwn(absentContainers, type)) {
    return notFound(absentContainers[type]!(name))
  }
  // UNKNOWN is a type of Mesos's, and no call.
  if (type === "UNKNOWN") return refuse(501, "501 Not Implemented.")
  const instead = insteadOf[type] ?? insteadOf[type.replace("_NESTED", "")]
  const hint = instead === undefined ? "" : `: ${instead}`
  return refuse(501, `501 Not Implemented. gleaner's agents do not take the call ${type}${hint}`)
}

const answer = (
  call: AgentCall,
  seen: Seen,
  files: SandboxFileCalls,
): Effect.Effect<HttpReply, HttpRefusal, Cgroups> => {
  const { type } = call
  const reply = (told: object | undefined) =>
    jsonReply(told === undefined ? { type } : { type, [type.toLowerCase()]: seenRoles(told, seen.caller) })
  if (Object.hasOwn(questions, type)) return Effect.sync(() => reply(questions[type]!(seen)))
  switch (type) {
    case "GET_CONTAINERS":
      return Effect.map(getContainers(seen), reply)
    case "GET_LOGGING_LEVEL":
      return Effect.map(getLoggingLevel, reply)
    case "SET_LOGGING_LEVEL": {
      const { level, duration } = call.set_logging_level!
      return setLoggingLevel(level, duration.nanoseconds / 1e6)
    }
    case "LIST_FILES":
      return files.listFiles(call.list_files!.path)
    case "READ_FILE": {
      const { path, offset, length } = call.read_file!
      return files.readFile(path, offset, length)
    }
    default:
      return refuseContainerCall(call, seen)
  }
}

/** The checks in the order of Mesos: body, call, Accept (spec/mesos.md §2.2, rows 5–9). */
export const answerAgentCall = (
  request: HttpRequest,
  facts: () => AgentFacts,
  files: SandboxFileCalls,
): Effect.Effect<HttpReply, HttpRefusal, Cgroups> =>
  Effect.gen(function* () {
    const read = readAgentCall(yield* readJsonObject(request))
    if (Either.isLeft(read)) return yield* refuse(read.left.status, read.left.message)
    const call = read.right
    const notAcceptable = checkAccept(request)
    if (notAcceptable !== undefined) return yield* notAcceptable
    if (!mayCallAgent(request.caller, call)) return yield* forbidden()
    return yield* answer(call, seenBy(request.caller, facts()), files)
  })
