import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  backoffMsLimit,
  FilterExpiries,
} from "../../../../core/allocation/IndexedAllocator/FilterExpiries.ts"

describe("FilterExpiries", () => {
  it("know the earliest, whoever is added and removed from wherever", () => {
    const step = fc.tuple(fc.nat(40), fc.nat(25))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
        const expiries = new FilterExpiries()
        const times = new Map<number, number>()
        // A filter that is there goes, one that is not there comes: numbers are used again.
        for (const [filter, atMs] of steps) {
          if (times.delete(filter)) expiries.remove(filter)
          else {
            times.set(filter, atMs)
            expiries.add(filter, atMs, 2 * atMs)
          }
          const first = expiries.first()
          expect([expiries.size, times.get(first)]).toEqual([
            times.size,
            times.size === 0 ? undefined : Math.min(...times.values()),
          ])
        }
        expect(
          [...times.keys()].map((filter) => [expiries.expiresAtMs(filter), expiries.backoffMs(filter)]),
        ).toEqual([...times.values()].map((atMs) => [atMs, 2 * atMs]))
        const order: Array<number> = []
        for (let first = expiries.first(); first !== -1; first = expiries.first()) {
          order.push(expiries.expiresAtMs(first))
          expiries.remove(first)
        }
        expect(order).toEqual([...times.values()].sort((left, right) => left - right))
      }),
      { numRuns: 60 },
    )
  })

  it("keep the longest back-off exactly, and assert a longer one", () => {
    const expiries = new FilterExpiries()
    expiries.add(0, 2 ** 52, backoffMsLimit)
    expect([expiries.expiresAtMs(0), expiries.backoffMs(0)]).toEqual([2 ** 52, backoffMsLimit])
    expect(() => expiries.add(1, 1, backoffMsLimit + 1)).toThrow("longer than can be kept")
  })
})
