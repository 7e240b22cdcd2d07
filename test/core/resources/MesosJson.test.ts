import { describe, expect, it } from "vitest"
import { mesosJsonToResources } from "../../../core/resources/MesosJson.ts"
import { plainScalar, type Reservation, resourceOf, toKind } from "../../../core/resources/Resource.ts"

const cpus = { name: "cpus", type: "SCALAR", scalar: { value: 1 } }
const disk = { name: "disk", type: "SCALAR", scalar: { value: 1 } }
const read = (json: unknown, defaultRole = "*") => mesosJsonToResources(json, "resources", defaultRole)

const stackOf = (fields: object, defaultRole = "*"): ReadonlyArray<Reservation> | string => {
  const resources = read([{ ...cpus, ...fields }], defaultRole)
  return typeof resources === "string" ? resources : resources[0]!.kind.reservations
}

describe("reservations in Mesos's JSON", () => {
  const forA = { type: "static", role: "a", principal: null, labels: [] }

  it("come in the old format", () => {
    expect(stackOf({})).toEqual([])
    expect(stackOf({ role: "*" })).toEqual([])
    expect(stackOf({ role: "a" })).toEqual([forA])
    expect(stackOf({ role: "a", reservation: {} })).toEqual([{ ...forA, type: "dynamic" }])
    const reservation = { principal: "ops", labels: { labels: [{ key: "k", value: "v" }, { key: "flag" }] } }
    const labels = [
      { key: "flag", value: "" },
      { key: "k", value: "v" },
    ]
    expect(stackOf({ role: "a", reservation })).toEqual([
      { type: "dynamic", role: "a", principal: "ops", labels },
    ])
  })

  it("come in the new format", () => {
    const reservations = [
      { type: "STATIC", role: "a" },
      { type: "DYNAMIC", role: "a/b", principal: "ops" },
    ]
    const stack = [forA, { type: "dynamic", role: "a/b", principal: "ops", labels: [] }]
    expect(stackOf({ reservations })).toEqual(stack)
    expect(stackOf({ reservations, role: null, reservation: null })).toEqual(stack)
    expect(stackOf({ reservations: [] })).toEqual([])
    expect(stackOf({ role: "a", reservations: [] })).toEqual([forA])
  })

  it("mean the same in both", () => {
    const old = read([{ ...cpus, role: "a", reservation: { principal: "ops" } }])
    expect(read([{ ...cpus, reservations: [{ type: "DYNAMIC", role: "a", principal: "ops" }] }])).toEqual(old)
  })

  it("may differ in format from resource to resource, but not within one", () => {
    const reservations = [{ type: "DYNAMIC", role: "a" }]
    expect(
      read([
        { ...cpus, role: "a" },
        { ...cpus, reservations },
      ]),
    ).toHaveLength(2)
    const mixed = "write either role and reservation (old) or reservations (new)"
    expect(stackOf({ reservations, role: "a" })).toContain(
      `resources[0].role: the resource has reservations too`,
    )
    expect(stackOf({ reservations, role: "*" })).toContain(mixed)
    expect(stackOf({ reservations, reservation: {} })).toContain("resources[0].reservation: the resource has")
  })

  it("are for the default role where nothing is said", () => {
    expect(stackOf({}, "a")).toEqual([forA])
    expect(stackOf({ role: "*" }, "a")).toEqual([])
    expect(stackOf({ role: "b" }, "a")).toEqual([{ ...forA, role: "b" }])
  })

  it.each<[string, object, string]>([
    ["without a role", { reservation: {} }, "[0].reservation: there is nobody it is for"],
    ["for everybody", { role: "*", reservation: {} }, "[0].reservation: there is nobody it is for"],
    ["for no role", { role: "a//b" }, "[0]: role 'a//b' starts, ends or doubles"],
    ["for a number", { role: 5 }, "[0].role: 5 is no text"],
    ["in a mistyped field", { reservatons: [] }, 'did you mean "reservations"?'],
    [
      "of no known type",
      { reservations: [{ type: "X", role: "a" }] },
      '[0].reservations[0].type: "X" is none of',
    ],
    [
      "on a stack without role",
      { reservations: [{ type: "STATIC" }] },
      "[0].reservations[0].role: nothing is no",
    ],
    ["on a stack for *", { reservations: [{ type: "STATIC", role: "*" }] }, "[0]: reserved for no role"],
    [
      "refined for another role",
      {
        reservations: [
          { type: "STATIC", role: "a" },
          { type: "DYNAMIC", role: "ab" },
        ],
      },
      "[0]: role 'ab' refines a reservation for 'a', so it must begin with 'a/'",
    ],
    [
      "refined statically",
      {
        reservations: [
          { type: "STATIC", role: "a" },
          { type: "STATIC", role: "a/b" },
        ],
      },
      "[0]: only the first reservation of a stack can be static",
    ],
    [
      "with a label that is no text",
      { role: "a", reservation: { labels: { labels: [{ key: "k", value: 1 }] } } },
      "[0].reservation.labels.labels[0].value: 1 is no text",
    ],
  ])("are refused %s", (_, fields, reason) => {
    expect(stackOf(fields)).toContain(reason)
  })
})

describe("resources in Mesos's JSON", () => {
  it("are scalars, ranges and sets, numbers also as texts", () => {
    const json = [
      { name: "cpus", type: "SCALAR", scalar: { value: "1.5" } },
      {
        name: "ports",
        type: "RANGES",
        ranges: {
          range: [
            { begin: 3, end: 4 },
            { begin: "1", end: "2" },
          ],
        },
      },
      { name: "zones", type: "SET", set: { item: ["b", "a"] } },
    ]
    expect(read(json)).toEqual([
      resourceOf(plainScalar("cpus"), 1500),
      resourceOf(toKind({ name: "ports", type: "ranges" }), [1, 4]),
      resourceOf(toKind({ name: "zones", type: "set" }), ["a", "b"]),
    ])
  })

  it("say what makes them special", () => {
    const source = { type: "MOUNT", mount: { root: "/mnt/1" }, id: "i", profile: "fast" }
    const persistence = { id: "v1", principal: "ops" }
    const volume = { container_path: "data", mode: "RW" }
    const json = [
      { ...cpus, revocable: {}, provider_id: { value: "p" } },
      { ...disk, role: "a", disk: { persistence, volume, source }, shared: {} },
    ]
    expect(read(json)).toEqual([
      resourceOf(toKind({ name: "cpus", type: "scalar", revocable: true, providerId: "p" }), 1000),
      resourceOf(
        toKind({
          name: "disk",
          type: "scalar",
          reservations: [{ type: "static", role: "a", principal: null, labels: [] }],
          disk: {
            persistence,
            volume: { containerPath: "data", mode: "RW" },
            source: { type: "MOUNT", root: "/mnt/1", id: "i", profile: "fast" },
          },
          shared: true,
        }),
        1000,
      ),
    ])
  })

  const persistence = { id: "v" }
  it.each<[string, unknown, string]>([
    ["no list", {}, "resources: {} is no JSON array"],
    ["no object", [5], "resources[0]: 5 is not an object"],
    [
      "a text",
      [{ name: "os", type: "TEXT", text: { value: "linux" } }],
      "resources[0].text: there is no key",
    ],
    [
      "a text's type",
      [{ name: "os", type: "TEXT" }],
      "[0].type: a text is no resource: make it an attribute",
    ],
    ["an unknown type", [{ ...cpus, type: "scalar" }], '[0].type: "scalar" is none of SCALAR, RANGES, SET'],
    ["no name", [{ ...cpus, name: null }], "[0].name: null is no text"],
    ["a bad name", [cpus, { ...cpus, name: "a b" }], "[1]: a name is a letter"],
    ["no value", [{ name: "cpus", type: "SCALAR" }], "[0].scalar: nothing is not an object with value"],
    ["a bare value", [{ ...cpus, scalar: 1 }], "[0].scalar: 1 is not an object with value"],
    ["two values", [{ ...cpus, set: { item: [] } }], "[0].set: the type is SCALAR: leave set out"],
    ["a negative amount", [{ ...cpus, scalar: { value: -1 } }], "[0].scalar.value: -1 is no number from 0"],
    [
      "an amount too large",
      [{ ...cpus, scalar: { value: 1e14 } }],
      "[0].scalar.value: 100000000000000 is no",
    ],
    [
      "an amount that is no number",
      [{ ...cpus, scalar: { value: "x" } }],
      '[0].scalar.value: "x" is no number',
    ],
    ["part of a gpu", [{ ...cpus, name: "gpus", scalar: { value: 0.5 } }], "[0]: there are no 0.5 gpus"],
    ["a single port", [{ ...cpus, name: "ports" }], "[0]: ports are ranges"],
    [
      "a range that goes down",
      [{ name: "ports", type: "RANGES", ranges: { range: [{ begin: 2, end: 1 }] } }],
      '[0].ranges.range[0]: {"begin":2,"end":1} is no range',
    ],
    [
      "half a range",
      [{ name: "ports", type: "RANGES", ranges: { range: [{ begin: 2 }] } }],
      '[0].ranges.range[0]: {"begin":2} is no range',
    ],
    ["an empty item", [{ name: "z", type: "SET", set: { item: [""] } }], '[0].set.item[0]: "" is no item'],
    [
      "items that are no list",
      [{ name: "z", type: "SET", set: { item: "a" } }],
      '[0].set.item: "a" is no list',
    ],
    ["disk info of cpus", [{ ...cpus, disk: { persistence } }], "[0]: disk info is for disk, not for cpus"],
    [
      "a volume that does not last",
      [{ ...disk, disk: { volume: { container_path: "d", mode: "RW" } } }],
      "[0]: a volume without persistence is not supported",
    ],
    [
      "a shared disk that is no volume",
      [{ ...disk, shared: {} }],
      "[0]: only persistent volumes can be shared",
    ],
    [
      "a revocable volume",
      [{ ...disk, disk: { persistence }, revocable: {} }],
      "[0]: a revocable resource can hold",
    ],
    [
      "what is revocable and reserved",
      [{ ...cpus, role: "a", revocable: {} }],
      "[0]: a revocable resource cannot be",
    ],
    ["a flag instead of {}", [{ ...cpus, revocable: true }], "[0].revocable: true is not an object"],
    [
      "an unknown source",
      [{ ...disk, disk: { source: { type: "NFS" } } }],
      '[0].disk.source.type: "NFS" is none of',
    ],
    [
      "the root of another source",
      [{ ...disk, disk: { source: { type: "PATH", mount: { root: "/m" } } } }],
      "[0].disk.source.mount: the type is PATH: leave mount out",
    ],
    [
      "a name of two types",
      [
        { ...cpus, name: "x" },
        { name: "x", type: "SET", set: { item: ["a"] } },
      ],
      "[1]: x is of",
    ],
    [
      "who it is allocated to",
      [{ ...cpus, allocation_info: { role: "a" } }],
      "[0].allocation_info: there is no key",
    ],
  ])("are refused as %s, with the place", (_, json, reason) => {
    const answer = read(json)
    expect(answer).toContain(reason)
    expect(answer).toMatch(/^resources/)
  })
})
