import type { MasterState } from "../../core/master/State.ts"
import { encodeRecord } from "../http/RecordIo.ts"
import type { RecordStream } from "../http/RecordStream.ts"
import { operatorHeartbeat, operatorHeartbeatMs, subscribedEvent } from "../mesos/OperatorEvent.ts"
import { type Changes, type ClusterEvent, ToldCluster } from "./ClusterEvents.ts"

/** Who watches the cluster (the operator API's SUBSCRIBE). */
export interface EventSubscriber {
  readonly stream: RecordStream
  /** What it may see of the state; comes first. */
  readonly view: (state: MasterState) => object
  /** What it may see of an event, best the very same object, which is encoded once for all; undefined = nothing. */
  readonly show: (event: ClusterEvent) => object | undefined
}

/**
 * The events of the cluster for those who watch it. What a step has changed is taken down at once, as is the state for whoever comes
 * between two steps, and leaves when it is durable: so nobody misses an event, hears one twice, or hears what a crash takes back.
 */
export interface EventFeed {
  /** Between two steps. */
  readonly subscribe: (state: MasterState, subscriber: EventSubscriber) => void
  /** Right after a step. */
  readonly observe: (state: MasterState, changes: Changes) => void
  /** All that was taken down is durable. */
  readonly release: () => void
  /** How many are watching. */
  readonly size: () => number
}

/** As Mesos's `max_operator_event_stream_subscribers`: the oldest goes when another one comes. */
export const subscribersMax = 1_000

/** A record that waits to be durable, and for whom. */
interface Waiting {
  readonly to: ReadonlyArray<EventSubscriber>
  readonly send: (subscriber: EventSubscriber) => void
}

const heartbeatRecord = encodeRecord(JSON.stringify(operatorHeartbeat))

/** The first heartbeat follows SUBSCRIBED at once (mesos-transcripts README, 9). */
const beat = ({ stream }: EventSubscriber): void => {
  if (!stream.sendEncoded(heartbeatRecord)) return
  const timer = setInterval(() => stream.sendEncoded(heartbeatRecord), operatorHeartbeatMs)
  stream.onClosed(() => clearInterval(timer))
}

export const makeEventFeed = (): EventFeed => {
  /** Never changed in place: what waits refers to the list of its moment. */
  let subscribers: ReadonlyArray<EventSubscriber> = []
  let waiting: Array<Waiting> = []
  /** While somebody watches. */
  let told: ToldCluster | undefined

  const leave = (subscriber: EventSubscriber) => {
    subscribers = subscribers.filter((each) => each !== subscriber)
    if (subscribers.length === 0) told = undefined
  }

  const subscribe: EventFeed["subscribe"] = (state, subscriber) => {
    const { stream, view } = subscriber
    if (!stream.isOpen()) return
    if (subscribers.length >= subscribersMax) subscribers[0]!.stream.end()
    told ??= new ToldCluster(state)
    subscribers = [...subscribers, subscriber]
    stream.onClosed(() => leave(subscriber))
    const first = JSON.stringify(subscribedEvent(view(state)))
    const send = () => {
      stream.send(first)
      beat(subscriber)
    }
    waiting.push({ to: [subscriber], send })
  }

  const observe: EventFeed["observe"] = (state, changes) => {
    if (told === undefined) return
    for (const event of told.hear(state, changes)) {
      let record: string | undefined
      const send = ({ stream, show }: EventSubscriber) => {
        const shown = show(event)
        if (shown === undefined) return
        if (shown !== event.event) return stream.send(JSON.stringify(shown))
        record ??= encodeRecord(JSON.stringify(shown))
        stream.sendEncoded(record)
      }
      waiting.push({ to: subscribers, send })
    }
  }

  const release = () => {
    const leaving = waiting
    waiting = []
    for (const { to, send } of leaving) for (const subscriber of to) send(subscriber)
  }

  return { subscribe, observe, release, size: () => subscribers.length }
}
