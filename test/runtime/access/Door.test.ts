import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { makeAuthenticate } from "../../../runtime/access/Authentication.ts"
import { digestOf } from "../../../runtime/access/Credentials.ts"
import { admitEverybody, makeDoor, requireCaller } from "../../../runtime/access/Door.ts"
import { request } from "../../../runtime/http/Client.ts"
import { emptyReply, textReply } from "../../../runtime/http/HttpMessage.ts"
import { connectRaw, withListener } from "../http/ListenerFixture.ts"

const secret = "0123456789abcdef0123456789abcdef"
const credentials = {
  secrets: new Map(["alice", "bob"].map((name) => [name, digestOf(`${name}'s`)])),
  tokens: new Map(),
}
const asPrincipal = (name: string) => ({ principal: name, secret: `${name}'s` })

/** Time stands still, so that what a burst may have is all there is. */
const door = () =>
  makeDoor(makeAuthenticate({ secret, credentials }), { principalRate: 2, strangerRate: 3 }, () => 0)
const served = () => Effect.succeed(emptyReply(200))

describe("who asks too often", () => {
  it("is told when to come again, for each principal and address apart; not who has the cluster's secret", async () => {
    await withListener(requireCaller(door(), served, "mesos-master-readonly"), ({ url }) =>
      Effect.gen(function* () {
        const statuses = (count: number, who: Parameters<typeof request>[0]["secret"]) =>
          Effect.forEach(Array.from({ length: count }), () =>
            Effect.map(request({ url, secret: who }), ({ status, headers }) =>
              status === 429 ? `${status} after ${headers["retry-after"]} s` : status,
            ),
          )
        const late = "429 after 1 s"
        expect(yield* statuses(6, asPrincipal("alice"))).toEqual([200, 200, 200, 200, late, late])
        expect(yield* statuses(1, asPrincipal("bob"))).toEqual([200])
        expect(yield* statuses(20, secret)).toEqual(Array(20).fill(200))
        // Guessing passwords is slow, too, whatever names are tried.
        const guesses = ["wrong", undefined, asPrincipal("carol"), "wrong", "wrong", undefined]
        const first = yield* Effect.forEach(guesses, (guess) => statuses(1, guess))
        expect(first.flat()).toEqual([401, 401, 401, 401, 401, 401])
        expect(yield* statuses(2, "wrong")).toEqual([late, late])
        expect(yield* statuses(1, asPrincipal("bob"))).toEqual([200])
      }),
    )
  })

  it("is so at the doors for everybody, too, where principals are counted by their name", async () => {
    await withListener(admitEverybody(door(), served, "/health"), ({ url }) =>
      Effect.gen(function* () {
        const ask = (who: Parameters<typeof request>[0]["secret"]) =>
          Effect.map(request({ url, secret: who }), ({ status }) => status)
        const strangers = yield* Effect.forEach(Array.from({ length: 7 }), () => ask(undefined))
        expect(strangers).toEqual([...Array(6).fill(200), 429])
        expect(yield* ask(asPrincipal("alice"))).toBe(200)
        expect(yield* ask(secret)).toBe(200)
      }),
    )
  })

  it("is counted apart for each open door, so that a flood at one leaves the others open", async () => {
    const shared = door()
    const [health, metrics] = ["/health", "/metrics"].map((kind) => admitEverybody(shared, served, kind))
    await withListener(
      (asked) => (asked.path === "/health" ? health! : metrics!)(asked),
      ({ url }) =>
        Effect.gen(function* () {
          const ask = (path: string) => Effect.map(request({ url: url + path }), ({ status }) => status)
          const flood = yield* Effect.forEach(Array.from({ length: 7 }), () => ask("/metrics"))
          expect(flood).toEqual([...Array(6).fill(200), 429])
          expect(yield* ask("/health")).toBe(200)
        }),
    )
  })
})

describe("the proof of a connection", () => {
  it("is judged once, and another one on the same connection anew", async () => {
    const judged: Array<string | undefined> = []
    const authenticate = makeAuthenticate({ secret, credentials })
    const counting = makeDoor((headers) => {
      judged.push(headers.authorization)
      return authenticate(headers)
    })
    const who = requireCaller(
      counting,
      ({ principal }) => Effect.succeed(textReply(String(principal), "text/plain")),
      "x",
    )
    const basic = (pair: string) => `Authorization: Basic ${Buffer.from(pair).toString("base64")}`
    const ask = (header: string) => `GET / HTTP/1.1\r\n${header}\r\n\r\n`
    const all = ["alice:alice's", "alice:alice's", "bob:bob's", "alice:wrong", "alice:wrong", "bob:bob's"]
    const text = await withListener(who, (listener) =>
      Effect.flatMap(connectRaw(listener, all.map((pair) => ask(basic(pair))).join("")), ({ until }) =>
        until((received) => received.match(/HTTP\/1.1 /g)?.length === 6 && received.endsWith("bob")),
      ),
    )
    expect(text.match(/HTTP\/1.1 \d+/g)!.map((line) => Number(line.slice(9)))).toEqual([
      200, 200, 200, 401, 401, 200,
    ])
    // What has not proven anything is judged each time.
    expect(judged).toHaveLength(4)
  })
})
