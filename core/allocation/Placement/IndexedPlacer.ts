import { assert } from "../../Assert.ts"
import type { Quantities } from "../../resources/Quantities.ts"
import { quantitiesToResources, type Resources } from "../../resources/Resources.ts"
import type { AllocationScope } from "../Allocator.ts"
import { compileConstraints, type HostPredicate } from "../Constraints.ts"
import type { Bundle } from "../IndexedAllocator/Bundle.ts"
import type { ClientBook } from "../IndexedAllocator/ClientBook.ts"
import { ACTIVE, type HostTable } from "../IndexedAllocator/HostTable.ts"
import type { QuotaBook } from "../IndexedAllocator/QuotaBook.ts"
import type { ResourceNames } from "../IndexedAllocator/ResourceNames.ts"
import type { Placement, PlacementGroup, PlacementRefusal, Placer, Topology } from "../Placement.ts"
import { type Admission, type Avoidance, admissionOf } from "./Admission.ts"
import { DomainBook } from "./Domains.ts"
import { GroupOrder, NO_HOST, NONE_ADMITTED } from "./GroupOrder.ts"
import { PlacementRequest } from "./PlacementRequest.ts"
import { TaskCounts } from "./TaskCounts.ts"

/** Orders that are kept; each takes some 100 bytes a host. */
const maxOrders = 64

/** The books that placing reads, and how it writes them. */
export interface PlacerBooks {
  readonly names: ResourceNames
  readonly hosts: HostTable
  readonly clients: ClientBook
  readonly quotas: QuotaBook
  /** Takes what is available. */
  readonly take: (client: number, slot: number, bundle: Bundle) => void
  readonly adopt: (scope: AllocationScope, resources: Resources) => void
  readonly release: (scope: AllocationScope, resources: Resources) => void
}

interface GroupState {
  readonly group: PlacementGroup
  readonly predicate: HostPredicate | undefined
  readonly counts: TaskCounts
  order: GroupOrder | undefined
  /** What of the client the order was made for. */
  client: number
  unfit: number
  clientPredicate: HostPredicate | undefined
  lastUsed: number
  readonly request: PlacementRequest
}

/** The placer of production and simulation: an order of hosts for each group in use (`GroupOrder.ts`). */
export class IndexedPlacer implements Placer {
  private readonly groups = new Map<string, GroupState>()
  private readonly domainBook: DomainBook
  private readonly books: PlacerBooks
  /** Active hosts by hash and id, and the shape they had then. */
  private sortedSlots: ReadonlyArray<number> = []
  private sortedShape = -1
  private uses = 0
  private orders = 0

  constructor(books: PlacerBooks) {
    this.books = books
    this.domainBook = new DomainBook(books.hosts)
    books.hosts.onRemove((slot, agentId) => {
      this.groups.forEach(({ counts }) => {
        counts.leave(slot, agentId)
      })
    })
  }

  // --- groups ---

  putGroup(group: PlacementGroup): void {
    const before = this.groups.get(group.groupId)
    const predicate = group.constraints === null ? undefined : compileConstraints(group.constraints)
    assert(typeof predicate !== "string", `constraints of group ${group.groupId}: ${predicate}`)
    this.forgetOrders(group.groupId)
    this.groups.set(group.groupId, {
      group,
      predicate,
      counts: before === undefined ? new TaskCounts(this.books.hosts) : before.counts,
      order: undefined,
      client: -1,
      unfit: 0,
      clientPredicate: undefined,
      lastUsed: 0,
      request: new PlacementRequest(this.books.names),
    })
    this.forgetOrders(group.groupId)
  }

  removeGroup(groupId: string): void {
    this.forgetOrders(groupId)
    this.groups.delete(groupId)
  }

  /** Of the group and of those whose tasks it keeps away from or that keep away from its own. */
  private forgetOrders(groupId: string): void {
    const known = this.groups.get(groupId)
    const others = known === undefined ? [] : othersIn(known.group)
    this.groups.forEach((state) => {
      const { group } = state
      const isConcerned =
        group.groupId === groupId || others.includes(group.groupId) || othersIn(group).includes(groupId)
      if (isConcerned) this.forgetOrder(state)
    })
  }

  private forgetOrder(state: GroupState): void {
    if (state.order === undefined) return
    state.order = undefined
    this.orders--
  }

  private stateOf(groupId: string): GroupState {
    const state = this.groups.get(groupId)
    assert(state !== undefined, () => `there is no group ${groupId}`)
    return state
  }

  // --- tasks ---

  place(groupId: string, resources: Quantities): Placement {
    const state = this.stateOf(groupId)
    const { frameworkId, role } = state.group
    const { clients, hosts, quotas } = this.books
    const framework = clients.frameworkOf(frameworkId)
    if (framework === null || !framework.isActive || !framework.roles.includes(role))
      return refused("inactive")
    const { request } = state
    request.set(resources)
    const client = clients.nodeOf(frameworkId, role)
    if (quotas.hasQuotas) {
      const refusal = this.quotaRefusal(client, request)
      if (refusal !== null) return refusal
    }
    const slot = this.orderOf(state, client).find(request)
    if (slot < 0) {
      return refused(slot === NO_HOST ? "constraints" : slot === NONE_ADMITTED ? "rules" : "short")
    }
    this.books.take(client, slot, request.bundle)
    const agentId = hosts.ids[slot]!
    state.counts.add(agentId, slot, 1)
    this.noteNeighbours(slot)
    return { type: "placed", agentId }
  }

  adopt(groupId: string, agentId: string, resources: Quantities): void {
    const state = this.stateOf(groupId)
    this.books.adopt(scopeOf(state.group, agentId), quantitiesToResources(resources))
    this.count(state, agentId, 1)
  }

  end(groupId: string, agentId: string, resources: Quantities): void {
    const state = this.stateOf(groupId)
    assert(state.counts.on(agentId) > 0, () => `no task of group ${groupId} is on agent ${agentId}`)
    this.books.release(scopeOf(state.group, agentId), quantitiesToResources(resources))
    this.count(state, agentId, -1)
  }

  countOn(groupId: string, agentId: string): number {
    const state = this.groups.get(groupId)
    return state === undefined ? 0 : state.counts.on(agentId)
  }

  private count({ counts }: GroupState, agentId: string, change: 1 | -1): void {
    const { hosts } = this.books
    const slot = hosts.slotOf(agentId)
    counts.add(agentId, slot, change)
    if (slot === undefined) return
    // Bans count tasks: a task may hold nothing, so that the books note no change.
    hosts.changes.note(slot)
    this.noteNeighbours(slot)
  }

  /** A ban of a hostname concerns all agents that have it. */
  private noteNeighbours(slot: number): void {
    const hostnames = this.domainBook.knownDomainsOf(byHostname)
    // Nobody has such a ban, or no hostname has several agents.
    if (hostnames === undefined || hostnames.isOneHostEach) return
    const { changes } = this.books.hosts
    hostnames.forEachHost(hostnames.numbers[slot]!, (other) => changes.note(other))
  }

  /** What a cycle would let a client have in both its stages: what reaches the guarantee, and more below limit and surplus. */
  private quotaRefusal(client: number, { columns, amounts }: PlacementRequest): Placement | null {
    const { quotas, hosts, clients } = this.books
    quotas.refresh()
    const top = clients.tops[client]!
    let refusal: Placement | null = null
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index]!
      const milli = amounts[index]!
      if (milli === Number.POSITIVE_INFINITY) continue
      if (milli > quotas.roomBelowLimit(top, column)) return refused("limit")
      const guaranteed = Math.min(milli, quotas.unsatisfied(top, column))
      const surplus = quotas.surplusOf(column, hosts.activeAvailable[column] || 0)
      if (milli - guaranteed > Math.max(0, surplus)) refusal = refused("headroom")
    }
    return refusal
  }

  // --- orders ---

  private orderOf(state: GroupState, client: number): GroupOrder {
    const { unfit, predicates } = this.books.clients
    state.lastUsed = ++this.uses
    const isSameClient =
      state.client === client && state.unfit === unfit[client] && state.clientPredicate === predicates[client]
    if (state.order !== undefined && isSameClient && state.order.isCurrent()) return state.order
    this.forgetOrder(state)
    if (this.orders >= maxOrders) this.forgetOldest()
    state.client = client
    state.unfit = unfit[client]!
    state.clientPredicate = predicates[client]
    const { hosts, names } = this.books
    const slots = this.sorted().filter((slot) => this.mayUse(state, slot))
    const made = new GroupOrder(hosts, names, slots, this.admissionFor(state), state.group.prefer)
    state.order = made
    this.orders++
    return made
  }

  private forgetOldest(): void {
    let oldest: GroupState | undefined
    this.groups.forEach((state) => {
      if (state.order === undefined) return
      if (oldest === undefined || state.lastUsed < oldest.lastUsed) oldest = state
    })
    this.forgetOrder(oldest!)
  }

  private mayUse({ unfit, clientPredicate, predicate }: GroupState, slot: number): boolean {
    const { hosts } = this.books
    if ((unfit & hosts.demands[slot]!) !== 0) return false
    const agent = hosts.agents[slot]!
    if (clientPredicate !== undefined && !clientPredicate(agent)) return false
    return predicate === undefined || predicate(agent)
  }

  private admissionFor({ group }: GroupState): Admission {
    const avoidances: Array<Avoidance> = []
    this.groups.forEach(({ group: other }) => {
      if (other.groupId === group.groupId) return
      for (const rule of other.rules) {
        if (rule.type !== "apart" || !rule.of.includes(group.groupId)) continue
        avoidances.push({ topology: rule.topology, by: other.groupId })
      }
    })
    const countsOf = (groupId: string): TaskCounts | undefined => {
      const state = this.groups.get(groupId)
      return state === undefined ? undefined : state.counts
    }
    return admissionOf(group.groupId, group.rules, avoidances, this.domainBook, countsOf)
  }

  /** Active hosts by hash, then id. */
  private sorted(): ReadonlyArray<number> {
    const { hosts } = this.books
    if (this.sortedShape === hosts.shape) return this.sortedSlots
    // Hash and slot in one number, so that numbers are sorted, which is many times faster than by a comparison in JavaScript.
    const keys = new Float64Array(hosts.activeCount)
    let count = 0
    for (let slot = 0; slot < hosts.bound; slot++) {
      if ((hosts.flags[slot]! & ACTIVE) !== 0) keys[count++] = hosts.hashes[slot]! * 0x200000 + slot
    }
    const slots = Array.from(keys.sort(), (key) => key % 0x200000)
    // Slots say nothing of ids.
    for (let place = 1; place < slots.length; place++) {
      for (let at = place; at > 0 && this.isMisplaced(slots[at - 1]!, slots[at]!); at--) {
        const slot = slots[at]!
        slots[at] = slots[at - 1]!
        slots[at - 1] = slot
      }
    }
    this.sortedSlots = slots
    this.sortedShape = hosts.shape
    return slots
  }

  private isMisplaced(left: number, right: number): boolean {
    const { hashes, ids } = this.books.hosts
    return hashes[left] === hashes[right] && ids[left]! > ids[right]!
  }
}

const byHostname: Topology = { type: "hostname" }

const refusals: { readonly [reason in PlacementRefusal]: Placement } = {
  inactive: { type: "refused", reason: "inactive" },
  limit: { type: "refused", reason: "limit" },
  headroom: { type: "refused", reason: "headroom" },
  constraints: { type: "refused", reason: "constraints" },
  rules: { type: "refused", reason: "rules" },
  short: { type: "refused", reason: "short" },
}

const refused = (reason: PlacementRefusal): Placement => refusals[reason]

const scopeOf = ({ frameworkId, role }: PlacementGroup, agentId: string): AllocationScope => ({
  frameworkId,
  role,
  agentId,
})

/** Groups that its rules name. */
const othersIn = ({ rules }: PlacementGroup): ReadonlyArray<string> =>
  ([] as ReadonlyArray<string>).concat(
    ...rules.map((rule) => (rule.type === "near" || rule.type === "apart" ? rule.of : [])),
  )
