import { hostRank } from "../VisitOrder.ts"
import { grownInt32, grownUint32 } from "./Growable.ts"

/**
 * Brings hosts into the order of a draw (`VisitOrder.ts`). Ranks are spread evenly, so one pass over as many buckets as there
 * are hosts puts each within a few places of its own, and an insertion sort does the rest: linear, where a comparison sort of
 * 10,000 hosts would take a good part of a cycle.
 */
export class HostOrder {
  private ranks = new Uint32Array(16) as Uint32Array
  private sorted = new Int32Array(16) as Int32Array
  private sortedRanks = new Uint32Array(16) as Uint32Array
  private starts = new Int32Array(16) as Int32Array

  /** The first `count` of `slots`, in order; the array is reused by the next call. */
  sort(
    slots: Int32Array,
    count: number,
    hashes: Uint32Array,
    ids: ReadonlyArray<string>,
    draw: number,
  ): Int32Array {
    this.makeRoom(count)
    const bits = Math.max(1, 32 - Math.clz32(count))
    const shift = 32 - bits
    const buckets = 1 << bits
    this.starts.fill(0, 0, buckets)
    this.countRanks(slots, count, hashes, draw, shift)
    this.sumStarts(buckets)
    this.scatter(slots, count, shift)
    this.insertionSort(count, ids)
    return this.sorted
  }

  // Three loops, three functions: V8 optimises a long loop that is entered once a cycle while it runs, knows nothing of the
  // loops behind it then, and so gives its work up again at the end of each cycle.

  private countRanks(
    slots: Int32Array,
    count: number,
    hashes: Uint32Array,
    draw: number,
    shift: number,
  ): void {
    const { ranks, starts } = this
    for (let index = 0; index < count; index++) {
      const rank = hostRank(hashes[slots[index]!]!, draw)
      ranks[index] = rank
      starts[rank >>> shift]!++
    }
  }

  private sumStarts(buckets: number): void {
    const { starts } = this
    let sum = 0
    for (let bucket = 0; bucket < buckets; bucket++) {
      const size = starts[bucket]!
      starts[bucket] = sum
      sum += size
    }
  }

  private scatter(slots: Int32Array, count: number, shift: number): void {
    const { ranks, starts, sorted, sortedRanks } = this
    for (let index = 0; index < count; index++) {
      const rank = ranks[index]!
      const place = starts[rank >>> shift]!++
      sorted[place] = slots[index]!
      sortedRanks[place] = rank
    }
  }

  private insertionSort(count: number, ids: ReadonlyArray<string>): void {
    const { sorted, sortedRanks } = this
    for (let index = 1; index < count; index++) {
      const rank = sortedRanks[index]!
      const slot = sorted[index]!
      let place = index
      while (place > 0) {
        const before = sortedRanks[place - 1]!
        if (before < rank || (before === rank && ids[sorted[place - 1]!]! < ids[slot]!)) break
        sortedRanks[place] = before
        sorted[place] = sorted[place - 1]!
        place--
      }
      sortedRanks[place] = rank
      sorted[place] = slot
    }
  }

  private makeRoom(count: number): void {
    this.ranks = grownUint32(this.ranks, count)
    this.sorted = grownInt32(this.sorted, count)
    this.sortedRanks = grownUint32(this.sortedRanks, count)
    this.starts = grownInt32(this.starts, 2 * count + 2)
  }
}
