import { describe, expect, it } from "vitest"
import {
  nextBelow,
  nextFraction,
  nextUint32,
  nextUuid,
  type Prng,
  seedPrng,
  shuffle,
} from "../../core/Prng.ts"

const draw = <A>(count: number, next: () => A): ReadonlyArray<A> => Array.from({ length: count }, next)

describe("Prng", () => {
  it("is xoshiro128**: the authors' C code gives these numbers for the state 1, 2, 3, 4", () => {
    const prng: Prng = [1, 2, 3, 4]
    expect(draw(10, () => nextUint32(prng))).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ])
  })

  it("goes on exactly where a copy of its state through JSON was taken", () => {
    const prng = seedPrng("fleet")
    draw(7, () => nextUint32(prng))
    const copy = JSON.parse(JSON.stringify(prng)) as Prng
    expect(draw(50, () => nextUint32(copy))).toEqual(draw(50, () => nextUint32(prng)))
  })

  it("gives different streams for neighbouring seeds, and the same for the same", () => {
    const first = (seed: number | string) => draw(4, () => 0).map(() => nextUint32(seedPrng(seed)))[0]
    expect(new Set([first(0), first(1), first(2), first("a"), first("b")]).size).toBe(5)
    expect(first(1)).toBe(first("1"))
  })

  it("draws fractions in [0, 1) whose mean is near a half", () => {
    const prng = seedPrng(3)
    const fractions = draw(20_000, () => nextFraction(prng))
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...fractions)).toBeLessThan(1)
    expect(Math.abs(fractions.reduce((sum, value) => sum + value, 0) / 20_000 - 0.5)).toBeLessThan(0.01)
  })

  it("draws every whole number below the bound about equally often", () => {
    const prng = seedPrng(4)
    const counts = [0, 0, 0, 0, 0, 0]
    draw(60_000, () => nextBelow(prng, 6)).forEach((value) => {
      counts[value]! += 1
    })
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
    expect(() => nextBelow(prng, 0)).toThrow("bound 0")
  })

  it("shuffles without losing anything", () => {
    const items = draw(100, () => 0).map((_, index) => index)
    const shuffled = shuffle(seedPrng(5), [...items])
    expect(shuffled).not.toEqual(items)
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items)
  })

  it("makes version 4 UUIDs", () => {
    const prng = seedPrng(6)
    for (const uuid of draw(50, () => nextUuid(prng))) {
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })
})
