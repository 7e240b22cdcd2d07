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

  it("name all required fields that are missing, each by its path (transcript scheduler/main_06)", () => {
    expect(problemOf({ type: "ACKNOWLEDGE", acknowledge: { agent_id: id, task_id: {} } })).toBe(
      "Failed to convert JSON into Call protobuf: Missing required fields: acknowledge.uuid, acknowledge.task_id.value",
    )
    expect(problemOf({ type: "SUBSCRIBE", subscribe: { framework_info: { name: "n" } } })).toBe(
      "Failed to convert JSON into Call protobuf: Missing required fields: subscribe.framework_info.user",
    )
  })

  it.each<[object, string]>([
    [{ type: 7 }, "Not expecting a JSON number for field 'type'"],
    [{ type: "DECLINE", decline: { offer_ids: "o" } }, "Not expecting a JSON string for field 'offer_ids'"],
    [
      { type: "DECLINE", decline: { offer_ids: [id, 1] } },
      "Not expecting a JSON number for field 'offer_ids'",
    ],
    [{ type: "KILL", kill: { task_id: { value: ["x"] } } }, "Not expecting a JSON array for field 'value'"],
    [{ type: "KILL", kill: true }, "Not expecting a JSON boolean for field 'kill'"],
    [
      { decline: { filters: { refuse_seconds: "soon" } } },
      "Failed to parse 'soon' as a JSON number for field 'refuse_seconds': syntax error at line 1 near: soon",
    ],
  ])(
    "%j is refused with the name of its field (transcripts operator/err_wrong_field_type, UPDATE_WEIGHTS_string)",
    (json, text) => {
      expect(problemOf(json)).toContain(`Failed to convert JSON into Call protobuf: ${text}`)
    },
  )

  it("say one thing of a body that is wrong throughout, and nothing of its values", () => {
    const ones = Array.from({ length: 500_000 }, () => 1)
    expect(problemOf({ type: "DECLINE", decline: { offer_ids: ones } })).toBe(
      "Failed to convert JSON into Call protobuf: Not expecting a JSON number for field 'offer_ids'",
    )
    expect(problemOf({ type: "KILL", kill: { task_id: { value: { ones } } } })).toContain("JSON object")
    expect(problemOf({ type: "KILL", kill: { task_id: { value: [ones] } } })).toContain("JSON array")
    expect(problemOf({ type: "KILL", kill: "x".repeat(1_000_000) }).length).toBeLessThanOrEqual(500)
  })

  it("are not changed where null stands for unset", () => {
    const call = {
      type: "DECLINE",
      framework_id: null,
      decline: { offer_ids: [id, null, { value: "y", more: null }] },
    }
    const before = structuredClone(call)
    expect(read(call).decline?.offer_ids).toEqual([id, { value: "y" }])
    expect(call).toEqual(before)
  })

  it("may be nested as deeply as a body can hold without harm", () => {
    const deep = JSON.parse(`${'{"a":['.repeat(100_000)}${"]}".repeat(100_000)}`) as object
    expect(read({ type: "REVIVE", deep })).toEqual({ type: "REVIVE" })
  })
})
