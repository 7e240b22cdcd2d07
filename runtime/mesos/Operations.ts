import type {
  ConversionRequest,
  LaunchGroupRequest,
  OperationRequest,
  UnservedRequest,
} from "../../core/master/OperationRequest.ts"
import { noQuantities } from "../../core/resources/Quantities.ts"
import type { WireOperation } from "./OperationSchema.ts"
import { resourcesProblem } from "./ResourceProblem.ts"
import type { WireResource } from "./ResourceSchema.ts"
import { allocatedRoles, wireToResources } from "./Resources.ts"
import { wireToExecutorRequest, wireToGroupTaskRequest, wireToTaskRequest } from "./TaskRequests.ts"

// The operations of an ACCEPT, from JSON to what the master is asked for.

export const wireToOperation = (wire: WireOperation, frameworkId: string): OperationRequest => {
  const operationId = wire.id?.value ?? null
  switch (wire.type) {
    case "LAUNCH":
      return { type: "LAUNCH", tasks: (wire.launch?.task_infos ?? []).map((task) => launch(wire, task)) }
    case "LAUNCH_GROUP":
      return launchGroup(wire, frameworkId)
    case "RESERVE":
      return withoutSource(wire, conversion("RESERVE", operationId, "reserve", wire.reserve?.resources))
    case "UNRESERVE":
      return conversion("UNRESERVE", operationId, "unreserve", wire.unreserve?.resources)
    case "CREATE":
      return conversion("CREATE", operationId, "create", wire.create?.volumes)
    case "DESTROY":
      return conversion("DESTROY", operationId, "destroy", wire.destroy?.volumes)
    default:
      return unserved(wire.type, operationId)
  }
}

const launch = (wire: WireOperation, task: Parameters<typeof wireToTaskRequest>[0]) => {
  const request = wireToTaskRequest(task)
  return wire.id === undefined
    ? request
    : { ...request, problem: "The `id` field cannot be set on LAUNCH operations" }
}

const launchGroup = ({ id, launch_group: wire }: WireOperation, frameworkId: string): LaunchGroupRequest => ({
  type: "LAUNCH_GROUP",
  executor: wireToExecutorRequest(wire?.executor, frameworkId),
  tasks: (wire?.task_group.tasks ?? []).map(wireToGroupTaskRequest),
  problem: id === undefined ? null : "The `id` field cannot be set on LAUNCH_GROUP operations",
})

const conversion = (
  type: ConversionRequest["type"],
  operationId: string | null,
  field: string,
  wire: ReadonlyArray<WireResource> | undefined,
): ConversionRequest => {
  const refused = (problem: string): ConversionRequest => ({
    type,
    operationId,
    resources: noQuantities,
    role: null,
    problem: `Operation attempted with invalid resources: ${problem}`,
  })
  if (wire === undefined)
    return refused(`A ${type} offer operation must have the Offer.Operation.${field} field set.`)
  const invalid = resourcesProblem(wire)
  if (invalid !== undefined) return refused(invalid)
  const resources = wireToResources(wire)
  if (typeof resources === "string") return refused(resources)
  const [role = null, otherRole] = allocatedRoles(wire)
  const problem =
    otherRole === undefined ? null : `The resources are allocated to roles '${role}' and '${otherRole}'`
  return { type, operationId, resources, role, problem }
}

/** Why reservations are not handed from one role to another: without a word, resources of nobody would be reserved instead. */
export const sourceProblem =
  "'source' is not supported by this master: unreserve, then reserve for the other role"

const withoutSource = ({ reserve }: WireOperation, request: ConversionRequest): ConversionRequest =>
  (reserve?.source ?? []).length === 0 ? request : { ...request, problem: sourceProblem }

const unservedTypes = ["GROW_VOLUME", "SHRINK_VOLUME", "CREATE_DISK", "DESTROY_DISK"] as const

/** An unknown enum name counts as unset (spec/mesos.md §2.1); Mesos drops such an operation. */
const unserved = (type: string | undefined, operationId: string | null): UnservedRequest => {
  const known = unservedTypes.find((name) => name === type)
  return known === undefined
    ? { type: "UNKNOWN", operationId, problem: "Unknown offer operation" }
    : { type: known, operationId, problem: `${known} is not supported by this master` }
}
