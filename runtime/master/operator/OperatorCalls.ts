import { Effect, Either } from "effect"
import type { Caller } from "../../access/Caller.ts"
import { mayCall } from "../../access/CallRules.ts"
import {
  badRequest,
  forbidden,
  type HttpRefusal,
  type HttpReply,
  type HttpRequest,
  jsonReply,
  notAcceptable,
  refuse,
} from "../../http/HttpMessage.ts"
import { readJsonObject } from "../../http/JsonRequest.ts"
import { accepts, jsonType, protobufType } from "../../http/MediaTypes.ts"
import { getLoggingLevel, setLoggingLevel } from "../../mesos/LoggingLevel.ts"
import { wireToWindows } from "../../mesos/MaintenanceCall.ts"
import { sourceProblem } from "../../mesos/Operations.ts"
import { type OperatorCall, readOperatorCall } from "../../mesos/OperatorCall.ts"
import { spanToMs } from "../../mesos/ProtoJson.ts"
import { growProblem, shrinkProblem } from "../../mesos/VolumeResize.ts"
import { Master } from "../Master.ts"
import { getAgents } from "./Agents.ts"
import type { OperatorFacts } from "./Facts.ts"
import { listFiles, readFile } from "./Files.ts"
import { getFrameworks } from "./Frameworks.ts"
import { deactivateAgent, drainAgent, markAgentGone, reactivateAgent } from "./Hosts.ts"
import { getFlags, getHealth, getMaster, getMetrics, getVersion } from "./Info.ts"
import {
  bringDown,
  bringUp,
  getMaintenanceSchedule,
  getMaintenanceStatus,
  updateSchedule,
} from "./Maintenance.ts"
import { removeQuota, setQuota } from "./OldQuota.ts"
import { getOperations } from "./Operations.ts"
import { getQuota } from "./Quota.ts"
import { type OperatorWish, operate } from "./Reservations.ts"
import { resizeVolume } from "./ResizeVolume.ts"
import { getRoles } from "./Roles.ts"
import { answerSeen } from "./SeenReply.ts"
import { seenBy, seenRoles } from "./Sight.ts"
import { getState } from "./State.ts"
import { subscribe } from "./Subscribe.ts"
import { getExecutors, getTasks } from "./Tasks.ts"
import { tearDown } from "./Teardown.ts"
import { updateQuota } from "./UpdateQuota.ts"
import { getWeights, updateWeights } from "./Weights.ts"

// POST /api/v1: the v1 operator API (spec/mesos.md §2.11), type → handler.

/** What stands in the reply's member of the call's name; undefined leaves the member out. */
type Question = (facts: OperatorFacts) => object | undefined

const questions: { readonly [type: string]: Question } = {
  GET_HEALTH: getHealth,
  GET_FLAGS: getFlags,
  GET_VERSION: getVersion,
  GET_METRICS: getMetrics,
  GET_MASTER: getMaster,
  GET_STATE: ({ state }) => getState(state),
  GET_AGENTS: ({ state }) => getAgents(state),
  GET_FRAMEWORKS: ({ state }) => getFrameworks(state),
  GET_EXECUTORS: ({ state }) => getExecutors(state),
  GET_TASKS: ({ state }) => getTasks(state),
  GET_OPERATIONS: ({ state }) => getOperations(state),
  GET_ROLES: ({ state }) => getRoles(state),
  GET_WEIGHTS: ({ state }) => getWeights(state),
  GET_QUOTA: ({ state }) => getQuota(state),
  GET_MAINTENANCE_STATUS: getMaintenanceStatus,
  GET_MAINTENANCE_SCHEDULE: getMaintenanceSchedule,
}

/** Carries a call out and answers when what follows from it is durable; or answers what no fact of the cluster says. */
type Order = (
  call: OperatorCall,
  caller: Caller,
  principal: string | null,
) => Effect.Effect<HttpReply, HttpRefusal, Master>

/** A call about resources of an agent. */
const operation =
  (
    type: OperatorWish["operation"],
    read: (call: OperatorCall) => Pick<OperatorWish, "resources"> & { readonly agent_id: { value: string } },
  ): Order =>
  (call, _, principal) => {
    const { agent_id: agentId, resources } = read(call)
    return operate({ operation: type, agentId: agentId.value, resources, principal }, true)
  }

// The members are there: the reader of calls has seen to that.
const orders: { readonly [type: string]: Order } = {
  SUBSCRIBE: (_, caller) => subscribe(caller),
  GET_LOGGING_LEVEL: ({ type }) =>
    Effect.map(getLoggingLevel, (level) => jsonReply({ type, get_logging_level: level })),
  SET_LOGGING_LEVEL: ({ set_logging_level: wish }) =>
    setLoggingLevel(wish!.level, wish!.duration.nanoseconds / 1e6),
  LIST_FILES: ({ list_files }) => listFiles(list_files!.path),
  READ_FILE: ({ read_file: wish }) => readFile(wish!.path, wish!.offset, wish!.length),
  RESERVE_RESOURCES: (call, ...asker) =>
    (call.reserve_resources!.source ?? []).length > 0
      ? badRequest(`Failed to validate master::Call: ${sourceProblem}`)
      : operation("RESERVE", ({ reserve_resources: wish }) => wish!)(call, ...asker),
  UNRESERVE_RESOURCES: operation("UNRESERVE", ({ unreserve_resources: wish }) => wish!),
  CREATE_VOLUMES: operation("CREATE", ({ create_volumes: wish }) => ({ ...wish!, resources: wish!.volumes })),
  DESTROY_VOLUMES: operation("DESTROY", ({ destroy_volumes: wish }) => ({
    ...wish!,
    resources: wish!.volumes,
  })),
  GROW_VOLUME: ({ grow_volume: wish }) =>
    resizeVolume("GROW_VOLUME", wish!.agent_id!.value, growProblem(wish!)),
  SHRINK_VOLUME: ({ shrink_volume: wish }) =>
    resizeVolume("SHRINK_VOLUME", wish!.agent_id!.value, shrinkProblem(wish!)),
  TEARDOWN: ({ teardown }) => tearDown(teardown!.framework_id.value),
  UPDATE_WEIGHTS: ({ update_weights }) => updateWeights(update_weights!.weight_infos),
  UPDATE_MAINTENANCE_SCHEDULE: ({ update_maintenance_schedule }) =>
    updateSchedule(wireToWindows(update_maintenance_schedule!.schedule)),
  START_MAINTENANCE: ({ start_maintenance }) => bringDown(start_maintenance!.machines),
  STOP_MAINTENANCE: ({ stop_maintenance }) => bringUp(stop_maintenance!.machines),
  DRAIN_AGENT: ({ drain_agent }) => {
    const { agent_id, max_grace_period, mark_gone } = drain_agent!
    const graceMaxMs = max_grace_period === undefined ? null : spanToMs(max_grace_period)
    return drainAgent(agent_id.value, graceMaxMs, mark_gone)
  },
  DEACTIVATE_AGENT: ({ deactivate_agent }) => deactivateAgent(deactivate_agent!.agent_id.value),
  REACTIVATE_AGENT: ({ reactivate_agent }) => reactivateAgent(reactivate_agent!.agent_id.value),
  MARK_AGENT_GONE: ({ mark_agent_gone }) => markAgentGone(mark_agent_gone!.agent_id.value),
  UPDATE_QUOTA: ({ update_quota }) => updateQuota(update_quota!.quota_configs, update_quota!.force),
  SET_QUOTA: ({ set_quota }) => setQuota(set_quota!.quota_request),
  REMOVE_QUOTA: ({ remove_quota }) => removeQuota(remove_quota!.role),
}

/** What only the state says, and all of it. */
const largeQuestions = ["GET_STATE", "GET_AGENTS", "GET_FRAMEWORKS", "GET_TASKS"]

const answer = (
  all: OperatorFacts,
  request: HttpRequest,
  type: string,
  question: Question,
): Effect.Effect<HttpReply> => {
  const { caller } = request
  const content = () => {
    const told = seenRoles(question(seenBy(caller, all)), caller)
    return told === undefined ? { type } : { type, [type.toLowerCase()]: told }
  }
  return largeQuestions.includes(type)
    ? answerSeen(all, request, type, content)
    : Effect.sync(() => jsonReply(content()))
}

/** Whose answer has nothing in it, or so little that it is written by hand. */
const isToldInProtobuf = (request: HttpRequest, { type }: OperatorCall): boolean =>
  accepts(request, protobufType) && (type === "GET_HEALTH" || type === "UNKNOWN" || isAnsweredByStatus(type))

/** Those orders that are answered with something. */
const answeredOrders = ["SUBSCRIBE", "GET_LOGGING_LEVEL", "LIST_FILES", "READ_FILE"]
const isAnsweredByStatus = (type: string): boolean =>
  Object.hasOwn(orders, type) && !answeredOrders.includes(type)

/** `{type: GET_HEALTH, get_health: {healthy: true}}`. */
const healthInProtobuf = (facts: OperatorFacts): HttpReply => ({
  _tag: "FullReply",
  status: 200,
  headers: { "Content-Type": protobufType },
  body: Buffer.from([0x08, 0x01, 0x12, 0x02, 0x08, getHealth(facts).healthy ? 0x01 : 0x00]),
})

/** The checks in the order of Mesos: body, call, Accept (spec/mesos.md §2.2, rows 5–9). */
export const answerCall = <R>(
  request: HttpRequest,
  facts: Effect.Effect<OperatorFacts, never, R>,
): Effect.Effect<HttpReply, HttpRefusal, Master | R> =>
  Effect.gen(function* () {
    const read = readOperatorCall(yield* readJsonObject(request))
    if (Either.isLeft(read)) return yield* refuse(read.left.status, read.left.message)
    const call = read.right
    const isJson = accepts(request, jsonType)
    if (!isJson && !isToldInProtobuf(request, call)) return yield* notAcceptable()
    const { state } = yield* Master
    if (!mayCall(request.caller, call, state)) return yield* forbidden()
    const { type } = call
    if (!isJson && type === "GET_HEALTH") return healthInProtobuf(yield* facts)
    if (Object.hasOwn(questions, type)) return yield* answer(yield* facts, request, type, questions[type]!)
    if (Object.hasOwn(orders, type)) return yield* orders[type]!(call, request.caller, request.principal)
    // UNKNOWN is a type of Mesos's, and no call.
    const told = type === "UNKNOWN" ? "" : ` gleaner does not take the call ${type} yet`
    return yield* refuse(501, `501 Not Implemented.${told}`)
  })
