import { Effect, type Scope } from "effect"
import { silenceMsMax } from "../protocol/AgentProtocol.ts"

/** One agent's stream, as its reports come in. */
export interface ListeningStream {
  /** Of the last report that was taken; 0 = none yet. */
  number: number
  lastHeardMs: number
  readonly giveUp: () => void
}

/** When each agent was last heard, by stream. Not part of any state: the streams die with this process. */
export interface ListeningStreams {
  readonly open: (streamId: string, giveUp: () => void) => void
  readonly close: (streamId: string) => void
  readonly get: (streamId: string) => ListeningStream | undefined
  /** Age of the last report of the agent that has been silent longest; 0 without agents. */
  readonly silenceMs: () => number
}

export const makeListeningStreams: Effect.Effect<ListeningStreams, never, Scope.Scope> = Effect.gen(
  function* () {
    const streams = new Map<string, ListeningStream>()
    yield* Effect.forkScoped(watchSilence(streams))
    return {
      open: (streamId, giveUp) => {
        streams.set(streamId, { number: 0, lastHeardMs: performance.now(), giveUp })
      },
      close: (streamId) => {
        streams.delete(streamId)
      },
      get: (streamId) => streams.get(streamId),
      silenceMs: () => {
        const nowMs = performance.now()
        let longestMs = 0
        for (const { lastHeardMs } of streams.values()) longestMs = Math.max(longestMs, nowMs - lastHeardMs)
        return longestMs
      },
    }
  },
)

/**
 * Gives up streams whose agent has been silent for too long, for as long as the scope lives. A round that comes much too
 * late proves that this process stood still, not that the agents were silent: their reports are still to be read.
 */
const watchSilence = (streams: ReadonlyMap<string, ListeningStream>) =>
  Effect.suspend(() => {
    let lastRoundMs = performance.now()
    return Effect.sync(() => {
      const nowMs = performance.now()
      const isLate = nowMs - lastRoundMs > silenceMsMax / 4
      lastRoundMs = nowMs
      for (const { lastHeardMs, giveUp } of isLate ? [] : [...streams.values()]) {
        if (nowMs - lastHeardMs > silenceMsMax) giveUp()
      }
    }).pipe(Effect.delay("1 second"), Effect.forever)
  })
