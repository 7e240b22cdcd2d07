import { connect } from "node:net"
import { Effect } from "effect"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { DirectReply } from "../../../runtime/http/DirectReply.ts"
import {
  emptyReply,
  HttpRefusal,
  type HttpRequest,
  jsonReply,
  streamReply,
  textReply,
} from "../../../runtime/http/HttpMessage.ts"
import { type Listener, type ListenerBounds, serve } from "../../../runtime/http/Listener.ts"
import { post, type Route, routesToHandler } from "../../../runtime/http/Routes.ts"
import { chunksOf, run } from "./ListenerFixture.ts"

// Whatever comes, a listener with the quick path answers byte for byte what node:http answers.

const bounds: ListenerBounds = {
  ...{ headersTimeoutMs: 3_000, bodyTimeoutMs: 500, keepAliveMs: 500 },
  ...{ maxBodyBytes: 2_000, maxHeaders: 20 },
}

const echo = ({ method, path, headers, query, takeBody }: HttpRequest) =>
  new DirectReply<never>((_, answer) =>
    takeBody((body) =>
      answer(
        body instanceof HttpRefusal
          ? body
          : jsonReply({ method, path, query: query().toString(), headers, body: body.toString("latin1") }),
      ),
    ),
  )

const anything = (path: string, handler: Route["handler"]): Route => ({
  path,
  methods: ["GET", "POST", "PUT", "OPTIONS"],
  handler,
})

const handler = routesToHandler([
  anything("/echo", echo),
  { ...post("/small", echo), maxBodyBytes: 5 },
  anything("/empty", () => Effect.succeed(emptyReply(202))),
  anything("/none", () => Effect.succeed(emptyReply(204, { "X-A": "b" }))),
  anything("/unchanged", () => Effect.succeed({ ...emptyReply(304, { ETag: '"1"' }) })),
  anything("/latin", () => Effect.succeed(textReply("grün €", "text/plain; x=\u00fc"))),
  anything("/bytes", () =>
    Effect.succeed({ _tag: "FullReply", status: 200, headers: {}, body: Buffer.from([1, 2, 255]) } as const),
  ),
  anything("/stream", () =>
    Effect.succeed(
      streamReply(
        (stream) => {
          stream.send('{"a":1}')
          stream.send('{"b":2}')
          stream.end()
        },
        { headers: { "Mesos-Stream-Id": "1" } },
      ),
    ),
  ),
])

const both = { plain: {} as Listener, quick: {} as Listener }
let end = () => {}
beforeAll(
  () =>
    new Promise<void>((resolve) => {
      const ended = new Promise<void>((over) => {
        end = over
      })
      const options = { host: "127.0.0.1", port: 0, handler, ...bounds, closeWaitMs: 10 }
      run(
        Effect.gen(function* () {
          both.plain = yield* serve(options)
          both.quick = yield* serve({ ...options, isQuick: true })
          resolve()
          yield* Effect.promise(() => ended)
        }),
      )
    }),
)
afterAll(() => end())

/** Whether node:http goes on after a body that was too long depends on when the end of that body arrives. */
const normalised = (received: string) =>
  received.replace(/Date: [^\r]+/g, "Date: now").replace(/(longer than the bound of \d+ bytes).*$/s, "$1")

/** All that comes until the connection is closed. */
const exchange = ({ port }: Listener, pieces: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    let received = ""
    socket.setNoDelay(true)
    socket.setEncoding("latin1")
    socket.on("data", (text) => {
      received += text
    })
    socket.on("error", () => {})
    socket.on("close", () => resolve(normalised(received)))
    const next = (index: number) => {
      if (index === pieces.length || socket.destroyed) return
      socket.write(pieces[index]!, "latin1")
      setImmediate(() => next(index + 1))
    }
    // When the listener has taken it, so that each piece arrives by itself.
    socket.on("connect", () => setTimeout(() => next(0), 30))
  })

const lineEnd = "\r\n"
const request = (line: string, headers: ReadonlyArray<string> = [], body = "") =>
  [line, ...headers, "", body].join(lineEnd)
const calls = (path: string, body: string, headers: ReadonlyArray<string> = []) =>
  request(`POST ${path} HTTP/1.1`, ["Host: x", ...headers, `Content-Length: ${body.length}`], body)

const paths = [
  "/echo",
  "/echo?a=%20b&c",
  "/small",
  "/empty",
  "/none",
  "/unchanged",
  "/latin",
  "/bytes",
  "/stream",
  "/nope",
]
const plain = fc.oneof(
  fc
    .tuple(fc.constantFrom(...paths), fc.string({ maxLength: 12, unit: "grapheme-ascii" }))
    .map(([path, body]) => calls(path, body, ["Authorization: Bearer x", "Content-Type: application/json"])),
  fc.constantFrom(...paths).map((path) => request(`GET ${path} HTTP/1.1`, ["Host: x"])),
)
const odd = fc.constantFrom(
  request("GET /echo HTTP/1.0"),
  request("GET /echo HTTP/1.0", ["Connection: keep-alive"]),
  request("GET http://h:1/echo HTTP/1.1", ["Host: x"]),
  request("GET /echo HTTP/1.1", ["Connection: close"]),
  request("GET /echo HTTP/1.1", ["Connection: Keep-Alive"]),
  request("GET /echo HTTP/1.1", ["Proxy-Connection: close"]),
  request("GET /echo HTTP/1.1", ["Upgrade: websocket", "Connection: upgrade"]),
  request("HEAD /echo HTTP/1.1"),
  request("PUT /echo HTTP/1.1", ["Content-Length: 2"], "ab"),
  request("OPTIONS * HTTP/1.1"),
  request("get /echo HTTP/1.1"),
  request("POST /echo HTTP/1.1", ["Transfer-Encoding: chunked"], "2\r\nab\r\n0\r\n\r\n"),
  request("POST /echo HTTP/1.1", ["Transfer-Encoding: chunked", "Content-Length: 2"], "2\r\nab\r\n0\r\n\r\n"),
  request("POST /echo HTTP/1.1", ["Content-Length: 2", "Transfer-Encoding: chunked"], "0\r\n\r\n"),
  request("POST /echo HTTP/1.1", ["Content-Length: 2", "Content-Length: 2"], "ab"),
  request("POST /echo HTTP/1.1", ["Content-Length: 2, 2"], "ab"),
  request("POST /echo HTTP/1.1", ["Content-Length: 02"], "ab"),
  request("POST /echo HTTP/1.1", ["Content-Length: +2"], "ab"),
  request("POST /echo HTTP/1.1", ["Content-Length: 0x2"], "ab"),
  request("POST /echo HTTP/1.1", ["Content-Length: "], "ab"),
  request("POST /echo HTTP/1.1", ["Content-Length : 2"], "ab"),
  request("POST /echo HTTP/1.1", ["Content-Length: 99999999999999999999"], "ab"),
  request("POST /echo HTTP/1.1", ["Content-Length: 2001"], "x".repeat(2_001)),
  request("POST /echo HTTP/1.1", ["Content-Length: 2000"], "x".repeat(2_000)),
  request("POST /echo HTTP/1.1", ["Expect: 100-continue", "Content-Length: 2"], "ab"),
  request("POST /echo HTTP/1.1", ["Expect: magic", "Content-Length: 2"], "ab"),
  request("GET /echo HTTP/1.1", ["X-A: 1", " folded"]),
  request("GET /echo HTTP/1.1", ["X-A: 1", "X-A: 2", "Cookie: a", "Cookie: b", "Set-Cookie: c"]),
  request("GET /echo HTTP/1.1", ["X-A:1", "X-B: \t 2 \t ", "X-C:", "X-D: \u00fc", "__proto__: 1"]),
  request("GET /echo HTTP/1.1", ["X-A: \u0001"]),
  request("GET /echo HTTP/1.1", ["X A: 1"]),
  request("GET /echo HTTP/1.1", [": 1"]),
  request("GET /echo#a HTTP/1.1"),
  request("GET /echo{} HTTP/1.1"),
  request("GET  /echo HTTP/1.1"),
  request("GET /echo  HTTP/1.1"),
  request("GET /echo HTTP/1.1 "),
  request("GET /echo HTTP/2.0"),
  request("GET /echo"),
  "GET /echo HTTP/1.1\n\n",
  "GET /echo HTTP/1.1\r\nX-A: 1\n\r\n",
  "GET /echo HTTP/1.1\r\nX-A: 1\r\r\n\r\n",
  "\r\nGET /echo HTTP/1.1\r\n\r\n",
  "\r\n\r\n",
  "\u0000",
  request(
    "GET /echo HTTP/1.1",
    Array.from({ length: 20 }, (_, index) => `X-${index}: 1`),
  ),
  request(
    "GET /echo HTTP/1.1",
    Array.from({ length: 21 }, (_, index) => `X-${index}: 1`),
  ),
  request("GET /echo HTTP/1.1", [`X-A: ${"a".repeat(9_000)}`]),
  request("GET /echo HTTP/1.1", [`X-A: ${"a".repeat(20_000)}`]),
)
const mutation = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom("delete", "insert", "replace"),
  text: fc.constantFrom(
    "\r",
    "\n",
    "\r\n",
    " ",
    ":",
    "\u0000",
    "\u00e9",
    "0",
    "9",
    "a",
    "/",
    ",",
    "\t",
    "Transfer-Encoding: chunked\r\n",
  ),
})
const mutate = (
  bytes: string,
  { at, kind, text }: typeof mutation extends fc.Arbitrary<infer M> ? M : never,
) => {
  const index = Math.floor(at * bytes.length)
  const after = bytes.slice(kind === "insert" ? index : index + 1)
  return bytes.slice(0, index) + (kind === "delete" ? "" : text) + after
}
const cut = (bytes: string, places: ReadonlyArray<number>): ReadonlyArray<string> => {
  const indexes = [...places.map((place) => Math.floor(place * bytes.length)), bytes.length].sort(
    (a, b) => a - b,
  )
  return indexes
    .map((index, number) => bytes.slice(indexes[number - 1] ?? 0, index))
    .filter((piece) => piece !== "")
}
const last = request("GET /empty HTTP/1.1", ["Connection: close"])
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 })
const plainOnes = fc
  .tuple(fc.array(plain, { maxLength: 12 }), cuts)
  .map(([requests, places]) => cut(requests.join("") + last, places))
const mixed = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: odd }), { maxLength: 6 }),
    fc.array(mutation, { maxLength: 2 }),
    cuts,
  )
  .map(([requests, mutations, places]) => cut(mutations.reduce(mutate, requests.join("")) + last, places))

/** But for long runs of the same one. */
const byteByByte = (pieces: ReadonlyArray<string>) => pieces.join("").match(/(.)\1{9,}|./gs)!

/**
 * When bytes that are no request follow in the segment of one, node:http drops the answers that it has not written yet. The
 * quick path may have written them, and hands over segments together. So it never answers anything else than node:http when that
 * has time for each byte, but with such bytes it may answer less of it.
 */
const compare = async (pieces: ReadonlyArray<string>, isPlain: boolean): Promise<void> => {
  const [asCut, most, actual] = await Promise.all([
    exchange(both.plain, pieces),
    exchange(both.plain, byteByByte(pieces)),
    exchange(both.quick, pieces),
  ])
  if (actual === most || (!isPlain && (actual === asCut || most.startsWith(actual)))) return
  expect({ pieces, asCut, answered: actual }).toEqual({ pieces, asCut, answered: most })
}

/** Some at once, since those that end in the midst of a request take until their time is over. */
const compareAll = async (
  conversations: ReadonlyArray<ReadonlyArray<string>>,
  isPlain: boolean,
): Promise<void> => {
  const left = Array.from(conversations)
  const work = async () => {
    for (let pieces = left.pop(); pieces !== undefined; pieces = left.pop()) await compare(pieces, isPlain)
  }
  await Promise.all(Array.from({ length: 8 }, work))
}

describe("a listener with the quick path", () => {
  it("answers each odd request, behind a plain one and before one, as node:http does", async () => {
    const requests = Array.from(new Set(fc.sample(odd, { numRuns: 1_000, seed: 1 })))
    expect(requests.length).toBeGreaterThan(40)
    await compareAll(
      requests.map((bytes) => [calls("/echo", "a") + bytes + calls("/echo", "b") + last]),
      false,
    )
  })

  it.each([
    ["plain requests", plainOnes, true],
    ["whatever is sent", mixed, false],
  ] as const)(
    "answers %s, however they are cut, as node:http does",
    async (_, conversation, isPlain) => {
      const conversations = fc.array(conversation, { minLength: 25, maxLength: 25 })
      await fc.assert(
        fc.asyncProperty(conversations, (all) => compareAll(all, isPlain)),
        { numRuns: Number(process.env.QUICK_RUNS ?? 4), endOnFailure: true },
      )
    },
    120_000,
  )
})

describe("a stream on the quick path", () => {
  it("lets the connection go on when it has ended", async () => {
    const text = await exchange(both.quick, [calls("/stream", "{}") + calls("/echo", "a") + last])
    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 202"])
    expect(chunksOf(text.slice(0, text.indexOf("0\r\n\r\n") + 5))).toEqual(['7\n{"a":1}', '7\n{"b":2}', ""])
  })
})
