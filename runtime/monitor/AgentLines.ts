import type { AgentLine, HostAmounts, ToldTask } from "../protocol/MonitorProtocol.ts"

/** A task list longer than this is no list of one host's tasks. */
const tasksMost = 10_000

/** Checks one line of the agent by hand: no Effect in this process. Returns the line, or why it is none. */
export const parseAgentLine = (text: string): AgentLine | string => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return "it is not JSON"
  }
  if (!isObject(parsed)) return "it is not an object"
  switch (parsed.type) {
    case "Granted":
      return checkGranted(parsed)
    case "Heard": {
      if (!isWhole(parsed.number)) return "Heard.number is not a whole number"
      if (parsed.tasks === undefined) return { type: "Heard", number: parsed.number }
      const tasks = checkTasks(parsed.tasks)
      return typeof tasks === "string" ? tasks : { type: "Heard", number: parsed.number, tasks }
    }
    case "Refused":
    case "Revoked":
      return typeof parsed.reason === "string"
        ? { type: parsed.type, reason: parsed.reason.slice(0, 1_000) }
        : `${parsed.type}.reason is not a text`
    default:
      return `its type is ${JSON.stringify(parsed.type)}, expected Granted, Refused, Heard or Revoked`
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isWhole = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0

const isMeasure = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0

/** The parent's folder below each hierarchy's root; never a way out of it. */
const isCgroupParent = (value: unknown): value is string =>
  typeof value === "string" && /^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*){0,9}$/.test(value)

const checkGranted = (parsed: Record<string, unknown>): AgentLine | string => {
  const { protocolVersion, cgroupParent, lent } = parsed
  if (!isWhole(protocolVersion)) return "Granted.protocolVersion is not a whole number"
  if (!isCgroupParent(cgroupParent)) return "Granted.cgroupParent is not the name of a cgroup"
  if (!isAmounts(lent)) return "Granted.lent is not an amount of cpuMilli and memMilli"
  const tasks = checkTasks(parsed.tasks)
  return typeof tasks === "string" ? tasks : { type: "Granted", protocolVersion, cgroupParent, lent, tasks }
}

const isAmounts = (value: unknown): value is HostAmounts & Record<string, unknown> =>
  isObject(value) && isWhole(value.cpuMilli) && isWhole(value.memMilli)

const checkTasks = (value: unknown): ReadonlyArray<ToldTask> | string => {
  if (!Array.isArray(value)) return "tasks is not a list"
  if (value.length > tasksMost) return `tasks has ${value.length} entries, expected at most ${tasksMost}`
  const bad = value.findIndex((task) => !isTask(task))
  return bad < 0 ? (value as ReadonlyArray<ToldTask>) : `tasks[${bad}] is not a task: ${describe(value[bad])}`
}

const describe = (value: unknown): string => JSON.stringify(value).slice(0, 200)

const isTask = (value: unknown): boolean =>
  isObject(value) &&
  typeof value.containerId === "string" &&
  /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/.test(value.containerId) &&
  typeof value.frameworkId === "string" &&
  typeof value.taskId === "string" &&
  typeof value.priority === "number" &&
  isMeasure(value.ageMs) &&
  isMeasure(value.lostWork) &&
  isWhole(value.cpuMilli) &&
  isWhole(value.memMilli) &&
  typeof value.isFrozen === "boolean"
