import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  addResources,
  amountOf,
  containsResources,
  isResourceName,
  type Resources,
  resourcesToText,
  shortages,
  subtractResources,
  toResources,
} from "../../core/Resources.ts"

const resources: fc.Arbitrary<Resources> = fc
  .dictionary(fc.constantFrom("cpus", "mem", "disk", "gpus", "constructor"), fc.integer({ min: 0, max: 1e9 }))
  .map((amounts) => toResources(Object.entries(amounts)))

describe("Resources", () => {
  it("are in one normal form: sorted, without zeros", () => {
    expect(
      JSON.stringify(
        toResources([
          ["mem", 5],
          ["cpus", 1],
          ["disk", 0],
          ["mem", 2],
        ]),
      ),
    ).toBe('{"cpus":1,"mem":7}')
  })

  it("take back exactly what was added", () => {
    fc.assert(
      fc.property(resources, resources, (left, right) => {
        const sum = addResources(left, right)
        expect(containsResources(sum, left)).toBe(true)
        expect(JSON.stringify(subtractResources(sum, right))).toBe(JSON.stringify(left))
      }),
    )
  })

  it("contain another exactly when nothing is short", () => {
    fc.assert(
      fc.property(resources, resources, (have, want) => {
        const missing = shortages(have, want)
        expect(containsResources(have, want)).toBe(Object.keys(missing).length === 0)
        expect(containsResources(addResources(have, missing), want)).toBe(true)
      }),
    )
  })

  it("refuse to go below zero and to hold a broken thousandth", () => {
    expect(() => subtractResources({ cpus: 1 }, { cpus: 2 })).toThrow(
      "cannot take cpus:0.002 from cpus:0.001",
    )
    expect(() => toResources([["cpus", 0.5]])).toThrow("not a whole number")
    expect(() => toResources([["cpus", -1]])).toThrow("negative")
  })

  it("do not find inherited names", () => {
    expect(amountOf({}, "constructor")).toBe(0)
    expect(isResourceName("__proto__")).toBe(false)
  })

  it("read like Mesos's", () => {
    expect(resourcesToText({ cpus: 500, mem: 64_000 })).toBe("cpus:0.5; mem:64")
    expect(resourcesToText({})).toBe("{}")
  })
})
