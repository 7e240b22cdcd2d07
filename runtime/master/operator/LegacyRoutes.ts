import { Effect, Either } from "effect"
import { badRequest, HttpRefusal, type HttpRequest, jsonReply } from "../../http/HttpMessage.ts"
import { parseJsonObject } from "../../http/JsonRequest.ts"
import { get, post, type Route, read } from "../../http/Routes.ts"
import { parseSafeJson } from "../../http/SafeJson.ts"
import { readDuration } from "../../mesos/DurationText.ts"
import { toggleLogging } from "../../mesos/LoggingLevel.ts"
import { readMachines, readSchedule } from "../../mesos/MaintenanceCall.ts"
import { readQuotaRequest, readWeightInfos } from "../../mesos/OperatorCall.ts"
import type { Master } from "../Master.ts"
import { agentView, agentViews } from "./Agents.ts"
import type { OperatorFacts } from "./Facts.ts"
import { filesRoutes } from "./Files.ts"
import { frameworkViews } from "./Frameworks.ts"
import { flagsView, systemStats } from "./Info.ts"
import { bringDown, bringUp, maintenanceSchedule, maintenanceStatus, updateSchedule } from "./Maintenance.ts"
import { removeQuota, setQuota } from "./OldQuota.ts"
import { quotaStatus } from "./Quota.ts"
import { reservationRoutes } from "./Reservations.ts"
import { rolesView } from "./Roles.ts"
import { answerSeen } from "./SeenReply.ts"
import { seenBy, seenRoles } from "./Sight.ts"
import { stateView } from "./State.ts"
import { stateText } from "./StateText.ts"
import { stateSummary } from "./Summary.ts"
import { taskViews } from "./Tasks.ts"
import { tearDown } from "./Teardown.ts"
import { formOf } from "./ViewForm.ts"
import { updateWeights, weightViews } from "./Weights.ts"

// The JSON endpoints from before the v1 API, which exporters, DNS and pages of Mesos still read (spec/mesos.md §2.11, last paragraph).
// Not `?jsonp=`: it would let any page that an operator opens read the cluster with the operator's own credentials.

type View = (facts: OperatorFacts, query: URLSearchParams) => unknown

const views: { readonly [path: string]: View } = {
  "/state": (facts, query) => stateView(facts, formOf(query)),
  "/state-summary": stateSummary,
  // Of one agent when it is named: what a monitor beside an Apache Mesos asks (spec/mesos.md §1.13, 2).
  "/slaves": ({ state }, query) => {
    const form = formOf(query)
    return agentViews(state, query.get("slave_id"), (agent, amounts) => agentView(agent, amounts, form), form)
  },
  "/frameworks": ({ state }, query) => frameworkViews(state, query.get("framework_id"), formOf(query)),
  "/tasks": ({ state }, query) => taskViews(state, query),
  "/roles": ({ state }, query) => rolesView(state, formOf(query)),
  "/flags": ({ flags }) => ({ flags: flagsView(flags) }),
}

/** Those that other methods than GET change. */
const changeableViews: { readonly [path: string]: View } = {
  "/weights": ({ state }) => weightViews(state),
  "/quota": ({ state }) => quotaStatus(state),
  "/maintenance/schedule": maintenanceSchedule,
  "/maintenance/status": maintenanceStatus,
}

/** The timeout bounds how long Mesos waits for slow figures; here all are at hand. */
const timeoutProblem = (query: URLSearchParams): HttpRefusal | undefined => {
  const timeout = query.get("timeout")
  const read = timeout === null ? undefined : readDuration(timeout)
  return read !== undefined && Either.isLeft(read)
    ? badRequest(`Invalid timeout '${timeout}': ${read.left}.\n`)
    : undefined
}

/** Forms, JSON lists: none of these looks at the type of what it is sent (transcript operator/weights_PUT). */
const changes: ReadonlyArray<Route<Master>> = [
  post("/teardown", (request) =>
    Effect.flatMap(request.body, (body) => {
      const frameworkId = new URLSearchParams(body.toString("utf8")).get("frameworkId")
      return frameworkId === null
        ? badRequest("Missing 'frameworkId' query parameter in the request body")
        : tearDown(frameworkId)
    }),
  ),
  {
    path: "/weights",
    methods: ["PUT"],
    handler: (request) =>
      Effect.flatMap(request.body, (body) => {
        const json = Either.try(() => parseSafeJson(body.toString("utf8")))
        if (Either.isLeft(json))
          return badRequest("Failed to parse update weights request JSON: syntax error")
        const read = readWeightInfos(json.right)
        return Either.isLeft(read) ? badRequest(read.left.message) : updateWeights(read.right)
      }),
  },
  post("/quota", (request) =>
    Effect.flatMap(request.body, (body) => {
      const json = parseJsonObject(body.toString("utf8"))
      if (json instanceof HttpRefusal)
        return badRequest("Failed to parse set quota request JSON: expecting a JSON object")
      const read = readQuotaRequest(json)
      return Either.isLeft(read) ? badRequest(read.left.message) : setQuota(read.right)
    }),
  ),
  {
    path: "/quota/*",
    methods: ["DELETE"],
    handler: ({ path }) =>
      Effect.suspend(() => {
        const role = Either.try(() => decodeURIComponent(path.slice(path.lastIndexOf("/") + 1)))
        return Either.isLeft(role)
          ? badRequest(`Failed to parse request path '${path}': the role is not percent-encoded UTF-8`)
          : removeQuota(role.right)
      }),
  },
]

const scheduleRoutes: ReadonlyArray<Route<Master>> = [
  post("/maintenance/schedule", (request) =>
    Effect.flatMap(request.body, (body) => {
      const json = parseJsonObject(body.toString("utf8"))
      if (json instanceof HttpRefusal) return json
      const windows = readSchedule(json)
      return Either.isLeft(windows) ? badRequest(windows.left.message) : updateSchedule(windows.right)
    }),
  ),
  ...[
    { path: "/machine/down", order: bringDown },
    { path: "/machine/up", order: bringUp },
  ].map(({ path, order }) =>
    post(path, (request) =>
      Effect.flatMap(request.body, (body) => {
        const json = Either.try(() => parseSafeJson(body.toString("utf8")))
        if (Either.isLeft(json))
          return badRequest("Failed to parse the list of machines: syntax error in JSON")
        const machines = readMachines(json.right)
        return Either.isLeft(machines) ? badRequest(machines.left.message) : order(machines.right)
      }),
    ),
  ),
]

const seen = (view: View, facts: OperatorFacts, request: HttpRequest): unknown =>
  seenRoles(view(seenBy(request.caller, facts), request.query()), request.caller)

export const legacyRoutes = <R>(
  facts: Effect.Effect<OperatorFacts, never, R>,
): ReadonlyArray<Route<R | Master>> => {
  const show = (view: View) => (request: HttpRequest) =>
    Effect.map(facts, (known) => jsonReply(seen(view, known, request)))
  const showKept = (path: string, view: View) => (request: HttpRequest) =>
    Effect.flatMap(facts, (known) => {
      const text = path === "/state" ? () => stateText(known, formOf(request.query())) : undefined
      return answerSeen(known, request, path, () => seen(view, known, request), text)
    })
  return [
    ...changes,
    ...reservationRoutes,
    ...filesRoutes,
    read("/logging/toggle", toggleLogging),
    ...Object.entries(views).map(([path, view]) => read(path, showKept(path, view))),
    ...Object.entries(changeableViews).map(([path, view]) => get(path, show(view))),
    ...scheduleRoutes,
    read("/system/stats.json", show(systemStats)),
    read("/metrics/snapshot", (request) => {
      const problem = timeoutProblem(request.query())
      return problem === undefined ? show(({ metrics }) => metrics())(request) : problem
    }),
  ]
}
