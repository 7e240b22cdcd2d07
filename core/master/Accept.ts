import { resourcesBeyond } from "../resources/Difference.ts"
import { addResources, noResources, type Resources, subtractResources } from "../resources/Resources.ts"
import { type MasterContext, sendMasterStatus } from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { launchGroupOrRefuse } from "./GroupLaunches.ts"
import { launchOrRefuse } from "./Launches.ts"
import { endOffer, refuse } from "./Offers.ts"
import type { OperationRequest } from "./OperationRequest.ts"
import { convertOrRefuse, refuseOperation } from "./Operations.ts"
import type { FrameworkRecord, OfferRecord } from "./State.ts"

/**
 * ACCEPT (spec/mesos.md §2.4): the offers are combined, each operation takes its part or changes it, in order, and the unused rest is
 * declined with the call's filter. What an operation made and nobody used is not declined: it comes back at once. One bad offer makes
 * the whole call invalid.
 */
export const onOffersAccepted = (context: MasterContext, event: MasterEventOf<"OffersAccepted">): void => {
  const { state } = context
  const framework = state.frameworks.get(event.frameworkId)
  if (framework === undefined) return
  const offers = event.offerIds
    .map((id) => state.offers.get(id))
    .filter((offer): offer is OfferRecord => offer !== undefined && offer.frameworkId === framework.id)
  const problem = offersProblem(event.offerIds, offers)
  if (problem !== undefined) {
    // What is still valid comes back: at once in Mesos (spec/mesos.md §1.6), else after the shortest pause, or whoever errs
    // in a loop would go round and round with the master.
    for (const offer of new Set(offers)) {
      endOffer(context, offer)
      refuse(context, offer, offer.resources, { refuseMs: 0, isDecline: false })
    }
    for (const operation of event.operations) refuseWithOffers(context, framework, operation, problem)
    return
  }
  const first = offers[0]!
  let offered: Resources = noResources
  for (const offer of offers) {
    offered = addResources(offered, offer.resources)
    endOffer(context, offer)
  }
  const principal = event.principal === undefined ? null : event.principal
  let left = offered
  for (const operation of event.operations) {
    left = carryOut(context, framework, first, operation, principal, left)
  }
  // Whoever uses nothing has declined, whatever it calls it.
  const isDecline = left === offered
  if (!isDecline) state.allocator.noteAccepted(framework.id, first.role)
  const converted = isDecline ? noResources : resourcesBeyond(left, offered)
  const unused = subtractResources(left, converted)
  refuse(context, first, unused, { refuseMs: event.refuseMs, isDecline })
}

/** Does one operation with what is left; returns what is left then. */
const carryOut = (
  context: MasterContext,
  framework: FrameworkRecord,
  offer: OfferRecord,
  operation: OperationRequest,
  principal: string | null,
  left: Resources,
): Resources => {
  switch (operation.type) {
    case "LAUNCH":
      return operation.tasks.reduce(
        (rest, task) => launchOrRefuse(context, framework, offer, task, rest),
        left,
      )
    case "LAUNCH_GROUP":
      return launchGroupOrRefuse(context, framework, offer, operation, left)
    case "RESERVE":
    case "UNRESERVE":
    case "CREATE":
    case "DESTROY":
      return convertOrRefuse(context, framework, offer, operation, principal, left)
    default:
      refuseOperation(context, framework, operation, operation.problem || "Not supported")
      return left
  }
}

/** Nothing of an ACCEPT with bad offers is done. */
const refuseWithOffers = (
  context: MasterContext,
  framework: FrameworkRecord,
  operation: OperationRequest,
  problem: string,
): void => {
  if (operation.type !== "LAUNCH" && operation.type !== "LAUNCH_GROUP") {
    const message = `Operation attempted with invalid offers: ${problem}`
    return refuseOperation(context, framework, operation, message)
  }
  for (const task of operation.tasks) {
    const message = `Task launched with invalid offers: ${problem}`
    sendMasterStatus(context, framework, task, "TASK_DROPPED", "REASON_INVALID_OFFERS", message)
  }
}

/** Why these offers cannot be accepted together; undefined when they can. */
const offersProblem = (
  ids: ReadonlyArray<string>,
  offers: ReadonlyArray<OfferRecord>,
): string | undefined => {
  if (ids.length === 0) return "No offers specified"
  const found = new Set(offers.map((offer) => offer.id))
  const gone = ids.find((id) => !found.has(id))
  if (gone !== undefined) return `Offer ${gone} is no longer valid`
  const repeated = ids.find((id, index) => ids.indexOf(id) < index)
  if (repeated !== undefined) return `Duplicate offer ${repeated} in offer list`
  const { agentId, role } = offers[0]!
  const stranger = offers.find((offer) => offer.agentId !== agentId)
  if (stranger !== undefined) {
    return `Aggregated offers must belong to one single agent. Offer ${stranger.id} uses agent ${stranger.agentId} and agent ${agentId}`
  }
  const other = offers.find((offer) => offer.role !== role)
  if (other !== undefined) {
    return `Aggregated offers must be allocated to the same role. Offer ${other.id} uses role ${other.role} but another is using role ${role}`
  }
  return undefined
}
