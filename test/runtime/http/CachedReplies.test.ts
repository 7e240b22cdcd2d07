import { gunzipSync, inflateSync } from "node:zlib"
import { Effect } from "effect"
import { beforeEach, describe, expect, it } from "vitest"
import { type CachedReplies, makeCachedReplies } from "../../../runtime/http/CachedReplies.ts"
import type { FullReply, HttpRequest } from "../../../runtime/http/HttpMessage.ts"

let replies: CachedReplies
let made = 0
beforeEach(() => {
  replies = makeCachedReplies()
  made = 0
})

const long = JSON.stringify({ text: "grün ".repeat(1_000) })

const ask = (
  headers: HttpRequest["headers"] = {},
  { name = "/state", version = "p-1", json = long, method = "GET" } = {},
): Promise<FullReply> => {
  const request = { method, headers } as HttpRequest
  const versioned = {
    name,
    version,
    json: () => {
      made++
      return json
    },
  }
  return Effect.runPromise(replies.answer(request, versioned)) as Promise<FullReply>
}

describe("a cached reply", () => {
  it("is made once for each version, and keeps its bytes", async () => {
    const [first, second] = [await ask(), await ask()]
    expect(first.body).toBe(second.body)
    expect(made).toBe(1)
    const changed = await ask({}, { version: "p-2", json: "[2]" })
    expect(String(changed.body)).toBe("[2]")
    expect(changed.headers.ETag).not.toBe(first.headers.ETag)
    expect(made).toBe(2)
  })

  it("is another one under another name", async () => {
    await ask()
    expect(String((await ask({}, { name: "/state?a=b", json: "[]" })).body)).toBe("[]")
  })

  it("is not sent again to whoever has it: 304 with nothing in it", async () => {
    const { headers } = await ask()
    for (const tag of [headers.ETag!, headers.ETag!.replace("W/", ""), `"other", ${headers.ETag}`, "*"]) {
      const reply = await ask({ "if-none-match": tag })
      expect([reply.status, reply.body]).toEqual([304, ""])
      expect(reply.headers.ETag).toBe(headers.ETag)
    }
    expect((await ask({ "if-none-match": 'W/"p-0"' })).status).toBe(200)
    // What changes something, or asks by a body, is always answered.
    expect((await ask({ "if-none-match": "*" }, { method: "POST" })).status).toBe(200)
  })

  it.each([
    ["gzip", "gzip, deflate, br", gunzipSync],
    ["deflate", "br, deflate;q=0.5", inflateSync],
    ["gzip", "GZIP;q=1", gunzipSync],
  ])("comes as %s to who takes %s", async (encoding, accepted, unpack) => {
    const replies = await Promise.all([
      ask({ "accept-encoding": accepted }),
      ask({ "accept-encoding": accepted }),
    ])
    expect(replies.map(({ headers }) => headers["Content-Encoding"])).toEqual([encoding, encoding])
    expect(replies[0]!.body).toBe(replies[1]!.body)
    expect(unpack(replies[0]!.body as Buffer).toString("utf8")).toBe(long)
    expect(replies[0]!.headers.Vary).toBe("Accept-Encoding")
  })

  it.each([["identity"], ["gzip;q=0"], ["br"], [""]])("comes as it is to who takes %j", async (accepted) => {
    const { headers, body } = await ask({ "accept-encoding": accepted })
    expect(headers["Content-Encoding"]).toBeUndefined()
    expect(String(body)).toBe(long)
  })

  it("is not packed when it is short", async () => {
    const { headers } = await ask({ "accept-encoding": "gzip" }, { json: "[]" })
    expect(headers["Content-Encoding"]).toBeUndefined()
  })

  it("goes when 64 others were asked for later", async () => {
    await ask({}, { name: "first" })
    await ask({}, { name: "second" })
    for (let index = 0; index < 62; index++) await ask({}, { name: `${index}` })
    made = 0
    await ask({}, { name: "first" })
    expect(made).toBe(0)
    await ask({}, { name: "one more" })
    await ask({}, { name: "first" })
    expect(made).toBe(1)
    await ask({}, { name: "second" })
    expect(made).toBe(2)
  })
})
