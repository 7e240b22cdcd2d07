import { assert } from "../../Assert.ts"
import { grownFloat64, grownInt32, grownUint32 } from "./Growable.ts"

/** Longest back-off that is kept, 49 days: four bytes of ms. */
export const backoffMsLimit = 0xffffffff

/**
 * When filters expire, the earliest first: a binary heap that knows where each filter stands, since most are dropped before
 * their time. Equal times are in any order, because all that are due expire together.
 */
export class FilterExpiries {
  private expiries: Float64Array = new Float64Array(16)
  private backoffs: Uint32Array = new Uint32Array(16)
  private places: Int32Array = new Int32Array(16)
  private heap: Int32Array = new Int32Array(16)
  private live = 0

  get size(): number {
    return this.live
  }

  first(): number {
    return this.live === 0 ? -1 : this.heap[0]!
  }

  expiresAtMs(filter: number): number {
    return this.expiries[filter]!
  }

  backoffMs(filter: number): number {
    return this.backoffs[filter]!
  }

  add(filter: number, expiresAtMs: number, backoffMs: number): void {
    assert(backoffMs <= backoffMsLimit, () => `a back-off of ${backoffMs} ms is longer than can be kept`)
    this.expiries = grownFloat64(this.expiries, filter + 1)
    this.backoffs = grownUint32(this.backoffs, filter + 1)
    this.places = grownInt32(this.places, filter + 1)
    this.heap = grownInt32(this.heap, this.live + 1)
    this.expiries[filter] = expiresAtMs
    this.backoffs[filter] = backoffMs
    this.put(filter, this.live)
    this.live++
    this.siftUp(this.live - 1)
  }

  remove(filter: number): void {
    const place = this.places[filter]!
    this.live--
    const last = this.heap[this.live]!
    if (place === this.live) return
    this.put(last, place)
    this.siftUp(place)
    this.siftDown(this.places[last]!)
  }

  private put(filter: number, place: number): void {
    this.heap[place] = filter
    this.places[filter] = place
  }

  private siftUp(start: number): void {
    const filter = this.heap[start]!
    const atMs = this.expiries[filter]!
    let place = start
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.heap[parent]!
      if (this.expiries[above]! <= atMs) break
      this.put(above, place)
      place = parent
    }
    this.put(filter, place)
  }

  private siftDown(start: number): void {
    const filter = this.heap[start]!
    const atMs = this.expiries[filter]!
    let place = start
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.live) break
      if (
        child + 1 < this.live &&
        this.expiries[this.heap[child + 1]!]! < this.expiries[this.heap[child]!]!
      ) {
        child++
      }
      const below = this.heap[child]!
      if (this.expiries[below]! >= atMs) break
      this.put(below, place)
      place = child
    }
    this.put(filter, place)
  }
}
