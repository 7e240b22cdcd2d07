import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { jsonToCall } from "../../../runtime/mesos/CallSchema.ts"

const read = (json: object) => Either.getOrThrowWith(jsonToCall(json), (message) => new Error(message))
const problemOf = (json: object) => Either.getOrThrow(Either.flip(jsonToCall(json)))
const id = { value: "x" }

describe("calls as JSON", () => {
  it("may hold fields that nobody knows, at any depth", () => {
    const call = { type: "DECLINE", shiny: 1, decline: { offer_ids: [{ value: "o", more: {} }], wow: [] } }
    expect(read(call)).toEqual({ type: "DECLINE", decline: { offer_ids: [{ value: "o" }] } })
  })

  it("take null as unset, at any depth", () => {
    const call = {
      type: "KILL",
      framework_id: null,
      kill: { task_id: id, agent_id: null, kill_policy: null },
    }
    expect(read(call)).toEqual({ type: "KILL", kill: { task_id: id } })
  })

  it("take numbers and booleans that come as text", () => {
    const { decline } = read({ type: "DECLINE", decline: { filters: { refuse_seconds: "2.5" } } })
    expect(decline).toEqual({ offer_ids: [], filters: { refuse_seconds: 2.5 } })
    const info = { user: "", name: "", checkpoint: "true", failover_timeout: "Infinity" }
    const { subscribe } = read({ type: "SUBSCRIBE", subscribe: { framework_info: info } })
    expect(subscribe?.framework_info).toMatchObject({ checkpoint: true, failover_timeout: Infinity })
  })

  it("fill in the defaults of the protocol", () => {
    const { subscribe } = read({ subscribe: { framework_info: { user: "u", name: "n" } } })
    expect(subscribe).toEqual({
      framework_info: {
        user: "u",
        name: "n",
        failover_timeout: 0,
        checkpoint: false,
        roles: [],
        capabilities: [],
      },
      suppressed_roles: [],
    })
  })

  it("name the first required field that is missing (transcript scheduler/main_06)", () => {
    expect(problemOf({ type: "ACKNOWLEDGE", acknowledge: { agent_id: id, task_id: {} } })).toBe(
      "Failed to convert JSON into Call protobuf: Missing required fields: acknowledge.task_id.value",
    )
    expect(problemOf({ type: "SUBSCRIBE", subscribe: { framework_info: { name: "n" } } })).toBe(
      "Failed to convert JSON into Call protobuf: Missing required fields: subscribe.framework_info.user",
    )
  })

  it.each<[object, string]>([
    [{ type: 7 }, "type: Expected string, actual 7"],
    [{ type: "DECLINE", decline: { offer_ids: "o" } }, "decline.offer_ids: Expected an array"],
    [
      { type: "DECLINE", decline: { offer_ids: [id, 1] } },
      "decline.offer_ids.1: Expected an object, actual 1",
    ],
    [{ type: "KILL", kill: { task_id: { value: ["x"] } } }, "kill.task_id.value: Expected string"],
    [{ decline: { filters: { refuse_seconds: "soon" } } }, "decline.filters.refuse_seconds: "],
  ])("%j is refused with its place", (json, text) => {
    expect(problemOf(json)).toContain(`Failed to convert JSON into Call protobuf: ${text}`)
  })

  it("say one thing of a body that is wrong throughout, and nothing of its values", () => {
    const ones = Array.from({ length: 500_000 }, () => 1)
    expect(problemOf({ type: "DECLINE", decline: { offer_ids: ones } })).toBe(
      "Failed to convert JSON into Call protobuf: decline.offer_ids.0: Expected an object, actual 1",
    )
    expect(problemOf({ type: "DECLINE", decline: { offer_ids: { ones } } })).toContain("actual an object")
    expect(problemOf({ type: "KILL", kill: { task_id: { value: [ones] } } })).toContain("actual an array")
    expect(problemOf({ type: "KILL", kill: "x".repeat(1_000_000) }).length).toBeLessThanOrEqual(500)
  })

  it("are not changed where null stands for unset", () => {
    const call = {
      type: "DECLINE",
      framework_id: null,
      decline: { offer_ids: [id, null, { value: "y", more: null }] },
    }
    const before = structuredClone(call)
    expect(problemOf(call)).toContain("decline.offer_ids.1: ")
    expect(call).toEqual(before)
    const other = { type: "DECLINE", decline: { offer_ids: [id, { value: "y", more: null }] } }
    expect(read(other).decline?.offer_ids).toEqual([id, { value: "y" }])
  })

  it("may be nested as deeply as a body can hold without harm", () => {
    const deep = JSON.parse(`${'{"a":['.repeat(100_000)}${"]}".repeat(100_000)}`) as object
    expect(read({ type: "REVIVE", deep })).toEqual({ type: "REVIVE" })
  })
})
