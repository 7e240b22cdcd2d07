import { Effect, Runtime } from "effect"
import type { Caller } from "../../access/Caller.ts"
import { type HttpReply, streamReply } from "../../http/HttpMessage.ts"
import type { RecordStream } from "../../http/RecordStream.ts"
import type { EventSubscriber } from "../EventFeed.ts"
import { Master } from "../Master.ts"
import { seenRoles, seesEvent, seesEverything, stateSeenBy } from "./Sight.ts"
import { getState } from "./State.ts"

/** All who see everything see the same, and so does a principal each time. */
const sightOf = (caller: Caller): string | null => {
  if (seesEverything(caller)) return "everything"
  return caller.principal === null ? null : `principal ${caller.principal}`
}

/** A subscriber who is told what it could also ask for. */
export const subscriberOf = (caller: Caller, stream: RecordStream): EventSubscriber => ({
  stream,
  sight: sightOf(caller),
  view: (state) => seenRoles(getState(stateSeenBy(caller, state)), caller),
  show: (event) => (seesEvent(caller, event) ? seenRoles(event.event, caller) : undefined),
})

/**
 * SUBSCRIBE: the state, then each event (spec/mesos.md §2.11). No Mesos-Stream-Id, as in Mesos. Whoever cannot be taken in, since too
 * much waits already, finds the stream ended before its first event, and comes again.
 */
export const subscribe = (caller: Caller): Effect.Effect<HttpReply, never, Master> =>
  Effect.gen(function* () {
    const master = yield* Master
    const runFork = Runtime.runFork(yield* Effect.runtime<never>())
    return streamReply((stream) => {
      const subscriber = subscriberOf(caller, stream)
      const event = () => {
        master.feed.subscribe(subscriber)
        return undefined
      }
      runFork(Effect.catchAll(master.submit({ event }), () => Effect.sync(stream.end)))
    })
  })
