import { assert } from "../../Assert.ts"
import { containsResources, type Resources } from "../../resources/Resources.ts"
import { FilterExpiries } from "./FilterExpiries.ts"
import { FilterLists } from "./FilterLists.ts"
import { grownInt32 } from "./Growable.ts"

// A filter is a record of 4 words; whose it is and what it refuses stands in the list of its host, its expiry in the heap. With
// those it takes 51 bytes, and an eighth more while the buffers are freshly grown (the goal is 64).
const stride = 4
const HOST = 0
/** Where it stands in the list of its host. */
const PLACE = 1
const CLIENT_NEXT = 2
const CLIENT_PREVIOUS = 3

const NONE = -1

/**
 * The filters in force (spec/mesos.md §1.5), numbered. Each is in three orders at once: a list per host (a visit marks whom it
 * must not be offered to), a list per client (REVIVE), and a heap by expiry. Refused resources are kept once per host and
 * value, however many clients refused them.
 */
export class FilterTable {
  /** By host: (client, refused resources, filter), side by side. */
  readonly lists = new FilterLists()
  private readonly expiries = new FilterExpiries()
  private words: Int32Array = new Int32Array(16 * stride)
  private used = 0
  private freeHead = NONE
  private headOfClient: Int32Array = new Int32Array(16).fill(NONE)
  private readonly refused: Array<Resources | undefined> = []
  private readonly refusals: Array<number> = []
  private readonly freeRefused: Array<number> = []

  get size(): number {
    return this.expiries.size
  }

  /** Makes room for hosts and clients numbered below these. */
  reserveHosts(count: number): void {
    this.lists.reserve(count)
  }

  reserveClients(count: number): void {
    const grown = grownInt32(this.headOfClient, count)
    if (grown !== this.headOfClient) grown.fill(NONE, this.headOfClient.length)
    this.headOfClient = grown
  }

  /** Some filter of the host; -1 = it has none. */
  someOfHost(host: number): number {
    return this.lists.lastFilterOf(host)
  }

  ofHost(host: number): ReadonlyArray<number> {
    return this.lists.filtersOf(host)
  }

  firstOfClient(client: number): number {
    return this.headOfClient[client]!
  }

  nextOfClient(filter: number): number {
    return this.words[filter * stride + CLIENT_NEXT]!
  }

  clientOf(filter: number): number {
    return this.lists.clientAt(this.words[filter * stride + PLACE]!)
  }

  hostOf(filter: number): number {
    return this.words[filter * stride + HOST]!
  }

  /** The number of the refused resources: the same for filters of a host that refuse the same. */
  refusedOf(filter: number): number {
    return this.lists.refusedAt(this.words[filter * stride + PLACE]!)
  }

  refusedResources(refused: number): Resources {
    return this.refused[refused]!
  }

  expiresAtMs(filter: number): number {
    return this.expiries.expiresAtMs(filter)
  }

  /** The part of its time that back-off added. */
  backoffMs(filter: number): number {
    return this.expiries.backoffMs(filter)
  }

  /**
   * Adds a filter. Within one scope a filter is dropped when another covers more for at least as long, so each that is left
   * either refuses more or lasts longer than every other. False: nothing changed, it was covered.
   */
  add(client: number, host: number, resources: Resources, expiresAtMs: number, backoffMs: number): boolean {
    const { lists } = this
    let same = NONE
    const covered: Array<number> = []
    for (let place = lists.firstPlace(host); place !== NONE; place = lists.nextPlace(place)) {
      const refused = lists.refusedAt(place)
      if (this.refused[refused] === resources) same = refused
      if (lists.clientAt(place) !== client) continue
      const other = lists.filterAt(place)
      const refusedThen = this.refused[refused]!
      if (this.expiresAtMs(other) >= expiresAtMs && containsResources(refusedThen, resources)) return false
      if (this.expiresAtMs(other) <= expiresAtMs && containsResources(resources, refusedThen)) {
        covered.push(other)
      }
    }
    // Held while the covered ones go: one of them may be the last that refuses the same.
    if (same !== NONE) this.refusals[same]!++
    for (let index = 0; index < covered.length; index++) this.remove(covered[index]!)
    this.insert(client, host, same === NONE ? this.addRefused(resources) : same, expiresAtMs, backoffMs)
    return true
  }

  remove(filter: number): void {
    const { words } = this
    const base = filter * stride
    const place = words[base + PLACE]!
    const client = this.lists.clientAt(place)
    const next = words[base + CLIENT_NEXT]!
    const previous = words[base + CLIENT_PREVIOUS]!
    if (previous === NONE) this.headOfClient[client] = next
    else words[previous * stride + CLIENT_NEXT] = next
    if (next !== NONE) words[next * stride + CLIENT_PREVIOUS] = previous
    this.dropRefused(this.lists.refusedAt(place))
    const moved = this.lists.remove(words[base + HOST]!, place)
    if (moved !== NONE) words[moved * stride + PLACE] = place
    this.expiries.remove(filter)
    words[base + CLIENT_NEXT] = this.freeHead
    this.freeHead = filter
  }

  /** The filter that expires first; -1 without filters. */
  first(): number {
    return this.expiries.first()
  }

  private insert(
    client: number,
    host: number,
    refused: number,
    expiresAtMs: number,
    backoffMs: number,
  ): void {
    const filter = this.freeHead === NONE ? this.used++ : this.freeHead
    if (this.freeHead !== NONE) this.freeHead = this.words[filter * stride + CLIENT_NEXT]!
    this.words = grownInt32(this.words, this.used * stride)
    const { words } = this
    const base = filter * stride
    words[base + HOST] = host
    words[base + PLACE] = this.lists.append(host, client, refused, filter)
    const next = this.headOfClient[client]!
    words[base + CLIENT_NEXT] = next
    words[base + CLIENT_PREVIOUS] = NONE
    if (next !== NONE) words[next * stride + CLIENT_PREVIOUS] = filter
    this.headOfClient[client] = filter
    this.expiries.add(filter, expiresAtMs, backoffMs)
  }

  private addRefused(resources: Resources): number {
    const free = this.freeRefused.pop()
    const refused = free === undefined ? this.refused.length : free
    this.refused[refused] = resources
    this.refusals[refused] = 1
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
}
