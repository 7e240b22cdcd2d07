import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { makeAuthenticate } from "../../../runtime/access/Authentication.ts"
import { digestOf } from "../../../runtime/access/Credentials.ts"
import { makeDoor, requireCaller } from "../../../runtime/access/Door.ts"
import { request } from "../../../runtime/http/Client.ts"
import { jsonReply } from "../../../runtime/http/HttpMessage.ts"
import { withListener } from "../http/ListenerFixture.ts"

const secret = "0123456789abcdef0123456789abcdef"
const token = "tokentokentokentokentokentokentoken"
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`

const authenticate = makeAuthenticate({
  secret,
  credentials: {
    secrets: new Map([["alice", digestOf("alice pw: ü")]]),
    tokens: new Map([[digestOf(token).toString("hex"), "ci"]]),
  },
})

const whoIs = (authorization: string) => {
  const caller = authenticate({ authorization })
  return caller === undefined
    ? "nobody"
    : `${caller.principal}${caller.isAdministrator ? " (all rights)" : ""}`
}

describe("who asks", () => {
  it.each([
    ["the cluster's secret alone", `Bearer ${secret}`, "null (all rights)"],
    ["any case of the scheme, more blanks", `bearer  ${secret}`, "null (all rights)"],
    ["the cluster's secret under any name", basic(`anyone:${secret}`), "anyone (all rights)"],
    ["the cluster's secret under no name", basic(`:${secret}`), "null (all rights)"],
    ["the cluster's secret in the name of a principal", basic(`alice:${secret}`), "alice (all rights)"],
    ["a principal with its own", basic("alice:alice pw: ü"), "alice"],
    ["a principal by token", `Bearer ${token}`, "ci"],
    ["a principal with a wrong one", basic("alice:bob"), "nobody"],
    ["a principal with nothing", basic("alice:"), "nobody"],
    ["a principal's secret as token", "Bearer alice", "nobody"],
    ["a token as password", basic(`ci:${token}`), "nobody"],
    ["a name that nobody has, with nothing", basic("bob:"), "nobody"],
    ["a secret and more", `Bearer ${secret}x`, "nobody"],
    ["a part of the secret", `Bearer ${secret.slice(1)}`, "nobody"],
    ["no credentials", "Bearer", "nobody"],
    ["two of them", `Bearer ${secret} ${secret}`, "nobody"],
    ["no scheme", secret, "nobody"],
    ["a secret without a pair", basic(secret), "nobody"],
    ["the secret as a name", basic(`${secret}:`), "nobody"],
    ["a colon in the name", basic(`a:b:${secret}`), "nobody"],
    ["another scheme", `Digest ${secret}`, "nobody"],
    ["nothing", "", "nobody"],
  ])("with %s", (_, authorization, who) => {
    expect(whoIs(authorization)).toBe(who)
  })

  it("to an agent that has no more than a principal itself", () => {
    const own = makeAuthenticate({ secret: { principal: "host-7", secret: "pw" } })
    const may = (authorization: string) => own({ authorization })?.isAdministrator
    expect([may(basic("host-7:pw")), may(basic("host-8:pw")), may("Bearer pw")]).toEqual([
      ...[true, undefined, undefined],
    ])
  })

  it("without the header", () => {
    expect(authenticate({})).toBeUndefined()
  })

  it("may do nothing by its own name where there are no rules to ask", () => {
    const alice = authenticate({ authorization: basic("alice:alice pw: ü") })
    expect(alice?.isAllowed("view_roles", "web")).toBe(false)
  })

  it("is asked for over the wire with realm and remedy, and told to the handler", async () => {
    const handler = requireCaller(
      makeDoor(authenticate),
      ({ principal, caller }) => Effect.succeed(jsonReply([principal, caller.principal])),
      "mesos-master-readonly",
    )
    const headers = { Authorization: basic("alice:alice pw: ü") }
    const [without, wrong, right] = await withListener(handler, ({ url }) =>
      Effect.all([request({ url }), request({ url, secret: "wrong" }), request({ url, headers })]),
    )
    for (const reply of [without, wrong]) {
      expect(reply.status).toBe(401)
      expect(reply.headers["www-authenticate"]).toBe('Basic realm="mesos-master-readonly"')
      expect(reply.headers["content-type"]).toBe("text/plain; charset=utf-8")
      expect(reply.body).toBe("401 Unauthorized.")
    }
    expect([right.status, JSON.parse(right.body)]).toEqual([200, ["alice", "alice"]])
  })
})
