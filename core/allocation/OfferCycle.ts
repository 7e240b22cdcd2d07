import { addResources, noResources, type Resources } from "../resources/Resources.ts"
import type { Allocation, Allocations } from "./Allocator.ts"
import { type Bundle, toBundle } from "./Bundle.ts"
import type { ClientBook } from "./ClientBook.ts"
import { FairTree } from "./FairTree.ts"
import { FilterMarks } from "./FilterMarks.ts"
import type { FilterTable } from "./FilterTable.ts"
import { grownInt32 } from "./Growable.ts"
import { HostOrder } from "./HostOrder.ts"
import { BARE, type HostTable, SMALL, SPECIAL, TAKEN } from "./HostTable.ts"
import { type Minimum, reachesMinimum } from "./Minimum.ts"
import { NOTHING, OfferCut, WHOLE } from "./OfferCut.ts"
import type { QuotaBook } from "./QuotaBook.ts"
import { QuotaOrder } from "./QuotaOrder.ts"
import type { ResourceNames } from "./ResourceNames.ts"
import type { SharedBook } from "./SharedBook.ts"
import type { SiblingOrder } from "./SiblingOrder.ts"

/** The books that a cycle reads and writes. */
export interface CycleBooks {
  readonly names: ResourceNames
  readonly hosts: HostTable
  readonly tree: FairTree
  readonly clients: ClientBook
  readonly quotas: QuotaBook
  readonly filters: FilterTable
  readonly shared: SharedBook
}

export interface CycleSettings {
  readonly minimum: Minimum
  /** Columns and amounts of the smallest part; null = whole hosts. */
  readonly partMin: ReadonlyArray<readonly [column: number, milli: number]> | null
}

/** How many hosts are read ahead. */
const warmedHosts = 128

/**
 * One allocation cycle over given hosts; see `Allocator` for the rules. Its decisions stay in columns of numbers until the next
 * cycle. Where a client gets a host whole, which is the rule, nothing is built: the offer is what the host has ready.
 */
export class OfferCycle implements Allocations {
  count = 0
  private offerClients: Int32Array = new Int32Array(64)
  private offerSlots: Int32Array = new Int32Array(64)
  private readonly offerBundles: Array<Bundle> = []
  /** Of each host the last offer in this cycle, of each offer the one before it on the same host; only while an offer may
   * have to be merged with an earlier one. */
  private lastOffers: Int32Array = new Int32Array(0)
  private previousOffers: Int32Array = new Int32Array(0)
  private canMerge = false
  private hasQuotas = false
  private readonly quotaOrder: QuotaOrder
  private divides = false
  private readonly marks: FilterMarks
  private readonly offerCut: OfferCut
  private readonly hostOrder = new HostOrder()
  private readonly books: CycleBooks
  private readonly settings: CycleSettings
  private readonly onHeldBack: (slot: number) => void

  // The visit of one host.
  private slot = 0
  private stage: 1 | 2 = 2
  private parts = 1
  private isSpecial = false
  private demands = 0
  private whole: Bundle
  private readonly noBundle: Bundle
  private gone: Resources = noResources
  private isDone = false

  constructor(books: CycleBooks, settings: CycleSettings, onHeldBack: (slot: number) => void) {
    this.books = books
    this.settings = settings
    this.onHeldBack = onHeldBack
    this.marks = new FilterMarks(books.filters)
    this.quotaOrder = new QuotaOrder(books.tree, books.quotas)
    this.offerCut = new OfferCut(books.names, books.hosts, books.clients, books.quotas)
    this.noBundle = toBundle(books.names, noResources)
    this.whole = this.noBundle
  }

  at(index: number): Allocation {
    const client = this.offerClients[index]!
    const { clients, hosts, tree } = this.books
    return {
      frameworkId: tree.nameOf(client),
      role: clients.roles[client]!,
      agentId: hosts.ids[this.offerSlots[index]!]!,
      resources: this.offerBundles[index]!.resources,
    }
  }

  run(slots: Int32Array, count: number, firstDraw: number, secondDraw: number): void {
    const { hosts, quotas } = this.books
    const before = this.count
    this.begin()
    if (count > 0 && quotas.hasGuarantees) {
      this.stage = 1
      const order = this.hostOrder.sort(slots, count, hosts.hashes, hosts.ids, firstDraw)
      for (let index = 0; index < count && this.quotaOrder.needy.count > 0; index++) {
        this.visit(order[index]!)
        this.quotaOrder.refresh()
      }
    }
    this.stage = 2
    if (count > 0)
      this.runFairly(this.hostOrder.sort(slots, count, hosts.hashes, hosts.ids, secondDraw), count)
    this.forgetOffers(before)
  }

  private runFairly(order: Int32Array, count: number): void {
    const { hosts } = this.books
    for (let index = 0; index < count; index++) {
      if (index % warmedHosts === 0) hosts.warm(order, index, Math.min(index + warmedHosts, count))
      this.visitFairly(order[index]!)
    }
  }

  /** Lets go of the offers of the cycle before. Not by the array's length, which gives its memory back each time. */
  private forgetOffers(before: number): void {
    for (let offer = this.count; offer < before; offer++) this.offerBundles[offer] = this.noBundle
  }

  private begin(): void {
    const { hosts, quotas, tree, clients } = this.books
    this.count = 0
    this.gonePerHost.clear()
    tree.refresh()
    this.hasQuotas = quotas.hasQuotas
    if (this.hasQuotas) {
      quotas.begin()
      this.quotaOrder.begin()
    }
    this.marks.reserveClients(tree.bound)
    clients.tops.length = Math.max(clients.tops.length, tree.bound)
    this.divides = this.settings.partMin !== null && tree.activeClients() >= 2 * hosts.activeCount
    this.canMerge = quotas.hasGuarantees || this.divides
    if (!this.canMerge) return
    this.lastOffers = grownInt32(this.lastOffers, hosts.bound)
    this.lastOffers.fill(-1)
  }

  private visitFairly(slot: number): void {
    if (this.divides) {
      this.parts = this.partsOf(slot)
      if (this.parts > 1) {
        this.visit(slot)
        this.refresh()
        this.parts = 1
      }
    }
    this.visit(slot)
    this.refresh()
  }

  private refresh(): void {
    if (this.hasQuotas) this.quotaOrder.refresh()
    else this.books.tree.refresh()
  }

  /** Into how many parts a host is divided, as stated at `Allocator`. */
  private partsOf(slot: number): number {
    const { partMin } = this.settings
    if (partMin === null) return 1
    const { hosts, tree } = this.books
    let parts = Math.floor(tree.activeClients() / hosts.activeCount)
    for (const [column, milli] of partMin) {
      parts = Math.min(parts, Math.floor(hosts.totalAt(slot, column) / milli))
    }
    return Math.max(1, parts)
  }

  // --- one host ---

  private visit(slot: number): void {
    const { hosts, clients } = this.books
    const flag = hosts.flags[slot]!
    if ((flag & (TAKEN | BARE)) !== 0) return
    // Nobody can get more than all of it, so this spares asking everybody.
    if ((flag & SMALL) !== 0 && clients.ownMinimums === 0) return
    this.slot = slot
    this.whole = hosts.bundleOf(slot)
    this.isDone = false
    this.isSpecial = (flag & SPECIAL) !== 0
    this.demands = hosts.demands[slot]!
    this.gone = this.isSpecial ? this.gonePerHost.get(slot) || noResources : noResources
    this.marks.mark(slot)
    if (!this.hasQuotas) this.visitRoles(FairTree.root)
    else if (this.stage === 1) this.visitSome(this.quotaOrder.needy)
    else this.visitOpen()
  }

  /** In stage 2 exhausted roles are left out; of a host that has more than plain scalars they may get that. */
  private visitOpen(): void {
    const { tree, clients } = this.books
    if (this.isSpecial || clients.ownMinimums > 0) {
      this.visitRoles(FairTree.root)
      return
    }
    const { open } = this.quotaOrder
    if (open.count < tree.orderOf(FairTree.root).count) this.onHeldBack(this.slot)
    this.visitSome(open)
  }

  private visitSome({ nodes, start, count }: SiblingOrder): void {
    for (let place = start; place < start + count && !this.isDone; place++) this.visitRoles(nodes[place]!)
  }

  private visitRoles(node: number): void {
    const { tree } = this.books
    const order = tree.orderOf(node)
    if (order.count === 0) return
    if (tree.isClient(order.nodes[order.start]!)) this.visitClients(order)
    else this.visitSome(order)
  }

  private visitClients({ nodes, start, count }: SiblingOrder): void {
    const { clients } = this.books
    const first = nodes[start]!
    // Guarantees are a top-level role's own; sub-roles have none (spec/mesos.md §1.10).
    if (this.stage === 1 && clients.tops[first]!.role !== clients.roles[first]) return
    for (let place = start; place < start + count && !this.isDone; place++) this.tryClient(nodes[place]!)
  }

  private tryClient(client: number): void {
    const { clients, hosts } = this.books
    if ((clients.unfit[client]! & this.demands) !== 0) return
    const predicate = clients.predicates[client]
    if (predicate !== undefined && !predicate(hosts.agents[this.slot]!)) return
    const offered =
      this.isSpecial || this.parts > 1 || this.hasQuotas ? this.cutFor(client) : this.wholeFor(client)
    if (offered === undefined || this.marks.isFiltered(client, offered)) return
    this.book(client, offered)
  }

  /** Everybody's minimum was asked for at once before; only a client's own is left to ask for. */
  private wholeFor(client: number): Bundle | undefined {
    const { clients, hosts, names } = this.books
    if (clients.ownMinimums === 0) return this.whole
    const minimum = clients.minimums[client] || this.settings.minimum
    return reachesMinimum(minimum, hosts.available, this.slot * names.width, this.whole.rest)
      ? this.whole
      : undefined
  }

  private cutFor(client: number): Bundle | undefined {
    const { offerCut, whole } = this
    const outcome = offerCut.cut(client, this.slot, whole.rest, this.stage, this.parts, this.gone)
    if (offerCut.isHeldBack) this.onHeldBack(this.slot)
    if (outcome === NOTHING) return undefined
    if (outcome === WHOLE) return this.wholeFor(client)
    const minimum = this.books.clients.minimums[client] || this.settings.minimum
    return reachesMinimum(minimum, offerCut.row, 0, offerCut.rest) ? offerCut.build() : undefined
  }

  // --- booking ---

  private book(client: number, offered: Bundle): void {
    if (this.hasQuotas) this.quotaOrder.touch(this.books.clients.tops[client]!)
    if (offered === this.whole && !this.isSpecial) this.bookWhole(client)
    else this.bookPart(client, offered)
    this.record(client, offered)
  }

  /** The rule, and the hot path: reads one row, writes a bit. */
  private bookWhole(client: number): void {
    const { hosts, tree, clients, quotas, names } = this.books
    const { slot } = this
    const base = slot * names.width
    const columns = names.names.length
    tree.grantRow(client, hosts.available, base, columns)
    clients.others[client] = clients.others[client]! + hosts.availableOthers[slot]!
    if (quotas.hasQuotas) quotas.noteHeld(clients.tops[client]!)
    hosts.takeWhole(slot)
    this.isDone = true
  }

  private bookPart(client: number, offered: Bundle): void {
    const { hosts, tree, clients, quotas, shared } = this.books
    const { slot } = this
    hosts.takePart(slot, offered)
    tree.hold(client, offered.counted, 1, true)
    clients.others[client] = clients.others[client]! + offered.others
    quotas.hold(clients.tops[client]!, offered, 1)
    if (offered.hasShared) {
      shared.hold(client, slot, offered.rest, 1)
      const gone = offered.rest.filter(({ kind }) => kind.shared)
      this.gone = addResources(this.gone, gone)
      this.gonePerHost.set(slot, this.gone)
    }
    this.whole = hosts.bundleOf(slot)
    this.isDone = (hosts.flags[slot]! & BARE) !== 0
  }

  /** Shared resources offered in this cycle, of hosts that have such. */
  private readonly gonePerHost = new Map<number, Resources>()

  private record(client: number, offered: Bundle): void {
    const { slot } = this
    if (this.canMerge) {
      for (let offer = this.lastOffers[slot]!; offer !== -1; offer = this.previousOffers[offer]!) {
        if (this.offerClients[offer] !== client) continue
        const merged = addResources(this.offerBundles[offer]!.resources, offered.resources)
        this.offerBundles[offer] = toBundle(this.books.names, merged)
        return
      }
    }
    const offer = this.count++
    if (offer >= this.offerClients.length) {
      this.offerClients = grownInt32(this.offerClients, 2 * offer)
      this.offerSlots = grownInt32(this.offerSlots, 2 * offer)
    }
    this.offerClients[offer] = client
    this.offerSlots[offer] = slot
    this.offerBundles[offer] = offered
    if (!this.canMerge) return
    this.previousOffers = grownInt32(this.previousOffers, offer + 1)
    this.previousOffers[offer] = this.lastOffers[slot]!
    this.lastOffers[slot] = offer
  }
}
