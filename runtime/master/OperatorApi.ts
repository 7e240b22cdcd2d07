import { randomBytes } from "node:crypto"
import { Clock, Effect } from "effect"
import { build, buildView } from "../Build.ts"
import { makeCachedReplies } from "../http/CachedReplies.ts"
import { emptyReply, jsonReply, textReply, unavailable } from "../http/HttpMessage.ts"
import { hostAndPort } from "../http/HttpUrl.ts"
import { get, post, read } from "../http/Routes.ts"
import type { MasterIdentity } from "../mesos/SchedulerEvent.ts"
import { explainRoutes } from "./ExplainApi.ts"
import { Master } from "./Master.ts"
import { MasterMetrics } from "./MasterMetrics.ts"
import type { Flag, OperatorFacts } from "./operator/Facts.ts"
import { legacyRoutes } from "./operator/LegacyRoutes.ts"
import { answerCall } from "./operator/OperatorCalls.ts"

// The doors for people and their tools; what is behind them stands in operator/.

type Identity = Omit<MasterIdentity, "masterId">

/** Open to everyone: they say nothing about anybody's work. */
export const openRoutes = ({ version, address }: Identity) => [
  // 200 with an empty body, as Mesos (mesos-transcripts README, 6); 503 with the reason while nothing becomes durable.
  read("/health", () =>
    Effect.flatMap(Master, ({ journalProblem }) => {
      const problem = journalProblem()
      return problem === undefined ? Effect.succeed(emptyReply(200)) : unavailable(problem)
    }),
  ),
  read("/version", () => Effect.succeed(jsonReply({ version, ...buildView(build) }))),
  // To whoever leads, which is this one.
  read("/redirect", () =>
    Effect.sync(() => emptyReply(307, { Location: `//${hostAndPort(address.hostname, address.port)}` })),
  ),
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

/** Need the cluster secret: commands and names of tasks are not everyone's business. `flags` = the settings in force. */
export const makeStateRoutes = (identity: Identity, flags: ReadonlyArray<Flag>) =>
  Effect.gen(function* () {
    const startedWallMs = yield* Clock.currentTimeMillis
    const replies = makeCachedReplies()
    // Counted anew by each process, so it must not be taken for a count of the one before.
    const processName = randomBytes(6).toString("hex")
    const facts = Effect.gen(function* () {
      const { state, stepCount, journalProblem, feed, mailboxSize } = yield* Master
      const { mesos } = yield* MasterMetrics
      const uptimeMs = (yield* Clock.currentTimeMillis) - startedWallMs
      const known: OperatorFacts = {
        state,
        identity: { ...identity, masterId: state.masterId },
        flags,
        startedWallMs,
        problem: journalProblem(),
        metrics: () => mesos({ state, uptimeMs, subscribers: feed.size(), queued: mailboxSize() }),
        stateVersion: `${processName}-${stepCount()}`,
        replies,
      }
      return known
    })
    return [
      ...explainRoutes,
      post("/api/v1", (request) => answerCall(request, facts)),
      ...legacyRoutes(facts),
    ]
  })
