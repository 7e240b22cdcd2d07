import { Effect, Either, Schema } from "effect"
import { type OperatorOperation, refuseOperatorOperation } from "../../../core/master/Operations.ts"
import type { AgentRecord, MasterState } from "../../../core/master/State.ts"
import { badRequest, HttpRefusal, type HttpRequest, refuse } from "../../http/HttpMessage.ts"
import { describeSyntaxError } from "../../http/JsonRequest.ts"
import { post, type Route } from "../../http/Routes.ts"
import { parseSafeJson } from "../../http/SafeJson.ts"
import { agentPid } from "../../mesos/OperatorViews.ts"
import { callDecoder } from "../../mesos/ProtoJson.ts"
import { resourcesProblem } from "../../mesos/ResourceProblem.ts"
import { Resource, type WireResource } from "../../mesos/ResourceSchema.ts"
import { allocatedRoles, wireToResources } from "../../mesos/Resources.ts"
import type { Master } from "../Master.ts"
import { change } from "./Change.ts"

// Reservations and volumes by operators (spec/mesos.md §1.8, "Operator path"): 202 says that it is done at the master and durable; the
// agent follows. In the order and the words of Mesos (transcripts operator/RESERVE_*, UNRESERVE_*, CREATE_VOLUMES_*).

type Operation = OperatorOperation["operation"]

/** Those in which Mesos names the agent. */
const namingAgent: ReadonlyArray<Operation> = ["RESERVE", "CREATE"]

const invalid = (operation: Operation, agent: AgentRecord | undefined, problem: string): HttpRefusal => {
  const on =
    agent !== undefined && namingAgent.includes(operation)
      ? ` on agent ${agent.id} at ${agentPid(agent)} (${agent.address.hostname})`
      : ""
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

/** `prefix` stands before what is wrong with the resources themselves. */
export const operate = ({ operation, agentId, resources, principal }: OperatorWish, prefix: string) =>
  Effect.suspend(() => {
    const problem = resourcesProblem(resources)
    if (problem !== undefined) return badRequest(prefix + problem)
    const read = wireToResources(resources)
    if (typeof read === "string") return badRequest(prefix + read)
    const [role] = allocatedRoles(resources)
    return change((state) => {
      if (role !== undefined && state.agents.has(agentId)) {
        const why = `Operators use resources that are allocated to nobody; these are allocated to role '${role}'`
        return invalid(operation, state.agents.get(agentId), why)
      }
      return decide(state, { operation, agentId, resources: read, principal })
    }, 202)
  })

/** Before what is wrong with a call of the v1 API. */
export const callPrefix = "Failed to validate master::Call: "

// --- the forms of before the v1 API ---

const decodeResources = callDecoder(Schema.Struct({ resources: Schema.Array(Resource) }))

const missing = (name: string): HttpRefusal =>
  badRequest(`Missing '${name}' query parameter in the request body`)

const readForm = (
  body: string,
  field: string,
): readonly [string, ReadonlyArray<WireResource>] | HttpRefusal => {
  const form = new URLSearchParams(body)
  const agentId = form.get("slaveId")
  if (agentId === null) return missing("slaveId")
  const text = form.get(field)
  if (text === null) return missing(field)
  if (form.get("source") !== null) {
    return badRequest("'source' is not supported by this master: unreserve, then reserve for the other role")
  }
  const json = Either.try(() => parseSafeJson(text))
  const decoded = Either.flatMap(
    Either.mapLeft(json, (error) => describeSyntaxError(text, error)),
    (resources) => decodeResources({ resources }),
  )
  return Either.isLeft(decoded)
    ? badRequest(`Error parsing '${field}' query parameter in the request body: ${decoded.left}`)
    : [agentId, decoded.right.resources]
}

const formRoute = (path: string, operation: Operation, field: string): Route<Master> =>
  post(path, (request: HttpRequest) =>
    Effect.flatMap(request.body, (body) => {
      const read = readForm(body.toString("utf8"), field)
      if (read instanceof HttpRefusal) return read
      const [agentId, resources] = read
      return operate(
        { operation, agentId, resources, principal: request.principal },
        `Invalid ${operation} operation: Invalid resources: `,
      )
    }),
  )

export const reservationRoutes: ReadonlyArray<Route<Master>> = [
  formRoute("/reserve", "RESERVE", "resources"),
  formRoute("/unreserve", "UNRESERVE", "resources"),
  formRoute("/create-volumes", "CREATE", "volumes"),
  formRoute("/destroy-volumes", "DESTROY", "volumes"),
]
