import { createServer } from "node:net"
import { Deferred, Effect, Exit, Fiber, Queue } from "effect"
import { describe, expect, it } from "vitest"
import { makeConnectionPool, openStream, request, requestOk } from "../../../runtime/http/Client.ts"
import { emptyReply, jsonReply, refuse, streamReply } from "../../../runtime/http/HttpMessage.ts"
import type { RecordStream, StreamEnd } from "../../../runtime/http/RecordStream.ts"
import type { Handler } from "../../../runtime/http/Routes.ts"
import { run, withListener } from "./ListenerFixture.ts"

/** A server that answers every connection with the same bytes, then closes or stays silent. */
const withBytes = <A, E>(bytes: string, closes: boolean, use: (url: string) => Effect.Effect<A, E>) =>
  run(
    Effect.flatMap(
      Effect.acquireRelease(
        Effect.async<ReturnType<typeof createServer>>((resume) => {
          const server = createServer((socket) => {
            socket.on("error", () => {})
            socket.write(bytes)
            if (closes) socket.end()
          })
          server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close()),
      ),
      (server) => use(`http://127.0.0.1:${(server.address() as { port: number }).port}/x`),
    ),
  )

describe("request", () => {
  it("carries method, headers, secret and body, and brings the whole answer", async () => {
    const handler: Handler = ({ method, path, query, headers, body }) =>
      Effect.map(body, (bytes) =>
        jsonReply(
          [method, path, query().get("a"), headers["x-one"], headers.authorization, bytes.toString()],
          201,
        ),
      )
    const [post, get] = await withListener(handler, ({ url }) =>
      Effect.all([
        request({ url: `${url}/p/q?a=b%20c`, headers: { "X-One": "1" }, secret: "s", body: "grün" }),
        request({ url }),
      ]),
    )
    expect(post.status).toBe(201)
    expect(post.headers["content-type"]).toBe("application/json")
    expect(JSON.parse(post.body)).toEqual(["POST", "/p/q", "b c", "1", "Bearer s", "grün"])
    expect(JSON.parse(get.body)).toEqual(["GET", "/", null, null, null, ""])
  })

  it("turns a status that is no success into an error where that is wanted", async () => {
    const [reply, error] = await withListener(
      () => Effect.fail(refuse(409, "cpus:8 does not contain cpus:9")),
      ({ url }) => Effect.all([request({ url }), Effect.flip(requestOk({ url }))]),
    )
    expect(reply.status).toBe(409)
    expect(error).toMatchObject({ _tag: "HttpStatusError", status: 409 })
    expect(error.message).toMatch(/^http:.* answered 409: cpus:8 does not contain cpus:9$/)
  })

  it("names URL and remedy when nobody listens", async () => {
    const url = await withListener(
      () => Effect.never,
      (listener) => Effect.succeed(listener.url),
    )
    const error = await run(Effect.flip(request({ url })))
    expect(error).toMatchObject({ _tag: "ClientError", reason: "Refused", url })
    expect(error.message).toBe(
      `no answer from ${url} (ECONNREFUSED); nothing listens there: see that the daemon runs, and that host and port are right`,
    )
  })

  it.each(["nonsense", "ftp://x/", "http://", "https://"])("refuses %s as URL", async (url) => {
    expect(await run(Effect.flip(request({ url })))).toMatchObject({ reason: "BadUrl", url })
  })

  it.each([
    ["silence", "", false, "TimedOut"],
    ["half an answer", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false, "TimedOut"],
    ["half an answer and the end", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true, "Broken"],
    ["no answer and the end", "", true, "Broken"],
    ["what is not HTTP", "SSH-2.0-x\r\n", false, "Broken"],
    ["too much", `HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n${"x".repeat(101)}`, false, "TooLarge"],
  ])("fails on %s", async (_, bytes, closes, reason) => {
    const error = await withBytes(bytes, closes, (url) =>
      Effect.flip(request({ url, timeoutMs: reason === "TimedOut" ? 100 : 20_000, maxBodyBytes: 100 })),
    )
    expect(error.reason).toBe(reason)
  })

  it("disconnects when it is interrupted", async () => {
    const begun = Effect.runSync(Deferred.make<void>())
    const left = Effect.runSync(Deferred.make<void>())
    const handler: Handler = () =>
      Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never).pipe(
        Effect.onInterrupt(() => Deferred.succeed(left, undefined)),
      )
    await withListener(handler, ({ url }) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(request({ url }))
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(fiber)
        yield* Deferred.await(left)
      }),
    )
  })

  it("reuses a pool's connections, and only those", async () => {
    const sockets = new Set<string>()
    const handler: Handler = ({ headers }) => {
      sockets.add(String(headers.connection))
      return Effect.succeed(emptyReply(200))
    }
    await withListener(handler, ({ url }) =>
      Effect.gen(function* () {
        const pool = yield* makeConnectionPool(1, url)
        yield* Effect.forEach([1, 2, 3], () => request({ url, pool }))
        expect([...sockets]).toEqual(["keep-alive"])
        expect(Object.values(pool.freeSockets).flat()).toHaveLength(1)
        yield* request({ url })
        expect([...sockets]).toEqual(["keep-alive", "close"])
      }),
    )
  })
})

describe("openStream", () => {
  /** Streams with a queue of what the server's side saw. */
  const withStreams = <A, E>(
    use: (url: string, opened: Effect.Effect<RecordStream>) => Effect.Effect<A, E>,
  ): Promise<A> => {
    const streams = Effect.runSync(Queue.unbounded<RecordStream>())
    return withListener(
      () =>
        Effect.succeed(
          streamReply((stream) => Queue.unsafeOffer(streams, stream), {
            headers: { "Mesos-Stream-Id": "7" },
          }),
        ),
      ({ url }) => use(url, Queue.take(streams)),
    )
  }
  const endOf = (stream: RecordStream) =>
    Effect.async<StreamEnd>((resume) => stream.onClosed((end) => resume(Effect.succeed(end))))

  it("gives the headers, then every record in order, also those that came before it ran", async () => {
    const records = await withStreams((url, opened) =>
      Effect.scoped(
        Effect.gen(function* () {
          const stream = yield* openStream({ url, body: "{}" })
          expect(stream.headers["mesos-stream-id"]).toBe("7")
          const out = yield* opened
          const sent = Array.from({ length: 500 }, (_, index) =>
            JSON.stringify({ index, é: "x".repeat(index) }),
          )
          for (const record of sent) out.send(record)
          out.end()
          const seen: Array<unknown> = []
          yield* stream.run((record) => seen.push(JSON.parse(record)))
          expect(seen).toEqual(sent.map((record) => JSON.parse(record)))
          return seen
        }),
      ),
    )
    expect(records).toHaveLength(500)
  })

  it("disconnects when its run is interrupted, and when its scope ends without a run", async () => {
    const ends = await withStreams((url, opened) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(
          Effect.scoped(Effect.flatMap(openStream({ url }), (stream) => stream.run(() => {}))),
        )
        const first = yield* opened
        yield* Fiber.interrupt(fiber)
        yield* Effect.scoped(openStream({ url }))
        return [yield* endOf(first), yield* endOf(yield* opened)]
      }),
    )
    expect(ends).toEqual(["ClientLeft", "ClientLeft"])
  })

  it("fails with status and text when the answer is no stream", async () => {
    const error = await withListener(
      () => Effect.fail(refuse(409, "no")),
      ({ url }) => Effect.flip(openStream({ url })),
    )
    expect(error).toMatchObject({ _tag: "HttpStatusError", status: 409, body: "no" })
  })

  const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
  it.each([
    ["a broken connection", `${head}3\r\n1\na\r\n`, true, { _tag: "ClientError", reason: "Broken" }],
    ["silence", `${head}3\r\n1\na\r\n`, false, { _tag: "ClientError", reason: "TimedOut" }],
    ["garbage", `${head}5\r\n1\naxx\r\n`, false, { _tag: "RecordIoError", reason: "BadLength" }],
    [
      "an end within a record",
      `${head}5\r\n1\na5\n\r\n0\r\n\r\n`,
      false,
      { _tag: "RecordIoError", reason: "Truncated" },
    ],
    ["a record beyond the bound", `${head}6\r\n1\na999\r\n1\r\n\n\r\n`, false, { reason: "TooLong" }],
  ])("fails on %s after the records before it", async (_, bytes, closes, expected) => {
    const seen: Array<string> = []
    const error = await withBytes(bytes, closes, (url) =>
      Effect.scoped(
        Effect.flatMap(
          openStream({ url, silenceMs: expected.reason === "TimedOut" ? 100 : 20_000, maxRecordBytes: 100 }),
          (stream) => Effect.flip(stream.run((record) => seen.push(record))),
        ),
      ),
    )
    expect(error).toMatchObject(expected)
    expect(seen).toEqual(["a"])
  })

  it("ends with the defect of its reader, and disconnects", async () => {
    const [exit, end] = await withStreams((url, opened) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.fork(
          Effect.scoped(
            Effect.flatMap(openStream({ url }), (stream) =>
              stream.run(() => {
                throw new Error("reader's defect")
              }),
            ),
          ),
        )
        const out = yield* opened
        out.send("{}")
        return [yield* Fiber.await(fiber), yield* endOf(out)] as const
      }),
    )
    expect(Exit.isFailure(exit) && exit.cause.toString()).toContain("reader's defect")
    expect(end).toBe("ClientLeft")
  })
})
