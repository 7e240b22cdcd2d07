import { Deferred, Effect } from "effect"
import { describe, expect, it } from "vitest"
import { emptyReply, type HttpRequest, refuse, streamReply } from "../../../runtime/http/HttpMessage.ts"
import type { RecordStream } from "../../../runtime/http/RecordStream.ts"
import type { Handler } from "../../../runtime/http/Routes.ts"
import { subscribe, type WireEvent } from "../../../runtime/mesos/SchedulerClient.ts"
import { makeRelay } from "../../support/Relay.ts"
import { withListener } from "../http/ListenerFixture.ts"

const subscribed = JSON.stringify({ type: "SUBSCRIBED", subscribed: { framework_id: { value: "f-1" } } })
const streamWith = (act: (stream: RecordStream) => void) =>
  streamReply(act, { headers: { "Mesos-Stream-Id": "s-1" } })

/** A master that answers SUBSCRIBE by `onSubscribe` and keeps every other call. */
const fakeMaster = (onSubscribe: (request: HttpRequest) => ReturnType<Handler>) => {
  const calls: Array<{ readonly json: { type: string }; readonly headers: HttpRequest["headers"] }> = []
  const handler: Handler = (request) =>
    Effect.flatMap(request.body, (body) => {
      const json = JSON.parse(body.toString()) as { type: string }
      calls.push({ json, headers: request.headers })
      if (json.type === "SUBSCRIBE") return onSubscribe(request)
      return json.type === "KILL" ? refuse(400, "Framework cannot be found") : Effect.succeed(emptyReply(202))
    })
  return { handler, calls }
}

const access = (url: string) => ({ url, secret: "the-secret" })
const info = { user: "u", name: "n" }
const ignore = () => {}

describe("a scheduler client", () => {
  it("is subscribed with the first event, hears every later one in order, and calls on its stream", async () => {
    const { handler, calls } = fakeMaster(() =>
      Effect.succeed(
        streamWith((stream) => {
          for (const record of [subscribed, '{"type":"HEARTBEAT"}', '{"type":"OFFERS"}']) stream.send(record)
        }),
      ),
    )
    await withListener(handler, ({ url }) =>
      Effect.gen(function* () {
        const events: Array<string> = []
        const heard = yield* Deferred.make<void>()
        const onEvent = ({ type }: WireEvent) => {
          events.push(type)
          if (type === "OFFERS") Deferred.unsafeDone(heard, Effect.void)
        }
        const client = yield* subscribe(access(url), info, onEvent)
        expect(client.frameworkId).toBe("f-1")
        yield* Deferred.await(heard)
        expect(events).toEqual(["HEARTBEAT", "OFFERS"])
        yield* client.call({ type: "DECLINE", decline: {} })
        const refused = yield* Effect.flip(client.call({ type: "KILL" }))
        expect(refused.message).toContain("answered 400: Framework cannot be found")
        expect(calls.map(({ json }) => json)).toEqual([
          { type: "SUBSCRIBE", subscribe: { framework_info: info } },
          { type: "DECLINE", decline: {}, framework_id: { value: "f-1" } },
          { type: "KILL", framework_id: { value: "f-1" } },
        ])
        expect(calls.map(({ headers }) => headers["mesos-stream-id"])).toEqual([undefined, "s-1", "s-1"])
        expect(calls.map(({ headers }) => headers.authorization)).toEqual(Array(3).fill("Bearer the-secret"))
      }),
    )
  })

  it("is refused by an ERROR event, with its reason, although the stream ends at once", async () => {
    const { handler } = fakeMaster(() =>
      Effect.succeed(
        streamWith((stream) => {
          stream.send('{"type":"ERROR","error":{"message":"no such role"}}')
          stream.end()
        }),
      ),
    )
    await withListener(handler, ({ url }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(subscribe(access(url), info, ignore))
        expect(error).toMatchObject({ _tag: "SubscriptionRefused", detail: "no such role" })
        expect(error.message).toBe(`${url}/api/v1/scheduler refused the framework: no such role`)
      }),
    )
  })

  it.each<[string, (stream: RecordStream) => void, string, string]>([
    ["ends", (stream) => stream.end(), "SubscriptionRefused", "ended before the subscription was confirmed"],
    ["is no RecordIO", (stream) => stream.sendEncoded("<html>"), "RecordIoError", "<html>"],
  ])("fails when the stream %s before SUBSCRIBED", async (_, act, _tag, text) => {
    const { handler } = fakeMaster(() => Effect.succeed(streamWith(act)))
    await withListener(handler, ({ url }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(subscribe(access(url), info, ignore))
        expect(error._tag).toBe(_tag)
        expect(error.message).toContain(text)
      }),
    )
  })

  it("fails with the master's own words when it is no framework's turn", async () => {
    const { handler } = fakeMaster(() => refuse(401, "no secret"))
    await withListener(handler, ({ url }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(subscribe(access(url), info, ignore))
        expect(error).toMatchObject({ _tag: "HttpStatusError", status: 401, body: "no secret" })
      }),
    )
  })

  it("hears that its stream was cut, and when it was ended properly", async () => {
    const opened = (stream: RecordStream) => {
      stream.send(subscribed)
    }
    let stream: RecordStream | undefined
    const { handler } = fakeMaster(() =>
      Effect.succeed(
        streamWith((open) => {
          opened(open)
          stream = open
        }),
      ),
    )
    await withListener(handler, ({ url }) =>
      Effect.gen(function* () {
        const client = yield* subscribe(access(url), info, ignore)
        stream!.send('{"type":"ERROR","error":{"message":"Framework failed over"}}')
        stream!.end()
        yield* client.ended
      }),
    )
    // A relay that is destroyed in the middle of the stream.
    await withListener(handler, (listener) =>
      Effect.gen(function* () {
        const relay = yield* makeRelay(listener)
        const client = yield* subscribe(access(relay.url), info, ignore)
        relay.cut()
        const error = yield* Effect.flip(client.ended)
        expect(error).toMatchObject({ _tag: "ClientError", reason: "Broken" })
      }),
    )
  })
})
