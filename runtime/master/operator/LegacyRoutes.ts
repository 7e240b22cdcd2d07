import { Effect, Either } from "effect"
import {
  badRequest,
  type HttpRefusal,
  type HttpReply,
  type HttpRequest,
  jsonReply,
} from "../../http/HttpMessage.ts"
import { get, type Handler, post, type Route, read } from "../../http/Routes.ts"
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
import { parseJsonList, parseJsonMembers, quotedBody } from "./JsonText.ts"
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

/** The body as text; none of these looks at the type of what it is sent (transcript operator/weights_PUT). */
const withText =
  (use: (text: string) => Effect.Effect<HttpReply, HttpRefusal, Master>): Handler<Master> =>
  ({ body }) =>
    Effect.flatMap(body, (bytes) => use(bytes.toString("utf8")))

/** What is wrong with a body, or what follows from what it says. */
const orRefusal = <A>(
  read: Either.Either<A, string>,
  use: (value: A) => Effect.Effect<HttpReply, HttpRefusal, Master>,
): Effect.Effect<HttpReply, HttpRefusal, Master> =>
  Either.isLeft(read) ? badRequest(read.left) : use(read.right)

const putWeights: Handler<Master> = withText((text) => {
  const body = quotedBody(text)
  const list = Either.mapLeft(
    parseJsonList(text),
    (why) => `Failed to parse update weights request JSON ('${body}'): ${why}`,
  )
  const infos = Either.flatMap(list, (json) =>
    Either.mapLeft(
      readWeightInfos(json),
      (why) => `Failed to convert weights JSON array to protobuf ('${body}'): ${why}`,
    ),
  )
  return orRefusal(infos, updateWeights)
})

const postQuota: Handler<Master> = withText((text) => {
  const body = quotedBody(text)
  const json = Either.mapLeft(
    parseJsonMembers(text),
    (why) => `Failed to parse set quota request JSON '${body}': ${why}`,
  )
  const request = Either.flatMap(json, (members) =>
    Either.mapLeft(
      readQuotaRequest(members),
      (why) => `Failed to validate set quota request JSON '${body}': ${why}`,
    ),
  )
  return orRefusal(request, setQuota)
})

const postSchedule: Handler<Master> = withText((text) =>
  orRefusal(Either.flatMap(parseJsonMembers(text), readSchedule), updateSchedule),
)

const postMachines = (order: typeof bringDown): Handler<Master> =>
  withText((text) => orRefusal(Either.flatMap(parseJsonList(text), readMachines), order))

const changes: ReadonlyArray<Route<Master>> = [
  post(
    "/teardown",
    withText((text) => {
      const frameworkId = new URLSearchParams(text).get("frameworkId")
      return frameworkId === null
        ? badRequest("Missing 'frameworkId' query parameter in the request body")
        : tearDown(frameworkId)
    }),
  ),
  { path: "/weights", methods: ["PUT"], handler: putWeights },
  post("/quota", postQuota),
  {
    path: "/quota/*",
    methods: ["DELETE"],
    handler: ({ path }) =>
      Effect.suspend(() => {
        const role = Either.try(() => decodeURIComponent(path.slice(path.lastIndexOf("/") + 1)))
        return Either.isLeft(role)
          ? badRequest(`Failed to parse request path '${path}': the role is not percent-encoded UTF-8`)
          : removeQuota(role.right, path)
      }),
  },
  {
    path: "/quota",
    methods: ["DELETE"],
    handler: ({ path }) =>
      badRequest(
        `Failed to parse remove quota request for path '${path}': expected 3 tokens, found ${tokensIn(path)} tokens`,
      ),
  },
  post("/maintenance/schedule", postSchedule),
  post("/machine/down", postMachines(bringDown)),
  post("/machine/up", postMachines(bringUp)),
]

/** As Mesos counts them, whose own name is always the first. */
const tokensIn = (path: string): number => {
  const tokens = path.split("/").filter((token) => token !== "")
  return tokens[0] === "master" ? tokens.length : tokens.length + 1
}

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
    // First, since what a path may be asked for is told in this order.
    ...Object.entries(changeableViews).map(([path, view]) => get(path, show(view))),
    ...changes,
    ...reservationRoutes,
    ...filesRoutes,
    read("/logging/toggle", toggleLogging),
    ...Object.entries(views).map(([path, view]) => read(path, showKept(path, view))),
    read("/system/stats.json", show(systemStats)),
    read("/metrics/snapshot", (request) => {
      const problem = timeoutProblem(request.query())
      return problem === undefined ? show(({ metrics }) => metrics())(request) : problem
    }),
  ]
}
