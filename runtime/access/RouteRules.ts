import { Effect } from "effect"
import type { MasterState } from "../../core/master/State.ts"
import { forbidden, type HttpRefusal, type HttpRequest } from "../http/HttpMessage.ts"
import type { Handler, Route } from "../http/Routes.ts"
import { reportPath, subscribePath } from "../protocol/AgentProtocol.ts"
import { type Authenticate, requireCaller } from "./Authentication.ts"
import { type CallLike, type Demand, mayCall, meets } from "./CallRules.ts"

// Which right each of the master's doors needs. A door that has no line here is for administrators only.

/** A body as the call that it stands for. What is wrong with it is for the handler to say. */
type ToCall = (body: string) => CallLike

/**
 * `everybody`: whoever has proven who they are. `filtered`: the same, and the answer holds what they may see. `byHandler`:
 * the handler judges by what stands in the body. A list: all of the demands. Otherwise what the call needs that the body stands for.
 */
type RouteRule = "everybody" | "filtered" | "byHandler" | ReadonlyArray<Demand> | ToCall

const jsonIn = (text: string | null): unknown => {
  try {
    return text === null ? undefined : (JSON.parse(text) as unknown)
  } catch {
    return undefined
  }
}

/** `slaveId=…&resources=[…]`. */
const form =
  (type: string, member: string, list: string): ToCall =>
  (body) => ({ type, [member]: { [list]: jsonIn(new URLSearchParams(body).get(list)) } })

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
  "GET /maintenance/schedule": any("get_maintenance_schedules"),
  "GET /maintenance/status": any("get_maintenance_statuses"),
  "POST /teardown": (body) => ({
    type: "TEARDOWN",
    teardown: { framework_id: { value: new URLSearchParams(body).get("frameworkId") } },
  }),
  "PUT /weights": json((weights) => ({ type: "UPDATE_WEIGHTS", update_weights: { weight_infos: weights } })),
  "POST /quota": json((request) => ({ type: "SET_QUOTA", set_quota: { quota_request: request } })),
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

/** The names that Mesos gives its doors when it asks for a password. */
const realmOf = ({ path, methods }: Route<never>): string => {
  if (path === "/api/v1/scheduler") return "mesos-master-scheduler"
  return methods.indexOf("GET") === -1 || path === "/api/v1"
    ? "mesos-master-readwrite"
    : "mesos-master-readonly"
}

const isLetIn = (
  rule: RouteRule | undefined,
  request: HttpRequest,
  state: MasterState,
): Effect.Effect<boolean, HttpRefusal> => {
  const { caller } = request
  if (caller.isAdministrator) return Effect.succeed(true)
  if (rule === undefined) return Effect.succeed(false)
  if (typeof rule === "string") return Effect.succeed(true)
  if (typeof rule !== "function") return Effect.succeed(meets(caller, rule))
  return Effect.map(request.body, (body) => mayCall(caller, rule(body.toString("utf8")), state))
}

/** Closes a master's route to all who have not proven who they are, or may not do what it does. */
export const closeRoute =
  (authenticate: Authenticate, state: () => MasterState) =>
  <R>(route: Route<R>): Route<R> => {
    const open = route as unknown as Route<never>
    const handler: Handler<R> = (request) =>
      Effect.flatMap(isLetIn(ruleFor(open, request.method), request, state()), (isIn) =>
        isIn ? route.handler(request) : forbidden(),
      )
    return { ...route, handler: requireCaller(authenticate, handler, realmOf(open)) }
  }
