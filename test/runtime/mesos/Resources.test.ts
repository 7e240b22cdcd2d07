import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  allocatedRoles,
  resourcesToWire,
  unitsToMilli,
  type WireResource,
  wireToResources,
} from "../../../runtime/mesos/Resources.ts"

const scalar = (name: string, value: number, more: object = {}): WireResource => ({
  name,
  type: "SCALAR",
  scalar: { value },
  ...more,
})

describe("units to thousandths", () => {
  it.each([
    [0, 0],
    [1, 1_000],
    [0.1 + 0.2, 300],
    [0.0004, 0],
    [0.0005, 1],
    [1.0006, 1_001],
    [0.57 * 3, 1_710],
    [9_007_199_254_740, 9_007_199_254_740_000],
  ])("%d units", (units, milli) => {
    expect(unitsToMilli(units)).toBe(milli)
  })

  it.each([-1, -0.0004, Number.NaN, Infinity, -Infinity, 1e300, 9_007_199_254_741])(
    "%d is no amount",
    (units) => {
      expect(unitsToMilli(units)).toBeUndefined()
    },
  )

  it("come back as they were written", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 50 }), (milli) => {
        const [wire] = resourcesToWire({ cpus: milli }) as ReadonlyArray<WireResource>
        expect(unitsToMilli(JSON.parse(JSON.stringify(wire!.scalar!.value)) as number)).toBe(milli)
      }),
    )
  })
})

describe("resources of a task", () => {
  it("add up by name, nothing left out but nothing at all", () => {
    expect(
      wireToResources([scalar("mem", 32), scalar("cpus", 0.1), scalar("cpus", 0.2), scalar("disk", 0)]),
    ).toEqual({ cpus: 300, mem: 32_000 })
    expect(wireToResources([])).toEqual({})
  })

  it.each<[string, WireResource, string]>([
    ["a negative amount", scalar("cpus", -1), "value must be a number from 0 to"],
    ["no amount", { name: "cpus", type: "SCALAR" }, "value must be a number from 0 to"],
    ["ranges", { name: "ports", type: "RANGES" }, "type RANGES is not offered by this master"],
    ["a name that is no name", scalar("c pus", 1), "not a valid name"],
    ["a reservation", scalar("cpus", 1, { reservations: [{ role: "web" }] }), "reserved resources"],
    ["an old reservation", scalar("cpus", 1, { reservation: {} }), "reserved resources"],
    ["a role", scalar("cpus", 1, { role: "web" }), "reserved resources"],
    ["a volume", scalar("disk", 1, { disk: {} }), "volumes are not offered"],
    ["what may be revoked", scalar("cpus", 1, { revocable: {} }), "revocable resources"],
    ["what is shared", scalar("disk", 1, { shared: {} }), "shared resources"],
  ])("with %s are refused by name", (_, resource, text) => {
    const problem = wireToResources([scalar("mem", 1), resource])
    expect(problem).toContain(`Invalid resource '${resource.name}': `)
    expect(problem).toContain(text)
  })

  it("may say the default role, and an empty list of reservations", () => {
    expect(wireToResources([scalar("cpus", 1, { role: "*", reservations: [] })])).toEqual({ cpus: 1_000 })
  })

  it("name the roles they are allocated to, each once", () => {
    const to = (role: string) => scalar("cpus", 1, { allocation_info: { role } })
    expect(allocatedRoles([scalar("cpus", 1), scalar("cpus", 1, { allocation_info: {} })])).toEqual([])
    expect(allocatedRoles([to("web"), scalar("cpus", 1), to("web"), to("ads")])).toEqual(["web", "ads"])
  })
})

describe("resources for a framework", () => {
  it("are in the old form unless it knows the new one", () => {
    expect(resourcesToWire({ cpus: 1_500 })).toEqual([scalar("cpus", 1.5, { role: "*" })])
    expect(resourcesToWire({ cpus: 1_500 }, { withRole: false, allocatedTo: "web" })).toEqual([
      scalar("cpus", 1.5, { allocation_info: { role: "web" } }),
    ])
  })
})
