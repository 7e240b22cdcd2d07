import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { type CallEvent, readSchedulerCall } from "../../../runtime/mesos/SchedulerCall.ts"

const of = { framework_id: { value: "f" } }
const id = (value: string) => ({ value })

const subscribeOf = (json: object) => {
  const call = Either.getOrThrow(readSchedulerCall(json))
  return call.type === "Subscribe" ? call : expect.fail("no SUBSCRIBE")
}
const eventOf = (json: object): CallEvent | undefined => {
  const call = Either.getOrThrow(readSchedulerCall({ ...of, ...json }))
  return call.type === "Call" ? call.event : expect.fail("no call")
}
const rejectionOf = (json: object) => Either.getOrThrow(Either.flip(readSchedulerCall(json)))

describe("SUBSCRIBE", () => {
  const info = { user: "u", name: "n", role: "web" }

  it("of a newcomer has no id, also when it is empty", () => {
    const { subscribe, problem } = subscribeOf({ type: "SUBSCRIBE", subscribe: { framework_info: info } })
    expect(problem).toBeUndefined()
    expect(subscribe).toMatchObject({ type: "FrameworkSubscribed", frameworkId: null, suppressedRoles: [] })
    expect(subscribe.info).toMatchObject({ user: "u", name: "n", roles: ["web"] })
    const empty = { type: "SUBSCRIBE", subscribe: { framework_info: { ...info, id: id("") } } }
    expect(subscribeOf(empty).subscribe.frameworkId).toBeNull()
  })

  it("of a returning framework says its id twice, and the same", () => {
    const again = {
      type: "SUBSCRIBE",
      ...of,
      subscribe: { framework_info: { ...info, id: id("f") }, suppressed_roles: ["web"] },
    }
    expect(subscribeOf(again).subscribe).toMatchObject({ frameworkId: "f", suppressedRoles: ["web"] })
    for (const other of [
      { ...again, framework_id: id("g") },
      { ...again, framework_id: null },
    ]) {
      expect(rejectionOf(other)).toEqual({
        status: 400,
        message:
          "Failed to validate scheduler::Call: 'framework_id' differs from 'subscribe.framework_info.id'",
      })
    }
  })

  it("with a framework that may not be is still read: it is told on the stream", () => {
    const bad = { type: "SUBSCRIBE", subscribe: { framework_info: { ...info, role: "a b" } } }
    expect(subscribeOf(bad).problem).toContain("is not a valid role")
  })
})

describe("calls", () => {
  it.each<[string, object, CallEvent]>([
    [
      "DECLINE",
      { decline: { offer_ids: [id("o1"), id("o2")], filters: { refuse_seconds: 1.5 } } },
      { type: "OffersDeclined", frameworkId: "f", offerIds: ["o1", "o2"], refuseMs: 1_500 },
    ],
    ["DECLINE", { decline: {} }, { type: "OffersDeclined", frameworkId: "f", offerIds: [], refuseMs: null }],
    [
      "ACCEPT",
      { accept: { offer_ids: [id("o")], filters: {} } },
      { type: "OffersAccepted", frameworkId: "f", offerIds: ["o"], operations: [], refuseMs: null },
    ],
    ["REVIVE", {}, { type: "OffersRevived", frameworkId: "f", roles: [] }],
    // Mesos's documentation says `role`, which is an unknown field: all roles (spec/mesos.md §2.3).
    ["REVIVE", { revive: { role: "web" } }, { type: "OffersRevived", frameworkId: "f", roles: [] }],
    ["REVIVE", { revive: { roles: ["web"] } }, { type: "OffersRevived", frameworkId: "f", roles: ["web"] }],
    ["SUPPRESS", {}, { type: "OffersSuppressed", frameworkId: "f", roles: [] }],
    [
      "SUPPRESS",
      { suppress: { roles: ["web"] } },
      { type: "OffersSuppressed", frameworkId: "f", roles: ["web"] },
    ],
    [
      "KILL",
      { kill: { task_id: id("t") } },
      { type: "KillRequested", frameworkId: "f", taskId: "t", agentId: null, graceMs: null },
    ],
    [
      "KILL",
      {
        kill: {
          task_id: id("t"),
          agent_id: id("a"),
          kill_policy: { grace_period: { nanoseconds: 1_500_000_001 } },
        },
      },
      { type: "KillRequested", frameworkId: "f", taskId: "t", agentId: "a", graceMs: 1_501 },
    ],
    [
      "ACKNOWLEDGE",
      { acknowledge: { agent_id: id("a"), task_id: id("t"), uuid: "AAAAAAAAAAAAAAAAAAAAAQ==" } },
      {
        type: "StatusAcknowledged",
        frameworkId: "f",
        agentId: "a",
        taskId: "t",
        uuid: "00000000-0000-0000-0000-000000000001",
      },
    ],
    [
      "RECONCILE",
      { reconcile: { tasks: [{ task_id: id("t") }, { task_id: id("u"), agent_id: id("a") }] } },
      {
        type: "ReconciliationRequested",
        frameworkId: "f",
        tasks: [
          { taskId: "t", agentId: null },
          { taskId: "u", agentId: "a" },
        ],
      },
    ],
    ["RECONCILE", { reconcile: {} }, { type: "ReconciliationRequested", frameworkId: "f", tasks: [] }],
    [
      "SHUTDOWN",
      { shutdown: { executor_id: id("e"), agent_id: id("a") } },
      { type: "ExecutorShutdownRequested", frameworkId: "f", agentId: "a", executorId: "e" },
    ],
    ["TEARDOWN", {}, { type: "TeardownRequested", frameworkId: "f" }],
  ])("%s %j", (type, fields, event) => {
    expect(eventOf({ type, ...fields })).toEqual(event)
  })

  it("to executors, which do not listen, ask for nothing", () => {
    const message = { agent_id: id("a"), executor_id: id("e"), data: "aGk=" }
    expect(eventOf({ type: "MESSAGE", message })).toBeUndefined()
  })

  it.each([
    [-1, -1_000],
    ["-Infinity", -Infinity],
    ["Infinity", Number.MAX_SAFE_INTEGER],
    ["NaN", null],
    [null, null],
  ])("refuse_seconds %j is %j ms", (refuse_seconds, refuseMs) => {
    expect(eventOf({ type: "DECLINE", decline: { filters: { refuse_seconds } } })).toMatchObject({ refuseMs })
  })

  it.each([
    [-5, 0],
    ["Infinity", Number.MAX_SAFE_INTEGER],
    ["NaN", null],
  ])("a grace of %j ns is %j ms", (nanoseconds, graceMs) => {
    const kill = { task_id: id("t"), kill_policy: { grace_period: { nanoseconds } } }
    expect(eventOf({ type: "KILL", kill })).toMatchObject({ graceMs })
  })
})

describe("refused calls", () => {
  const invalid = (problem: string) => ({
    status: 400,
    message: `Failed to validate scheduler::Call: ${problem}`,
  })

  it.each<[object, string]>([
    [{}, "Expecting 'type' to be present"],
    [{ type: null }, "Expecting 'type' to be present"],
    [{ type: "FROB", ...of }, "Expecting 'type' to be present"],
    [{ type: "constructor", ...of }, "Expecting 'type' to be present"],
    [{ type: "SUBSCRIBE" }, "Expecting 'subscribe' to be present"],
    // The framework's id is asked for before the call's own part.
    [{ type: "ACCEPT" }, "Expecting 'framework_id' to be present"],
    [{ type: "UNKNOWN" }, "Expecting 'framework_id' to be present"],
    [{ type: "MESSAGE" }, "Expecting 'framework_id' to be present"],
    [{ type: "ACCEPT", ...of }, "Expecting 'accept' to be present"],
    [{ type: "DECLINE", ...of, decline: null }, "Expecting 'decline' to be present"],
    [{ type: "KILL", ...of }, "Expecting 'kill' to be present"],
    [{ type: "ACKNOWLEDGE", ...of }, "Expecting 'acknowledge' to be present"],
    [{ type: "RECONCILE", ...of }, "Expecting 'reconcile' to be present"],
    [{ type: "REQUEST", ...of }, "Expecting 'request' to be present"],
    [{ type: "RECONCILE_OPERATIONS", ...of }, "Expecting 'reconcile_operations' to be present"],
    [
      { type: "ACKNOWLEDGE_OPERATION_STATUS", ...of },
      "Expecting 'acknowledge_operation_status' to be present",
    ],
    [{ type: "MESSAGE", ...of }, "Expecting 'message' to be present"],
    [{ type: "SHUTDOWN", ...of }, "Expecting 'shutdown' to be present"],
    [{ type: "UPDATE_FRAMEWORK" }, "Expecting 'framework_id' to be present"],
    [{ type: "UPDATE_FRAMEWORK", ...of }, "Expecting 'update_framework' to be present"],
    [
      { type: "UPDATE_FRAMEWORK", ...of, update_framework: { framework_info: { user: "", name: "" } } },
      "'framework_id' differs from 'update_framework.framework_info.id'",
    ],
    [
      {
        type: "UPDATE_FRAMEWORK",
        ...of,
        update_framework: { framework_info: { user: "", name: "", id: id("g") } },
      },
      "'framework_id' differs from 'update_framework.framework_info.id'",
    ],
    [
      {
        type: "ACKNOWLEDGE_OPERATION_STATUS",
        ...of,
        acknowledge_operation_status: { operation_id: id("o"), uuid: `${"A".repeat(22)}==` },
      },
      "Expecting 'agent_id' to be present",
    ],
    [
      { type: "ACKNOWLEDGE", ...of, acknowledge: { agent_id: id("a"), task_id: id("t"), uuid: "AAAA" } },
      "Not a valid UUID",
    ],
  ])("%j", (json, problem) => {
    expect(rejectionOf(json)).toEqual(invalid(problem))
  })

  it.each(["UNKNOWN"])("%s is not taken yet, and says so", (type) => {
    expect(rejectionOf({ type, ...of })).toEqual({
      status: 501,
      message: `gleaner does not take the call ${type} yet`,
    })
  })

  it("REQUEST is taken, and asks for nothing", () => {
    const cpus = { name: "cpus", type: "SCALAR", scalar: { value: 1 } }
    expect(eventOf({ type: "REQUEST", request: { requests: [{ resources: [cpus] }] } })).toBeUndefined()
    expect(eventOf({ type: "REQUEST", request: {} })).toBeUndefined()
  })
})
