import { nextUuid } from "../Prng.ts"
import { idProblem } from "../Task.ts"
import {
  deleteOperation,
  type MasterContext,
  operationDeadline,
  operationsOfAgent,
  operationsOfFramework,
  putOperation,
} from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import {
  type OperationOutcome,
  type OperationRecord,
  type OperationRef,
  type OperationStatus,
  operationKey,
  operationsMax,
} from "./Operation.ts"
import type { ConversionRequest } from "./OperationRequest.ts"
import type { AgentRecord, FrameworkRecord } from "./State.ts"
import { hasRecoveredAgents, isRecovered } from "./Statuses.ts"

// What becomes of operations with an id, told to their framework until it acknowledges (spec/mesos.md §2.12). The agent says once
// whether it could; the repetition is the master's.

/** As for statuses of tasks (spec/mesos.md §2.7): first after 10 s, then doubling up to 10 min. */
const retryMsMin = 10_000
const retryMsMax = 600_000

/** Why an operation cannot be followed under this id; undefined when it can. */
export const feedbackProblem = (
  { state }: MasterContext,
  frameworkId: string,
  operationId: string | null,
): string | undefined => {
  if (operationId === null) return undefined
  // It is kept by the master and by the agent.
  const badId = idProblem(operationId)
  if (badId !== undefined) return `Operation ${badId}`
  if (state.operations.has(operationKey({ frameworkId, operationId }))) {
    return `Operation ID '${operationId}' is in use until its status is acknowledged`
  }
  return state.operationsByFramework.countOf(frameworkId) >= operationsMax
    ? `${operationsMax} operations of this framework wait to be acknowledged; no more are taken`
    : undefined
}

/** Without uuid: nothing is to be acknowledged, and nothing is repeated. */
export const tellOperation = (
  { turn }: MasterContext,
  { streamId }: FrameworkRecord,
  status: Omit<OperationStatus, "uuid">,
): void => {
  if (streamId === null) return
  turn.emit({ type: "SendOperationStatus", streamId, status: { ...status, uuid: null } })
}

export const beginOperation = (
  context: MasterContext,
  { frameworkId, operationId }: OperationRef,
  agentId: string,
  { type, resources }: ConversionRequest,
): void =>
  putOperation(context, {
    ...{ frameworkId, operationId, agentId, type, resources },
    state: "OPERATION_PENDING",
    message: null,
    uuid: null,
    retryAtMs: null,
    retryMs: retryMsMin,
  })

const statusOf = ({ operationId, state, message, uuid, agentId }: OperationRecord): OperationStatus => ({
  ...{ operationId, state, message, uuid, agentId },
})

/** Sends a final status, when its framework is there, and says when it is sent again. */
const send = (context: MasterContext, record: OperationRecord): void => {
  const { state, turn, nowMs } = context
  const retryAtMs = nowMs + record.retryMs
  putOperation(context, { ...record, retryAtMs, retryMs: Math.min(2 * record.retryMs, retryMsMax) })
  state.deadlines.set(operationDeadline(operationKey(record)), retryAtMs)
  const framework = state.frameworks.get(record.frameworkId)
  if (framework === undefined || framework.streamId === null) return
  turn.emit({ type: "SendOperationStatus", streamId: framework.streamId, status: statusOf(record) })
}

export const onOperationDue = (context: MasterContext, key: string): void => {
  const record = context.state.operations.get(key)
  if (record !== undefined) send(context, record)
}

/** After a failover nothing waits: every final status is told again at once. */
export const sendFinalStatuses = (context: MasterContext, frameworkId: string): void => {
  for (const record of operationsOfFramework(context.state, frameworkId)) {
    if (record.uuid !== null) send(context, { ...record, retryMs: retryMsMin })
  }
}

export const onOperationReported = (
  context: MasterContext,
  event: MasterEventOf<"OperationReported">,
): void => settleOperation(context, event.agentId, event.outcome)

/** The agent hears that it need not say it again, also of what nobody waits for any more. */
export const settleOperation = (
  context: MasterContext,
  agentId: string,
  { frameworkId, operationId, problem }: OperationOutcome,
): void => {
  const { state, turn } = context
  const message = { type: "AcknowledgeOperation", frameworkId, operationId } as const
  turn.emit({ type: "SendToAgent", agentId, message })
  const record = state.operations.get(operationKey({ frameworkId, operationId }))
  if (record === undefined || record.agentId !== agentId || record.state !== "OPERATION_PENDING") return
  send(context, {
    ...record,
    state: problem === null ? "OPERATION_FINISHED" : "OPERATION_FAILED",
    message: problem,
    uuid: nextUuid(state.prng),
  })
}

/** Anything but the uuid of its final status is ignored. */
export const onOperationAcknowledged = (
  context: MasterContext,
  event: MasterEventOf<"OperationAcknowledged">,
): void => {
  const record = context.state.operations.get(operationKey(event))
  if (record === undefined || record.uuid !== event.uuid) return
  if (event.agentId !== null && event.agentId !== record.agentId) return
  forgetOperation(context, record)
}

const forgetOperation = (context: MasterContext, record: OperationRecord): void => {
  context.state.deadlines.cancel(operationDeadline(operationKey(record)))
  deleteOperation(context, record)
}

/** Nobody is left to hear of them. */
export const forgetOperationsOf = (context: MasterContext, frameworkId: string): void => {
  for (const record of operationsOfFramework(context.state, frameworkId)) forgetOperation(context, record)
}

/** Whether pending ones were done shows when the agent is back, or never. */
export const tellAgentLost = (
  context: MasterContext,
  agent: AgentRecord,
  state: "OPERATION_UNREACHABLE" | "OPERATION_GONE_BY_OPERATOR",
  message: string,
): void => {
  for (const record of operationsOfAgent(context.state, agent.id)) {
    if (record.state !== "OPERATION_PENDING") continue
    const framework = context.state.frameworks.get(record.frameworkId)
    if (framework === undefined) continue
    const { operationId, agentId } = record
    tellOperation(context, framework, { operationId, agentId, state, message })
  }
}

/** The agent is forgotten, and nobody will say how they ended. */
export const forgetPendingOn = (context: MasterContext, agentId: string): void => {
  for (const record of operationsOfAgent(context.state, agentId)) {
    if (record.state === "OPERATION_PENDING") forgetOperation(context, record)
  }
}

export const onOperationsReconciled = (
  context: MasterContext,
  event: MasterEventOf<"OperationsReconciled">,
): void => {
  const { state } = context
  const framework = state.frameworks.get(event.frameworkId)
  if (framework === undefined) return
  const asked = event.operations.length > 0 ? event.operations : operationsOfFramework(state, framework.id)
  const isRecovering = hasRecoveredAgents(state)
  for (const { operationId, agentId } of asked) {
    const belief = believed(context, framework, operationId, agentId, isRecovering)
    tellOperation(context, framework, { operationId, ...belief })
  }
}

/** First match, as for tasks (spec/mesos.md §2.8), but who is not sure says so. */
const believed = (
  { state }: MasterContext,
  { id: frameworkId }: FrameworkRecord,
  operationId: string,
  askedAgentId: string | null,
  isRecovering: boolean,
): Omit<OperationStatus, "uuid" | "operationId"> => {
  const record = state.operations.get(operationKey({ frameworkId, operationId }))
  const agentId = record === undefined ? askedAgentId : record.agentId
  const agent = agentId === null ? undefined : state.agents.get(agentId)
  if (
    agent !== undefined &&
    agent.condition === "unreachable" &&
    (record === undefined || record.uuid === null)
  ) {
    const message = "Reconciliation: Agent is unreachable"
    return { state: "OPERATION_UNREACHABLE", message, agentId }
  }
  if (record !== undefined) {
    return { state: record.state, message: "Reconciliation: Latest operation status", agentId }
  }
  if (askedAgentId !== null && state.gone.has(askedAgentId)) {
    const message = "Reconciliation: Agent is gone"
    return { state: "OPERATION_GONE_BY_OPERATOR", message, agentId }
  }
  // Of an operation on nobody knows which agent any that is not back yet may tell.
  const isUnsure = askedAgentId === null ? isRecovering : agent !== undefined && isRecovered(state, agent)
  return isUnsure
    ? { state: "OPERATION_RECOVERING", message: "Reconciliation: Agent is recovering", agentId }
    : { state: "OPERATION_UNKNOWN", message: "Reconciliation: Operation is unknown", agentId }
}
