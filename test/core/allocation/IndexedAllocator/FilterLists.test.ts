import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FilterLists } from "../../../../core/allocation/IndexedAllocator/FilterLists.ts"

interface Entry {
  readonly client: number
  readonly refused: number
  readonly filter: number
}

const hostCount = 3

/** Lists in blocks beside lists in arrays, and the places that whoever keeps them must know. */
class TwoLists {
  private readonly lists = new FilterLists()
  private readonly arrays: ReadonlyArray<Array<Entry>> = Array.from({ length: hostCount }, () => [])
  private readonly places = new Map<number, number>()
  private filters = 0

  constructor() {
    this.lists.reserve(hostCount)
  }

  append(host: number, client: number, refused: number): void {
    const filter = this.filters++
    this.places.set(filter, this.lists.append(host, client, refused, filter))
    this.arrays[host]!.push({ client, refused, filter })
  }

  remove(host: number, which: number): void {
    const array = this.arrays[host]!
    if (array.length === 0) return
    const [{ filter }] = array.splice(which % array.length, 1) as [Entry]
    const place = this.places.get(filter)!
    const moved = this.lists.remove(host, place)
    this.places.delete(filter)
    if (moved === -1) return
    expect(this.places.has(moved)).toBe(true)
    this.places.set(moved, place)
  }

  check(): void {
    const { lists } = this
    const byFilter = (left: Entry, right: Entry) => left.filter - right.filter
    this.arrays.forEach((array, host) => {
      const entries: Array<Entry> = []
      for (let place = lists.firstPlace(host); place !== -1; place = lists.nextPlace(place)) {
        const filter = lists.filterAt(place)
        expect(this.places.get(filter)).toBe(place)
        entries.push({ client: lists.clientAt(place), refused: lists.refusedAt(place), filter })
      }
      expect(lists.filtersOf(host)).toEqual(entries.map(({ filter }) => filter))
      expect(entries.sort(byFilter)).toEqual(array.slice().sort(byFilter))
      const last = lists.lastFilterOf(host)
      expect(array.length === 0 ? last === -1 : array.some(({ filter }) => filter === last)).toBe(true)
    })
  }
}

describe("FilterLists", () => {
  it("are lists by host whatever is added and removed, and say which entry moved where", () => {
    const host = fc.nat(hostCount - 1)
    const some = fc.record({
      host,
      count: fc.constantFrom(1, 2, 9, 10, 11, 35),
      isRemoved: fc.boolean(),
      which: fc.nat(99),
    })
    fc.assert(
      fc.property(fc.array(some, { maxLength: 15 }), (batches) => {
        const two = new TwoLists()
        for (const { host: of, count, isRemoved, which } of batches) {
          for (let turn = 0; turn < count; turn++) {
            if (isRemoved) two.remove(of, which + turn)
            else two.append(of, which % 7, turn)
          }
          two.check()
        }
      }),
      { numRuns: 60 },
    )
  })

  it("use blocks again that lists have left, so that lists that come and go need no more room", () => {
    const lists = new FilterLists()
    lists.reserve(2)
    const places = new Set<number>()
    for (let turn = 0; turn < 50; turn++) {
      const host = turn % 2
      for (let filter = 0; filter < 25; filter++) places.add(lists.append(host, 0, 0, filter))
      for (let first = lists.firstPlace(host); first !== -1; first = lists.firstPlace(host))
        lists.remove(host, first)
    }
    expect(Math.max(...places)).toBeLessThan(3 * 32)
  })

  it("have room for hosts that come later", () => {
    const lists = new FilterLists()
    lists.reserve(1)
    lists.append(0, 5, 6, 7)
    lists.reserve(2_000)
    expect([lists.firstPlace(1_999), lists.lastFilterOf(1_999), lists.filtersOf(0)]).toEqual([-1, -1, [7]])
  })
})
