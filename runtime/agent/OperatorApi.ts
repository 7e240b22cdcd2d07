import { Effect, Either } from "effect"
import { seenRoles } from "../access/SeenRoles.ts"
import { build, buildView } from "../Build.ts"
import type { Cgroups } from "../cgroups/Cgroups.ts"
import { badRequest, emptyReply, type HttpRequest, jsonReply } from "../http/HttpMessage.ts"
import { post, type Route, read } from "../http/Routes.ts"
import { readDuration } from "../mesos/DurationText.ts"
import { toggleLogging } from "../mesos/LoggingLevel.ts"
import { answerAgentCall } from "./operator/Calls.ts"
import { containerViews, monitorStatistics } from "./operator/Containers.ts"
import { type AgentFacts, type Seen, seenBy } from "./operator/Facts.ts"
import { makeSandboxFileCalls } from "./operator/Files.ts"
import { agentMetrics } from "./operator/Metrics.ts"
import { stateView } from "./operator/State.ts"

// What tools of Mesos ask an agent: the v1 calls and the JSON endpoints from before it. Nothing is computed before somebody asks.

/** Under which every route exists once more; clients encode the parentheses or do not. */
export const agentPrefixes: ReadonlyArray<string> = ["/slave(1)", "/slave%281%29"]

/** Open to everyone: they say nothing about anybody's work. */
export const openAgentRoutes = (version: string): ReadonlyArray<Route> => [
  // 200 with an empty body, as Mesos.
  read("/health", () => Effect.succeed(emptyReply(200))),
  read("/version", () => Effect.succeed(jsonReply({ version, ...buildView(build) }))),
]

type View = (seen: Seen, query: URLSearchParams) => Effect.Effect<unknown, never, Cgroups>

const views: { readonly [path: string]: View } = {
  "/state": (seen) => Effect.sync(() => stateView(seen)),
  "/containers": containerViews,
  "/monitor/statistics": monitorStatistics,
  "/flags": ({ flags }) =>
    Effect.succeed({ flags: Object.fromEntries((flags ?? []).map(({ name, value }) => [name, value])) }),
}

/** For those who have proven who they are. `facts`: as they are when they are asked for. */
export const makeOperatorRoutes = (
  facts: () => AgentFacts,
  sandboxRoot: string,
): ReadonlyArray<Route<Cgroups>> => {
  const files = makeSandboxFileCalls(sandboxRoot)
  const show = (view: View) => (request: HttpRequest) =>
    Effect.suspend(() =>
      Effect.map(view(seenBy(request.caller, facts()), request.query()), (told) =>
        jsonReply(seenRoles(told, request.caller)),
      ),
    )
  return [
    post("/api/v1", (request) => answerAgentCall(request, facts, files)),
    ...Object.entries(views).map(([path, view]) => read(path, show(view))),
    ...files.routes,
    read("/logging/toggle", toggleLogging),
    read("/metrics/snapshot", (request) => {
      // It bounds how long Mesos waits for slow figures; here all are at hand.
      const timeout = request.query().get("timeout")
      const duration = timeout === null ? undefined : readDuration(timeout)
      if (duration !== undefined && Either.isLeft(duration))
        return badRequest(`Invalid timeout '${timeout}': ${duration.left}.\n`)
      const { facts: known, allTasks } = seenBy(request.caller, facts())
      return Effect.sync(() => jsonReply(agentMetrics(known, allTasks)))
    }),
  ]
}
