import { operatorExchanges } from "./OwnOperator.ts"
import { refusals } from "./OwnRefusals.ts"
import type { Transcript } from "./Transcript.ts"

// Exchanges in our own words and with our own values, as the specification asks for them (spec/mesos.md §2.2, §2.3). They
// are replayed also where the recordings are not. Ids are made up; what a reply names becomes the partner of ours.

const json = [
  ["Host", "here"],
  ["Accept", "application/json"],
  ["Content-Type", "application/json"],
  ["Content-Length", ""],
] as const
const streamId = "11111111-2222-4333-8444-555555555555"
const master = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
const framework = { framework_id: { value: `${master}-0000` } }

const request = (body: unknown, change: Partial<Transcript["request"]> = {}): Transcript["request"] => ({
  method: "POST",
  path: "/api/v1/scheduler",
  headers: json,
  body: typeof body === "string" ? body : JSON.stringify(body),
  ...change,
})

const plain = [["Content-Type", "text/plain; charset=utf-8"]] as const

const refused = (status: number, body: string, more: Transcript["request"]["headers"] = []) => ({
  status,
  headers: [...plain, ...more],
  body,
})

const taken = { status: 202, headers: [], body: "" }

const subscribe = (info: object, extra: object = {}) => ({
  type: "SUBSCRIBE",
  subscribe: { framework_info: { user: "worker", name: "own", ...info }, ...extra },
})

const stream = (events: ReadonlyArray<object>, closed: string | null) => ({
  status: 200,
  headers: [
    ["Transfer-Encoding", "chunked"],
    ["Mesos-Stream-Id", streamId],
    ["Content-Type", "application/json"],
  ] as const,
  closed,
  events: events.map((event) => ({ at_ms: 1, event })),
})

const withStream = (headers: Transcript["request"]["headers"] = json) => ({
  headers: [...headers, ["Mesos-Stream-Id", streamId] as const],
})
const call = (body: object) => request({ ...body, ...framework }, withStream())
const withoutHeader = (name: string) => ({ headers: json.filter(([key]) => key !== name) })
const multiRole = [{ type: "MULTI_ROLE" }]

const exchanges: { readonly [name: string]: Pick<Transcript, "request" | "response"> } = {
  "a path that nobody has": {
    request: request("", { method: "GET", path: "/api/v2" }),
    response: refused(404, "404 Not Found."),
  },
  "another method": {
    request: request("", { method: "DELETE" }),
    response: refused(405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'DELETE'.", [
      ["Allow", "POST"],
    ]),
  },
  "no content type": {
    request: request({}, withoutHeader("Content-Type")),
    response: refused(400, "Expecting 'Content-Type' to be present"),
  },
  "a content type with a parameter": {
    request: request(
      {},
      {
        headers: [
          ["Content-Type", "application/json;charset=utf-8"],
          ["Content-Length", ""],
        ],
      },
    ),
    response: refused(415, "Expecting 'Content-Type' of application/json or application/x-protobuf"),
  },
  "half an object": {
    request: request("{"),
    response: refused(400, "Failed to parse body into JSON: syntax error at line 1 near: "),
  },
  "a list": {
    request: request([1]),
    response: refused(400, "Failed to convert JSON into Call protobuf: Expecting a JSON object"),
  },
  "a type that is none": {
    request: request({ type: "DANCE" }),
    response: refused(400, "Failed to validate scheduler::Call: Expecting 'type' to be present"),
  },
  "nobody's call": {
    request: request({ type: "SUPPRESS", framework_id: { value: "who" } }),
    response: refused(400, "Framework cannot be found"),
  },
  "a role in two places": {
    request: request(subscribe({ role: "x", capabilities: multiRole })),
    response: stream(
      [
        {
          type: "ERROR",
          error: { message: "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable" },
        },
      ],
      "terminating chunk",
    ),
  },
  "a role that is suppressed and not there": {
    request: request(subscribe({ roles: ["x"], capabilities: multiRole }, { suppressed_roles: ["y"] })),
    response: stream(
      [
        {
          type: "ERROR",
          error: { message: "Suppressed roles { y } are not contained in the set of roles" },
        },
      ],
      "terminating chunk",
    ),
  },
  "a subscription": {
    request: request(subscribe({ roles: ["x"], capabilities: multiRole }, { suppressed_roles: ["x"] })),
    response: stream(
      [
        {
          type: "SUBSCRIBED",
          subscribed: {
            ...framework,
            heartbeat_interval_seconds: 15,
            master_info: {
              id: master,
              ip: 16_777_343,
              port: 6050,
              pid: "master@127.0.0.1:6050",
              hostname: "localhost",
              version: "0",
              address: { hostname: "localhost", ip: "127.0.0.1", port: 6050 },
              capabilities: [{ type: "AGENT_UPDATE" }, { type: "AGENT_DRAINING" }, { type: "QUOTA_V2" }],
            },
          },
        },
        { type: "HEARTBEAT" },
        {
          type: "UPDATE",
          update: {
            status: {
              task_id: { value: "ghost" },
              state: "TASK_LOST",
              message: "Reconciliation: Task is unknown",
              source: "SOURCE_MASTER",
              reason: "REASON_RECONCILIATION",
              timestamp: 1,
            },
          },
        },
      ],
      "terminating chunk",
    ),
  },
  "an unknown offer declined": {
    request: call({ type: "DECLINE", decline: { offer_ids: [{ value: "none-O1" }] } }),
    response: taken,
  },
  "an unknown task reconciled": {
    request: call({ type: "RECONCILE", reconcile: { tasks: [{ task_id: { value: "ghost" } }] } }),
    response: taken,
  },
  "an acknowledgement of three bytes": {
    request: call({
      type: "ACKNOWLEDGE",
      acknowledge: { agent_id: { value: "a" }, task_id: { value: "t" }, uuid: "QUJD" },
    }),
    response: refused(400, "Failed to validate scheduler::Call: Not a valid UUID"),
  },
  "a call without its stream": {
    request: request({ type: "REVIVE", ...framework }),
    response: refused(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header"),
  },
  "the end of the framework": { request: call({ type: "TEARDOWN" }), response: taken },
  "a call after the end": {
    request: call({ type: "REVIVE" }),
    response: refused(400, "Framework cannot be found"),
  },
  "health, of the master alone": {
    request: request("", { method: "GET", path: "/master/health", headers: [["Host", "here"]] }),
    response: { status: 200, headers: [], body: "" },
  },
}

export const ownPort = 6050

export const ownTranscripts: ReadonlyArray<Transcript> = Object.entries({
  ...operatorExchanges,
  ...refusals,
  ...exchanges,
}).map(([name, exchange], index) => ({ ...exchange, name: `own/${name}`, port: ownPort, at_s: index }))
