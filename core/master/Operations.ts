import { type Conversion, type ConversionType, conversionOf, volumesIn } from "../resources/Conversion.ts"
import { resourcesBeyond } from "../resources/Difference.ts"
import { heldResources } from "../resources/HeldResources.ts"
import { resourcesToMesosText } from "../resources/MesosText.ts"
import { resourcesToPlain } from "../resources/PlainForm.ts"
import { reservationRole } from "../resources/Resource.ts"
import {
  addResources,
  containsResources,
  isNoResources,
  noResources,
  type Resources,
  subtractResources,
} from "../resources/Resources.ts"
import type { AgentMessage, MasterAction } from "./Action.ts"
import { checkpointedOn, convertAgent, crowdProblem } from "./AgentResources.ts"
import { agentText } from "./AgentText.ts"
import { type MasterContext, offersOfAgent, putAgent } from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { beginOperation, feedbackProblem, tellOperation } from "./Feedback.ts"
import { compareAge, rescindOffer, wantAllocationNow } from "./Offers.ts"
import { type OperationRef, operationKey, type ToldOperation } from "./Operation.ts"
import type { ConversionRequest, UnservedRequest } from "./OperationRequest.ts"
import { operationProblem } from "./OperationValidation.ts"
import type { AgentRecord, FrameworkRecord, MasterState, OfferRecord } from "./State.ts"

// Reservations and volumes: what frameworks make of what they are offered, and operators of what is free (spec/mesos.md §1.8).

/** Does it on the agent's record; the agent is told, and remembers. What is consumed must be free. */
const apply = (
  context: MasterContext,
  agent: AgentRecord,
  type: ConversionType,
  conversion: Conversion,
  operation: OperationRef | null,
): void => {
  const after = convertAgent(agent, conversion)
  putAgent(context, after)
  tellCheckpointed(context, after, operation, type === "DESTROY" ? conversion.consumed : noResources)
}

type Checkpoint = Extract<AgentMessage, { readonly type: "CheckpointResources" }>

/**
 * Only what is named as destroyed is deleted: a master that has forgotten a volume must not cost its data. A message says all that there
 * is, which may be much, so of several in a row only the last one goes out, and answers for all of them.
 */
export const tellCheckpointed = (
  { state, turn }: MasterContext,
  agent: AgentRecord,
  operation: OperationRef | null,
  destroyed: Resources = noResources,
): void => {
  const present = checkpointedOn(agent)
  const last = turn.actions[turn.actions.length - 1]
  const before = last === undefined ? undefined : checkpointIn(last, agent)
  const gone = before === undefined ? noResources : heldResources(before.destroyed)
  const isOne = before !== undefined && !isMadeAgain(present, gone)
  if (isOne) turn.actions.pop()
  const earlier = isOne ? toldIn(state, before) : []
  const operations = operation === null ? earlier : earlier.concat(toTold(state, operation))
  const allGone = isOne && !containsResources(destroyed, gone) ? addResources(gone, destroyed) : destroyed
  const message: Checkpoint = {
    type: "CheckpointResources",
    resources: resourcesToPlain(present),
    destroyed: resourcesToPlain(allGone),
    operation: null,
  }
  turn.emit({
    type: "SendToAgent",
    agentId: agent.id,
    message: operations.length === 0 ? message : { ...message, ...answering(operations) },
  })
}

const checkpointIn = (action: MasterAction, { id }: AgentRecord): Checkpoint | undefined =>
  action.type === "SendToAgent" && action.agentId === id && action.message.type === "CheckpointResources"
    ? action.message
    : undefined

/** One that is destroyed and made again is told in two messages, so that nothing of the old one is left in the new one. */
const isMadeAgain = (present: Resources, destroyed: Resources): boolean => {
  if (isNoResources(destroyed)) return false
  const names = new Set(volumeNamesIn(destroyed))
  return volumeNamesIn(present).some((name) => names.has(name))
}

const volumeNamesIn = (resources: Resources): ReadonlyArray<string> =>
  volumesIn(resources).map(({ kind }) => JSON.stringify([reservationRole(kind), kind.disk!.persistence!.id]))

const toTold = (state: MasterState, { frameworkId, operationId }: OperationRef): ToldOperation => {
  const record = state.operations.get(operationKey({ frameworkId, operationId }))
  const isReservation = record !== undefined && (record.type === "RESERVE" || record.type === "UNRESERVE")
  return { frameworkId, operationId, hasVolumes: !isReservation }
}

const toldIn = (
  state: MasterState,
  { operation, operations = [] }: Checkpoint,
): ReadonlyArray<ToldOperation> => (operation === null ? operations : [toTold(state, operation)])

/** One alone is told as agents have known it from the beginning, which wait for its volumes if it has any. */
const answering = (
  operations: ReadonlyArray<ToldOperation>,
): Pick<Checkpoint, "operation" | "operations"> => {
  if (operations.length > 1) return { operation: null, operations }
  const { frameworkId, operationId } = operations[0]!
  return { operation: { frameworkId, operationId } }
}

/**
 * One operation of an ACCEPT on what is left of its offers, which are ended; returns what is left then. An invalid one is dropped, or
 * told as an error when it has an id, and does not stop those after it (mesos-transcripts README, 11).
 */
export const convertOrRefuse = (
  context: MasterContext,
  framework: FrameworkRecord,
  { agentId, role }: OfferRecord,
  request: ConversionRequest,
  principal: string | null,
  left: Resources,
): Resources => {
  const { operationId } = request
  const agent = context.state.agents.get(agentId)!
  const resources = heldResources(request.resources)
  const conversion = conversionOf(request.type, resources)
  const invalid = operationProblem(agent, request.type, resources, { principal, role })
  const problem =
    request.problem ||
    (invalid === undefined ? undefined : `${invalid}; on agent ${agentText(agent)}`) ||
    request.unauthorized ||
    allocationProblem(request, role) ||
    attainProblem(agent, left, conversion) ||
    feedbackProblem(context, framework.id, operationId)
  if (problem !== undefined) {
    refuseOperation(context, framework, request, problem)
    return left
  }
  const ref = operationId === null ? null : { frameworkId: framework.id, operationId }
  if (ref !== null) beginOperation(context, ref, agentId, request)
  apply(context, agent, request.type, conversion, ref)
  const after = addResources(subtractResources(left, conversion.consumed), conversion.converted)
  return withoutMissing(after, context.state.allocator.availableOn(agentId))
}

/**
 * What an operation freed may be gone already: a reserve that lacked it takes it at once, and so do tasks that hold more than their host
 * has by now. Nothing may be launched on that.
 */
const withoutMissing = (left: Resources, available: Resources): Resources =>
  containsResources(available, left) ? left : subtractResources(left, resourcesBeyond(left, available))

const allocationProblem = ({ role }: ConversionRequest, offered: string): string | undefined =>
  role === null || role === offered
    ? undefined
    : `The resources are allocated to role '${role}' while the offers are allocated to role '${offered}'`

/** Without the agent, as in Mesos: of what is refused nobody can be sure where it was meant for. */
export const refuseOperation = (
  context: MasterContext,
  framework: FrameworkRecord,
  { operationId }: ConversionRequest | UnservedRequest,
  message: string,
): void => {
  if (operationId === null) return
  tellOperation(context, framework, { operationId, state: "OPERATION_ERROR", message, agentId: null })
}

/** Why what is available cannot become this on the agent; undefined when it can. */
const attainProblem = (
  agent: AgentRecord,
  available: Resources,
  conversion: Conversion,
): string | undefined =>
  containsResources(available, conversion.consumed)
    ? crowdProblem(agent, conversion)
    : shortageText(available, conversion)

const shortageText = (available: Resources, { consumed }: Conversion): string =>
  `${resourcesToMesosText(available)} does not contain ${resourcesToMesosText(consumed)}`

// --- operators ---

/** What an operator wants done on an agent. */
export type OperatorOperation = Pick<
  MasterEventOf<"OperationRequested">,
  "agentId" | "operation" | "resources" | "principal"
>

export interface OperatorRefusal {
  readonly type: "Unknown" | "Invalid" | "Conflict"
  readonly message: string
}

/** Pure, so that the shell can ask right before the step. */
export const refuseOperatorOperation = (
  state: MasterState,
  { agentId, operation, resources: plain, principal }: OperatorOperation,
): OperatorRefusal | undefined => {
  const agent = state.agents.get(agentId)
  if (agent === undefined || agent.condition === "unreachable") {
    return { type: "Unknown", message: "No agent found with specified ID" }
  }
  const resources = heldResources(plain)
  const message = operationProblem(agent, operation, resources, { principal, role: null })
  if (message !== undefined) return { type: "Invalid", message }
  const conversion = conversionOf(operation, resources)
  const attainable = offersOfAgent(state, agentId).reduce(
    (sum, offer) => addResources(sum, offer.resources),
    state.allocator.availableOn(agentId),
  )
  const conflict = attainProblem(agent, attainable, conversion)
  return conflict === undefined ? undefined : { type: "Conflict", message: conflict }
}

/**
 * From what is free; as much of what is only offered as that lacks is taken back, oldest first (mesos-transcripts README, 22). Unlike
 * Mesos, nobody's offer is taken back for what cannot be done anyway.
 */
export const onOperationRequested = (
  context: MasterContext,
  event: MasterEventOf<"OperationRequested">,
): void => {
  const { state } = context
  if (refuseOperatorOperation(state, event) !== undefined) return
  const { agentId, operation } = event
  const conversion = conversionOf(operation, heldResources(event.resources))
  const { consumed } = conversion
  const names = new Set(consumed.map(({ kind }) => kind.key))
  for (const offer of Array.from(offersOfAgent(state, agentId)).sort(compareAge)) {
    if (containsResources(state.allocator.availableOn(agentId), consumed)) break
    if (offer.resources.some(({ kind }) => names.has(kind.key))) rescindOffer(context, offer)
  }
  apply(context, state.agents.get(agentId)!, operation, conversion, null)
  wantAllocationNow(context)
}
