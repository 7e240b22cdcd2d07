import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { makeAuthenticate } from "../../../runtime/access/Authentication.ts"
import { digestOf } from "../../../runtime/access/Credentials.ts"
import { admitEverybody, makeDoor, requireCaller } from "../../../runtime/access/Door.ts"
import { request } from "../../../runtime/http/Client.ts"
import { emptyReply } from "../../../runtime/http/HttpMessage.ts"
import { withListener } from "../http/ListenerFixture.ts"

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
    await withListener(admitEverybody(door(), served), ({ url }) =>
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
})
