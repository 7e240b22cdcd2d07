import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { HostOrder } from "../../../../core/allocation/IndexedAllocator/HostOrder.ts"
import { hostHash, hostRank } from "../../../../core/allocation/VisitOrder.ts"

const anyUint32 = fc.integer({ min: 0, max: 0xffffffff })

const plainSort = (
  slots: ReadonlyArray<number>,
  hashes: ArrayLike<number>,
  ids: ReadonlyArray<string>,
  draw: number,
): ReadonlyArray<number> =>
  slots
    .slice()
    .sort(
      (left, right) =>
        hostRank(hashes[left]!, draw) - hostRank(hashes[right]!, draw) || (ids[left]! < ids[right]! ? -1 : 1),
    )

describe("HostOrder", () => {
  it("is a plain sort by rank, then by id, for any hosts and any number of them", () => {
    const order = new HostOrder() // One for all runs, since its arrays are used again.
    const cluster = fc
      .record({
        // Hashes of a few values only, so that ranks are equal, or of any.
        hash: fc.constantFrom(fc.nat(3), anyUint32),
        count: fc.constantFrom(0, 1, 2, 5, 31, 32, 33, 150),
      })
      .chain(({ hash, count }) => fc.array(hash, { minLength: count, maxLength: count }))
    fc.assert(
      fc.property(
        cluster,
        fc.array(anyUint32, { minLength: 1, maxLength: 3 }),
        fc.nat(7),
        (hashes, draws, skip) => {
          const ids = hashes.map((_, slot) => `agent-${(slot * 37) % 151}`)
          const slots = [...hashes.keys()].filter((slot) => slot % 8 !== skip)
          const array = Int32Array.from([...slots, 99_999]) // What is behind the count does not matter.
          for (const draw of draws) {
            const sorted = order.sort(array, slots.length, Uint32Array.from(hashes), ids, draw)
            expect(Array.from(sorted.subarray(0, slots.length))).toEqual(plainSort(slots, hashes, ids, draw))
          }
          expect(Array.from(array)).toEqual([...slots, 99_999])
        },
      ),
    )
  })

  it("orders hosts of equal rank by id, whatever their slots", () => {
    const ids = ["c", "a", "d", "b"]
    const sorted = new HostOrder().sort(Int32Array.of(0, 1, 2, 3), 4, Uint32Array.of(7, 7, 7, 7), ids, 5)
    expect(Array.from(sorted.subarray(0, 4))).toEqual([1, 3, 0, 2])
  })

  it("puts two hosts in the same order whoever else takes part", () => {
    const ids = Array.from({ length: 60 }, (_, index) => `agent-${index}`)
    const hashes = Uint32Array.from(ids.map(hostHash))
    fc.assert(
      fc.property(anyUint32, fc.uniqueArray(fc.nat(59), { minLength: 2 }), (draw, some) => {
        const order = new HostOrder()
        const all = Int32Array.from(ids.keys())
        const among = Array.from(order.sort(all, 60, hashes, ids, draw).subarray(0, 60))
        const alone = order.sort(Int32Array.from(some), some.length, hashes, ids, draw)
        expect(Array.from(alone.subarray(0, some.length))).toEqual(
          among.filter((slot) => some.includes(slot)),
        )
      }),
    )
  })
})
