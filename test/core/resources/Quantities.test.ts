import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  addQuantities,
  amountOf,
  containsQuantities,
  isResourceName,
  type Quantities,
  quantitiesToText,
  shortages,
  subtractQuantities,
  toQuantities,
} from "../../../core/resources/Quantities.ts"

const resources: fc.Arbitrary<Quantities> = fc
  .dictionary(fc.constantFrom("cpus", "mem", "disk", "gpus", "constructor"), fc.integer({ min: 0, max: 1e9 }))
  .map((amounts) => toQuantities(Object.entries(amounts)))

describe("Quantities", () => {
  it("are in one normal form: sorted, without zeros", () => {
    expect(
      JSON.stringify(
        toQuantities([
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
        const sum = addQuantities(left, right)
        expect(containsQuantities(sum, left)).toBe(true)
        expect(JSON.stringify(subtractQuantities(sum, right))).toBe(JSON.stringify(left))
      }),
    )
  })

  it("contain another exactly when nothing is short", () => {
    fc.assert(
      fc.property(resources, resources, (have, want) => {
        const missing = shortages(have, want)
        expect(containsQuantities(have, want)).toBe(Object.keys(missing).length === 0)
        expect(containsQuantities(addQuantities(have, missing), want)).toBe(true)
      }),
    )
  })

  it("refuse to go below zero and to hold a broken thousandth", () => {
    expect(() => subtractQuantities({ cpus: 1 }, { cpus: 2 })).toThrow(
      "cannot take cpus:0.002 from cpus:0.001",
    )
    expect(() => toQuantities([["cpus", 0.5]])).toThrow("not a whole number")
    expect(() => toQuantities([["cpus", -1]])).toThrow("negative")
  })

  it("do not find inherited names", () => {
    expect(amountOf({}, "constructor")).toBe(0)
    expect(isResourceName("__proto__")).toBe(false)
  })

  it("read like Mesos's", () => {
    expect(quantitiesToText({ cpus: 500, mem: 64_000 })).toBe("cpus:0.5; mem:64")
    expect(quantitiesToText({})).toBe("{}")
  })
})
