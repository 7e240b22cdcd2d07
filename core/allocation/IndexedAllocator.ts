import { assert } from "../Assert.ts"
import type { Entity, EntityRef } from "../Machine.ts"
import { nextUint32, type Prng } from "../Prng.ts"
import { noQuantities, type Quantities } from "../resources/Quantities.ts"
import { reservationRole } from "../resources/Resource.ts"
import { type Resources, scalarQuantities } from "../resources/Resources.ts"
import type {
  AllocationScope,
  Allocations,
  Allocator,
  AllocatorAgent,
  AllocatorFramework,
  Refusal,
} from "./Allocator.ts"
import type { AllocationView } from "./Explain/AllocationView.ts"
import { demandsOf, hasSameDemands, isAnotherHost } from "./Gates.ts"
import { AllocatorRows, readRows } from "./IndexedAllocator/AllocatorRows.ts"
import { type Bundle, toBundle } from "./IndexedAllocator/Bundle.ts"
import { Candidates } from "./IndexedAllocator/Candidates.ts"
import { ClientBook } from "./IndexedAllocator/ClientBook.ts"
import { FairTree } from "./IndexedAllocator/FairTree.ts"
import { FilterBook } from "./IndexedAllocator/FilterBook.ts"
import { FilterTable } from "./IndexedAllocator/FilterTable.ts"
import { HostTable } from "./IndexedAllocator/HostTable.ts"
import { IndexedView } from "./IndexedAllocator/IndexedView.ts"
import { compileMinimum } from "./IndexedAllocator/Minimum.ts"
import { type CycleBooks, OfferCycle } from "./IndexedAllocator/OfferCycle.ts"
import { QuotaBook } from "./IndexedAllocator/QuotaBook.ts"
import { ResourceNames } from "./IndexedAllocator/ResourceNames.ts"
import { RoleBook } from "./IndexedAllocator/RoleBook.ts"
import { SharedBook } from "./IndexedAllocator/SharedBook.ts"
import { IndexedPlacer } from "./Placement/IndexedPlacer.ts"
import type { Placer } from "./Placement.ts"
import type { AllocatorSettings, Quota } from "./Settings.ts"

/**
 * The allocator of production and simulation. Everything that a cycle touches lies in typed arrays, by number of host, client
 * and filter; see the classes of this folder, one for each book.
 */
export class IndexedAllocator implements Allocator {
  private readonly names = new ResourceNames()
  private readonly tree = new FairTree(this.names)
  private readonly hosts: HostTable
  private readonly filters = new FilterTable()
  private readonly quotas: QuotaBook
  private readonly shared = new SharedBook(this.tree, this.names, (client, column, milli) =>
    this.quotas.holdSpecial(this.clients.tops[client]!, column, milli),
  )
  private readonly roles: RoleBook
  private readonly clients: ClientBook
  private readonly rows: AllocatorRows
  private readonly candidates: Candidates
  private readonly filterBook: FilterBook
  private readonly books: CycleBooks
  private readonly cycle: OfferCycle
  /** Scalars of all agents, by column. */
  private readonly total: Array<number> = []

  constructor(
    private readonly settings: AllocatorSettings,
    private readonly prng: Prng,
    rows: ReadonlyArray<Entity> = [],
  ) {
    const stored = readRows(rows)
    const { names, tree, filters, shared } = this
    const minimum = compileMinimum(names, settings.minAllocatable)
    this.quotas = new QuotaBook(names, tree, minimum)
    const { quotas } = this
    this.hosts = new HostTable(names, minimum)
    const { hosts } = this
    this.roles = new RoleBook(settings, tree, quotas, stored.grantsByRole, (path) =>
      this.rows.touch("role", path),
    )
    this.clients = new ClientBook(tree, this.roles, quotas, stored.clients)
    const { roles, clients } = this
    this.rows = new AllocatorRows({ tree, roles, clients, hosts, filters })
    this.candidates = new Candidates(hosts)
    this.books = { names, hosts, tree, clients, quotas, filters, shared }
    this.filterBook = new FilterBook(settings, this.books, this.rows, this.candidates, stored.filters)
    this.cycle = new OfferCycle(
      this.books,
      {
        minimum,
        partMin:
          settings.partMin === null
            ? null
            : Object.keys(settings.partMin).map((name): [number, number] => [
                names.numberOf(name),
                settings.partMin![name]!,
              ]),
      },
      this.candidates,
    )
    for (const name of settings.excludedNames) tree.holdings.exclude(names.numberOf(name))
    for (const role of Object.keys(settings.quotas)) quotas.setQuota(role, settings.quotas[role]!)
  }

  // --- agents ---

  putAgent(agent: AllocatorAgent): void {
    const { hosts } = this
    const known = hosts.slotOf(agent.agentId)
    if (known !== undefined) this.filterBook.settle()
    const slot = known === undefined ? hosts.add(agent.agentId) : known
    this.filters.reserveHosts(slot + 1)
    const before = hosts.agents[slot]
    if (before === undefined || before.total !== agent.total) {
      if (before !== undefined) this.countTotal(before.total, -1)
      this.countTotal(agent.total, 1)
      hosts.setTotal(slot, agent.total)
    }
    if (before === undefined || before.reserve !== agent.reserve) hosts.setReserve(slot, agent.reserve)
    if (before !== undefined && isAnotherHost(before, agent)) this.filterBook.dropOfHost(slot)
    hosts.describe(slot, agent, demandsOf(agent, this.settings))
    hosts.setActive(slot, agent.isActive)
    this.noteChanged(slot)
  }

  removeAgent(agentId: string): void {
    const slot = this.hosts.slotOf(agentId)
    if (slot === undefined) return
    const isFree = this.hosts.holdsNothing(slot) && this.shared.heldOn(slot).length === 0
    assert(isFree, () => `agent ${agentId} is removed while something of it is held`)
    this.filterBook.settle()
    this.filterBook.dropOfHost(slot)
    this.rows.name()
    this.countTotal(this.hosts.agents[slot]!.total, -1)
    this.hosts.remove(slot)
    this.candidates.noteLoosened()
  }

  setReserve(agentId: string, reserve: Quantities): void {
    const slot = this.hosts.slotOf(agentId)
    if (slot === undefined) return
    this.hosts.setReserve(slot, reserve)
    this.hosts.agents[slot] = { ...this.hosts.agents[slot]!, reserve }
    this.noteChanged(slot)
  }

  /** The denominators of shares, and what reservations take of quotas. */
  private countTotal(total: Resources, sign: number): void {
    const scalars = scalarQuantities(total)
    for (const name of Object.keys(scalars)) {
      const column = this.names.numberOf(name)
      this.total[column] = (this.total[column] || 0) + sign * scalars[name]!
      this.tree.setTotal(column, this.total[column]!)
    }
    for (const { kind, value } of total) {
      const role = reservationRole(kind)
      if (role === null || kind.type !== "scalar") continue
      this.quotas.reserve(role, kind.name, value as number, sign)
    }
  }

  // --- frameworks ---

  putFramework(framework: AllocatorFramework): void {
    const { frameworkId, roles, suppressedRoles, isActive } = framework
    const before = this.clients.frameworkOf(frameworkId)
    if (before !== null) this.filterBook.settle()
    const wantedRoles = new Set(roles)
    for (const role of this.clients.rolesOf(frameworkId)) {
      if (!wantedRoles.has(role)) this.retire(frameworkId, role)
    }
    this.clients.setFramework(frameworkId, framework)
    const isSame = before !== null && hasSameDemands(before, framework)
    const describedRoles = new Set(isSame ? before.roles : [])
    const suppressed = new Set(suppressedRoles)
    let wantsMore = !isSame
    for (const role of roles) {
      const client = this.clients.ensure(frameworkId, role)
      this.filters.reserveClients(this.tree.bound)
      // A client that was kept for what it holds knows nothing of what its framework has become since.
      if (!describedRoles.has(role)) this.clients.describe(this.names, client, framework)
      if (!isActive) this.filterBook.dropOfClient(client)
      const isWanting = isActive && !suppressed.has(role)
      if (isWanting && !this.tree.isActive(client)) wantsMore = true
      this.tree.setClientActive(client, isWanting)
    }
    if (wantsMore) this.candidates.noteAllChanged()
  }

  removeFramework(frameworkId: string): void {
    this.filterBook.settle()
    this.clients.setFramework(frameworkId, null)
    for (const role of this.clients.rolesOf(frameworkId)) this.retire(frameworkId, role)
    this.clients.forgetIfGone(frameworkId)
  }

  /** The framework is in the role no more; what it holds keeps the client. */
  private retire(frameworkId: string, role: string): void {
    const client = this.clients.nodeOf(frameworkId, role)
    this.filterBook.dropOfClient(client)
    this.tree.setClientActive(client, false)
    if (this.clients.holdsNothing(client)) this.forget(frameworkId, role, client)
  }

  private forget(frameworkId: string, role: string, client: number): void {
    this.rows.touchClient(client)
    this.rows.name()
    this.clients.remove(frameworkId, role)
  }

  setWeight(role: string, weight: number): void {
    this.roles.setWeight(role, weight)
  }

  setQuota(role: string, quota: Quota | null): void {
    this.quotas.setQuota(role, quota)
    this.candidates.noteAllChanged()
  }

  // --- books ---

  charge(scope: AllocationScope, resources: Resources): void {
    const slot = this.hosts.slotOf(scope.agentId)
    if (slot === undefined || resources.length === 0) return
    const bundle = toBundle(this.names, resources)
    assert(
      this.hosts.canTake(slot, bundle),
      () => `agent ${scope.agentId} has not as much left as ${scope.frameworkId} is to hold`,
    )
    const client = this.ensureClient(scope)
    this.hosts.takePart(slot, bundle)
    this.hold(client, slot, bundle, 1)
  }

  adopt(scope: AllocationScope, resources: Resources): void {
    const slot = this.hosts.slotOf(scope.agentId)
    if (slot === undefined || resources.length === 0) return
    const bundle = toBundle(this.names, resources)
    const client = this.ensureClient(scope)
    this.hosts.takeAnyway(slot, bundle)
    this.hold(client, slot, bundle, 1)
  }

  release(scope: AllocationScope, resources: Resources): void {
    const { frameworkId, role, agentId } = scope
    const slot = this.hosts.slotOf(agentId)
    const client = this.clients.nodeOf(frameworkId, role)
    if (slot === undefined || client < 0 || resources.length === 0) return
    if (this.hosts.giveBackWhole(slot, resources)) this.releaseWhole(client, slot)
    else {
      const bundle = toBundle(this.names, resources)
      this.hosts.giveBack(slot, bundle)
      this.hold(client, slot, bundle, -1)
    }
    this.noteChanged(slot)
    const framework = this.clients.frameworkOf(frameworkId)
    const isWanted = framework?.roles.includes(role) === true
    if (!isWanted && this.clients.holdsNothing(client)) this.forget(frameworkId, role, client)
  }

  private releaseWhole(client: number, slot: number): void {
    this.tree.holdRow(client, this.hosts.available, slot * this.names.width, -1, false)
    this.quotas.noteHeld(this.clients.tops[client]!)
  }

  private ensureClient({ frameworkId, role }: AllocationScope): number {
    const client = this.clients.ensure(frameworkId, role)
    this.filters.reserveClients(this.tree.bound)
    return client
  }

  private hold(client: number, slot: number, bundle: Bundle, sign: 1 | -1): void {
    this.tree.hold(client, bundle, sign, false)
    if (bundle.hasShared) this.shared.hold(client, slot, bundle.rest, sign)
    this.quotas.hold(this.clients.tops[client]!, bundle, sign)
    this.candidates.noteLoosened()
  }

  // --- filters ---

  refuse(scope: AllocationScope, resources: Resources, refusal: Refusal): void {
    this.filterBook.refuse(scope, resources, refusal)
  }

  dropFilters(frameworkId: string, roles: ReadonlyArray<string> | null): void {
    this.filterBook.revive(frameworkId, roles)
  }

  noteAccepted(frameworkId: string, role: string): void {
    this.filterBook.noteAccepted(frameworkId, role)
  }

  wake(frameworkId: string, nowMs: number): void {
    this.filterBook.wake(frameworkId, nowMs)
  }

  filterCountOf(frameworkId: string, role: string): number {
    return this.filterBook.countOf(frameworkId, role)
  }

  // --- cycles ---

  allocate(nowMs: number, scope: "changed" | "all"): Allocations {
    this.filterBook.settle()
    this.filterBook.expire(nowMs)
    const firstDraw = nextUint32(this.prng)
    const secondDraw = nextUint32(this.prng)
    const count = this.candidates.take(scope, this.quotas.hasQuotas)
    this.cycle.run(this.candidates.slots, count, firstDraw, secondDraw)
    return this.cycle
  }

  hasCandidates(): boolean {
    return this.candidates.hasAny(this.quotas.hasQuotas)
  }

  nextExpiryMs(): number | null {
    return this.filterBook.nextExpiryMs()
  }

  private noteChanged(slot: number): void {
    this.candidates.noteChanged(slot)
    this.candidates.noteLoosened()
  }

  // --- reading ---

  clusterTotal(): Quantities {
    return this.hosts.quantities((column) => this.total[column] || 0)
  }

  availableOn(agentId: string): Resources {
    const slot = this.hosts.slotOf(agentId)
    return slot === undefined ? [] : this.hosts.availableOn(slot)
  }

  allocatedOn(agentId: string): Resources {
    const slot = this.hosts.slotOf(agentId)
    return slot === undefined ? [] : this.hosts.allocatedOn(slot, this.shared.heldOn(slot))
  }

  heldOn(agentId: string): Quantities {
    const slot = this.hosts.slotOf(agentId)
    return slot === undefined ? noQuantities : this.hosts.heldReserve(slot)
  }

  missingFromReserveOf(agentId: string): Quantities {
    const slot = this.hosts.slotOf(agentId)
    return slot === undefined ? noQuantities : this.hosts.missingReserve(slot)
  }

  allocatedToRole(role: string): Quantities {
    return this.heldByNode(this.roles.nodeOf(role))
  }

  allocatedToFramework(role: string, frameworkId: string): Quantities {
    return this.heldByNode(this.clients.nodeOf(frameworkId, role))
  }

  private heldByNode(node: number): Quantities {
    return node < 0 ? noQuantities : this.hosts.quantities((column) => this.tree.holdings.at(node, column))
  }

  shareOf(role: string): number {
    const node = this.roles.nodeOf(role)
    return node < 0 ? 0 : this.tree.currentShare(node)
  }

  consumedQuotaOf(role: string): Quantities {
    return this.quotas.consumedQuantities(role)
  }

  /** What explaining reads; see `Explain.ts`. */
  view(): AllocationView {
    return new IndexedView(this, this.settings, this.books)
  }

  /** Places tasks on these books, without offers. One for the whole life of the allocator: it counts tasks. */
  placer(): Placer {
    return new IndexedPlacer({
      ...this.books,
      take: (client, slot, bundle) => {
        this.hosts.takePart(slot, bundle)
        this.hold(client, slot, bundle, 1)
      },
      adopt: (scope, resources) => this.adopt(scope, resources),
      release: (scope, resources) => this.release(scope, resources),
    })
  }

  // --- rows ---

  snapshot(): ReadonlyArray<Entity> {
    this.filterBook.settle()
    return this.rows.snapshot()
  }

  row(ref: EntityRef): unknown {
    this.filterBook.settle()
    return this.rows.row(ref)
  }

  takeChanged(): ReadonlyArray<EntityRef> {
    return this.rows.takeChanged()
  }
}
