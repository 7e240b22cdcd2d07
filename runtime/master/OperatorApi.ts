import { Clock, Effect } from "effect"
import { emptyReply, jsonReply, textReply, unavailable } from "../http/HttpMessage.ts"
import { get, read } from "../http/Routes.ts"
import type { MasterIdentity } from "../mesos/SchedulerEvent.ts"
import { explainRoutes } from "./ExplainApi.ts"
import { Master } from "./Master.ts"
import { MasterMetrics } from "./MasterMetrics.ts"
import { rolesView } from "./RolesView.ts"
import { agentViews, stateView } from "./StateView.ts"

// What people and their tools read.

/** Open to everyone: they say nothing about anybody's work. */
export const openRoutes = (version: string) => [
  // 200 with an empty body, as Mesos (mesos-transcripts README, 6); 503 with the reason while nothing becomes durable.
  read("/health", () =>
    Effect.flatMap(Master, ({ journalProblem }) => {
      const problem = journalProblem()
      return problem === undefined ? Effect.succeed(emptyReply(200)) : unavailable(problem)
    }),
  ),
  read("/version", () => Effect.succeed(jsonReply({ version }))),
  get("/metrics", () =>
    Effect.gen(function* () {
      const { state, outboxSize, journalProblem } = yield* Master
      const metrics = yield* MasterMetrics
      const facts = { state, outboxSize: outboxSize(), isDurable: journalProblem() === undefined }
      const text = yield* Effect.promise(() => metrics.expose(facts))
      return textReply(text, metrics.contentType)
    }),
  ),
]

/** Need the cluster secret: commands and names of tasks are not everyone's business. */
export const makeStateRoutes = (identity: Omit<MasterIdentity, "masterId">) =>
  Effect.gen(function* () {
    const startedWallMs = yield* Clock.currentTimeMillis
    return [
      ...explainRoutes,
      read("/state", () =>
        Effect.map(Master, ({ state }) =>
          jsonReply(stateView(state, { ...identity, masterId: state.masterId }, startedWallMs)),
        ),
      ),
      read("/roles", () => Effect.map(Master, ({ state }) => jsonReply(rolesView(state)))),
      // Of one agent when it is named: what a monitor beside an Apache Mesos asks (spec/mesos.md §1.13, 2).
      read("/slaves", (request) =>
        Effect.map(Master, ({ state }) =>
          jsonReply({ slaves: agentViews(state, request.query().get("slave_id")), recovered_slaves: [] }),
        ),
      ),
    ]
  })
