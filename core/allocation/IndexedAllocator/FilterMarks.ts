import { containsResources, type Resources } from "../../resources/Resources.ts"
import type { FilterTable } from "./FilterTable.ts"
import { grownInt32 } from "./Growable.ts"

const NONE = -1
/** The client has several filters on this host. */
const SEVERAL = -2

/**
 * Who refuses what on the host that is being visited. Its filters are read once and marked at their clients, so that asking for
 * each of a thousand clients costs a look each.
 */
export class FilterMarks {
  private visit = 0
  private visits: Int32Array = new Int32Array(16)
  private refused: Int32Array = new Int32Array(16)
  private hasMarks = false
  private host = 0
  private comparedRefused = NONE
  private comparedResources: Resources | undefined
  private comparedAnswer = false
  private readonly filters: FilterTable

  constructor(filters: FilterTable) {
    this.filters = filters
  }

  reserveClients(count: number): void {
    this.visits = grownInt32(this.visits, count)
    this.refused = grownInt32(this.refused, count)
  }

  /** Begins a visit of a host. */
  mark(host: number): void {
    const { visits, refused } = this
    const { lists } = this.filters
    // The host's list is a miss of the cache, even to learn that it is empty.
    const first = this.filters.size === 0 ? NONE : lists.firstPlace(host)
    this.hasMarks = first !== NONE
    if (!this.hasMarks) return
    if (this.visit === 0x7fffffff) {
      visits.fill(0)
      this.visit = 0
    }
    const visit = ++this.visit
    this.host = host
    this.comparedRefused = NONE
    for (let place = first; place !== NONE; place = lists.nextPlace(place)) {
      const client = lists.clientAt(place)
      refused[client] = visits[client] === visit ? SEVERAL : lists.refusedAt(place)
      visits[client] = visit
    }
  }

  /** Whether the client refused all of this on the host (spec/mesos.md §1.5: refused ⊇ offered). */
  isFiltered(client: number, offered: Resources): boolean {
    return this.hasMarks && this.visits[client] === this.visit && this.isRefused(client, offered)
  }

  private isRefused(client: number, offered: Resources): boolean {
    const refused = this.refused[client]!
    if (refused !== SEVERAL) return this.covers(refused, offered)
    const { lists } = this.filters
    for (let place = lists.firstPlace(this.host); place !== NONE; place = lists.nextPlace(place)) {
      if (lists.clientAt(place) === client && this.covers(lists.refusedAt(place), offered)) return true
    }
    return false
  }

  private covers(refused: number, offered: Resources): boolean {
    if (refused === this.comparedRefused && offered === this.comparedResources) return this.comparedAnswer
    this.comparedRefused = refused
    this.comparedResources = offered
    this.comparedAnswer = containsResources(this.filters.refusedResources(refused), offered)
    return this.comparedAnswer
  }
}
