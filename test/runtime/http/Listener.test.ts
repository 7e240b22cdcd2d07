import { Deferred, Effect, Fiber, Logger, Scope } from "effect"
import { describe, expect, it } from "vitest"
import { request } from "../../../runtime/http/Client.ts"
import {
  emptyReply,
  type HttpReply,
  type HttpRequest,
  jsonReply,
  textReply,
} from "../../../runtime/http/HttpMessage.ts"
import { get, type Handler, post, routesToHandler } from "../../../runtime/http/Routes.ts"
import { connectRaw, run, serve, withListener } from "./ListenerFixture.ts"

const echo: Handler = ({ body }) => Effect.map(body, (bytes) => textReply(bytes.toString(), "text/x-echo"))
const size: Handler = ({ body }) => Effect.map(body, (bytes) => jsonReply(bytes.length))

/** Status line and headers without Date, sorted; and the body. */
const partsOf = (response: string) => {
  const [head, ...body] = response.split("\r\n\r\n")
  const [status, ...headers] = head!.split("\r\n")
  return {
    status,
    headers: headers.filter((line) => !line.startsWith("Date: ")).sort(),
    body: body.join("\r\n\r\n"),
  }
}

const withLogs = <A, E>(effect: Effect.Effect<A, E>) => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message, cause }) => {
    lines.push(`${String(message)} ${cause.toString()}`)
  })
  return Effect.map(Effect.provide(effect, Logger.replace(Logger.defaultLogger, logger)), (value) => ({
    value,
    lines,
  }))
}

describe("replies on the wire", () => {
  const handler = routesToHandler([
    get("/health", () => Effect.succeed(emptyReply(200))),
    post("/call", () => Effect.succeed(emptyReply(202))),
    get("/state", () => Effect.succeed(jsonReply({ é: 1 }))),
  ])
  const bytesFor = (bytes: string, end: string) =>
    withListener(handler, (listener) =>
      Effect.flatMap(connectRaw(listener, bytes), ({ until }) => until((text) => text.endsWith(end))),
    )

  it("have no Content-Type when they are empty, and no Connection header", async () => {
    expect(partsOf(await bytesFor("POST /call HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "\r\n\r\n"))).toEqual({
      status: "HTTP/1.1 202 Accepted",
      headers: ["Content-Length: 0"],
      body: "",
    })
  })

  it("refuse as Mesos does, byte for byte", async () => {
    expect(partsOf(await bytesFor("PUT /call HTTP/1.1\r\nHost: x\r\n\r\n", "'PUT'."))).toEqual({
      status: "HTTP/1.1 405 Method Not Allowed",
      headers: ["Allow: POST", "Content-Length: 72", "Content-Type: text/plain; charset=utf-8"],
      body: "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'PUT'.",
    })
    expect(partsOf(await bytesFor("GET /nope HTTP/1.1\r\nHost: x\r\n\r\n", "Found."))).toEqual({
      status: "HTTP/1.1 404 Not Found",
      headers: ["Content-Length: 14", "Content-Type: text/plain; charset=utf-8"],
      body: "404 Not Found.",
    })
  })

  it("answer HEAD without the body but with its length in bytes", async () => {
    const { headers, body } = partsOf(await bytesFor("HEAD /state HTTP/1.1\r\nHost: x\r\n\r\n", "\r\n\r\n"))
    expect(headers).toEqual([`Content-Length: 8`, "Content-Type: application/json"])
    expect(body).toBe("")
  })

  it("keep the order of pipelined requests, take HTTP/1.0 without Host, and a whole URL", async () => {
    const text = await bytesFor(
      "GET /health HTTP/1.1\r\n\r\nGET /nope HTTP/1.1\r\n\r\nGET http://h:1/state HTTP/1.0\r\n\r\n",
      '{"é":1}'.replace("é", "\u00c3\u00a9"),
    )
    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 200"])
  })

  it("do not come for what is not HTTP: the connection closes", async () => {
    const received = await withListener(handler, (listener) =>
      Effect.gen(function* () {
        const garbage = yield* connectRaw(listener, "NOT HTTP AT ALL\r\n\r\n")
        yield* garbage.closed
        return garbage.received()
      }),
    )
    expect(received).toBe("")
  })
})

describe("bodies", () => {
  it("arrive whole, also in chunks and when they are read twice", async () => {
    const twice: Handler = ({ body }) =>
      Effect.zipWith(body, body, (a, b) => textReply(`${a}${b.length}`, "text/plain"))
    const reply = await withListener(twice, (listener) =>
      Effect.flatMap(
        connectRaw(
          listener,
          "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
        ),
        ({ until }) => until((text) => text.endsWith("5")),
      ),
    )
    expect(partsOf(reply).body).toBe("abcde5")
  })

  it("are refused beyond the bound, announced or not, and the next request is served", async () => {
    const chunk = `80\r\n${"x".repeat(128)}\r\n`
    const [exact, announced, growing, next] = await withListener(
      size,
      (listener) =>
        Effect.gen(function* () {
          const { url } = listener
          const exact = yield* request({ url, body: "x".repeat(1_000) })
          const announced = yield* request({ url, body: "x".repeat(1_001) })
          const raw = yield* connectRaw(listener, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
          raw.socket.write(chunk.repeat(8))
          const growing = yield* raw.until((text) => text.endsWith("bytes"))
          return [exact, announced, growing, yield* request({ url, body: "x" })] as const
        }),
      { maxBodyBytes: 1_000 },
    )
    expect([exact.status, exact.body]).toEqual([200, "1000"])
    expect(announced).toMatchObject({ status: 413, body: "The body is longer than the bound of 1000 bytes" })
    expect(growing).toContain("HTTP/1.1 413 ")
    expect(next.body).toBe("1")
  })

  it("may be longer, or must be shorter, where a route says so", async () => {
    const routes = ["/large", "/small", "/plain"].map((path, index) =>
      post(path, size, [{ maxBodyBytes: 2_000 }, { maxBodyBytes: 10 }, {}][index]),
    )
    const statuses = await withListener(
      routesToHandler(routes),
      ({ url }) =>
        Effect.forEach(
          [
            ["/large", 2_000],
            ["/large", 2_001],
            ["/plain", 1_000],
            ["/plain", 1_001],
            ["/small", 11],
          ] as const,
          ([path, length]) =>
            Effect.map(request({ url: url + path, body: "x".repeat(length) }), ({ status }) => status),
        ),
      { maxBodyBytes: 1_000 },
    )
    expect(statuses).toEqual([200, 413, 200, 413, 413])
  })

  it("that nobody reads to the end do not hold the connection", async () => {
    await withListener(
      size,
      (listener) =>
        Effect.gen(function* () {
          const raw = yield* connectRaw(listener, "POST / HTTP/1.1\r\nContent-Length: 9999\r\n\r\nxx")
          yield* raw.until((text) => text.includes("413"))
          yield* raw.closed
        }),
      { maxBodyBytes: 1_000 },
    )
  })

  it("that come too slowly are refused", async () => {
    const reply = await withListener(
      echo,
      (listener) =>
        Effect.flatMap(connectRaw(listener, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nxx"), ({ until }) =>
          until((text) => text.endsWith("ms")),
        ),
      { bodyTimeoutMs: 20 },
    )
    expect(reply).toContain("HTTP/1.1 408 ")
    expect(reply).toContain("The body did not arrive within 20 ms")
  })

  it("have a head that must come in time", async () => {
    await withListener(
      echo,
      (listener) =>
        Effect.flatMap(connectRaw(listener, "POST / HTTP/1.1\r\nContent-"), ({ closed }) => closed),
      { headersTimeoutMs: 50 },
    )
  })
})

describe("handlers", () => {
  it("that fail in any way answer 500, are logged, and the next request is served", async () => {
    const bad: Record<string, Handler> = {
      "/die": () => Effect.die(new Error("first cause")),
      "/throw": () => {
        throw new Error("second cause")
      },
      "/header": () => Effect.succeed(emptyReply(200, { "X-Bad": "line\nbreak" })),
      "/status": () => Effect.succeed(emptyReply(7)),
      "/fine": () => Effect.succeed(jsonReply("fine")),
    }
    const handler: Handler = (incoming: HttpRequest) => bad[incoming.path]!(incoming)
    const serving = Effect.scoped(
      Effect.flatMap(serve({ host: "127.0.0.1", port: 0, handler }), ({ url }) =>
        Effect.forEach(Object.keys(bad), (path) => request({ url: `${url}${path}` })),
      ),
    )
    const { value, lines } = await Effect.runPromise(withLogs(serving))
    expect(value.map(({ status }) => status)).toEqual([500, 500, 500, 500, 200])
    for (const { body } of value.slice(0, 4)) {
      expect(body).toBe("500 Internal Server Error. The log of this daemon has the cause.")
    }
    expect(lines).toHaveLength(4)
    expect(lines[0]).toContain("GET /die")
    expect(lines[0]).toContain("first cause")
    expect(lines[1]).toContain("second cause")
  })

  it("lose the client that does not take their reply", async () => {
    await withListener(
      () => Effect.succeed(textReply("x".repeat(64 * 1024 * 1024), "text/plain")),
      (listener) =>
        Effect.gen(function* () {
          const raw = yield* connectRaw(listener)
          raw.socket.pause()
          const served = yield* Effect.fork(request({ url: listener.url }))
          raw.socket.write("GET / HTTP/1.1\r\n\r\n")
          // A client that reads gets it all, in spite of the bound.
          expect((yield* Fiber.join(served)).body).toHaveLength(64 * 1024 * 1024)
          yield* Effect.async<void>((resume) => {
            const look = () => (listener.connections() === 0 ? resume(Effect.void) : setTimeout(look, 5))
            look()
          })
        }),
      { stallTimeoutMs: 300 },
    )
  })

  it("are interrupted when their client leaves", async () => {
    await run(
      Effect.gen(function* () {
        const begun = yield* Deferred.make<void>()
        const interrupted = yield* Deferred.make<void>()
        const handler: Handler = () =>
          Effect.zipRight(Deferred.succeed(begun, undefined), Effect.never).pipe(
            Effect.onInterrupt(() => Deferred.succeed(interrupted, undefined)),
          )
        const listener = yield* serve({ host: "127.0.0.1", port: 0, handler })
        const raw = yield* connectRaw(listener, "GET / HTTP/1.1\r\n\r\n")
        yield* Deferred.await(begun)
        raw.socket.destroy()
        yield* Deferred.await(interrupted)
      }),
    )
  })
})

describe("the listener's life", () => {
  it("names an address that is taken, or not this host's, with the remedy", async () => {
    const errors = await withListener(echo, ({ port }) =>
      Effect.all([
        Effect.flip(serve({ host: "127.0.0.1", port, handler: echo })),
        Effect.flip(serve({ host: "192.0.2.1", port: 0, handler: echo })),
      ]),
    )
    expect(errors.map(({ reason }) => reason)).toEqual(["AddressInUse", "NoSuchAddress"])
    expect(errors[0].message).toContain(`cannot listen on 127.0.0.1:${errors[0].port}`)
    expect(errors[0].message).toContain("stop it or choose another port")
  })

  it("closes connections beyond its bound, and serves the others", async () => {
    const reply = await withListener(
      echo,
      (listener) =>
        Effect.gen(function* () {
          const first = yield* connectRaw(listener)
          // An answer shows that the first connection counts.
          first.socket.write("GET / HTTP/1.1\r\n\r\n")
          yield* first.until((text) => text.includes("200 OK"))
          const second = yield* connectRaw(listener)
          yield* second.closed
          first.socket.write("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nhere")
          return yield* first.until((text) => text.endsWith("here"))
        }),
      { maxConnections: 1 },
    )
    expect(reply).toContain("200 OK")
  })

  it("ends idle connections at once, answers what runs, and takes nothing new", async () => {
    await run(
      Effect.gen(function* () {
        const begun = yield* Deferred.make<void>()
        const gate = yield* Deferred.make<HttpReply>()
        const handler: Handler = ({ path }) =>
          path === "/wait"
            ? Effect.zipRight(Deferred.succeed(begun, undefined), Deferred.await(gate))
            : Effect.succeed(jsonReply("x"))
        const scope = yield* Scope.make()
        const listener = yield* Scope.extend(serve({ host: "127.0.0.1", port: 0, handler }), scope)
        const idle = yield* connectRaw(listener, "GET / HTTP/1.1\r\n\r\n")
        yield* idle.until((text) => text.endsWith('"x"'))
        const busy = yield* connectRaw(listener, "GET /wait HTTP/1.1\r\n\r\n")
        yield* Deferred.await(begun)
        const closing = yield* Effect.fork(Scope.close(scope, yield* Effect.exit(Effect.void)))
        yield* idle.closed
        expect((yield* Effect.flip(request({ url: listener.url }))).reason).toBe("Refused")
        yield* Deferred.succeed(gate, jsonReply("late"))
        yield* busy.closed
        expect(busy.received()).toContain("Connection: close")
        expect(busy.received()).toMatch(/"late"$/)
        yield* Fiber.join(closing)
      }),
    )
  })

  it("ends no connection before its client has taken what was answered", async () => {
    const long = "x".repeat(32 * 1024 * 1024)
    await run(
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const handler: Handler = () => Effect.succeed(textReply(long, "text/plain"))
        const listener = yield* Scope.extend(serve({ host: "127.0.0.1", port: 0, handler }), scope)
        const slow = yield* connectRaw(listener)
        slow.socket.pause()
        slow.socket.write("GET / HTTP/1.1\r\n\r\n")
        while (slow.socket.bytesRead === 0) yield* Effect.sleep(5)
        const closing = yield* Effect.fork(Scope.close(scope, yield* Effect.exit(Effect.void)))
        yield* Effect.sleep(20)
        slow.socket.resume()
        yield* slow.closed
        expect(slow.received().length).toBeGreaterThan(long.length)
        yield* Fiber.join(closing)
      }),
    )
  })

  it("does not wait for ever for what does not end", async () => {
    await withListener(
      () => Effect.never,
      (listener) => connectRaw(listener, "GET / HTTP/1.1\r\n\r\n"),
      { closeWaitMs: 20 },
    )
  })
})
