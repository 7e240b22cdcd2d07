import { Effect, type Scope } from "effect"
import { reportPaceMs, silenceMsMax, silenceMsOf } from "../protocol/AgentProtocol.ts"

/** One agent's stream, as its reports come in. */
export interface ListeningStream {
  /** Of the last report that was taken; 0 = none yet. */
  number: number
  lastHeardMs: number
  /** Silence after which it is given up. */
  readonly silenceMsMax: number
  readonly giveUp: () => void
}

/** When each agent was last heard, by stream. Not part of any state: the streams die with this process. */
export interface ListeningStreams {
  /** Returns how often its agent is asked to report, by how many there are. */
  readonly open: (streamId: string, giveUp: () => void) => number
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
        const paceMs = reportPaceMs(streams.size + 1)
        const stream = {
          number: 0,
          lastHeardMs: performance.now(),
          silenceMsMax: silenceMsOf(paceMs),
          giveUp,
        }
        streams.set(streamId, stream)
        return paceMs
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
      for (const stream of isLate ? [] : [...streams.values()]) {
        if (nowMs - stream.lastHeardMs > stream.silenceMsMax) stream.giveUp()
      }
    }).pipe(Effect.delay("1 second"), Effect.forever)
  })
