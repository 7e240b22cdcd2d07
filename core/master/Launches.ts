import { heldResources } from "../resources/HeldResources.ts"
import { addResources, noResources, type Resources, subtractResources } from "../resources/Resources.ts"
import { bookLaunched, type MasterContext, putTask, sendMasterStatus } from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { launchGroupOrRefuse } from "./GroupLaunches.ts"
import { newTask, specOf } from "./LaunchedTask.ts"
import { endOffer, refuse } from "./Offers.ts"
import type { OperationRequest, TaskRequest } from "./OperationRequest.ts"
import type { FrameworkRecord, OfferRecord } from "./State.ts"
import { taskProblem } from "./TaskValidation.ts"

/**
 * ACCEPT (spec/mesos.md §2.4): the offers are combined, each task is judged alone and takes its part, the unused rest
 * is declined with the call's filter. One bad offer makes the whole call invalid.
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
    for (const launch of tasksOf(event.operations)) {
      const message = `Task launched with invalid offers: ${problem}`
      sendMasterStatus(context, framework, launch, "TASK_DROPPED", "REASON_INVALID_OFFERS", message)
    }
    return
  }
  const first = offers[0]!
  let offered: Resources = noResources
  for (const offer of offers) {
    offered = addResources(offered, offer.resources)
    endOffer(context, offer)
  }
  let left = offered
  for (const operation of event.operations) {
    if (operation.type === "LAUNCH_GROUP") {
      left = launchGroupOrRefuse(context, framework, first, operation, left)
    } else if (operation.type === "LAUNCH") {
      for (const task of operation.tasks) left = launchOrRefuse(context, framework, first, task, left)
    }
  }
  // Whoever launches nothing has declined, whatever it calls it.
  const isDecline = left === offered
  if (!isDecline) state.allocator.noteAccepted(framework.id, first.role)
  refuse(context, first, left, { refuseMs: event.refuseMs, isDecline })
}

const tasksOf = (operations: ReadonlyArray<OperationRequest>): ReadonlyArray<TaskRequest> => {
  const tasks: Array<TaskRequest> = []
  for (const operation of operations) {
    if (operation.type === "LAUNCH" || operation.type === "LAUNCH_GROUP") tasks.push(...operation.tasks)
  }
  return tasks
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

/** Launches one task from what is left; returns what is left then. */
const launchOrRefuse = (
  context: MasterContext,
  framework: FrameworkRecord,
  offer: OfferRecord,
  request: TaskRequest,
  left: Resources,
): Resources => {
  const { state, turn, wallMs } = context
  // Before anything else, as in Mesos: what may not be run is not looked at.
  if (request.unauthorized !== undefined) {
    const { unauthorized } = request
    sendMasterStatus(context, framework, request, "TASK_ERROR", "REASON_TASK_UNAUTHORIZED", unauthorized)
    return left
  }
  const problem = taskProblem(state, framework, offer, request, left)
  if (problem !== undefined || request.command === null) {
    sendMasterStatus(
      context,
      framework,
      request,
      "TASK_ERROR",
      "REASON_TASK_INVALID",
      problem || "No command",
    )
    return left
  }
  const spec = specOf(framework, offer, request, undefined)
  const taken = heldResources(spec.resources)
  bookLaunched(state, spec)
  putTask(context, newTask(spec, wallMs))
  turn.emit({ type: "SendToAgent", agentId: offer.agentId, message: { type: "LaunchTask", spec } })
  return subtractResources(left, taken)
}
