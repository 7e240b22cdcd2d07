import { assert } from "../Assert.ts"
import { containsResources, type Resources } from "../resources/Resources.ts"
import { grownInt32 } from "./Growable.ts"

// A filter is a record of 12 words (48 bytes) in one buffer, so that looking at it costs one line of cache: 8 whole numbers, then
// two doubles. With its place in the heap it takes 52 bytes, and a quarter more while the buffer is freshly grown (the goal is 64).
const stride = 12
const CLIENT = 0
const HOST = 1
const REFUSED = 2
const HOST_NEXT = 3
const HOST_PREVIOUS = 4
const CLIENT_NEXT = 5
const CLIENT_PREVIOUS = 6
const HEAP_PLACE = 7
/** In doubles from the record's start. */
const EXPIRES_AT = 4
const BACKOFF = 5
const strideDoubles = stride / 2

const NONE = -1

/**
 * The filters in force (spec/mesos.md §1.5), numbered. Each is in three orders at once: a list per host (a visit marks whom
 * it must not be offered to), a list per client (REVIVE), and a heap by expiry. Refused resources are kept once per host and
 * value, however many clients refused them.
 */
export class FilterTable {
  private words: Int32Array = new Int32Array(16 * stride)
  private doubles: Float64Array = new Float64Array(this.words.buffer)
  private used = 0
  private freeHead = NONE
  private headOfHost: Int32Array = new Int32Array(16).fill(NONE)
  private headOfClient: Int32Array = new Int32Array(16).fill(NONE)
  private heap: Int32Array = new Int32Array(16)
  private live = 0
  private readonly refused: Array<Resources | undefined> = []
  private readonly refusals: Array<number> = []
  private readonly freeRefused: Array<number> = []

  get size(): number {
    return this.live
  }

  /** Makes room for hosts and clients numbered below these. */
  reserveHosts(count: number): void {
    this.headOfHost = grownHeads(this.headOfHost, count)
  }

  reserveClients(count: number): void {
    this.headOfClient = grownHeads(this.headOfClient, count)
  }

  firstOfHost(host: number): number {
    return this.headOfHost[host]!
  }

  nextOfHost(filter: number): number {
    return this.words[filter * stride + HOST_NEXT]!
  }

  firstOfClient(client: number): number {
    return this.headOfClient[client]!
  }

  nextOfClient(filter: number): number {
    return this.words[filter * stride + CLIENT_NEXT]!
  }

  clientOf(filter: number): number {
    return this.words[filter * stride + CLIENT]!
  }

  hostOf(filter: number): number {
    return this.words[filter * stride + HOST]!
  }

  /** The number of the refused resources: the same for filters of a host that refuse the same. */
  refusedOf(filter: number): number {
    return this.words[filter * stride + REFUSED]!
  }

  refusedResources(refused: number): Resources {
    return this.refused[refused]!
  }

  expiresAtMs(filter: number): number {
    return this.doubles[filter * strideDoubles + EXPIRES_AT]!
  }

  /** The part of its time that back-off added. */
  backoffMs(filter: number): number {
    return this.doubles[filter * strideDoubles + BACKOFF]!
  }

  /**
   * Adds a filter. Within one scope a filter is dropped when another covers more for at least as long, so each that is left
   * either refuses more or lasts longer than every other. False: nothing changed, it was covered.
   */
  add(client: number, host: number, resources: Resources, expiresAtMs: number, backoffMs: number): boolean {
    let same = NONE
    let next = NONE
    for (let other = this.headOfHost[host]!; other !== NONE; other = next) {
      next = this.nextOfHost(other)
      const refused = this.refusedOf(other)
      if (this.refused[refused] === resources) same = refused
      if (this.clientOf(other) !== client) continue
      if (this.expiresAtMs(other) >= expiresAtMs && contains(this.refused[refused]!, resources)) return false
      if (this.expiresAtMs(other) <= expiresAtMs && contains(resources, this.refused[refused]!)) {
        if (refused === same && this.refusals[refused] === 1) same = NONE
        this.remove(other)
      }
    }
    this.insert(client, host, same === NONE ? this.addRefused(resources) : same, expiresAtMs, backoffMs)
    return true
  }

  remove(filter: number): void {
    const { words } = this
    const base = filter * stride
    const host = words[base + HOST]!
    const client = words[base + CLIENT]!
    const hostNext = words[base + HOST_NEXT]!
    const hostPrevious = words[base + HOST_PREVIOUS]!
    if (hostPrevious === NONE) this.headOfHost[host] = hostNext
    else words[hostPrevious * stride + HOST_NEXT] = hostNext
    if (hostNext !== NONE) words[hostNext * stride + HOST_PREVIOUS] = hostPrevious
    const clientNext = words[base + CLIENT_NEXT]!
    const clientPrevious = words[base + CLIENT_PREVIOUS]!
    if (clientPrevious === NONE) this.headOfClient[client] = clientNext
    else words[clientPrevious * stride + CLIENT_NEXT] = clientNext
    if (clientNext !== NONE) words[clientNext * stride + CLIENT_PREVIOUS] = clientPrevious
    this.dropRefused(words[base + REFUSED]!)
    this.removeFromHeap(words[base + HEAP_PLACE]!)
    words[base + HOST_NEXT] = this.freeHead
    this.freeHead = filter
  }

  /** Cuts a filter to what its framework asked for. */
  endBackoff(filter: number): void {
    this.doubles[filter * strideDoubles + EXPIRES_AT] = this.expiresAtMs(filter) - this.backoffMs(filter)
    this.doubles[filter * strideDoubles + BACKOFF] = 0
    this.siftUp(this.words[filter * stride + HEAP_PLACE]!)
  }

  /** The filter that expires first; -1 without filters. */
  first(): number {
    return this.live === 0 ? NONE : this.heap[0]!
  }

  private insert(
    client: number,
    host: number,
    refused: number,
    expiresAtMs: number,
    backoffMs: number,
  ): void {
    const filter = this.freeHead === NONE ? this.used++ : this.freeHead
    if (this.freeHead !== NONE) this.freeHead = this.words[filter * stride + HOST_NEXT]!
    else if (this.used * stride > this.words.length) this.grow()
    const { words } = this
    const base = filter * stride
    words[base + CLIENT] = client
    words[base + HOST] = host
    words[base + REFUSED] = refused
    this.refusals[refused]!++
    const hostNext = this.headOfHost[host]!
    words[base + HOST_NEXT] = hostNext
    words[base + HOST_PREVIOUS] = NONE
    if (hostNext !== NONE) words[hostNext * stride + HOST_PREVIOUS] = filter
    this.headOfHost[host] = filter
    const clientNext = this.headOfClient[client]!
    words[base + CLIENT_NEXT] = clientNext
    words[base + CLIENT_PREVIOUS] = NONE
    if (clientNext !== NONE) words[clientNext * stride + CLIENT_PREVIOUS] = filter
    this.headOfClient[client] = filter
    this.doubles[filter * strideDoubles + EXPIRES_AT] = expiresAtMs
    this.doubles[filter * strideDoubles + BACKOFF] = backoffMs
    this.heap = grownInt32(this.heap, this.live + 1)
    this.heap[this.live] = filter
    words[base + HEAP_PLACE] = this.live
    this.live++
    this.siftUp(this.live - 1)
  }

  private grow(): void {
    const records = this.used + (this.used >> 2) + 16
    const words = new Int32Array(records * stride)
    words.set(this.words)
    this.words = words
    this.doubles = new Float64Array(words.buffer)
  }

  private addRefused(resources: Resources): number {
    const free = this.freeRefused.pop()
    const refused = free === undefined ? this.refused.length : free
    this.refused[refused] = resources
    this.refusals[refused] = 0
    return refused
  }

  private dropRefused(refused: number): void {
    const left = this.refusals[refused]! - 1
    assert(left >= 0, "refused resources dropped twice")
    this.refusals[refused] = left
    if (left > 0) return
    this.refused[refused] = undefined
    this.freeRefused.push(refused)
  }

  // --- the heap, smallest expiry first; equal ones in any order, since all that are due expire together ---

  private removeFromHeap(place: number): void {
    this.live--
    const last = this.heap[this.live]!
    if (place === this.live) return
    this.put(last, place)
    this.siftUp(place)
    this.siftDown(this.words[last * stride + HEAP_PLACE]!)
  }

  private put(filter: number, place: number): void {
    this.heap[place] = filter
    this.words[filter * stride + HEAP_PLACE] = place
  }

  private siftUp(start: number): void {
    const filter = this.heap[start]!
    const atMs = this.expiresAtMs(filter)
    let place = start
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.heap[parent]!
      if (this.expiresAtMs(above) <= atMs) break
      this.put(above, place)
      place = parent
    }
    this.put(filter, place)
  }

  private siftDown(start: number): void {
    const filter = this.heap[start]!
    const atMs = this.expiresAtMs(filter)
    let place = start
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.live) break
      if (
        child + 1 < this.live &&
        this.expiresAtMs(this.heap[child + 1]!) < this.expiresAtMs(this.heap[child]!)
      )
        child++
      const below = this.heap[child]!
      if (this.expiresAtMs(below) >= atMs) break
      this.put(below, place)
      place = child
    }
    this.put(filter, place)
  }
}

const contains = (left: Resources, right: Resources): boolean =>
  left === right || containsResources(left, right)

const grownHeads = (heads: Int32Array, count: number): Int32Array => {
  const grown = grownInt32(heads, count)
  if (grown !== heads) grown.fill(NONE, heads.length)
  return grown
}
