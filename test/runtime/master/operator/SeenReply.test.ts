import { Effect } from "effect"
import { expect, it } from "vitest"
import { makeAuthenticate } from "../../../../runtime/access/Authentication.ts"
import { makeAuthorizer } from "../../../../runtime/access/Authorizer.ts"
import { digestOf } from "../../../../runtime/access/Credentials.ts"
import { request } from "../../../../runtime/http/Client.ts"
import { run, secret, serveMaster } from "../../../support/MasterFixture.ts"

const principals = ["alice", "bob"]
const tokenOf = (principal: string) => `the-token-of-${principal}`.padEnd(40, ".")
const authenticate = makeAuthenticate({
  secret,
  credentials: {
    secrets: new Map(),
    tokens: new Map(principals.map((name) => [digestOf(tokenOf(name)).toString("hex"), name])),
  },
  authorizer: makeAuthorizer({ isPermissive: false, rules: {} }),
})

it("the answer of each principal that sees a part is kept apart, under a tag of its own", () =>
  run(
    Effect.gen(function* () {
      const { url } = yield* serveMaster({ authenticate })
      const get = (principal: string, tag = "none") =>
        Effect.orDie(
          request({ url: `${url}/state`, secret: tokenOf(principal), headers: { "If-None-Match": tag } }),
        )
      const [alice, bob] = [yield* get("alice"), yield* get("bob")]
      const tagOf = ({ headers }: typeof alice) => String(headers.etag)
      expect(tagOf(alice)).not.toBe(tagOf(bob))
      const asked = [
        ["alice", tagOf(alice)],
        ["bob", tagOf(bob)],
        ["bob", tagOf(alice)],
      ] as const
      const statuses = yield* Effect.forEach(asked, ([principal, tag]) => get(principal, tag))
      expect(statuses.map(({ status }) => status)).toEqual([304, 304, 200])
    }),
  ))
