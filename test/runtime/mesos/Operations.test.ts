import { describe, expect, it } from "vitest"
import { wireToOperation } from "../../../runtime/mesos/Operations.ts"

const cpus = { name: "cpus", type: "SCALAR", scalar: { value: 1 } }
const reserved = { ...cpus, reservations: [{ type: "DYNAMIC", role: "web" }] }
const plain = [
  {
    name: "cpus",
    type: "scalar",
    value: 1_000,
    reservations: [{ type: "dynamic", role: "web", principal: null, labels: [] }],
  },
]

describe("an operation of an ACCEPT", () => {
  it.each([
    ["RESERVE", "reserve", "resources"],
    ["UNRESERVE", "unreserve", "resources"],
    ["CREATE", "create", "volumes"],
    ["DESTROY", "destroy", "volumes"],
  ] as const)("%s brings its resources, its id and the role they are allocated to", (type, field, list) => {
    const allocated = { ...reserved, allocation_info: { role: "web" } }
    const resources = { type, operationId: null, resources: plain, role: null, problem: null }
    expect(wireToOperation({ type, [field]: { [list]: [reserved] } }, "f")).toEqual(resources)
    expect(wireToOperation({ type, id: { value: "o" }, [field]: { [list]: [allocated] } }, "f")).toEqual({
      ...resources,
      operationId: "o",
      role: "web",
    })
  })

  it.each([
    [
      "without what it is about",
      { type: "RESERVE", id: { value: "o" } },
      "A RESERVE offer operation must have the Offer.Operation.reserve field set.",
    ],
    [
      "with resources that are none",
      { type: "CREATE", create: { volumes: [{ ...reserved, disk: { persistence: { id: "v" } } }] } },
      "Operation attempted with invalid resources: Resource 'cpus(reservations: [(DYNAMIC,web)])[v:]:1' is invalid: DiskInfo should not be set for cpus resource",
    ],
    [
      "allocated to two roles",
      {
        type: "RESERVE",
        reserve: { resources: ["a", "b"].map((role) => ({ ...cpus, allocation_info: { role } })) },
      },
      "The resources are allocated to roles 'a' and 'b'",
    ],
    [
      "that hands a reservation on",
      { type: "RESERVE", reserve: { source: [reserved], resources: [reserved] } },
      "'source' is not supported by this master: unreserve, then reserve for the other role",
    ],
    ["that gleaner has not", { type: "GROW_VOLUME" }, "GROW_VOLUME is not supported by this master"],
    ["of no known name", { type: "FROB" }, "Unknown offer operation"],
    ["of no name", {}, "Unknown offer operation"],
  ])("%s comes with its problem, for the others are done all the same", (_, wire, problem) => {
    const operation = wireToOperation(wire, "f")
    expect(operation).toHaveProperty("problem", expect.stringContaining(problem))
  })

  it("LAUNCH may have no id: its tasks are told so", () => {
    const task = { name: "n", task_id: { value: "t" }, agent_id: { value: "a" }, resources: [cpus] }
    const operation = wireToOperation(
      { type: "LAUNCH", id: { value: "o" }, launch: { task_infos: [task] } },
      "f",
    )
    const problem = "The `id` field cannot be set on LAUNCH operations"
    expect(operation).toMatchObject({ type: "LAUNCH", tasks: [{ taskId: "t", problem }] })
  })
})
