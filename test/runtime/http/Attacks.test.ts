import { Effect, type Scope } from "effect"
import { describe, expect, it } from "vitest"
import { request } from "../../../runtime/http/Client.ts"
import { refuse, textReply } from "../../../runtime/http/HttpMessage.ts"
import type { Listener } from "../../../runtime/http/Listener.ts"
import { get, type Handler, post, routesToHandler } from "../../../runtime/http/Routes.ts"
import { connectRaw, type RawConnection, withListener } from "./ListenerFixture.ts"

// What comes from people who mean harm, and that others are served meanwhile.

const handler = routesToHandler([
  get("/alive", () => Effect.succeed(textReply("yes", "text/plain"))),
  post("/call", ({ body }) => Effect.map(body, (bytes) => textReply(String(bytes.length), "text/plain"))),
  {
    path: "/proven",
    methods: ["GET"],
    handler: ({ prove }) => {
      prove()
      return Effect.succeed(textReply("yes", "text/plain"))
    },
  },
])

const many = <A>(count: number, make: (index: number) => Effect.Effect<A, never, Scope.Scope>) =>
  Effect.all(
    Array.from({ length: count }, (_, index) => make(index)),
    { concurrency: 50 },
  )

/** Sends a byte every few ms for as long as it is let. */
const dribble = (listener: Listener, text: string) =>
  Effect.tap(connectRaw(listener, text), ({ socket }) =>
    Effect.acquireRelease(
      Effect.sync(() => setInterval(() => socket.write("x"), 20)),
      (timer) => Effect.sync(() => clearInterval(timer)),
    ),
  )

/** Pushes 100 MB into a connection as fast as it takes them, until it is closed or all is out. */
const upload = ({ socket }: RawConnection, chunk: Buffer, count: number) => {
  let left = count
  const push = () => {
    while (left > 0 && !socket.destroyed) {
      left -= 1
      if (!socket.write(chunk)) {
        socket.once("drain", push)
        return
      }
    }
  }
  push()
}

const alive = (url: string) => Effect.map(request({ url: `${url}/alive` }), ({ body }) => body)

describe("while under attack", () => {
  it("slow heads, silent connections, 100 MB bodies and floods of headers end, and others are served", async () => {
    const megabyte = Buffer.alloc(1_000_000, 0x61)
    const length = 100 * megabyte.length
    const outcome = await withListener(
      handler,
      (listener) =>
        Effect.gen(function* () {
          const { url } = listener
          const silent = yield* many(100, () => connectRaw(listener))
          const slow = yield* many(100, () => dribble(listener, "GET /alive HTTP/1.1\r\nX-Slow: "))
          const slowBodies = yield* many(10, () =>
            dribble(listener, "POST /call HTTP/1.1\r\nContent-Length: 90000\r\n\r\n"),
          )
          const announced = yield* connectRaw(
            listener,
            `POST /call HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n`,
          )
          upload(announced, megabyte, 100)
          const chunked = yield* connectRaw(
            listener,
            "POST /call HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
          )
          upload(chunked, Buffer.concat([Buffer.from("f4240\r\n"), megabyte, Buffer.from("\r\n")]), 100)
          const longHead = yield* connectRaw(listener, `GET /alive HTTP/1.1\r\nX-A: ${"a".repeat(200_000)}`)
          const headers = Array.from({ length: 200 }, (_, index) => `X-${index}: 1\r\n`).join("")
          const manyHeaders = yield* connectRaw(listener, `GET /alive HTTP/1.1\r\n${headers}\r\n`)

          const attackers = [...silent, ...slow, ...slowBodies, announced, chunked, longHead, manyHeaders]
          const isOver = { value: false }
          const attack = yield* Effect.fork(
            Effect.all(
              attackers.map(({ closed }) => closed),
              { concurrency: "unbounded" },
            ).pipe(Effect.tap(() => Effect.sync(() => Object.assign(isOver, { value: true })))),
          )
          const served: Array<string> = []
          while (!isOver.value) served.push(yield* alive(url))
          yield* attack
          return {
            served,
            left: listener.connections(),
            statuses: [announced, chunked, longHead, manyHeaders, slowBodies[0]!, silent[0]!, slow[0]!].map(
              ({ received }) => received().split("\r\n")[0],
            ),
          }
        }),
      { headersTimeoutMs: 400, bodyTimeoutMs: 400, maxBodyBytes: 100_000 },
    )
    expect(outcome.statuses).toEqual([
      "HTTP/1.1 413 Payload Too Large",
      "HTTP/1.1 413 Payload Too Large",
      "HTTP/1.1 431 Request Header Fields Too Large",
      "HTTP/1.1 431 Request Header Fields Too Large",
      "HTTP/1.1 408 Request Timeout",
      // Who has not even asked gets no answer.
      "",
      "",
    ])
    expect(outcome.served.length).toBeGreaterThan(0)
    expect(new Set(outcome.served)).toEqual(new Set(["yes"]))
  }, 60_000)

  it("bodies together have a bound, too, and give back what they took", async () => {
    const [most, rest] = ["x".repeat(30_000), "x".repeat(10_000)]
    const started = `POST /call HTTP/1.1\r\nContent-Length: 40000\r\n\r\n${most}`
    const answers = await withListener(
      handler,
      (listener) =>
        Effect.gen(function* () {
          const first = yield* connectRaw(listener, started)
          const second = yield* connectRaw(listener, started)
          // The third is one too many, whoever of the three it is.
          const third = yield* connectRaw(listener, started)
          const all = [first, second, third]
          const refused = yield* Effect.raceAll(
            all.map((one) =>
              Effect.as(
                one.until((text) => text !== ""),
                one,
              ),
            ),
          )
          const others = all.filter((one) => one !== refused)
          for (const { socket } of others) socket.write(rest)
          yield* Effect.forEach(others, ({ until }) => until((text) => text.endsWith("40000")))
          const again = yield* request({ url: `${listener.url}/call`, body: most + rest })
          return [refused.received().split("\r\n")[0], again.body]
        }),
      { maxBodyBytes: 100_000, maxBodiesBytes: 80_000 },
    )
    expect(answers).toEqual(["HTTP/1.1 503 Service Unavailable", "40000"])
  })

  it("bodies of strangers, who are refused whatever they send, take no room from those of others", async () => {
    const closed: Handler = ({ headers, prove, body }) => {
      if (headers.authorization === undefined) return refuse(401, "401 Unauthorized.")
      prove()
      return Effect.map(body, (bytes) => textReply(String(bytes.length), "text/plain"))
    }
    const head = (more: string) => `POST / HTTP/1.1\r\n${more}Content-Length: 40000\r\n\r\n`
    const answer = await withListener(
      closed,
      (listener) =>
        Effect.gen(function* () {
          yield* many(2, () => connectRaw(listener, head("") + "x".repeat(39_000)))
          while (listener.connections() < 2) yield* Effect.sleep(5)
          yield* Effect.sleep(30)
          const { socket, until } = yield* connectRaw(
            listener,
            head("Authorization: a\r\n") + "x".repeat(30_000),
          )
          yield* Effect.sleep(30)
          socket.write("x".repeat(10_000))
          return yield* until((text) => text !== "")
        }),
      { maxBodyBytes: 100_000, maxBodiesBytes: 80_000 },
    )
    expect(answer).toMatch(/^HTTP\/1.1 200 OK.*40000$/s)
  })

  it("one address cannot take all connections: only those that have proven who they are go beyond its share", async () => {
    await withListener(
      handler,
      (listener) =>
        Effect.gen(function* () {
          const ask = (path: string) =>
            Effect.tap(connectRaw(listener, `GET ${path} HTTP/1.1\r\n\r\n`), ({ until }) =>
              until((text) => text.endsWith("yes")),
            )
          const proven = yield* many(5, () => ask("/proven"))
          const strangers = yield* many(3, () => ask("/alive"))
          const beyond = yield* connectRaw(listener)
          yield* beyond.closed
          expect(beyond.received()).toBe("")
          expect(listener.connections()).toBe(8)
          // One that leaves makes room for another.
          strangers[0]!.socket.end()
          yield* strangers[0]!.closed
          yield* ask("/alive")
          for (const { socket, until } of [...proven, strangers[1]!]) {
            socket.write("GET /alive HTTP/1.1\r\n\r\n")
            yield* until((text) => text.split("yes").length === 3)
          }
        }),
      { maxStrangersPerAddress: 3 },
    )
  })

  it("strangers together leave room for the others: the one of them that has been there for longest is closed", async () => {
    await withListener(
      handler,
      (listener) =>
        Effect.gen(function* () {
          const ask = (path: string) =>
            Effect.tap(connectRaw(listener, `GET ${path} HTTP/1.1\r\n\r\n`), ({ until }) =>
              until((text) => text.endsWith("yes")),
            )
          const proven = yield* ask("/proven")
          const strangers = yield* Effect.forEach(Array.from({ length: 6 }), () => ask("/alive"))
          const late = yield* ask("/proven")
          yield* strangers[0]!.closed
          expect(listener.connections()).toBe(7)
          for (const { socket, until } of [proven, late, ...strangers.slice(1)]) {
            socket.write("GET /alive HTTP/1.1\r\n\r\n")
            yield* until((text) => text.split("yes").length === 3)
          }
        }),
      { maxConnections: 8 },
    )
  })

  it("slow readers keep no more of long answers in memory than there is room for", async () => {
    const megabyte = 1024 * 1024
    const shared = Buffer.alloc(24 * megabyte, 0x61)
    const long: Handler = ({ path }) =>
      Effect.succeed({
        ...{ _tag: "FullReply", status: 200, headers: {} },
        body: path === "/shared" ? shared : path === "/short" ? "a" : Buffer.alloc(24 * megabyte, 0x62),
      } as const)
    await withListener(
      long,
      (listener) =>
        Effect.gen(function* () {
          const slow = (path: string) =>
            Effect.map(connectRaw(listener), (raw) => {
              raw.socket.pause()
              raw.socket.write(`GET ${path} HTTP/1.1\r\n\r\n`)
              return raw
            })
          const status = (path: string) =>
            Effect.map(request({ url: listener.url + path }), (reply) => reply.status)
          yield* slow("/shared")
          yield* slow("/shared")
          const first = yield* slow("/own")
          while (listener.connections() < 3) yield* Effect.sleep(5)
          expect(yield* status("/short")).toBe(200)
          expect(yield* status("/shared")).toBe(200)
          expect(yield* status("/own")).toBe(503)
          first.socket.destroy()
          yield* first.closed
          while (listener.connections() > 2) yield* Effect.sleep(5)
          expect(yield* status("/own")).toBe(200)
        }),
      { maxSendingBytes: 50 * megabyte },
    )
  })
})
