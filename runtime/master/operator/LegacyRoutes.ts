import { Effect } from "effect"
import { badRequest, type HttpRefusal, type HttpRequest, jsonReply } from "../../http/HttpMessage.ts"
import { get, type Route, read } from "../../http/Routes.ts"
import { agentViews } from "./Agents.ts"
import type { OperatorFacts } from "./Facts.ts"
import { frameworkViews } from "./Frameworks.ts"
import { flagsView } from "./Info.ts"
import { maintenanceSchedule, maintenanceStatus } from "./Maintenance.ts"
import { quotaStatus } from "./Quota.ts"
import { rolesView } from "./Roles.ts"
import { stateView } from "./State.ts"
import { stateSummary } from "./Summary.ts"
import { taskViews } from "./Tasks.ts"
import { weightViews } from "./Weights.ts"

// The JSON endpoints from before the v1 API, which exporters, DNS and pages of Mesos still read (spec/mesos.md §2.11, last paragraph).
// Not `?jsonp=`: it would let any page that an operator opens read the cluster with the operator's own credentials.

type View = (facts: OperatorFacts, query: URLSearchParams) => unknown

const views: { readonly [path: string]: View } = {
  "/state": stateView,
  "/state-summary": stateSummary,
  // Of one agent when it is named: what a monitor beside an Apache Mesos asks (spec/mesos.md §1.13, 2).
  "/slaves": ({ state }, query) => ({
    slaves: agentViews(state, query.get("slave_id")),
    recovered_slaves: [],
  }),
  "/frameworks": ({ state }, query) => frameworkViews(state, query.get("framework_id")),
  "/tasks": ({ state }, query) => taskViews(state, query),
  "/roles": ({ state }) => rolesView(state),
  "/flags": ({ flags }) => ({ flags: flagsView(flags) }),
}

/** Those that other methods than GET change. */
const changeableViews: { readonly [path: string]: View } = {
  "/weights": ({ state }) => weightViews(state),
  "/quota": ({ state }) => quotaStatus(state),
  "/maintenance/schedule": maintenanceSchedule,
  "/maintenance/status": maintenanceStatus,
}

/** `1secs`, `500ms`: how Mesos writes times. */
const durationForm = /^\d+(\.\d+)?(ns|us|ms|secs|mins|hrs|days|weeks)$/

/** The timeout bounds how long Mesos waits for slow figures; here all are at hand. */
const timeoutProblem = (query: URLSearchParams): HttpRefusal | undefined => {
  const timeout = query.get("timeout")
  return timeout === null || durationForm.test(timeout)
    ? undefined
    : badRequest(`Invalid timeout '${timeout}': expecting a number and a unit, like 500ms or 5secs`)
}

export const legacyRoutes = <R>(facts: Effect.Effect<OperatorFacts, never, R>): ReadonlyArray<Route<R>> => {
  const show = (view: View) => (request: HttpRequest) =>
    Effect.map(facts, (known) => jsonReply(view(known, request.query())))
  return [
    ...Object.entries(views).map(([path, view]) => read(path, show(view))),
    ...Object.entries(changeableViews).map(([path, view]) => get(path, show(view))),
    read("/metrics/snapshot", (request) => {
      const problem = timeoutProblem(request.query())
      return problem === undefined ? show(({ metrics }) => metrics())(request) : problem
    }),
  ]
}
