import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { jsonToCall } from "../../../runtime/mesos/CallSchema.ts"
import { readQuickCall } from "../../../runtime/mesos/QuickCall.ts"
import { nearly } from "../../support/ChangedJson.ts"

const id = fc.record({ value: fc.string() })
const optional = <A>(value: fc.Arbitrary<A>) => fc.option(value, { nil: undefined })

const resource = fc.record({
  name: fc.constantFrom("cpus", "mem", "x"),
  type: fc.constant("SCALAR"),
  scalar: fc.record({ value: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
  role: optional(fc.string()),
  allocation_info: optional(fc.record({ role: fc.string() })),
})

const command = fc.record({
  shell: optional(fc.boolean()),
  value: optional(fc.string()),
  arguments: optional(fc.array(fc.string(), { maxLength: 3 })),
  user: optional(fc.string()),
  environment: optional(
    fc.record({
      variables: optional(
        fc.array(fc.record({ name: fc.string(), value: optional(fc.string()) }), { maxLength: 2 }),
      ),
    }),
  ),
})

const task = fc.record({
  name: fc.string(),
  task_id: id,
  agent_id: id,
  resources: optional(fc.array(resource, { maxLength: 3 })),
  command,
  labels: optional(
    fc.record({
      labels: optional(
        fc.array(fc.record({ key: fc.string(), value: optional(fc.string()) }), { maxLength: 2 }),
      ),
    }),
  ),
})

const filters = optional(
  fc.record({ refuse_seconds: optional(fc.double({ noNaN: true, noDefaultInfinity: true })) }),
)
const offerIds = optional(fc.array(id, { maxLength: 2 }))

const call = fc.oneof(
  fc.record({
    type: fc.constant("ACCEPT"),
    framework_id: id,
    accept: fc.record({
      offer_ids: offerIds,
      operations: optional(
        fc.array(
          fc.record({
            type: fc.constant("LAUNCH"),
            launch: fc.record({ task_infos: optional(fc.array(task, { maxLength: 2 })) }),
          }),
          { maxLength: 2 },
        ),
      ),
      filters,
    }),
  }),
  fc.record({
    type: fc.constant("DECLINE"),
    framework_id: id,
    decline: fc.record({ offer_ids: offerIds, filters }),
  }),
  fc.record({
    type: fc.constant("ACKNOWLEDGE"),
    framework_id: id,
    acknowledge: fc.record({ agent_id: id, task_id: id, uuid: fc.base64String() }),
  }),
)

describe("a call that is read by hand", () => {
  it("is the call that its Schema reads, or left to that", () => {
    fc.assert(
      fc.property(nearly(call), (json) => {
        const quick = readQuickCall(json)
        if (quick === undefined) return
        const read = jsonToCall(json)
        // Strictly: a member that is there but undefined would be another call in the journal.
        expect(read).toMatchObject({ _tag: "Right" })
        if (read._tag === "Right") expect(quick).toStrictEqual(read.right)
      }),
      { numRuns: 3_000 },
    )
  })

  it("is nearly every one of these three types: what is right is never left to the Schema", () => {
    fc.assert(
      fc.property(call, (json) => {
        expect(readQuickCall(JSON.parse(JSON.stringify(json)) as object)).toBeDefined()
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ["of another type", { type: "KILL", framework_id: { value: "f" }, kill: { task_id: { value: "t" } } }],
    [
      "with a member that another call has",
      { type: "DECLINE", framework_id: { value: "f" }, decline: {}, kill: { task_id: 7 } },
    ],
    ["with a null", { type: "DECLINE", framework_id: { value: "f" }, decline: { filters: null } }],
    [
      "with a number as text",
      { type: "DECLINE", framework_id: { value: "f" }, decline: { filters: { refuse_seconds: "1" } } },
    ],
    [
      "with a secret",
      {
        type: "ACCEPT",
        framework_id: { value: "f" },
        accept: {
          operations: [
            {
              type: "LAUNCH",
              launch: {
                task_infos: [
                  {
                    name: "n",
                    task_id: { value: "t" },
                    agent_id: { value: "a" },
                    command: { environment: { variables: [{ name: "A", value: "1", secret: "x" }] } },
                  },
                ],
              },
            },
          ],
        },
      },
    ],
    [
      "with an operation that is no launch",
      {
        type: "ACCEPT",
        framework_id: { value: "f" },
        accept: { operations: [{ type: "RESERVE", reserve: { resources: [] } }] },
      },
    ],
  ])("is none %s", (_, json) => {
    expect(readQuickCall(json)).toBeUndefined()
  })
})
