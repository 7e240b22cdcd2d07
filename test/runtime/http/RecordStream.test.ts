import { Deferred, Effect, Logger, Scope } from "effect"
import { describe, expect, it } from "vitest"
import { request } from "../../../runtime/http/Client.ts"
import { streamReply } from "../../../runtime/http/HttpMessage.ts"
import type { Listener } from "../../../runtime/http/Listener.ts"
import { encodeRecord } from "../../../runtime/http/RecordIo.ts"
import type { RecordStream, RecordStreamOptions, StreamEnd } from "../../../runtime/http/RecordStream.ts"
import { chunksOf, connectRaw, run, serve } from "./ListenerFixture.ts"

const subscribe = "POST /api/v1/scheduler HTTP/1.1\r\nContent-Length: 0\r\n\r\n"

/** A listener whose every answer is a stream; `next` waits for one. */
const serveStreams = (options: RecordStreamOptions = {}) =>
  Effect.gen(function* () {
    const opened = yield* Deferred.make<RecordStream>()
    const listener = yield* serve({
      host: "127.0.0.1",
      port: 0,
      handler: () =>
        Effect.succeed(streamReply((stream) => Deferred.unsafeDone(opened, Effect.succeed(stream)), options)),
    })
    return { listener, stream: Deferred.await(opened) }
  })

/** Every end that the stream's owner hears of, and the first. */
const watchEnds = (stream: RecordStream) => {
  const ends: Array<StreamEnd> = []
  return {
    ends,
    ended: Effect.async<StreamEnd>((resume) =>
      stream.onClosed((end) => {
        ends.push(end)
        resume(Effect.succeed(end))
      }),
    ),
  }
}

describe("an event stream", () => {
  it("has one chunk for each record, and the headers of a Mesos stream", async () => {
    const records = ['{"type":"SUBSCRIBED"}', '{"name":"grün 😀"}', `{"long":"${"x".repeat(100_000)}"}`, "{}"]
    const text = await run(
      Effect.gen(function* () {
        const { listener, stream } = yield* serveStreams({ headers: { "Mesos-Stream-Id": "id-1" } })
        const raw = yield* connectRaw(listener, subscribe)
        const out = yield* stream
        yield* raw.until((head) => head.includes("\r\n\r\n"))
        for (const record of records) expect(out.send(record)).toBe(true)
        out.end()
        return yield* raw.until((all) => all.endsWith("0\r\n\r\n"))
      }),
    )
    const head = text.slice(0, text.indexOf("\r\n\r\n")).split("\r\n")
    expect(head.filter((line) => !line.startsWith("Date: ")).sort()).toEqual([
      "Content-Type: application/json",
      "HTTP/1.1 200 OK",
      "Mesos-Stream-Id: id-1",
      "Transfer-Encoding: chunked",
    ])
    expect(chunksOf(text)).toEqual([...records.map(encodeRecord), ""])
    expect(chunksOf(text)[1]).toBe('33\n{"name":"gr\\u00fcn \\ud83d\\ude00"}')
  })

  it("takes encoded records as text and as bytes, which it does not copy, and keeps their order", async () => {
    const large = Buffer.from(encodeRecord(`{"large":"${"y".repeat(300_000)}"}`), "latin1")
    const [before, after] = ['{"before":1}', '{"after":1}'].map(encodeRecord)
    const text = await run(
      Effect.gen(function* () {
        const { listener, stream } = yield* serveStreams()
        const raw = yield* connectRaw(listener, subscribe)
        const out = yield* stream
        yield* raw.until((head) => head.includes("\r\n\r\n"))
        for (const record of [large, before!, large, large, after!])
          expect(out.sendEncoded(record)).toBe(true)
        expect(out.waitingBytes()).toBeGreaterThanOrEqual(3 * large.length)
        out.end()
        return yield* raw.until((all) => all.endsWith("0\r\n\r\n"))
      }),
    )
    const largeText = large.toString("latin1")
    expect(chunksOf(text)).toEqual([largeText, before, largeText, largeText, after, ""])
  })

  it("tells once that its client left, and sends nothing after", async () => {
    const { ends, sent } = await run(
      Effect.gen(function* () {
        const { listener, stream } = yield* serveStreams()
        const raw = yield* connectRaw(listener, subscribe)
        const out = yield* stream
        const { ends, ended } = watchEnds(out)
        raw.socket.destroy()
        yield* ended
        const sent = out.send("{}")
        out.end()
        out.onClosed((end) => ends.push(end))
        return { ends, sent, isOpen: out.isOpen() }
      }),
    )
    // The second is the listener that came after the end.
    expect(ends).toEqual(["ClientLeft", "ClientLeft"])
    expect(sent).toBe(false)
  })

  it("hears that its client left also while it waits behind an earlier request", async () => {
    await run(
      Effect.gen(function* () {
        const opened = yield* Deferred.make<RecordStream>()
        const interrupted = yield* Deferred.make<void>()
        const listener = yield* serve({
          host: "127.0.0.1",
          port: 0,
          handler: ({ path }) =>
            path === "/first"
              ? Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
              : Effect.succeed(streamReply((stream) => Deferred.unsafeDone(opened, Effect.succeed(stream)))),
        })
        const raw = yield* connectRaw(listener, `GET /first HTTP/1.1\r\n\r\n${subscribe}`)
        const out = yield* Deferred.await(opened)
        expect(out.send("{}")).toBe(true)
        const { ends, ended } = watchEnds(out)
        raw.socket.destroy()
        yield* ended
        yield* Deferred.await(interrupted)
        expect(ends).toEqual(["ClientLeft"])
      }),
    )
  })

  it("tells once that it was ended", async () => {
    const ends = await run(
      Effect.gen(function* () {
        const { listener, stream } = yield* serveStreams()
        const raw = yield* connectRaw(listener, subscribe)
        const out = yield* stream
        const { ends, ended } = watchEnds(out)
        yield* Effect.fork(ended)
        yield* Effect.yieldNow()
        out.end()
        out.end()
        yield* raw.until((all) => all.endsWith("0\r\n\r\n"))
        raw.socket.destroy()
        yield* raw.closed
        return ends
      }),
    )
    expect(ends).toEqual(["Ended"])
  })

  it("is cut, and logged, when its reader lets too much wait; others live on", async () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => {
      lines.push(String(message))
    })
    const record = encodeRecord(JSON.stringify("x".repeat(64 * 1024)))
    const maxWaitingBytes = 1024 * 1024
    const result = await run(
      Effect.gen(function* () {
        const { listener, stream } = yield* serveStreams({ maxWaitingBytes })
        const raw = yield* connectRaw(listener, subscribe)
        raw.socket.pause()
        const out = yield* stream
        const { ends, ended } = watchEnds(out)
        let sent = 0
        let most = 0
        // The kernel takes some megabytes before anything waits here; the turns let it.
        while (out.sendEncoded(record) && sent < 10_000) {
          sent++
          most = Math.max(most, out.waitingBytes())
          yield* Effect.async<void>((resume) => {
            setImmediate(() => resume(Effect.void))
          })
        }
        yield* ended
        const other = yield* connectRaw(listener, subscribe)
        yield* other.until((head) => head.includes("200 OK"))
        return { ends, most, isOpen: out.isOpen() }
      }).pipe(Effect.provide(Logger.replace(Logger.defaultLogger, logger))),
    )
    expect(result).toMatchObject({ ends: ["TooSlow"], isOpen: false })
    expect(result.most).toBeLessThanOrEqual(maxWaitingBytes + record.length)
    expect(result.most).toBeGreaterThan(maxWaitingBytes / 2)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/event stream of \/api\/v1\/scheduler to 127\.0\.0\.1 cut: \d+ bytes waited/)
  })

  it("may begin with a record larger than its bound", async () => {
    const snapshot = JSON.stringify("s".repeat(200_000))
    const text = await run(
      Effect.gen(function* () {
        const { listener, stream } = yield* serveStreams({ maxWaitingBytes: 1_000 })
        const raw = yield* connectRaw(listener, subscribe)
        const out = yield* stream
        expect([out.send(snapshot), out.send("{}")]).toEqual([true, true])
        return yield* raw.until((all) => all.endsWith("2\n{}\r\n"))
      }),
    )
    expect(chunksOf(text)).toEqual([encodeRecord(snapshot), "2\n{}"])
  })

  it("ends when the listener does", async () => {
    const [end, text] = await run(
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const { listener, stream } = yield* Scope.extend(serveStreams(), scope)
        const raw = yield* connectRaw(listener as Listener, subscribe)
        const out = yield* stream
        const { ended } = watchEnds(out)
        out.send('"last"')
        yield* Scope.close(scope, yield* Effect.exit(Effect.void))
        yield* raw.closed
        expect((yield* Effect.flip(request({ url: listener.url }))).reason).toBe("Refused")
        return [yield* ended, raw.received()] as const
      }),
    )
    expect(end).toBe("Ended")
    expect(chunksOf(text)).toEqual(['6\n"last"', ""])
  })
})
