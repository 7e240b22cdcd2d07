import { Effect, type Scope } from "effect"
import {
  type MasterRecord,
  masterPaceMs,
  reportPaceMs,
  silenceMsMax,
  silenceMsOf,
} from "../protocol/AgentProtocol.ts"
import type { Heartbeat } from "./Streams.ts"

/** One agent's stream, as its reports come in. */
export interface ListeningStream {
  /** Of the last report that was taken; 0 = none yet. */
  number: number
  lastHeardMs: number
  /** How often its agent is asked to report. */
  paceMs: number
  readonly giveUp: () => void
}

/** How often an agent is asked to report, by how many there are, and what it is told of it with each heartbeat. */
export interface AgentPace {
  readonly paceMs: number
  readonly heartbeat: () => Heartbeat
}

/** When each agent was last heard, by stream. Not part of any state: the streams die with this process. */
export interface ListeningStreams {
  /** `bearsPace`: its agent can be told another pace later on. */
  readonly open: (streamId: string, giveUp: () => void, bearsPace: boolean) => AgentPace
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
      open: (streamId, giveUp, bearsPace) => {
        const paceMs = reportPaceMs(streams.size + 1)
        const stream = { number: 0, lastHeardMs: performance.now(), paceMs, giveUp }
        streams.set(streamId, stream)
        const pace = () => (bearsPace ? reportPaceMs(streams.size) : stream.paceMs)
        return { paceMs, heartbeat: () => heartbeatOf(stream, pace(), bearsPace) }
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

const plainHeartbeat = JSON.stringify({ type: "Heartbeat" } satisfies MasterRecord)

/** A pace that is off by less stays: it changes with every agent that comes. */
const paceShareMin = 0.2

/** Those who came first were told the pace of a small cluster: as many as have come meanwhile would say too much together. */
const heartbeatOf = (stream: ListeningStream, paceMs: number, bearsPace: boolean): Heartbeat => {
  const isNews = Math.abs(paceMs - stream.paceMs) > paceShareMin * stream.paceMs
  if (isNews) stream.paceMs = paceMs
  const waitMs = masterPaceMs(stream.paceMs, bearsPace)
  return isNews
    ? { json: JSON.stringify({ type: "Heartbeat", paceMs } satisfies MasterRecord), waitMs }
    : { json: plainHeartbeat, waitMs }
}

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
        if (nowMs - stream.lastHeardMs > silenceMsOf(stream.paceMs)) stream.giveUp()
      }
    }).pipe(Effect.delay("1 second"), Effect.forever)
  })
