import { Effect, Exit } from "effect"
import { describe, expect, it } from "vitest"
import { nobody } from "../../../runtime/access/Caller.ts"
import { emptyReply, HttpRefusal, type HttpRequest, jsonReply } from "../../../runtime/http/HttpMessage.ts"
import { checkAccept, checkContentType, readJsonObject } from "../../../runtime/http/JsonRequest.ts"
import { get, post, read, routesToHandler } from "../../../runtime/http/Routes.ts"

const requestOf = (method: string, path: string, headers = {}, body = ""): HttpRequest => ({
  method,
  path,
  headers,
  query: () => new URLSearchParams(),
  remoteAddress: "127.0.0.1",
  principal: null,
  caller: nobody,
  connection: {},
  prove: () => {},
  body: Effect.succeed(Buffer.from(body)),
  bodyUpTo: () => Effect.succeed(Buffer.from(body)),
  takeBody: (done) => {
    done(Buffer.from(body))
    return () => {}
  },
})

const answer = <A>(effect: Effect.Effect<A, HttpRefusal>): A | HttpRefusal =>
  Effect.runSync(Effect.merge(effect))

describe("routes", () => {
  const reply = (name: string) => () => Effect.succeed(jsonReply(name))
  const handler = routesToHandler(
    [
      post("/api/v1/scheduler", reply("call")),
      get("/health", reply("health")),
      read("/state", reply("state")),
      get("/two", reply("two")),
      post("/two", reply("two!")),
      { path: "/two/*", methods: ["DELETE"], handler: reply("any") },
    ],
    { prefixes: ["/master"] },
  )
  const on = (method: string, path: string) => {
    const result = answer(handler(requestOf(method, path)))
    return result instanceof HttpRefusal ? result : "body" in result ? result.body : undefined
  }

  it.each([
    ["POST", "/api/v1/scheduler", '"call"'],
    ["POST", "/master/api/v1/scheduler/", '"call"'],
    ["GET", "/health/", '"health"'],
    ["HEAD", "/health", '"health"'],
    ["POST", "/master/state", '"state"'],
    ["GET", "/two", '"two"'],
    ["POST", "/two", '"two!"'],
    ["DELETE", "/master/two/three", '"any"'],
  ])("%s %s", (method, path, body) => {
    expect(on(method, path)).toBe(body)
  })

  it.each(["/", "/state.json", "/master", "/master/master/state", "/state//", "/STATE", "state", "/two/3/4"])(
    "%s is not found",
    (path) => {
      expect(on("GET", path)).toMatchObject({ status: 404, sentence: "404 Not Found." })
    },
  )

  it("words a wrong method as Mesos does", () => {
    expect(on("PUT", "/api/v1/scheduler")).toMatchObject({
      status: 405,
      sentence: "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'PUT'.",
      headers: { Allow: "POST" },
    })
    expect(on("DELETE", "/state")).toMatchObject({
      sentence: "405 Method Not Allowed. Expecting one of { 'GET', 'POST' }, but received 'DELETE'.",
      headers: { Allow: "GET, POST" },
    })
  })
})

// Status and text of each case are from the transcripts of Apache Mesos: operator/err_* and scheduler/err_*.
describe("JSON requests", () => {
  const json = { "content-type": "application/json" }

  it.each([
    [{}, 400, "Expecting 'Content-Type' to be present"],
    [
      { "content-type": "text/plain" },
      415,
      "Expecting 'Content-Type' of application/json or application/x-protobuf",
    ],
    [
      { "content-type": "application/json; charset=utf-8" },
      415,
      "Expecting 'Content-Type' of application/json or",
    ],
  ])("content type %j", (headers, status, sentence) => {
    const refusal = checkContentType(requestOf("POST", "/", headers))
    expect(refusal).toMatchObject({ status })
    expect(refusal?.sentence).toContain(sentence)
  })

  it.each([
    ["", "syntax error at line 1 near: "],
    ["{nope", "syntax error at line 1 near: nope"],
    ['{"a":1,\n  x}\nmore', "syntax error at line 2 near: x}"],
  ])("body %j", (body, end) => {
    expect(answer(readJsonObject(requestOf("POST", "/", json, body)))).toMatchObject({
      status: 400,
      sentence: `Failed to parse body into JSON: ${end}`,
    })
  })

  it("wants an object, and gives it as it is", () => {
    for (const body of ["[]", "null", "1", '"x"'])
      expect(answer(readJsonObject(requestOf("POST", "/", json, body)))).toMatchObject({
        status: 400,
        sentence: "Failed to convert JSON into Call protobuf: Expecting a JSON object",
      })
    const value = { _tag: "HttpRefusal", sentence: "not one" }
    expect(
      Exit.isSuccess(Effect.runSyncExit(readJsonObject(requestOf("POST", "/", json, JSON.stringify(value))))),
    ).toBe(true)
  })

  it.each([
    [undefined, true],
    ["*/*", true],
    ["application/*;q=0.5", true],
    ["text/html, application/json;q=0.1", true],
    ["application/json;q=0", false],
    ["text/html", false],
    ["application/recordio", false],
  ])("Accept %s", (accept, isFine) => {
    const refusal = checkAccept(requestOf("POST", "/", accept === undefined ? {} : { accept }))
    if (isFine) expect(refusal).toBeUndefined()
    else
      expect(refusal).toMatchObject({
        status: 406,
        sentence: "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'",
      })
  })

  it("an empty reply has no content type", () => {
    expect(emptyReply(202)).toMatchObject({ status: 202, headers: {}, body: "" })
  })
})
