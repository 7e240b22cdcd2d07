import { Effect } from "effect"
import type { MasterState } from "../../core/master/State.ts"
import { forbidden, type HttpRefusal, type HttpRequest } from "../http/HttpMessage.ts"
import type { Handler, Route } from "../http/Routes.ts"
import { parseSafeJson } from "../http/SafeJson.ts"
import { reportPath, subscribePath } from "../protocol/AgentProtocol.ts"
import { mayEnter } from "./AgentRules.ts"
import { type CallLike, type Demand, mayCall, meets } from "./CallRules.ts"
import { admitEverybody, type Door, requireCaller } from "./Door.ts"

// Which right each of the master's doors needs. A door that has no line here is for administrators only.

/** A body as the call that it stands for. What is wrong with it is for the handler to say. */
type ToCall = (body: string, path: string) => CallLike

/**
 * `everybody`: whoever has proven who they are. `filtered`: the same, and the answer holds what they may see. `byHandler`:
 * the handler judges by what stands in the body. A list: all of the demands. Otherwise what the call needs that the body stands for.
 */
type RouteRule = "everybody" | "filtered" | "byHandler" | ReadonlyArray<Demand> | ToCall

const jsonIn = (text: string | null): unknown => {
  try {
    return text === null ? undefined : parseSafeJson(text)
  } catch {
    return undefined
  }
}

/** The last part of a path, decoded; undefined = it cannot be. */
const lastOf = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1))
  } catch {
    return undefined
  }
}

/** `slaveId=…&resources=[…]`. */
const form =
  (type: string, member: string, list: string): ToCall =>
  (body) => {
    const given = new URLSearchParams(body)
    return { type, [member]: { agent_id: { value: given.get("slaveId") }, [list]: jsonIn(given.get(list)) } }
  }

const json =
  (toCall: (value: unknown) => CallLike): ToCall =>
  (body) =>
    toCall(jsonIn(body))

const any = (action: Demand["action"]): ReadonlyArray<Demand> => [{ action, object: null }]

const routeRules: { readonly [route: string]: RouteRule } = {
  "POST /api/v1": "byHandler",
  "POST /api/v1/scheduler": "byHandler",
  [`POST ${subscribePath}`]: any("register_agents"),
  [`POST ${reportPath}`]: any("register_agents"),
  "GET /explain": [...any("view_frameworks"), ...any("view_tasks"), ...any("view_roles")],
  "GET /state": "filtered",
  "GET /state-summary": "filtered",
  "GET /slaves": "filtered",
  "GET /frameworks": "filtered",
  "GET /tasks": "filtered",
  "GET /roles": "filtered",
  "GET /weights": "filtered",
  "GET /quota": "filtered",
  "GET /flags": any("view_flags"),
  "GET /metrics/snapshot": [{ action: "get_endpoints", object: "/metrics/snapshot" }],
  "GET /system/stats.json": "everybody",
  "GET /files/browse": any("access_mesos_logs"),
  "GET /files/read": any("access_mesos_logs"),
  "GET /files/download": any("access_mesos_logs"),
  "GET /files/debug": [{ action: "get_endpoints", object: "/files/debug" }],
  // One door for asking and setting.
  "GET /logging/toggle": [{ action: "get_endpoints", object: "/logging/toggle" }, ...any("set_log_level")],
  "GET /maintenance/schedule": "filtered",
  "GET /maintenance/status": "filtered",
  "POST /teardown": (body) => ({
    type: "TEARDOWN",
    teardown: { framework_id: { value: new URLSearchParams(body).get("frameworkId") } },
  }),
  "PUT /weights": json((weights) => ({ type: "UPDATE_WEIGHTS", update_weights: { weight_infos: weights } })),
  "POST /quota": json((request) => ({ type: "SET_QUOTA", set_quota: { quota_request: request } })),
  "DELETE /quota": any("update_quotas"),
  "DELETE /quota/*": (_, path) => ({ type: "REMOVE_QUOTA", remove_quota: { role: lastOf(path) } }),
  "POST /reserve": form("RESERVE_RESOURCES", "reserve_resources", "resources"),
  "POST /unreserve": form("UNRESERVE_RESOURCES", "unreserve_resources", "resources"),
  "POST /create-volumes": form("CREATE_VOLUMES", "create_volumes", "volumes"),
  "POST /destroy-volumes": form("DESTROY_VOLUMES", "destroy_volumes", "volumes"),
  "POST /maintenance/schedule": json((schedule) => ({
    type: "UPDATE_MAINTENANCE_SCHEDULE",
    update_maintenance_schedule: { schedule },
  })),
  "POST /machine/down": json((machines) => ({ type: "START_MAINTENANCE", start_maintenance: { machines } })),
  "POST /machine/up": json((machines) => ({ type: "STOP_MAINTENANCE", stop_maintenance: { machines } })),
}

/** Read-only endpoints answer POST too, as GET (mesos-transcripts README, 5). */
const ruleFor = (route: Route<never>, method: string): RouteRule | undefined => {
  const own = routeRules[`${method} ${route.path}`]
  if (own !== undefined) return own
  const isRead = method === "HEAD" || (method === "POST" && route.methods.indexOf("GET") !== -1)
  return isRead ? routeRules[`GET ${route.path}`] : undefined
}

/** Whether somebody has said which right a route needs; for those that have none it is for administrators only. */
export const hasRule = (route: Route<never>, method: string): boolean => ruleFor(route, method) !== undefined

/** The names that Mesos gives its doors when it asks for a password. */
const realmOf = ({ path, methods }: Route<never>): string => {
  if (path === "/api/v1/scheduler") return "mesos-master-scheduler"
  return methods.indexOf("GET") === -1 || path === "/api/v1"
    ? "mesos-master-readwrite"
    : "mesos-master-readonly"
}

/** Whether they are let in; an effect where their body says what it is about. */
const isLetIn = (
  rule: RouteRule | undefined,
  { caller, body, path }: HttpRequest,
  state: MasterState,
): boolean | Effect.Effect<boolean, HttpRefusal> => {
  if (caller.isAdministrator) return true
  if (rule === undefined) return false
  if (typeof rule === "string") return true
  if (typeof rule !== "function") return meets(caller, rule)
  return Effect.map(body, (bytes) => mayCall(caller, rule(bytes.toString("utf8"), path), state))
}

/** Closes a master's route to all who have not proven who they are, or may not do what it does. */
export const closeRoute =
  (door: Door, state: () => MasterState) =>
  <R>(route: Route<R>): Route<R> => {
    const open = route as unknown as Route<never>
    const handler: Handler<R> = (request) => {
      const verdict = isLetIn(ruleFor(open, request.method), request, state())
      if (typeof verdict === "boolean") return verdict ? route.handler(request) : forbidden()
      return Effect.flatMap(verdict, (isIn) => (isIn ? route.handler(request) : forbidden()))
    }
    return { ...route, handler: requireCaller(door, handler, realmOf(open)) }
  }

/** The same for an agent's route. */
export const closeAgentRoute =
  (door: Door) =>
  <R>(route: Route<R>): Route<R> => {
    const handler: Handler<R> = (request) =>
      mayEnter(request.caller, route.path, request.query().get("path")) ? route.handler(request) : forbidden()
    const realm = route.path === "/api/v1" ? "mesos-agent-readwrite" : "mesos-agent-readonly"
    return { ...route, handler: requireCaller(door, handler, realm) }
  }

/** For what everybody may know. */
export const openRoute =
  (door: Door) =>
  <R>(route: Route<R>): Route<R> => ({ ...route, handler: admitEverybody(door, route.handler) })
