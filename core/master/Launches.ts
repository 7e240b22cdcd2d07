import { heldResources } from "../resources/HeldResources.ts"
import { type Resources, subtractResources } from "../resources/Resources.ts"
import { bookLaunched, type MasterContext, putTask, sendMasterStatus } from "./Context.ts"
import { newTask, specOf } from "./LaunchedTask.ts"
import type { TaskRequest } from "./OperationRequest.ts"
import type { FrameworkRecord, OfferRecord } from "./State.ts"
import { taskProblem } from "./TaskValidation.ts"

/** Launches one task from what is left; returns what is left then. */
export const launchOrRefuse = (
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
