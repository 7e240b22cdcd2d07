import { Clock, Effect } from "effect"
import { emptyReply, jsonReply, textReply } from "../http/HttpMessage.ts"
import { get, read } from "../http/Routes.ts"
import type { MasterIdentity } from "../mesos/SchedulerEvent.ts"
import { Master } from "./Master.ts"
import { MasterMetrics } from "./MasterMetrics.ts"
import { stateView } from "./StateView.ts"

// What people and their tools read.

/** Open to everyone: they say nothing about anybody's work. */
export const openRoutes = (version: string) => [
  // 200 with an empty body, as Mesos (mesos-transcripts README, 6).
  read("/health", () => Effect.succeed(emptyReply(200))),
  read("/version", () => Effect.succeed(jsonReply({ version }))),
  get("/metrics", () =>
    Effect.gen(function* () {
      const { state, outboxSize } = yield* Master
      const metrics = yield* MasterMetrics
      const text = yield* Effect.promise(() => metrics.expose(state, outboxSize()))
      return textReply(text, metrics.contentType)
    }),
  ),
]

/** Need the cluster secret: commands and names of tasks are not everyone's business. */
export const makeStateRoutes = (identity: Omit<MasterIdentity, "masterId">) =>
  Effect.gen(function* () {
    const startedWallMs = yield* Clock.currentTimeMillis
    return [
      read("/state", () =>
        Effect.map(Master, ({ state }) =>
          jsonReply(stateView(state, { ...identity, masterId: state.masterId }, startedWallMs)),
        ),
      ),
    ]
  })
