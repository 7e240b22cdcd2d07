import { Effect, Runtime } from "effect"
import type { MasterState } from "../../../core/master/State.ts"
import { type HttpReply, streamReply } from "../../http/HttpMessage.ts"
import type { EventSubscriber } from "../EventFeed.ts"
import { Master } from "../Master.ts"
import { getState } from "./State.ts"

/**
 * SUBSCRIBE: the state, then each event (spec/mesos.md §2.11). No Mesos-Stream-Id, as in Mesos. Whoever cannot be taken in, since too
 * much waits already, finds the stream ended before its first event, and comes again.
 */
export const subscribe: Effect.Effect<HttpReply, never, Master> = Effect.gen(function* () {
  const master = yield* Master
  const runFork = Runtime.runFork(yield* Effect.runtime<never>())
  return streamReply((stream) => {
    const subscriber: EventSubscriber = { stream, view: getState, show: ({ event }) => event }
    const event = (state: MasterState) => {
      master.feed.subscribe(state, subscriber)
      return undefined
    }
    runFork(Effect.catchAll(master.submit({ event }), () => Effect.sync(stream.end)))
  })
})
