import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { plainToResources, resourcesToPlain, UnreadableResources } from "../../../core/resources/PlainForm.ts"
import { resourceOf, toKind } from "../../../core/resources/Resource.ts"
import {
  noResources,
  plainQuantities,
  type Resources,
  toResources,
} from "../../../core/resources/Resources.ts"
import { anyResources } from "../../support/ResourceGenerators.ts"

const stored = (resources: Resources): unknown => JSON.parse(JSON.stringify(resourcesToPlain(resources)))

describe("the plain form", () => {
  it("comes back as what it was", () => {
    fc.assert(
      fc.property(anyResources, (resources) => {
        expect(plainToResources(stored(resources))).toEqual(resources)
      }),
      { numRuns: 500 },
    )
  })

  it("is just the amounts where all are plain scalars, as rows always were", () => {
    const resources = plainToResources({ mem: 64_000, cpus: 1000, disk: 0 })
    expect(plainQuantities(resources)).toEqual({ cpus: 1000, mem: 64_000 })
    expect(JSON.stringify(resourcesToPlain(resources))).toBe('{"cpus":1000,"mem":64000}')
    expect(plainToResources({})).toBe(noResources)
    expect(JSON.stringify(resourcesToPlain(noResources))).toBe("{}")
  })

  it("leaves out keys and defaults", () => {
    const ports = toKind({ name: "ports", type: "ranges" })
    expect(JSON.stringify(resourcesToPlain([resourceOf(ports, [1, 2])]))).toBe(
      '[{"name":"ports","type":"ranges","value":[1,2]}]',
    )
  })

  const cpus = { name: "cpus", type: "scalar", value: 1 }
  const reserved = (reservation: unknown) => [{ ...cpus, reservations: [reservation] }]
  const disk = (info: unknown) => [{ name: "disk", type: "scalar", value: 1, disk: info }]

  it.each<[string, unknown, string]>([
    ["nothing", null, "resources: null is neither amounts by name nor a list"],
    ["undefined", undefined, "resources: nothing is neither"],
    ["a text", "cpus:1", 'resources: "cpus:1" is neither'],
    ["a negative amount", { cpus: -1 }, "resources.cpus: -1 is not a whole number of thousandths"],
    ["half a thousandth", { cpus: 0.5 }, "resources.cpus: 0.5 is not"],
    ["an amount as text", { cpus: "1" }, 'resources.cpus: "1" is not'],
    ["a bad name", { "a b": 1 }, "resources.a b: a name is"],
    ["a forged prototype", JSON.parse('{"__proto__": 1}'), "resources.__proto__: a name is"],
    ["no object", [1], "resources[0]: 1 is not an object"],
    ["a list in a list", [cpus, []], "resources[1]: [] is not an object"],
    ["an unknown field", [{ ...cpus, shard: true }], 'resources[0].shard: there is no key "shard"'],
    ["no name", [{ type: "scalar", value: 1 }], "resources[0].name: nothing is no text"],
    ["a bad name in a list", [{ ...cpus, name: "a b" }], "resources[0]: a name is"],
    [
      "an unknown type",
      [{ ...cpus, type: "text" }],
      'resources[0].type: "text" is none of scalar, ranges, set',
    ],
    ["no value", [{ name: "cpus", type: "scalar" }], "resources[0].value: nothing is not"],
    ["a value of another type", [{ ...cpus, type: "ranges" }], "resources[0].value: 1 is not a flat list"],
    [
      "ranges out of order",
      [{ name: "p", type: "ranges", value: [5, 6, 1, 2] }],
      "resources[0].value: [5,6,1,2]",
    ],
    ["ranges of texts", [{ name: "p", type: "ranges", value: ["1", "2"] }], "resources[0].value"],
    [
      "items of numbers",
      [{ name: "s", type: "set", value: [1] }],
      "resources[0].value: [1] is not a sorted list",
    ],
    ["items twice", [{ name: "s", type: "set", value: ["a", "a"] }], "resources[0].value"],
    [
      "a flag as text",
      [{ ...cpus, revocable: "no" }],
      'resources[0].revocable: "no" is neither true nor false',
    ],
    ["reservations as object", [{ ...cpus, reservations: {} }], "resources[0].reservations: {} is no list"],
    ["no role", reserved({ type: "dynamic" }), "resources[0].reservations[0].role: nothing is no text"],
    ["a reservation for all", reserved({ type: "dynamic", role: "*" }), "resources[0]: reserved for no role"],
    ["an unknown reservation", reserved({ type: "x", role: "a" }), 'resources[0].reservations[0].type: "x"'],
    [
      "a label without value",
      reserved({ type: "static", role: "a", labels: [{ key: "k" }] }),
      "resources[0].reservations[0].labels[0].value: nothing is no text",
    ],
    [
      "a volume without id",
      disk({ persistence: {} }),
      "resources[0].disk.persistence.id: nothing is no text",
    ],
    [
      "an unknown mode",
      disk({ persistence: { id: "v" }, volume: { containerPath: "d", mode: "R" } }),
      'resources[0].disk.volume.mode: "R" is none of RW, RO',
    ],
    [
      "an unknown source",
      disk({ source: { type: "NFS" } }),
      'resources[0].disk.source.type: "NFS" is none of',
    ],
    [
      "disk info of ports",
      [{ name: "p", type: "set", value: ["a"], disk: { source: { type: "PATH" } } }],
      "only a",
    ],
    ["a kind twice", [cpus, cpus], "resources[1]: the same kind of cpus stands here twice"],
  ])("refuses %s with its place", (_, json, message) => {
    expect(() => plainToResources(json)).toThrow(UnreadableResources)
    expect(() => plainToResources(json)).toThrow(message)
  })

  it("names the row it stands in", () => {
    expect(() => plainToResources([1], "agent a1: total")).toThrow("agent a1: total[0]: 1 is not")
  })

  it("never breaks on whatever JSON it gets", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        try {
          expect(toResources(plainToResources(json))).toEqual(plainToResources(json))
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableResources)
        }
      }),
      { numRuns: 500 },
    )
  })

  it("never breaks on its own form with one value changed", () => {
    fc.assert(
      fc.property(anyResources, fc.nat(), fc.jsonValue(), (resources, at, other) => {
        const json = stored(resources)
        const spots: Array<() => void> = []
        const visit = (node: unknown): void => {
          if (typeof node !== "object" || node === null) return
          const object = node as Record<string, unknown>
          for (const key of Object.keys(object)) {
            spots.push(() => {
              object[key] = other
            })
            visit(object[key])
          }
        }
        visit(json)
        fc.pre(spots.length > 0)
        spots[at % spots.length]!()
        try {
          plainToResources(json)
        } catch (error) {
          expect(error).toBeInstanceOf(UnreadableResources)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
