import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  addRanges,
  containsRanges,
  countOfRanges,
  intersectRanges,
  isNormalRanges,
  lowestOfRanges,
  noRanges,
  type Ranges,
  rangesToText,
  subtractRanges,
  toRanges,
} from "../../../core/resources/Ranges.ts"
import { anyRanges } from "../../support/ResourceGenerators.ts"

const highest = Number.MAX_SAFE_INTEGER

/** The numbers one by one: what ranges stand for. */
const numbersOf = (ranges: Ranges): Set<number> => {
  const numbers = new Set<number>()
  for (let i = 0; i < ranges.length; i += 2) {
    for (let n = ranges[i]!; n <= ranges[i + 1]!; n++) numbers.add(n)
  }
  return numbers
}

const rangesOf = (numbers: Iterable<number>): Ranges => toRanges([...numbers].map((n) => [n, n]))

describe("Ranges", () => {
  it("are in one normal form, in whatever order they come", () => {
    expect(
      toRanges([
        [7, 9],
        [1, 3],
        [2, 5],
      ]),
    ).toEqual([1, 5, 7, 9])
    expect(toRanges([])).toBe(noRanges)
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(30), fc.nat(5)), { maxLength: 8 }), (pairs) => {
        const ranges = toRanges(pairs.map(([begin, length]) => [begin, begin + length]))
        expect(isNormalRanges(ranges)).toBe(true)
        expect(rangesOf(numbersOf(ranges))).toEqual(ranges)
        expect(numbersOf(ranges)).toEqual(
          new Set(
            pairs.flatMap(([begin, length]) => Array.from({ length: length + 1 }, (_, i) => begin + i)),
          ),
        )
      }),
    )
  })

  it("coalesce what is adjacent, not only what overlaps", () => {
    expect(addRanges([31000, 31999], [32000, 33000])).toEqual([31000, 33000])
    expect(
      toRanges([
        [3, 4],
        [1, 2],
      ]),
    ).toEqual([1, 4])
    expect(addRanges([1, 2, 5, 6], [3, 4])).toEqual([1, 6])
    expect(addRanges([1, 2], [4, 5])).toEqual([1, 2, 4, 5])
  })

  it("do with two what sets of numbers do", () => {
    fc.assert(
      fc.property(anyRanges, anyRanges, (left, right) => {
        const ours = numbersOf(left)
        const theirs = numbersOf(right)
        expect(addRanges(left, right)).toEqual(rangesOf([...ours, ...theirs]))
        expect(subtractRanges(left, right)).toEqual(rangesOf([...ours].filter((n) => !theirs.has(n))))
        expect(intersectRanges(left, right)).toEqual(rangesOf([...ours].filter((n) => theirs.has(n))))
        expect(containsRanges(left, right)).toBe([...theirs].every((n) => ours.has(n)))
        expect(countOfRanges(left)).toBe(ours.size)
      }),
      { numRuns: 2000 },
    )
  })

  it("give the lowest numbers first", () => {
    fc.assert(
      fc.property(anyRanges, fc.nat(20), (ranges, count) => {
        const lowest = [...numbersOf(ranges)].sort((left, right) => left - right).slice(0, count)
        expect(lowestOfRanges(ranges, count)).toEqual(rangesOf(lowest))
      }),
    )
    expect(lowestOfRanges([1, 9], 0)).toBe(noRanges)
  })

  it("give an argument itself back where nothing changes", () => {
    fc.assert(
      fc.property(anyRanges, anyRanges, (left, right) => {
        expect(addRanges(left, noRanges)).toBe(left)
        expect(addRanges(noRanges, left)).toBe(left)
        expect(subtractRanges(left, noRanges)).toBe(left)
        const rest = subtractRanges(left, right)
        expect(subtractRanges(rest, right)).toBe(rest)
        expect(lowestOfRanges(left, countOfRanges(left))).toBe(left)
      }),
    )
  })

  it("reach to 2^53 − 1 and not beyond", () => {
    expect(addRanges([0, highest - 1], [highest, highest])).toEqual([0, highest])
    expect(subtractRanges([0, highest], [1, highest - 1])).toEqual([0, 0, highest, highest])
    expect(subtractRanges([highest, highest], [highest, highest])).toBe(noRanges)
    expect(lowestOfRanges([highest - 1, highest], 1)).toEqual([highest - 1, highest - 1])
    expect(() => toRanges([[0, highest + 1]])).toThrow("no range of whole numbers")
  })

  it("refuse what is no range", () => {
    expect(() => toRanges([[2, 1]])).toThrow("2-1 is no range of whole numbers")
    expect(() => toRanges([[-1, 1]])).toThrow("no range")
    expect(() => toRanges([[0.5, 1]])).toThrow("no range")
    expect(() => toRanges([[0, Number.NaN]])).toThrow("no range")
  })

  it("know what is not normal", () => {
    expect(isNormalRanges([1, 2, 4, 5])).toBe(true)
    expect(isNormalRanges([1, 2, 3, 4])).toBe(false)
    expect(isNormalRanges([4, 5, 1, 2])).toBe(false)
    expect(isNormalRanges([1, 2, 4])).toBe(false)
    expect(isNormalRanges([2, 1])).toBe(false)
    expect(isNormalRanges([-1, 1])).toBe(false)
  })

  it("read like Mesos's", () => {
    expect(rangesToText([31000, 32000, 33000, 33000])).toBe("[31000-32000, 33000-33000]")
    expect(rangesToText(noRanges)).toBe("[]")
  })
})
