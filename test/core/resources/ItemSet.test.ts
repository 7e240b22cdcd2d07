import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  addItems,
  containsItems,
  intersectItems,
  isNormalItems,
  lowestItems,
  noItems,
  subtractItems,
  toItems,
} from "../../../core/resources/ItemSet.ts"
import { anyItems } from "../../support/ResourceGenerators.ts"

describe("ItemSet", () => {
  it("is sorted by code units, each item once", () => {
    expect(toItems(["b", "a", "B", "b"])).toEqual(["B", "a", "b"])
    expect(toItems([])).toBe(noItems)
    expect(isNormalItems(["B", "a"])).toBe(true)
    expect(isNormalItems(["a", "B"])).toBe(false)
    expect(isNormalItems(["a", "a"])).toBe(false)
  })

  it("does with two what sets do", () => {
    fc.assert(
      fc.property(anyItems, anyItems, (left, right) => {
        expect(addItems(left, right)).toEqual(toItems([...left, ...right]))
        expect(subtractItems(left, right)).toEqual(left.filter((item) => !right.includes(item)))
        expect(intersectItems(left, right)).toEqual(left.filter((item) => right.includes(item)))
        expect(containsItems(left, right)).toBe(right.every((item) => left.includes(item)))
      }),
      { numRuns: 500 },
    )
  })

  it("gives the first items", () => {
    expect(lowestItems(["a", "b", "c"], 2)).toEqual(["a", "b"])
    expect(lowestItems(["a", "b"], 0)).toBe(noItems)
    const items = ["a", "b"]
    expect(lowestItems(items, 2)).toBe(items)
    expect(lowestItems(items, 9)).toBe(items)
  })

  it("gives an argument itself back where nothing changes", () => {
    fc.assert(
      fc.property(anyItems, anyItems, (left, right) => {
        expect(addItems(left, noItems)).toBe(left)
        expect(addItems(noItems, left)).toBe(left)
        const rest = subtractItems(left, right)
        expect(subtractItems(rest, right)).toBe(rest)
        expect(intersectItems(left, left)).toBe(left)
      }),
    )
  })
})
