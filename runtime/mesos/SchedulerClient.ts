import { Data, Deferred, Effect, type Scope } from "effect"
import {
  type ClientError,
  type HttpStatusError,
  makeConnectionPool,
  openStream,
  requestOk,
} from "../http/Client.ts"
import type { ClientTls, Proof } from "../http/ClientIdentity.ts"
import type { RecordIoError } from "../http/RecordIo.ts"

/** Where and as whom to speak to a master. */
export interface MasterAccess {
  /** Without a slash at the end. */
  readonly url: string
  readonly secret: Proof | undefined
  readonly tls?: ClientTls | undefined
}

/** An event as it came; the fields depend on `type` (spec/mesos.md §2.5). */
export interface WireEvent {
  readonly type: string
  readonly [field: string]: unknown
}

/** The master answered with an ERROR event instead of SUBSCRIBED. */
export class SubscriptionRefused extends Data.TaggedError("SubscriptionRefused")<{
  readonly url: string
  readonly detail: string
  /** False when another attempt may well succeed. */
  readonly isFinal: boolean
}> {
  override get message(): string {
    return `${this.url} refused the framework: ${this.detail}`
  }
}

export type SchedulerClientError = ClientError | HttpStatusError | RecordIoError | SubscriptionRefused

/** A call without its framework id. */
export interface OutgoingCall {
  readonly type: string
  readonly [field: string]: unknown
}

/** A subscribed framework. */
export interface SchedulerClient {
  readonly frameworkId: string
  /** Sends a call; the framework id is filled in. */
  readonly call: (call: OutgoingCall) => Effect.Effect<void, ClientError | HttpStatusError>
  /** Completes when the master ends the stream, fails when it breaks. */
  readonly ended: Effect.Effect<void, SchedulerClientError>
}

/** Three heartbeats without one, and the stream is taken for dead (spec/mesos.md §2.6). */
const silenceMs = 45_000

const headers = { "Content-Type": "application/json", Accept: "application/json" }

/**
 * Subscribes a framework over the Mesos v1 scheduler API, on gleaner or on Apache Mesos. `onEvent` gets every event
 * after SUBSCRIBED, in order; the scope's end closes the stream. With a framework id it takes up that framework again:
 * the master closes the stream that it had (spec/mesos.md §2.6).
 */
export const subscribe = (
  access: MasterAccess,
  frameworkInfo: object,
  onEvent: (event: WireEvent) => void,
  frameworkId?: string,
): Effect.Effect<SchedulerClient, SchedulerClientError, Scope.Scope> =>
  Effect.gen(function* () {
    const url = `${access.url}/api/v1/scheduler`
    const { secret, tls } = access
    const pool = yield* makeConnectionPool(4, url)
    const stream = yield* openStream({
      url,
      secret,
      tls,
      headers,
      silenceMs,
      body: JSON.stringify(subscribeCall(frameworkInfo, frameworkId)),
    })
    const subscribed = yield* Deferred.make<string, SubscriptionRefused>()
    const reading = yield* Effect.forkScoped(
      stream.run((record) => {
        const event = JSON.parse(record) as WireEvent
        if (event.type === "SUBSCRIBED") {
          const { framework_id: id } = event.subscribed as { framework_id: { value: string } }
          Deferred.unsafeDone(subscribed, Effect.succeed(id.value))
          return
        }
        if (event.type === "ERROR") {
          const detail = (event.error as { message?: string } | undefined)?.message ?? "no reason given"
          const isFinal = !detail.includes("try again")
          Deferred.unsafeDone(subscribed, new SubscriptionRefused({ url, detail, isFinal }))
        }
        onEvent(event)
      }),
    )
    const endedEarly = Effect.zipRight(
      reading,
      new SubscriptionRefused({
        url,
        detail: "the stream ended before the subscription was confirmed",
        isFinal: false,
      }),
    )
    const id = yield* Effect.raceFirst(Deferred.await(subscribed), endedEarly)
    const streamId = stream.headers["mesos-stream-id"]
    return {
      frameworkId: id,
      ended: reading,
      call: (call) =>
        requestOk({
          url,
          secret,
          tls,
          pool,
          headers: { ...headers, ...(typeof streamId === "string" ? { "Mesos-Stream-Id": streamId } : {}) },
          body: JSON.stringify({ ...call, framework_id: { value: id } }),
        }).pipe(Effect.asVoid),
    }
  })

const subscribeCall = (frameworkInfo: object, frameworkId: string | undefined) => {
  if (frameworkId === undefined) return { type: "SUBSCRIBE", subscribe: { framework_info: frameworkInfo } }
  const id = { value: frameworkId }
  return { type: "SUBSCRIBE", framework_id: id, subscribe: { framework_info: { ...frameworkInfo, id } } }
}
