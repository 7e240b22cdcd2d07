import type { AllocatorAgent, AllocatorFramework } from "../../core/allocation/Allocator.ts"
import { AllocatorRows, readRows } from "../../core/allocation/IndexedAllocator/AllocatorRows.ts"
import { toBundle } from "../../core/allocation/IndexedAllocator/Bundle.ts"
import { Candidates } from "../../core/allocation/IndexedAllocator/Candidates.ts"
import { ClientBook } from "../../core/allocation/IndexedAllocator/ClientBook.ts"
import { FairTree } from "../../core/allocation/IndexedAllocator/FairTree.ts"
import { FilterBook } from "../../core/allocation/IndexedAllocator/FilterBook.ts"
import { FilterTable } from "../../core/allocation/IndexedAllocator/FilterTable.ts"
import { HostTable } from "../../core/allocation/IndexedAllocator/HostTable.ts"
import { compileMinimum } from "../../core/allocation/IndexedAllocator/Minimum.ts"
import { QuotaBook } from "../../core/allocation/IndexedAllocator/QuotaBook.ts"
import { ResourceNames } from "../../core/allocation/IndexedAllocator/ResourceNames.ts"
import { RoleBook } from "../../core/allocation/IndexedAllocator/RoleBook.ts"
import { SharedBook } from "../../core/allocation/IndexedAllocator/SharedBook.ts"
import type { AllocatorSettings } from "../../core/allocation/Settings.ts"
import type { Entity } from "../../core/Machine.ts"
import { reservationRole } from "../../core/resources/Resource.ts"
import { isNoResources, type Resources, scalarQuantities } from "../../core/resources/Resources.ts"
import { exampleSettings } from "./allocation/Fixtures.ts"

/**
 * The books of the indexed allocator, connected as it connects them, each open to a test. What is put in is booked in all of
 * them; nothing is offered.
 */
export class AllocatorBooks {
  readonly settings: AllocatorSettings
  readonly names = new ResourceNames()
  readonly tree = new FairTree(this.names)
  readonly hosts: HostTable
  readonly filters = new FilterTable()
  readonly quotas: QuotaBook
  readonly shared: SharedBook
  readonly roles: RoleBook
  readonly clients: ClientBook
  readonly rows: AllocatorRows
  readonly candidates: Candidates
  readonly filterBook: FilterBook
  private readonly total: Array<number> = []

  constructor(settings: Partial<AllocatorSettings> = {}, stored: ReadonlyArray<Entity> = []) {
    this.settings = { ...exampleSettings, ...settings }
    const { names, tree, filters } = this
    const { grantsByRole, clients, filters: storedFilters } = readRows(stored)
    const minimum = compileMinimum(names, this.settings.minAllocatable)
    this.hosts = new HostTable(names, minimum)
    this.quotas = new QuotaBook(names, tree, minimum)
    this.shared = new SharedBook(tree, names, (client, column, milli) =>
      this.quotas.holdSpecial(this.clients.tops[client]!, column, milli),
    )
    this.roles = new RoleBook(this.settings, tree, this.quotas, grantsByRole, (path) =>
      this.rows.touch("role", path),
    )
    this.clients = new ClientBook(tree, this.roles, this.quotas, clients)
    this.rows = new AllocatorRows({
      tree,
      roles: this.roles,
      clients: this.clients,
      hosts: this.hosts,
      filters,
    })
    this.candidates = new Candidates(this.hosts)
    const books = { clients: this.clients, hosts: this.hosts, filters }
    this.filterBook = new FilterBook(this.settings, books, this.rows, this.candidates, storedFilters)
    for (const role of Object.keys(this.settings.quotas)) {
      this.quotas.setQuota(role, this.settings.quotas[role]!)
    }
  }

  /** Its slot. */
  putHost(agent: AllocatorAgent): number {
    const known = this.hosts.slotOf(agent.agentId)
    const slot = known ?? this.hosts.add(agent.agentId)
    this.filters.reserveHosts(slot + 1)
    if (known !== undefined) this.countTotal(this.hosts.agents[slot]!.total, -1)
    this.countTotal(agent.total, 1)
    this.hosts.setTotal(slot, agent.total)
    this.hosts.setReserve(slot, agent.reserve)
    this.hosts.agents[slot] = agent
    this.hosts.setActive(slot, agent.isActive)
    this.candidates.noteChanged(slot)
    return slot
  }

  removeHost(agentId: string): void {
    const slot = this.hosts.slotOf(agentId)!
    this.filterBook.dropOfHost(slot)
    this.rows.name()
    this.countTotal(this.hosts.agents[slot]!.total, -1)
    this.hosts.remove(slot)
  }

  private countTotal(total: Resources, sign: number): void {
    for (const [name, milli] of Object.entries(scalarQuantities(total))) {
      const column = this.names.numberOf(name)
      this.total[column] = (this.total[column] ?? 0) + sign * milli
      this.tree.setTotal(column, this.total[column]!)
    }
    for (const { kind, value } of total) {
      const role = reservationRole(kind)
      if (role !== null && kind.type === "scalar") {
        this.quotas.reserve(role, kind.name, value as number, sign)
      }
    }
  }

  /** Its client in each role. */
  putFramework(framework: AllocatorFramework): ReadonlyArray<number> {
    const { frameworkId, roles, suppressedRoles, isActive } = framework
    this.clients.setFramework(frameworkId, framework)
    return roles.map((role) => {
      const client = this.ensure(frameworkId, role)
      this.clients.describe(this.names, client, framework)
      this.tree.setClientActive(client, isActive && !suppressedRoles.includes(role))
      return client
    })
  }

  ensure(frameworkId: string, role: string): number {
    const client = this.clients.ensure(frameworkId, role)
    this.filters.reserveClients(this.tree.bound)
    return client
  }

  /** Takes a client out of its role; it must hold nothing. */
  removeClient(frameworkId: string, role: string): void {
    const client = this.clients.nodeOf(frameworkId, role)
    this.filterBook.dropOfClient(client)
    this.tree.setClientActive(client, false)
    this.rows.touchClient(client)
    this.rows.name()
    this.clients.remove(frameworkId, role)
  }

  /** A client takes (`sign` 1) or gives back (−1) some of a host. */
  hold(client: number, slot: number, resources: Resources, sign: 1 | -1, isGrant = false): void {
    if (isNoResources(resources)) return
    const bundle = toBundle(this.names, resources)
    if (sign === 1) this.hosts.takeAnyway(slot, bundle)
    else this.hosts.giveBack(slot, bundle)
    this.tree.hold(client, bundle, sign, isGrant)
    if (bundle.hasShared) this.shared.hold(client, slot, bundle.rest, sign)
    this.quotas.hold(this.clients.tops[client]!, bundle, sign)
  }
}
