import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { mesosJsonToResources } from "../../../core/resources/MesosJson.ts"
import {
  type DiskInfo,
  isRefined,
  type KindFields,
  type Reservation,
  type Resource,
  type ResourceValue,
  resourceOf,
  toKind,
} from "../../../core/resources/Resource.ts"
import { pickResources, quantitiesToResources, toResources } from "../../../core/resources/Resources.ts"
import type { WireResource } from "../../../runtime/mesos/ResourceSchema.ts"
import {
  allocatedRoles,
  resourcesToWire,
  unitsToMilli,
  wireToResources,
} from "../../../runtime/mesos/Resources.ts"
import { anyResources } from "../../support/ResourceGenerators.ts"

const scalar = (name: string, value: number, more: object = {}): WireResource => ({
  name,
  type: "SCALAR",
  scalar: { value },
  ...more,
})

const ports = (range: ReadonlyArray<{ begin: number; end: number }>): WireResource => ({
  name: "ports",
  type: "RANGES",
  ranges: { range },
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
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (milli) => {
        const [wire] = resourcesToWire(quantitiesToResources({ cpus: milli })) as ReadonlyArray<WireResource>
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
    ["no ranges", { name: "ports", type: "RANGES" }, "ranges: nothing is not an object"],
    ["a range upside down", ports([{ begin: 2, end: 1 }]), "begin and end are whole numbers, begin ≤ end"],
    ["a name that is no name", scalar("c pus", 1), "not a valid name"],
    ["a type that is none", { name: "cpus", type: "TEXT" }, "a text is no resource"],
    [
      "a reservation without a type",
      scalar("cpus", 1, { reservations: [{ role: "web" }] }),
      "STATIC, DYNAMIC",
    ],
    ["a reservation for nobody", scalar("cpus", 1, { reservation: {} }), "give the resource a role"],
    [
      "reservations of both formats",
      scalar("cpus", 1, { role: "a", reservations: [{ type: "DYNAMIC", role: "a" }] }),
      "write either role and reservation (old) or reservations (new)",
    ],
    [
      "disk info on what is no disk",
      scalar("cpus", 1, { disk: { persistence: { id: "v" } } }),
      "disk info is for disk",
    ],
    [
      "what is shared, but no volume",
      scalar("disk", 1, { shared: {} }),
      "only persistent volumes can be shared",
    ],
  ])("with %s are refused by name", (_, resource, text) => {
    const problem = wireToResources([scalar("mem", 1), resource])
    expect(problem).toContain(`Invalid resource '${resource.name}': `)
    expect(problem).toContain(text)
  })

  it.each<[string, object]>([
    ["plain", {}],
    ["reserved", { role: "a" }],
  ])("of one name, %s, are refused where their sum is no exact number", (_, more) => {
    const mem = scalar("mem", 9e12, more)
    expect(wireToResources([mem, mem])).toBe(
      "Invalid resource 'mem': all mem together are more than 9007199254740.99: give less",
    )
  })

  it("may be reserved in either format, be ranges and sets, and be volumes", () => {
    const owner = { principal: "p", labels: { labels: [{ key: "k" }] } }
    const volume = {
      persistence: { id: "v", principal: "p" },
      volume: { container_path: "data", mode: "RW" },
    }
    const top = { principal: "p", labels: [{ key: "k", value: "" }] }
    const dynamic = { type: "dynamic", role: "a", ...top }
    const read = (resource: WireResource) => {
      const allocated = { ...resource, allocation_info: { role: "a" } }
      return wireToResources([allocated as WireResource])
    }
    const cpus = [{ name: "cpus", type: "scalar", value: 1_000, reservations: [dynamic] }]
    expect(read(scalar("cpus", 1, { role: "a", reservation: owner }))).toEqual(cpus)
    expect(read(scalar("cpus", 1, { reservations: [{ type: "DYNAMIC", role: "a", ...owner }] }))).toEqual(
      cpus,
    )
    expect(read(ports([{ begin: 5, end: 9 }]))).toEqual([{ name: "ports", type: "ranges", value: [5, 9] }])
    expect(read(scalar("disk", 1, { role: "a", reservation: owner, disk: volume }))).toEqual([
      {
        name: "disk",
        type: "scalar",
        value: 1_000,
        reservations: [dynamic],
        disk: {
          persistence: { id: "v", principal: "p" },
          volume: { containerPath: "data", mode: "RW" },
          source: null,
        },
      },
    ])
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
  const dynamic = (role: string, more: Partial<Reservation> = {}): Reservation => ({
    type: "dynamic",
    role,
    principal: null,
    labels: [],
    ...more,
  })
  const set = (name: string, ...items: ReadonlyArray<string>) =>
    resourceOf(toKind({ name, type: "set" }), items)
  const labels = [{ key: "owner", value: "me" }]
  const disk = (info: Partial<DiskInfo>, more: Partial<KindFields> = {}): Resource =>
    resourceOf(
      toKind({
        name: "disk",
        type: "scalar",
        disk: { persistence: null, volume: null, source: null, ...info },
        ...more,
      }),
      1_000,
    )
  const of = (fields: KindFields, value: ResourceValue = 1_500) => resourceOf(toKind(fields), value)
  const cpus = { name: "cpus", type: "scalar" } as const
  const wireOf = (resource: Resource, form: Parameters<typeof resourcesToWire>[1]) =>
    JSON.stringify(resourcesToWire(toResources([resource]), form)[0])

  const persistence = { id: "v", principal: "p" }
  const volume = { containerPath: "data", mode: "RW" } as const
  const mount = { type: "MOUNT", root: "/mnt/a", id: null, profile: null } as const
  const path = { type: "PATH", root: "/srv", id: "i", profile: "fast" } as const

  // What it is; for a framework with RESERVATION_REFINEMENT and MULTI_ROLE, for one with neither. Order of fields and text of
  // unreserved ones from the transcripts scheduler/main_stream and raw/scheduler_SUBSCRIBE.
  it.each<[string, Resource, string, string]>([
    [
      "a scalar",
      of(cpus),
      `{"name":"cpus","type":"SCALAR","scalar":{"value":1.5},"allocation_info":{"role":"web"}}`,
      `{"name":"cpus","type":"SCALAR","scalar":{"value":1.5},"role":"*"}`,
    ],
    [
      "ranges",
      of({ name: "ports", type: "ranges" }, [31_000, 31_000, 31_005, 32_000]),
      `{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":31000},{"begin":31005,"end":32000}]},"allocation_info":{"role":"web"}}`,
      `{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":31000},{"begin":31005,"end":32000}]},"role":"*"}`,
    ],
    [
      "a set",
      set("zones", "a", "b"),
      `{"name":"zones","type":"SET","set":{"item":["a","b"]},"allocation_info":{"role":"web"}}`,
      `{"name":"zones","type":"SET","set":{"item":["a","b"]},"role":"*"}`,
    ],
    [
      "a static reservation",
      of({ ...cpus, reservations: [{ ...dynamic("web"), type: "static" }] }),
      `{"name":"cpus","type":"SCALAR","scalar":{"value":1.5},"allocation_info":{"role":"web"},"reservations":[{"type":"STATIC","role":"web"}]}`,
      `{"name":"cpus","type":"SCALAR","scalar":{"value":1.5},"role":"web"}`,
    ],
    [
      "a dynamic reservation",
      of({ ...cpus, reservations: [dynamic("web", { principal: "p", labels })] }),
      `{"name":"cpus","type":"SCALAR","scalar":{"value":1.5},"allocation_info":{"role":"web"},"reservations":[{"type":"DYNAMIC","role":"web","principal":"p","labels":{"labels":[{"key":"owner","value":"me"}]}}]}`,
      `{"name":"cpus","type":"SCALAR","scalar":{"value":1.5},"role":"web","reservation":{"principal":"p","labels":{"labels":[{"key":"owner","value":"me"}]}}}`,
    ],
    [
      "a dynamic reservation of nobody in particular",
      of({ ...cpus, reservations: [dynamic("web")] }),
      `{"name":"cpus","type":"SCALAR","scalar":{"value":1.5},"allocation_info":{"role":"web"},"reservations":[{"type":"DYNAMIC","role":"web"}]}`,
      `{"name":"cpus","type":"SCALAR","scalar":{"value":1.5},"role":"web","reservation":{}}`,
    ],
    [
      "what may be revoked, of a provider",
      of({ ...cpus, revocable: true, providerId: "rp" }),
      `{"provider_id":{"value":"rp"},"name":"cpus","type":"SCALAR","scalar":{"value":1.5},"allocation_info":{"role":"web"},"revocable":{}}`,
      `{"provider_id":{"value":"rp"},"name":"cpus","type":"SCALAR","scalar":{"value":1.5},"role":"*","revocable":{}}`,
    ],
    [
      "a shared volume",
      disk({ persistence, volume, source: mount }, { shared: true, reservations: [dynamic("web")] }),
      `{"name":"disk","type":"SCALAR","scalar":{"value":1},"allocation_info":{"role":"web"},"reservations":[{"type":"DYNAMIC","role":"web"}],"disk":{"persistence":{"id":"v","principal":"p"},"volume":{"mode":"RW","container_path":"data"},"source":{"type":"MOUNT","mount":{"root":"/mnt/a"}}},"shared":{}}`,
      `{"name":"disk","type":"SCALAR","scalar":{"value":1},"role":"web","reservation":{},"disk":{"persistence":{"id":"v","principal":"p"},"volume":{"mode":"RW","container_path":"data"},"source":{"type":"MOUNT","mount":{"root":"/mnt/a"}}},"shared":{}}`,
    ],
    [
      "a disk of a path",
      disk({ source: path }),
      `{"name":"disk","type":"SCALAR","scalar":{"value":1},"allocation_info":{"role":"web"},"disk":{"source":{"type":"PATH","path":{"root":"/srv"},"id":"i","profile":"fast"}}}`,
      `{"name":"disk","type":"SCALAR","scalar":{"value":1},"role":"*","disk":{"source":{"type":"PATH","path":{"root":"/srv"},"id":"i","profile":"fast"}}}`,
    ],
  ])("say of %s what it is, in the form that it knows", (_, resource, refined, old) => {
    expect(wireOf(resource, { withRole: false, allocatedTo: "web" })).toBe(refined)
    expect(wireOf(resource, { withRole: true, allocatedTo: null })).toBe(old)
  })

  /** The old form has no words for the owner of a static reservation, and Mesos makes none. */
  const hasOwnedStatic = ({ kind }: Resource) =>
    kind.reservations.some(
      ({ type, principal, labels: marks }) => type === "static" && (principal !== null || marks.length > 0),
    )

  it("mean in both forms what they are: who reads them has the same again", () => {
    let read = 0
    fc.assert(
      fc.property(anyResources, fc.boolean(), (resources, withRole) => {
        fc.pre(!resources.some(hasOwnedStatic))
        const known = withRole ? pickResources(resources, ({ kind }) => !isRefined(kind)) : resources
        const wire: unknown = JSON.parse(
          JSON.stringify(resourcesToWire(resources, { withRole, allocatedTo: null })),
        )
        const again = mesosJsonToResources(wire, "offer", "*")
        // A reader of agents' flags takes less than there is: what it refuses by a rule of its own is passed over here.
        if (typeof again === "string") return
        read++
        expect(again).toEqual(known)
      }),
    )
    expect(read).toBeGreaterThan(30)
  })

  it("leave out a reservation on top of another, for which the old form has no words", () => {
    const stack = [dynamic("web"), dynamic("web/api", { principal: "p" })]
    const resources = toResources([of(cpus), of({ ...cpus, reservations: stack })])
    expect(resourcesToWire(resources)).toHaveLength(1)
    const [, reserved] = resourcesToWire(resources, { withRole: false, allocatedTo: null })
    expect(reserved).toMatchObject({
      reservations: [
        { type: "DYNAMIC", role: "web" },
        { type: "DYNAMIC", role: "web/api", principal: "p" },
      ],
    })
  })
})
