import { addResources, noResources, type Resources } from "../../resources/Resources.ts"
import type { Allocation, Allocations } from "../Allocator.ts"
import type { Bundle } from "./Bundle.ts"
import type { Candidates } from "./Candidates.ts"
import type { ClientBook } from "./ClientBook.ts"
import { FairTree } from "./FairTree.ts"
import { FilterMarks } from "./FilterMarks.ts"
import type { FilterTable } from "./FilterTable.ts"
import { grownInt32 } from "./Growable.ts"
import { HostFetch } from "./HostFetch.ts"
import { HostOrder } from "./HostOrder.ts"
import { BARE, type HostTable, SMALL, SPECIAL, TAKEN } from "./HostTable.ts"
import { type Minimum, reachesMinimum } from "./Minimum.ts"
import { OfferCut, PART, WHOLE } from "./OfferCut.ts"
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

/**
 * One allocation cycle over given hosts; see `Allocator` for the rules. Its decisions stay in columns of numbers until the next
 * cycle. Where a client gets a host whole, which is the rule, nothing is built: the offer is what the host has ready.
 */
export class OfferCycle implements Allocations {
  count = 0
  private offerClients: Int32Array = new Int32Array(64)
  private offerSlots: Int32Array = new Int32Array(64)
  private readonly offerResources: Array<Resources> = []
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
  private readonly hostFetch: HostFetch
  private readonly books: CycleBooks
  private readonly settings: CycleSettings
  /** Told of hosts that a later cycle must look at again. */
  private readonly candidates: Candidates

  // The visit of one host.
  private slot = 0
  private stage: 1 | 2 = 2
  private parts = 1
  private isSpecial = false
  private demands = 0
  private wholeRest: Resources = noResources
  /** Whether what a client gets depends on the client. */
  private isCut = false
  private gone: Resources = noResources
  private isDone = false

  constructor(books: CycleBooks, settings: CycleSettings, candidates: Candidates) {
    this.books = books
    this.settings = settings
    this.candidates = candidates
    this.marks = new FilterMarks(books.filters)
    this.hostFetch = new HostFetch(books.hosts, books.names)
    this.quotaOrder = new QuotaOrder(books.tree, books.quotas)
    this.offerCut = new OfferCut(books.names, books.hosts, books.clients, books.quotas)
  }

  at(index: number): Allocation {
    const client = this.offerClients[index]!
    const { clients, hosts, tree } = this.books
    return {
      frameworkId: tree.nameOf(client),
      role: clients.roles[client]!,
      agentId: hosts.ids[this.offerSlots[index]!]!,
      resources: this.offerResources[index]!,
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
    const order = this.hostOrder.sort(slots, count, hosts.hashes, hosts.ids, secondDraw)
    for (let from = 0; from < count; from += HostFetch.block) {
      const to = Math.min(from + HostFetch.block, count)
      this.hostFetch.fetch(order, from, to)
      for (let index = from; index < to; index++) this.visitFairly(order[index]!)
    }
    this.forgetOffers(before)
  }

  /** Lets go of the offers of the cycle before. Not by the array's length, which gives its memory back each time. */
  private forgetOffers(before: number): void {
    for (let offer = this.count; offer < before; offer++) this.offerResources[offer] = noResources
  }

  private begin(): void {
    const { hosts, quotas, tree, clients } = this.books
    this.count = 0
    this.gonePerHost.clear()
    tree.refresh()
    this.hasQuotas = quotas.hasQuotas
    // Without quotas too: the headroom of those that were there must not outlive them.
    quotas.refresh()
    if (this.hasQuotas) this.quotaOrder.begin()
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
    const { hosts } = this.books
    const flag = hosts.flags[slot]!
    if (!this.isWorthVisiting(flag)) return
    this.slot = slot
    this.isSpecial = (flag & SPECIAL) !== 0
    this.look()
    this.isDone = false
    this.demands = hosts.demands[slot]!
    if (this.isSpecial) this.gone = this.gonePerHost.get(slot) || noResources
    this.marks.mark(slot)
    if (!this.hasQuotas) this.visitRoles(FairTree.root)
    else if (this.stage === 1) this.visitNeedy()
    else this.visitOpen()
  }

  private look(): void {
    this.isCut = this.isSpecial || this.parts > 1 || this.hasQuotas
    if (this.isCut || this.books.clients.ownMinimums > 0) {
      this.wholeRest = this.books.hosts.rests.available[this.slot]!
    }
  }

  /** Nobody can get more than all of it: if that is below the minimum, nobody need be asked. */
  private isWorthVisiting(flag: number): boolean {
    if ((flag & (TAKEN | BARE)) !== 0) return false
    return (flag & SMALL) === 0 || this.books.clients.ownMinimums > 0
  }

  /** In stage 1 those whose guarantee is not reached, but for exhausted ones: what they may have makes no offer. */
  private visitNeedy(): void {
    const { quotas } = this.books
    const { nodes, start, count } = this.quotaOrder.needy
    const asksExhausted = this.asksExhausted()
    for (let place = start; place < start + count && !this.isDone; place++) {
      const node = nodes[place]!
      if (asksExhausted || !quotas.topOfNode(node).isExhausted) this.visitRoles(node)
    }
  }

  /** In stage 2 exhausted roles are left out. */
  private visitOpen(): void {
    const { tree } = this.books
    if (this.asksExhausted()) {
      this.visitRoles(FairTree.root)
      return
    }
    const { open } = this.quotaOrder
    if (open.count < tree.orderOf(FairTree.root).count) this.candidates.noteHeldBack(this.slot)
    this.visitSome(open)
  }

  /** Of a host that has more than plain scalars, exhausted roles may get that. */
  private asksExhausted(): boolean {
    return this.isSpecial || this.books.clients.ownMinimums > 0 || this.hasLimitedRest()
  }

  /** Ranges or sets called like a scalar that a limit is about: they count towards a minimum, and the limit does not count them. */
  private hasLimitedRest(): boolean {
    return this.wholeRest.some(({ kind }) => this.books.quotas.limitsName(kind.name))
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
    for (let place = start; place < start + count && !this.isDone; place++) this.tryClient(nodes[place]!)
  }

  private tryClient(client: number): void {
    const { clients, hosts } = this.books
    if ((clients.unfit[client]! & this.demands) !== 0) return
    const predicate = clients.predicates[client]
    if (predicate !== undefined && !predicate(hosts.agents[this.slot]!)) return
    if (this.isCut) this.tryCut(client)
    else if (this.reachesOwnMinimum(client)) this.tryWhole(client)
  }

  /** Everybody's minimum was asked for at once before; only a client's own is left to ask for. */
  private reachesOwnMinimum(client: number): boolean {
    const { clients, hosts, names } = this.books
    if (clients.ownMinimums === 0) return true
    const minimum = clients.minimums[client] || this.settings.minimum
    return reachesMinimum(minimum, hosts.available, this.slot * names.width, this.wholeRest)
  }

  private tryWhole(client: number): void {
    const { hosts } = this.books
    const resources = hosts.wholeOf(this.slot)
    if (this.marks.isFiltered(client, resources)) return
    if (this.isSpecial) this.bookPart(client, hosts.bundleOf(this.slot))
    else this.bookWhole(client)
    this.record(client, resources)
  }

  private tryCut(client: number): void {
    const { offerCut } = this
    const outcome = offerCut.cut(client, this.slot, this.wholeRest, this.stage, this.parts, this.gone)
    if (offerCut.isHeldBack) this.candidates.noteHeldBack(this.slot)
    if (outcome === WHOLE && this.reachesOwnMinimum(client)) this.tryWhole(client)
    if (outcome !== PART) return
    const minimum = this.books.clients.minimums[client] || this.settings.minimum
    if (!reachesMinimum(minimum, offerCut.row, 0, offerCut.rest)) return
    const offered = offerCut.build()
    if (this.marks.isFiltered(client, offered.resources)) return
    this.bookPart(client, offered)
    this.record(client, offered.resources)
  }

  // --- booking ---

  /** The rule, and the hot path: reads one row, writes a bit. */
  private bookWhole(client: number): void {
    const { hosts, tree, names } = this.books
    const { slot } = this
    if (this.hasQuotas) this.touchQuota(client)
    tree.holdRow(client, hosts.available, slot * names.width, 1, true)
    if (this.hasQuotas) this.books.quotas.noteHeld(this.books.clients.tops[client]!)
    hosts.takeWhole(slot)
    this.isDone = true
  }

  private bookPart(client: number, offered: Bundle): void {
    const { hosts, tree, clients, quotas, shared } = this.books
    const { slot } = this
    if (this.hasQuotas) this.touchQuota(client)
    hosts.takePart(slot, offered)
    tree.hold(client, offered, 1, true)
    quotas.hold(clients.tops[client]!, offered, 1)
    if (offered.hasShared) {
      shared.hold(client, slot, offered.rest, 1)
      const gone = offered.rest.filter(({ kind }) => kind.shared)
      this.gone = addResources(this.gone, gone)
      this.gonePerHost.set(slot, this.gone)
    }
    this.look()
    this.isDone = !this.isWorthVisiting(hosts.flags[slot]!)
    // Another copy of what is shared is for the next cycle, and somebody who was asked before may take what is left now: a disk
    // that is not split fits below a limit once less of the others is there.
    if (!this.isDone || offered.hasShared) this.candidates.noteChanged(slot)
    // Such a disk may serve more of a guarantee than was open, so that less is to be kept free than before.
    if (offered.free !== offered.plain) this.candidates.noteLoosened()
  }

  private touchQuota(client: number): void {
    this.quotaOrder.touch(this.books.clients.tops[client]!)
  }

  /** Shared resources offered in this cycle, of hosts that have such. */
  private readonly gonePerHost = new Map<number, Resources>()

  private record(client: number, offered: Resources): void {
    const { slot } = this
    if (this.canMerge) {
      for (let offer = this.lastOffers[slot]!; offer !== -1; offer = this.previousOffers[offer]!) {
        if (this.offerClients[offer] !== client) continue
        this.offerResources[offer] = addResources(this.offerResources[offer]!, offered)
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
    this.offerResources[offer] = offered
    if (!this.canMerge) return
    if (offer >= this.previousOffers.length)
      this.previousOffers = grownInt32(this.previousOffers, 2 * offer + 16)
    this.previousOffers[offer] = this.lastOffers[slot]!
    this.lastOffers[slot] = offer
  }
}
