import type { WireCall } from "./CallSchema.ts"
import type { WireOperation } from "./OperationSchema.ts"
import type { WireResource } from "./ResourceSchema.ts"
import type { WireTask } from "./TaskSchema.ts"

// The three calls of which there are several for each launched task, in the forms that nearly all of them have, read by hand: ten times
// faster than by their Schema, which stays what decides. Whatever is unusual (another member than those here, a null, a number as text,
// a mistake) is left to it, and test/runtime/mesos/QuickCall.test.ts proves that both read the same.

type Json = { readonly [member: string]: unknown }

/** `undefined` = not read here. */
type Read<A> = A | undefined

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const hasOnly = (object: Json, members: ReadonlySet<string>): boolean => {
  for (const member of Object.keys(object)) if (!members.has(member)) return false
  return true
}

const readId = (value: unknown): Read<{ readonly value: string }> =>
  isObject(value) && typeof value.value === "string" ? { value: value.value } : undefined

/** A list that is left out is an empty one. */
const readList = <A>(value: unknown, readItem: (item: unknown) => Read<A>): Read<ReadonlyArray<A>> => {
  if (value === undefined) return []
  if (!Array.isArray(value)) return undefined
  const items: Array<A> = []
  for (const each of value) {
    const item = readItem(each)
    if (item === undefined) return undefined
    items.push(item)
  }
  return items
}

const readText = (value: unknown): Read<string> => (typeof value === "string" ? value : undefined)

/** Left out, or of the kind that it should be. */
const isTextOrAbsent = (value: unknown): value is string | undefined =>
  value === undefined || typeof value === "string"

const readFilters = (value: unknown): Read<{ readonly refuse_seconds?: number }> => {
  if (!isObject(value)) return undefined
  const { refuse_seconds: seconds } = value
  if (seconds === undefined) return {}
  return typeof seconds === "number" ? { refuse_seconds: seconds } : undefined
}

/** With `filters` as it is when it is left out, too. */
const withFilters = <A extends object>(call: A, filters: unknown): Read<A> => {
  if (filters === undefined) return call
  const read = readFilters(filters)
  return read && { ...call, filters: read }
}

const resourceMembers = new Set(["name", "type", "scalar", "role", "allocation_info"])

const readResource = (value: unknown): Read<WireResource> => {
  if (!isObject(value) || !hasOnly(value, resourceMembers)) return undefined
  const { name, type, scalar, role, allocation_info: allocation } = value
  if (typeof name !== "string" || type !== "SCALAR" || !isTextOrAbsent(role)) return undefined
  if (!isObject(scalar) || typeof scalar.value !== "number") return undefined
  const isAllocated = isObject(allocation) && typeof allocation.role === "string"
  if (allocation !== undefined && !isAllocated) return undefined
  return {
    name,
    type,
    scalar: { value: scalar.value },
    ...(role === undefined ? {} : { role }),
    ...(isAllocated ? { allocation_info: { role: allocation.role as string } } : {}),
  }
}

/** A pair of texts, of which the second may be left out. */
const readPair =
  <First extends string>(first: First) =>
  (item: unknown): Read<{ readonly [Name in First]: string } & { readonly value?: string }> => {
    if (!isObject(item) || item.type !== undefined || item.secret !== undefined) return undefined
    const { [first]: name, value } = item
    if (typeof name !== "string" || !isTextOrAbsent(value)) return undefined
    return { [first]: name, ...(value === undefined ? {} : { value }) } as ReturnType<
      ReturnType<typeof readPair<First>>
    >
  }

const readVariable = readPair("name")
const readLabel = readPair("key")

const commandMembers = new Set(["shell", "value", "arguments", "user", "environment"])

const readCommand = (value: unknown): Read<NonNullable<WireTask["command"]>> => {
  if (!isObject(value) || !hasOnly(value, commandMembers)) return undefined
  const { shell = true, value: line, user, environment } = value
  const words = readList(value.arguments, readText)
  if (typeof shell !== "boolean" || !isTextOrAbsent(line) || !isTextOrAbsent(user) || words === undefined)
    return undefined
  if (environment !== undefined && !isObject(environment)) return undefined
  const variables = environment && readList(environment.variables, readVariable)
  if (environment !== undefined && variables === undefined) return undefined
  return {
    shell,
    ...(line === undefined ? {} : { value: line }),
    arguments: words,
    ...(user === undefined ? {} : { user }),
    uris: [],
    ...(variables === undefined ? {} : { environment: { variables } }),
  }
}

const taskMembers = new Set(["name", "task_id", "agent_id", "resources", "command", "labels"])

const readTask = (value: unknown): Read<WireTask> => {
  if (!isObject(value) || !hasOnly(value, taskMembers)) return undefined
  const { name, labels } = value
  const taskId = readId(value.task_id)
  const agentId = readId(value.agent_id)
  const resources = readList(value.resources, readResource)
  const command = readCommand(value.command)
  if (typeof name !== "string" || !taskId || !agentId || !resources || !command) return undefined
  const task = { name, task_id: taskId, agent_id: agentId, resources, command }
  if (labels === undefined) return task
  const pairs = isObject(labels) ? readList(labels.labels, readLabel) : undefined
  return pairs && { ...task, labels: { labels: pairs } }
}

const operationMembers = new Set(["type", "launch"])

const readOperation = (value: unknown): Read<WireOperation> => {
  if (!isObject(value) || value.type !== "LAUNCH" || !hasOnly(value, operationMembers)) return undefined
  if (!isObject(value.launch)) return undefined
  const tasks = readList(value.launch.task_infos, readTask)
  return tasks && { type: "LAUNCH", launch: { task_infos: tasks } }
}

const readAccept = (value: Json): Read<NonNullable<WireCall["accept"]>> => {
  const offerIds = readList(value.offer_ids, readId)
  const operations = offerIds && readList(value.operations, readOperation)
  return operations && withFilters({ offer_ids: offerIds, operations }, value.filters)
}

const readDecline = (value: Json): Read<NonNullable<WireCall["decline"]>> => {
  const offerIds = readList(value.offer_ids, readId)
  return offerIds && withFilters({ offer_ids: offerIds }, value.filters)
}

const readAcknowledge = (value: Json): Read<NonNullable<WireCall["acknowledge"]>> => {
  const agentId = readId(value.agent_id)
  const taskId = readId(value.task_id)
  return agentId && taskId && typeof value.uuid === "string" && /^[A-Za-z0-9+/]*=*$/.test(value.uuid)
    ? { agent_id: agentId, task_id: taskId, uuid: value.uuid }
    : undefined
}

/** The call as its Schema reads it, or undefined when that has to say what it is. */
export const readQuickCall = (call: object): WireCall | undefined => {
  const json = call as Json
  const frameworkId = readId(json.framework_id)
  // Its type, its framework and the one member that its type names: another one would have to be looked at, too.
  if (frameworkId === undefined || Object.keys(json).length !== 3) return undefined
  const { type, accept, decline, acknowledge } = json
  if (type === "ACKNOWLEDGE") {
    const read = isObject(acknowledge) ? readAcknowledge(acknowledge) : undefined
    return read && { type, framework_id: frameworkId, acknowledge: read }
  }
  if (type === "ACCEPT") {
    const read = isObject(accept) ? readAccept(accept) : undefined
    return read && { type, framework_id: frameworkId, accept: read }
  }
  if (type === "DECLINE") {
    const read = isObject(decline) ? readDecline(decline) : undefined
    return read && { type, framework_id: frameworkId, decline: read }
  }
  return undefined
}
