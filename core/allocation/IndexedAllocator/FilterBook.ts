import type { Resources } from "../../resources/Resources.ts"
import type { AllocationScope, Refusal } from "../Allocator.ts"
import type { AllocatorSettings } from "../Settings.ts"
import type { AllocatorRows, StoredRows } from "./AllocatorRows.ts"
import type { Candidates } from "./Candidates.ts"
import type { ClientBook } from "./ClientBook.ts"
import type { FilterTable } from "./FilterTable.ts"
import type { HostTable } from "./HostTable.ts"
import { backedOffMs, requestedMs } from "./Refusals.ts"

interface FilterBooks {
  readonly clients: ClientBook
  readonly hosts: HostTable
  readonly filters: FilterTable
}

/** The life of filters (spec/mesos.md §1.5): installed, dropped, expired; and of the back-off of those who go on declining. */
export class FilterBook {
  private readonly settings: AllocatorSettings
  private readonly books: FilterBooks
  private readonly rows: AllocatorRows
  private readonly candidates: Candidates
  /** Stored filters that wait for their clients and hosts. */
  private stored: StoredRows["filters"]

  constructor(
    settings: AllocatorSettings,
    books: FilterBooks,
    rows: AllocatorRows,
    candidates: Candidates,
    stored: StoredRows["filters"],
  ) {
    this.settings = settings
    this.books = books
    this.rows = rows
    this.candidates = candidates
    this.stored = stored
  }

  /** Puts stored filters in place: once all clients and hosts are there, before anything is made of filters. */
  settle(): void {
    if (this.stored.length === 0) return
    const { stored } = this
    this.stored = []
    this.rows.takeUpFilters(stored)
  }

  nextExpiryMs(): number | null {
    this.settle()
    const { filters } = this.books
    const first = filters.first()
    return first === -1 ? null : filters.expiresAtMs(first)
  }

  refuse(scope: AllocationScope, resources: Resources, refusal: Refusal): void {
    this.settle()
    const slot = this.books.hosts.slotOf(scope.agentId)
    const client = this.books.clients.nodeOf(scope.frameworkId, scope.role)
    if (slot === undefined || client < 0 || resources.length === 0) return
    const requested = requestedMs(refusal.refuseMs, this.settings)
    const rounds = this.books.clients.declinedRounds[client]
    const lastMs = backedOffMs(client, requested, refusal, this.books.clients, this.settings)
    if (this.books.clients.declinedRounds[client] !== rounds) this.rows.touchClient(client)
    if (lastMs === 0) return
    if (this.books.filters.add(client, slot, resources, refusal.nowMs + lastMs, lastMs - requested)) {
      this.rows.touchFilter(client, slot)
    }
  }

  countOf(frameworkId: string, role: string): number {
    this.settle()
    const { filters, clients } = this.books
    const client = clients.nodeOf(frameworkId, role)
    let count = 0
    if (client < 0) return count
    for (let filter = filters.firstOfClient(client); filter !== -1; filter = filters.nextOfClient(filter))
      count++
    return count
  }

  /** Drops the filters of a framework in these roles (null = all) and ends its back-off. */
  revive(frameworkId: string, roles: ReadonlyArray<string> | null): void {
    this.settle()
    for (const role of roles === null ? this.books.clients.rolesOf(frameworkId) : roles) {
      const client = this.books.clients.nodeOf(frameworkId, role)
      if (client < 0) continue
      this.dropOfClient(client)
      this.endBackoff(client)
    }
  }

  noteAccepted(frameworkId: string, role: string): void {
    const client = this.books.clients.nodeOf(frameworkId, role)
    if (client >= 0) this.endBackoff(client)
  }

  wake(frameworkId: string, nowMs: number): void {
    this.settle()
    const { filters, clients } = this.books
    for (const role of clients.rolesOf(frameworkId)) {
      const client = clients.nodeOf(frameworkId, role)
      this.endBackoff(client)
      const lengthened: Array<number> = []
      for (let filter = filters.firstOfClient(client); filter !== -1; filter = filters.nextOfClient(filter)) {
        if (filters.backoffMs(filter) > 0) lengthened.push(filter)
      }
      this.cut(client, lengthened, nowMs)
    }
  }

  /** Cuts filters to what their framework asked for. All are taken out first, because one may cover another only until it is
   * cut itself. */
  private cut(client: number, lengthened: ReadonlyArray<number>, nowMs: number): void {
    const { filters } = this.books
    const shorter = lengthened.map((filter) => ({
      slot: filters.hostOf(filter),
      resources: filters.refusedResources(filters.refusedOf(filter)),
      expiresAtMs: filters.expiresAtMs(filter) - filters.backoffMs(filter),
    }))
    for (const filter of lengthened) {
      this.rows.touchFilter(client, filters.hostOf(filter))
      filters.remove(filter)
    }
    for (const { slot, resources, expiresAtMs } of shorter) {
      if (expiresAtMs > nowMs) filters.add(client, slot, resources, expiresAtMs, 0)
      else this.candidates.noteChanged(slot)
    }
  }

  private endBackoff(client: number): void {
    if (this.books.clients.declinedRounds[client] === 0) return
    this.books.clients.declinedRounds[client] = 0
    this.rows.touchClient(client)
  }

  private drop(filter: number): void {
    const slot = this.books.filters.hostOf(filter)
    this.rows.touchFilter(this.books.filters.clientOf(filter), slot)
    this.books.filters.remove(filter)
    this.candidates.noteChanged(slot)
  }

  dropOfClient(client: number): void {
    const { filters } = this.books
    for (let filter = filters.firstOfClient(client); filter !== -1; filter = filters.firstOfClient(client)) {
      this.drop(filter)
    }
  }

  dropOfHost(slot: number): void {
    const { filters } = this.books
    for (let filter = filters.someOfHost(slot); filter !== -1; filter = filters.someOfHost(slot)) {
      this.drop(filter)
    }
  }

  expire(nowMs: number): void {
    const { filters } = this.books
    for (let filter = filters.first(); filter !== -1; filter = filters.first()) {
      if (filters.expiresAtMs(filter) > nowMs) return
      this.drop(filter)
    }
  }
}
