import type { MasterState } from "../../core/master/State.ts"
import { encodeRecord } from "../http/RecordIo.ts"
import type { RecordStream } from "../http/RecordStream.ts"
import { operatorHeartbeat, operatorHeartbeatMs, subscribedEvent } from "../mesos/OperatorEvent.ts"
import { type Changes, type ClusterEvent, ToldCluster } from "./ClusterEvents.ts"

/** Who watches the cluster (the operator API's SUBSCRIBE). */
export interface EventSubscriber {
  readonly stream: RecordStream
  /** Names what it may see: subscribers of one sight are told the same state, which is encoded once for them; null = nobody else sees it. */
  readonly sight: string | null
  /** What it may see of the state; comes first. */
  readonly view: (state: MasterState) => object
  /** What it may see of an event, best the very same object, which is encoded once for all; undefined = nothing. */
  readonly show: (event: ClusterEvent) => object | undefined
}

/**
 * The events of the cluster for those who watch it. What a step has changed is taken down at once, as is the state for who has come,
 * between two batches; both leave when they are durable: so nobody misses an event, hears one twice, or hears what a crash takes back.
 * Whoever cannot be told any more, as something throws for it, finds its stream ended, and may come again.
 */
export interface EventFeed {
  /** It is told the state after the batch that is being stepped, and all events after it. */
  readonly subscribe: (subscriber: EventSubscriber) => void
  /** Right after a step. */
  readonly observe: (state: MasterState, changes: Changes) => void
  /** Right after a batch of steps. Returns what lets leave all that was taken down for it; to be called batch by batch. */
  readonly seal: (state: MasterState) => () => void
  /** How many are watching. */
  readonly size: () => number
}

/** As Mesos's `max_operator_event_stream_subscribers`: the oldest goes when another one comes. */
export const subscribersMax = 1_000

/**
 * States on their way to clients that have not taken them yet, in bytes, each counted once however many share it. Whoever comes when
 * there is more is turned away, by the end of its stream.
 */
export const openingBytesMax = 512 * 1024 * 1024

/** The state as the first record, and the streams that are to take it. */
interface Opening {
  readonly record: Buffer
  readonly streams: Array<RecordStream>
  /** It waits for its batch to be durable until then. */
  isSent: boolean
}

type Send = (subscriber: EventSubscriber) => void

/** A record that waits to be durable, and for whom. */
interface Waiting {
  readonly to: ReadonlyArray<EventSubscriber>
  readonly send: Send
}

const heartbeatRecord = encodeRecord(JSON.stringify(operatorHeartbeat))

/** The first heartbeat follows SUBSCRIBED at once (mesos-transcripts README, 9). */
const beat = ({ stream }: EventSubscriber): void => {
  if (!stream.sendEncoded(heartbeatRecord)) return
  const timer = setInterval(() => stream.sendEncoded(heartbeatRecord), operatorHeartbeatMs)
  stream.onClosed(() => clearInterval(timer))
}

export interface EventFeedOptions {
  readonly openingBytesMax?: number
  /** Hears what was thrown on the way to subscribers. */
  readonly onDefect: (defect: unknown) => void
}

export const makeEventFeed = (options: EventFeedOptions): EventFeed => {
  const { onDefect } = options
  const bytesMax = options.openingBytesMax ?? openingBytesMax
  /** Never changed in place: what waits refers to the list of its moment. */
  let subscribers: ReadonlyArray<EventSubscriber> = []
  /** They come in with the batch. */
  let joining: Array<EventSubscriber> = []
  let waiting: Array<Waiting> = []
  let openings: Array<Opening> = []
  /** While somebody watches. */
  let told: ToldCluster | undefined

  const leave = (subscriber: EventSubscriber) => {
    subscribers = subscribers.filter((each) => each !== subscriber)
    if (subscribers.length === 0) told = undefined
  }

  const endAll = (of: ReadonlyArray<EventSubscriber>, defect: unknown) => {
    onDefect(defect)
    for (const { stream } of of) stream.end()
  }

  const openingBytes = (): number => {
    openings = openings.filter(
      ({ streams, isSent }) =>
        !isSent || streams.some((stream) => stream.isOpen() && stream.waitingBytes() > 0),
    )
    return openings.reduce((sum, { record }) => sum + record.length, 0)
  }

  /** What `subscriber` is told first: what others of its sight are told too, or something of its own. */
  const openingFor = (
    { sight, view }: EventSubscriber,
    state: MasterState,
    made: Map<string, Opening>,
  ): Opening | undefined => {
    const shared = sight === null ? undefined : made.get(sight)
    if (shared !== undefined) return shared
    if (openingBytes() > bytesMax) return undefined
    const record = Buffer.from(encodeRecord(JSON.stringify(subscribedEvent(view(state)))), "latin1")
    const opening = { record, streams: [], isSent: false }
    if (sight !== null) made.set(sight, opening)
    openings.push(opening)
    return opening
  }

  const join = (state: MasterState) => {
    const made = new Map<string, Opening>()
    for (const subscriber of joining) {
      const { stream } = subscriber
      if (!stream.isOpen()) continue
      try {
        const opening = openingFor(subscriber, state, made)
        if (opening === undefined) {
          stream.end()
          continue
        }
        if (subscribers.length >= subscribersMax) subscribers[0]!.stream.end()
        told ??= new ToldCluster(state)
        subscribers = [...subscribers, subscriber]
        stream.onClosed(() => leave(subscriber))
        opening.streams.push(stream)
        const send = () => {
          opening.isSent = true
          stream.sendEncoded(opening.record)
          beat(subscriber)
        }
        waiting.push({ to: [subscriber], send })
      } catch (defect) {
        endAll([subscriber], defect)
      }
    }
    joining = []
  }

  const sendEvent = (event: ClusterEvent): Send => {
    let record: string | undefined
    return ({ stream, show }) => {
      const shown = show(event)
      if (shown === undefined) return
      if (shown !== event.event) return void stream.send(JSON.stringify(shown))
      record ??= encodeRecord(JSON.stringify(shown))
      stream.sendEncoded(record)
    }
  }

  return {
    subscribe: (subscriber) => {
      joining.push(subscriber)
    },
    observe: (state, changes) => {
      if (told === undefined) return
      try {
        for (const event of told.hear(state, changes))
          waiting.push({ to: subscribers, send: sendEvent(event) })
      } catch (defect) {
        // What they know of the cluster has a gap now.
        endAll(subscribers, defect)
      }
    },
    seal: (state) => {
      if (joining.length > 0) join(state)
      const leaving = waiting
      waiting = []
      return () => {
        for (const { to, send } of leaving) {
          for (const subscriber of to) {
            try {
              send(subscriber)
            } catch (defect) {
              endAll([subscriber], defect)
            }
          }
        }
      }
    },
    size: () => subscribers.length,
  }
}
