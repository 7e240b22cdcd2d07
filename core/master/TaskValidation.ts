import { volumesIn } from "../resources/Conversion.ts"
import { heldResources } from "../resources/HeldResources.ts"
import { allocatedToMesosText, resourceToMesosText } from "../resources/MesosText.ts"
import { containsResources, isNoResources, type Resources } from "../resources/Resources.ts"
import { containerPathProblem } from "../resources/VolumePath.ts"
import { idProblem, taskKey } from "../Task.ts"
import type { TaskRequest } from "./OperationRequest.ts"
import type { FrameworkRecord, MasterState, OfferRecord } from "./State.ts"

/**
 * Why a task cannot be launched from what is left of the offers; undefined when it can. The order is Mesos's
 * (spec/mesos.md §2.4, "Task validation"), and so is the meaning of the texts, which frameworks show to people.
 */
export const taskProblem = (
  state: MasterState,
  framework: FrameworkRecord,
  offer: OfferRecord,
  request: TaskRequest,
  left: Resources,
): string | undefined => {
  const problem = taskItselfProblem(state, framework, offer, request)
  if (problem !== undefined) return problem
  const wanted = heldResources(request.resources)
  // What is allocated to another role is something else, however much there is of it.
  const statedRole = request.role ?? offer.role
  return statedRole === offer.role && containsResources(left, wanted)
    ? undefined
    : `Total resources ${allocatedToMesosText(wanted, statedRole)} required by task and its executor is more than available ${allocatedToMesosText(left, offer.role)}`
}

/** The same without a look at what is left. */
export const taskItselfProblem = (
  state: MasterState,
  framework: FrameworkRecord,
  { agentId }: OfferRecord,
  request: TaskRequest,
): string | undefined => {
  const badId = idProblem(request.taskId)
  if (badId !== undefined) return badId
  // A task that is known, unreachable ones included; the id of a completed task may be used again.
  if (state.tasks.has(taskKey(framework.id, request.taskId))) {
    return `Task has duplicate ID: ${request.taskId}`
  }
  if (request.agentId !== agentId) {
    return `Task uses invalid agent ${request.agentId} while agent ${agentId} is expected`
  }
  if (request.problem !== null) return request.problem
  const wanted = heldResources(request.resources)
  if (isNoResources(wanted)) return "Task uses no resources"
  return volumesProblem(wanted)
}

/** A volume is mounted in the sandbox; the path there is each task's own to choose (spec/mesos.md §2.4, "unique persistence ids"). */
const volumesProblem = (wanted: Resources): string | undefined => {
  const paths = new Set<string>()
  for (const resource of volumesIn(wanted)) {
    const { persistence, volume } = resource.kind.disk!
    const text = resourceToMesosText(resource)
    if (volume === null) return `Expecting 'volume' to be set for persistent volume ${text}`
    if (volume.mode === "RO") return `Read-only persistent volume not supported: ${text}`
    const badPath = containerPathProblem(volume.containerPath)
    if (badPath !== undefined) return badPath
    if (paths.has(volume.containerPath)) {
      return `Persistent volume '${persistence!.id}' is mounted where another one is: ${volume.containerPath}`
    }
    paths.add(volume.containerPath)
  }
  return undefined
}
