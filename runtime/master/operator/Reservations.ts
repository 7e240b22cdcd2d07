import { Effect, Either } from "effect"
import { agentText } from "../../../core/master/AgentText.ts"
import { type OperatorOperation, refuseOperatorOperation } from "../../../core/master/Operations.ts"
import type { AgentRecord, MasterState } from "../../../core/master/State.ts"
import { badRequest, HttpRefusal, type HttpRequest, refuse } from "../../http/HttpMessage.ts"
import { post, type Route } from "../../http/Routes.ts"
import { resource } from "../../mesos/messages/Resource.ts"
import { sourceProblem } from "../../mesos/Operations.ts"
import { messagesDecoder } from "../../mesos/ProtoJson.ts"
import { resourcesProblem } from "../../mesos/ResourceProblem.ts"
import { Resource, type WireResource } from "../../mesos/ResourceSchema.ts"
import { allocatedRoles, wireToResources } from "../../mesos/Resources.ts"
import type { Master } from "../Master.ts"
import { change } from "./Change.ts"
import { parseJsonList } from "./JsonText.ts"

// Reservations and volumes by operators (spec/mesos.md §1.8, "Operator path"): 202 says that it is done at the master and durable; the
// agent follows. In the order and the words of Mesos (transcripts operator/RESERVE_*, UNRESERVE_*, CREATE_VOLUMES_*).

type Operation = OperatorOperation["operation"]

/** Those in which Mesos names the agent. */
const namingAgent: ReadonlyArray<Operation> = ["RESERVE", "CREATE"]

const invalid = (operation: Operation, agent: AgentRecord | undefined, problem: string): HttpRefusal => {
  const on = agent !== undefined && namingAgent.includes(operation) ? ` on agent ${agentText(agent)}` : ""
  return badRequest(`Invalid ${operation} operation${on}: ${problem}`)
}

const decide = (state: MasterState, wanted: OperatorOperation) => {
  const refusal = refuseOperatorOperation(state, wanted)
  if (refusal === undefined) return { type: "OperationRequested", ...wanted } as const
  switch (refusal.type) {
    case "Unknown":
      return badRequest(refusal.message)
    case "Invalid":
      return invalid(wanted.operation, state.agents.get(wanted.agentId), refusal.message)
    case "Conflict":
      return refuse(409, refusal.message)
  }
}

export interface OperatorWish {
  readonly operation: Operation
  readonly agentId: string
  readonly resources: ReadonlyArray<WireResource>
  readonly principal: string | null
}

/**
 * Mesos looks at what a call of the v1 API reserves before it looks for the agent, and says that the call is none; at volumes, and at
 * what the older forms carry, only after that.
 */
export const operate = ({ operation, agentId, resources, principal }: OperatorWish, isCall: boolean) =>
  Effect.suspend(() => {
    const problem = resourcesProblem(resources)
    const isFirst = isCall && (operation === "RESERVE" || operation === "UNRESERVE")
    if (isFirst && problem !== undefined) return badRequest(`Failed to validate master::Call: ${problem}`)
    const read = problem === undefined ? wireToResources(resources) : problem
    const [role] = allocatedRoles(resources)
    return change((state) => {
      const agent = state.agents.get(agentId)
      if (agent === undefined || typeof read !== "string") {
        return agent !== undefined && role !== undefined
          ? invalid(operation, agent, allocatedTo(operation, role))
          : decide(state, { operation, agentId, resources: typeof read === "string" ? {} : read, principal })
      }
      return badRequest(read)
    }, 202)
  })

const allocatedTo = (operation: Operation, role: string): string =>
  operation === "RESERVE"
    ? "A reserve operation was attempted with an allocated resource, but the operator API only allows reservations to be made to unallocated resources"
    : `Operators use resources that are allocated to nobody; these are allocated to role '${role}'`

// --- the forms of before the v1 API ---

const readResources = messagesDecoder(resource, Resource)

const missing = (name: string): HttpRefusal =>
  badRequest(`Missing '${name}' query parameter in the request body`)

const readForm = (
  body: string,
  operation: Operation,
  field: string,
): readonly [string, ReadonlyArray<WireResource>] | HttpRefusal => {
  const form = new URLSearchParams(body)
  const agentId = form.get("slaveId")
  if (agentId === null) return missing("slaveId")
  const text = form.get(field)
  if (text === null) return missing(field)
  if (form.get("source") !== null) {
    return badRequest(sourceProblem)
  }
  const decoded = Either.flatMap(parseJsonList(text), readResources)
  if (Either.isRight(decoded)) return [agentId, decoded.right]
  // Only where a reservation may have a source Mesos's words are newer (transcript legacy/reserve_bad_json).
  const error = operation === "RESERVE" ? "Error parsing" : "Error in parsing"
  return badRequest(`${error} '${field}' query parameter in the request body: ${decoded.left}`)
}

const formRoute = (path: string, operation: Operation, field: string): Route<Master> =>
  post(path, (request: HttpRequest) =>
    Effect.flatMap(request.body, (body) => {
      const read = readForm(body.toString("utf8"), operation, field)
      if (read instanceof HttpRefusal) return read
      const [agentId, resources] = read
      return operate({ operation, agentId, resources, principal: request.principal }, false)
    }),
  )

export const reservationRoutes: ReadonlyArray<Route<Master>> = [
  formRoute("/reserve", "RESERVE", "resources"),
  formRoute("/unreserve", "UNRESERVE", "resources"),
  formRoute("/create-volumes", "CREATE", "volumes"),
  formRoute("/destroy-volumes", "DESTROY", "volumes"),
]
