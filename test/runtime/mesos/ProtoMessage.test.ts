import { Either } from "effect"
import { describe, expect, it } from "vitest"
import { operatorCall } from "../../../runtime/mesos/messages/OperatorCall.ts"
import { schedulerCall } from "../../../runtime/mesos/messages/SchedulerCall.ts"
import { readMessage } from "../../../runtime/mesos/ProtoMessage.ts"

const id = { value: "x" }
const resource = { name: "cpus", type: "SCALAR" }

const problemOf = (json: unknown, message = operatorCall): string =>
  Either.match(readMessage(message, json), { onLeft: (problem) => problem, onRight: () => "" })
const readOf = (json: unknown, message = operatorCall) => Either.getOrThrow(readMessage(message, json))

describe("JSON as a message", () => {
  it.each<[unknown, string]>([
    [[], "Expecting a JSON object"],
    ["x", "Expecting a JSON object"],
    [{ set_logging_level: {} }, "set_logging_level.level, set_logging_level.duration"],
    [{ set_logging_level: { level: 1, duration: {} } }, "set_logging_level.duration.nanoseconds"],
    [
      { reserve_resources: { resources: [resource, {}, { type: "SCALAR", scalar: {} }] } },
      "reserve_resources.agent_id, reserve_resources.resources[1].name, reserve_resources.resources[1].type, reserve_resources.resources[2].name, reserve_resources.resources[2].scalar.value",
    ],
    [
      { update_quota: { quota_configs: [{ limits: { cpus: {} } }] } },
      "update_quota.quota_configs[0].role, update_quota.quota_configs[0].limits[0].value.value",
    ],
    [
      { create_volumes: { agent_id: id, volumes: [{ ...resource, disk: { persistence: {}, volume: {} } }] } },
      "create_volumes.volumes[0].disk.persistence.id, create_volumes.volumes[0].disk.volume.mode, create_volumes.volumes[0].disk.volume.container_path",
    ],
  ])("%j lacks what must be there, in the order of protobuf", (json, missing) => {
    expect(problemOf(json)).toBe(
      missing.startsWith("Expecting") ? missing : `Missing required fields: ${missing}`,
    )
  })

  it.each<[object, string]>([
    [{ teardown: { framework_id: "f" } }, "Not expecting a JSON string for field 'framework_id'"],
    [{ teardown: { framework_id: { value: 1 } } }, "Not expecting a JSON number for field 'value'"],
    [{ teardown: { framework_id: { value: {} } } }, "Not expecting a JSON object for field 'value'"],
    [{ teardown: [] }, "Not expecting a JSON array for field 'teardown'"],
    [{ type: true }, "Not expecting a JSON boolean for field 'type'"],
    [{ drain_agent: { max_grace_period: "5s" } }, "Not expecting a JSON string for field 'max_grace_period'"],
    [
      { drain_agent: { mark_gone: "maybe" } },
      "Failed to parse 'maybe' as a JSON boolean for field 'mark_gone': syntax error at line 1 near: maybe",
    ],
    [{ reserve_resources: { resources: [{ name: "x", type: "HEAP" }] } }, "Failed to find enum for 'HEAP'"],
  ])("%j is of another kind", (json, problem) => {
    expect(problemOf(json)).toBe(problem)
  })

  it("tells of what is wrong by the names of members, before what is missing", () => {
    const wrong = { read_file: {}, list_files: { path: 1 }, drain_agent: { mark_gone: 2 } }
    expect(problemOf(wrong)).toBe("Not expecting a JSON number for field 'mark_gone'")
  })

  it("leaves out nulls and unknown names, reads texts as numbers, and takes one for a list of one", () => {
    const call = {
      type: "DANCE",
      framework_id: null,
      more: { x: null },
      revive: { roles: "web" },
      suppress: { roles: ["a", null, ["b", ["c"]]] },
      decline: { filters: { refuse_seconds: "1.5" }, offer_ids: id },
    }
    expect(readOf(call, schedulerCall)).toEqual({
      more: { x: null },
      revive: { roles: ["web"] },
      suppress: { roles: ["a", "b", "c"] },
      decline: { filters: { refuse_seconds: 1.5 }, offer_ids: [id] },
    })
  })

  it("checks bytes up to where they end", () => {
    const message = (data: string) => ({ message: { agent_id: id, executor_id: id, data } })
    expect(problemOf(message("a-b"), schedulerCall)).toBe(
      "Failed to base64 decode bytes field 'data': Invalid character '-'",
    )
    expect(problemOf(message("aGk=?"), schedulerCall)).toBe("")
  })

  it("takes no longer for a long text that is no number: each digit is looked at once", () => {
    const seconds = `${"1".repeat(300_000)}x`
    expect(problemOf({ decline: { filters: { refuse_seconds: seconds } } }, schedulerCall)).toMatch(
      /^Failed to parse '1{200}' as a JSON number for field 'refuse_seconds'/,
    )
    for (const [text, value] of [
      ["12.5e-1", 1.25],
      [" -3. ", -3],
      ["1.", 1],
      ["Infinity", Number.POSITIVE_INFINITY],
    ] as const) {
      const { decline } = readOf({ decline: { filters: { refuse_seconds: text } } }, schedulerCall)
      expect(decline).toEqual({ filters: { refuse_seconds: value } })
    }
    expect(problemOf({ decline: { filters: { refuse_seconds: ".5" } } }, schedulerCall)).toContain("'.5'")
  })

  it("throws at nothing: not at lists in lists that are deep, nor at one within a list that is long", () => {
    const nested = (value: unknown, depth: number): unknown =>
      depth === 0 ? value : [nested(value, depth - 1)]
    for (let depth = 1; depth < 90; depth++) {
      for (const operation of [
        { launch: null },
        { launch_group: { executor: null } },
        { reserve: 7 },
        7,
        null,
      ])
        problemOf({ accept: { operations: nested(operation, depth) } }, schedulerCall)
      problemOf({ update_quota: { quota_configs: nested({ role: "x", limits: { cpus: null } }, depth) } })
    }
    const roles = Array.from({ length: 300_000 }, () => "a")
    expect(readOf({ revive: { roles: [roles] } }, schedulerCall)).toEqual({ revive: { roles } })
  })

  it("takes a right call as it is", () => {
    const call = { type: "RESERVE_RESOURCES", reserve_resources: { agent_id: id, resources: [resource] } }
    expect(readOf(call)).toBe(call)
  })
})
