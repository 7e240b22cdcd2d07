import { isResourceName } from "../../core/resources/Quantities.ts"
import { type Label, type TaskStatus, taskStates } from "../../core/Task.ts"
import type { AgentReport } from "./AgentProtocol.ts"

// An agent's report read by hand, for the same reason and under the same law as in runtime/mesos/QuickCall.ts: what is not exactly as
// an agent of this release writes it is left to the Schema.

type Json = { readonly [member: string]: unknown }

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === "string"

const isMessageNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 2 ** 52

const states: ReadonlySet<unknown> = new Set(taskStates)
const sources: ReadonlySet<unknown> = new Set(["SOURCE_MASTER", "SOURCE_AGENT", "SOURCE_EXECUTOR"])

/** As many as the Schema takes. */
const resourceNamesMax = 64

const isReserve = (value: unknown): value is AgentReport["reserve"] => {
  if (!isObject(value)) return false
  const names = Object.keys(value)
  if (names.length > resourceNamesMax) return false
  for (const name of names) {
    const amount = value[name]
    if (!Number.isSafeInteger(amount) || (amount as number) < 0 || (amount as number) > 1e12) return false
    if (!isResourceName(name)) return false
  }
  return true
}

const readLabels = (value: unknown): ReadonlyArray<Label> | undefined => {
  if (!Array.isArray(value)) return undefined
  const labels: Array<Label> = []
  for (const item of value) {
    if (!isObject(item) || typeof item.key !== "string" || typeof item.value !== "string") return undefined
    labels.push({ key: item.key, value: item.value })
  }
  return labels
}

const readStatus = (value: unknown): TaskStatus | undefined => {
  if (!isObject(value)) return undefined
  const { taskId, frameworkId, agentId, state, source, reason, message, uuid, wallMs, containerId } = value
  const labels = readLabels(value.labels)
  if (typeof taskId !== "string" || typeof frameworkId !== "string" || typeof wallMs !== "number")
    return undefined
  if (!states.has(state) || !sources.has(source) || labels === undefined) return undefined
  if (!isTextOrNull(agentId) || !isTextOrNull(reason) || !isTextOrNull(message)) return undefined
  if (!isTextOrNull(uuid) || !isTextOrNull(containerId)) return undefined
  const { executorId } = value
  if (executorId !== undefined && typeof executorId !== "string") return undefined
  const { parentContainerId, executorPid } = value
  if (parentContainerId !== undefined && typeof parentContainerId !== "string") return undefined
  if (executorPid !== undefined && typeof executorPid !== "number") return undefined
  // No agent says these; should one, the Schema reads them.
  if (value.unreachableWallMs !== undefined || value.ip !== undefined) return undefined
  return {
    taskId,
    frameworkId,
    agentId,
    state: state as TaskStatus["state"],
    source: source as TaskStatus["source"],
    reason,
    message,
    uuid,
    wallMs,
    containerId,
    labels,
    ...(executorId === undefined ? {} : { executorId }),
    ...(parentContainerId === undefined ? {} : { parentContainerId }),
    ...(executorPid === undefined ? {} : { executorPid }),
  }
}

const readStatuses = (value: unknown): AgentReport["statuses"] | undefined => {
  if (!Array.isArray(value)) return undefined
  const statuses: Array<AgentReport["statuses"][number]> = []
  for (const item of value) {
    const status = isObject(item) && states.has(item.latestState) ? readStatus(item.status) : undefined
    if (status === undefined) return undefined
    statuses.push({ status, latestState: item.latestState })
  }
  return statuses
}

/** The report as its Schema reads it, or undefined when that has to say what it is. */
export const readQuickReport = (json: Json): AgentReport | undefined => {
  const { agentId, streamId, number, processedId, reserve, isStopping } = json
  if (typeof agentId !== "string" || typeof streamId !== "string") return undefined
  if (!isMessageNumber(number) || !isMessageNumber(processedId) || typeof isStopping !== "boolean")
    return undefined
  const { outcomes } = json
  // There are few: those of operations other than launches.
  if (!Array.isArray(outcomes) || outcomes.length > 0) return undefined
  const statuses = readStatuses(json.statuses)
  if (statuses === undefined || !isReserve(reserve)) return undefined
  return {
    agentId,
    streamId,
    number,
    processedId,
    reserve: { ...reserve },
    isStopping,
    outcomes: [],
    statuses,
  }
}
