import type { Allocation, AllocationScope, AllocatorAgent } from "../../../../core/allocation/Allocator.ts"
import { hostHash, hostRank } from "../../../../core/allocation/VisitOrder.ts"
import { amountOf, containsQuantities } from "../../../../core/resources/Quantities.ts"
import { countOfRanges, lowestOfRanges } from "../../../../core/resources/Ranges.ts"
import {
  isAllocatableTo,
  isIndivisible,
  isReservedFor,
  isUnreserved,
  type Resource,
} from "../../../../core/resources/Resource.ts"
import {
  addResources,
  pickResources,
  plainQuantities,
  quantitiesWithCounts,
  type Resources,
  scalarQuantities,
  subtractResources,
  toResources,
} from "../../../../core/resources/Resources.ts"
import { type Books, isFreeScalar, isSameScope } from "./Books.ts"
import type { Clients, NaiveClient } from "./Clients.ts"
import { isFiltered, type NaiveFilter } from "./Filters.ts"
import { canHandle, isHidden } from "./Gates.ts"

/** How much of a name may be taken. */
type Cap = (name: string) => number

/**
 * One allocation cycle (spec/mesos.md §1.3). It looks at all active hosts whatever changed: a host on which nothing did has
 * nobody to offer to, says the contract, and the twin is there to prove that.
 */
export class Cycle {
  readonly made: Array<Allocation> = []
  /** `agentId key` of the shared resources that this cycle has offered. */
  private readonly offeredShared = new Set<string>()
  private readonly books: Books
  private readonly clients: Clients
  private readonly filters: ReadonlyArray<NaiveFilter>
  private readonly nowMs: number

  constructor(books: Books, clients: Clients, filters: ReadonlyArray<NaiveFilter>, nowMs: number) {
    this.books = books
    this.clients = clients
    this.filters = filters
    this.nowMs = nowMs
  }

  run(firstDraw: number, secondDraw: number): void {
    const quotas = Object.values(this.books.settings.quotas)
    const hasGuarantee = quotas.some(({ guarantees }) => Object.keys(guarantees).length > 0)
    for (const agent of hasGuarantee ? this.hostsInOrder(firstDraw) : []) {
      this.visit(agent, (client) => this.guaranteedPiece(client, agent))
    }
    for (const agent of this.hostsInOrder(secondDraw)) {
      const parts = this.partsOf(agent)
      if (parts > 1) this.visit(agent, (client) => this.fairPiece(client, agent, parts))
      this.visit(agent, (client) => this.fairPiece(client, agent, 1))
    }
  }

  private hostsInOrder(draw: number): ReadonlyArray<AllocatorAgent> {
    const rankOf = ({ agentId }: AllocatorAgent) => hostRank(hostHash(agentId), draw)
    return Array.from(this.books.agents.values())
      .filter(({ isActive }) => isActive)
      .sort((left, right) => rankOf(left) - rankOf(right) || (left.agentId < right.agentId ? -1 : 1))
  }

  /** Offers each client its piece, in the order of the moment at which the visit begins. */
  private visit(agent: AllocatorAgent, pieceFor: (client: NaiveClient) => Resources): void {
    for (const client of this.clients.inFairOrder()) {
      const framework = this.books.frameworks.get(client.frameworkId)!
      if (isHidden(agent, framework, client.role, this.books.settings)) continue
      const { frameworkId, role } = client
      const scope = { frameworkId, role, agentId: agent.agentId }
      const piece = pieceFor(client)
      if (this.isWorthOffering(client, piece) && !isFiltered(this.filters, scope, piece, this.nowMs)) {
        this.book(scope, piece)
      }
    }
  }

  private isWorthOffering({ frameworkId, role }: NaiveClient, piece: Resources): boolean {
    if (piece.every(({ kind }) => kind.shared)) return false
    const own = Object.entries(this.books.frameworks.get(frameworkId)!.minAllocatable)
    const minima = own.find(([name]) => name === role)?.[1] ?? this.books.settings.minAllocatable
    const amounts = quantitiesWithCounts(piece)
    return minima.length === 0 || minima.some((minimum) => containsQuantities(amounts, minimum))
  }

  private book(scope: AllocationScope, piece: Resources): void {
    this.books.hold(scope, piece)
    this.clients.noteGrant(scope)
    for (const { kind } of piece) {
      if (kind.shared) this.offeredShared.add(`${scope.agentId} ${kind.key}`)
    }
    const earlier = this.made.findIndex((allocation) => isSameScope(allocation, scope))
    if (earlier < 0) this.made.push({ ...scope, resources: piece })
    else this.made[earlier] = { ...scope, resources: addResources(this.made[earlier]!.resources, piece) }
  }

  /** What of an agent this framework may be shown at all, reserved for whomever. */
  private visibleTo({ frameworkId }: NaiveClient, { agentId }: AllocatorAgent): Resources {
    const framework = this.books.frameworks.get(frameworkId)!
    return pickResources(
      this.books.availableOn(agentId),
      (resource) =>
        canHandle(framework, resource) && !this.offeredShared.has(`${agentId} ${resource.kind.key}`),
    )
  }

  /** Stage 1: what is missing of the guarantee, and as much more as eats nobody else's. */
  private guaranteedPiece(client: NaiveClient, agent: AllocatorAgent): Resources {
    const { role } = client
    const visible = this.visibleTo(client, agent)
    const scalars = pickResources(visible, isFreeScalar)
    const unmet = this.books.unmetGuarantee(role)
    const guaranteed = chop(scalars, (name) => amountOf(unmet, name))
    if (guaranteed.length === 0) return []
    const amounts = scalarQuantities(guaranteed)
    const more = chop(subtractResources(scalars, guaranteed), (name) =>
      Math.min(this.books.limitLeft(role, name) - amountOf(amounts, name), this.books.surplus(name)),
    )
    const others = pickResources(
      visible,
      (resource) =>
        !isFreeScalar(resource) && (isUnreserved(resource.kind) || isReservedFor(resource.kind, role)),
    )
    return [guaranteed, more, others].reduce(addResources)
  }

  /** Stage 2, where with `parts` above 1 nobody takes more than that share of the host. */
  private fairPiece(client: NaiveClient, agent: AllocatorAgent, parts: number): Resources {
    const { role } = client
    const visible = this.visibleTo(client, agent)
    const total = plainQuantities(agent.total)
    const scalars = chop(pickResources(visible, isFreeScalar), (name) =>
      Math.min(
        this.books.limitLeft(role, name),
        this.books.surplus(name),
        parts > 1 ? Math.ceil(amountOf(total, name) / parts) : Number.POSITIVE_INFINITY,
      ),
    )
    const others = pickResources(
      visible,
      (resource) => !isFreeScalar(resource) && isAllocatableTo(resource.kind, role),
    )
    return addResources(scalars, parts > 1 ? toResources(others.map(lowestPart(agent, parts))) : others)
  }

  private partsOf({ total }: AllocatorAgent): number {
    const { partMin } = this.books.settings
    if (partMin === null) return 1
    const wanting = this.clients.list.filter((client) => this.clients.isActive(client)).length
    const hosts = Array.from(this.books.agents.values()).filter(({ isActive }) => isActive).length
    const scalars = plainQuantities(total)
    return Math.min(
      Math.floor(wanting / hosts),
      ...Object.entries(partMin).map(([name, milli]) => Math.floor(amountOf(scalars, name) / milli)),
    )
  }
}

/** Takes scalars up to a cap by name, in the order of their kinds. What is indivisible is taken as a whole or not at all. */
const chop = (scalars: Resources, cap: Cap): Resources => {
  const taken = new Map<string, number>()
  return toResources(
    scalars.flatMap(({ kind, value }): ReadonlyArray<Resource> => {
      const left = Math.max(0, cap(kind.name) - (taken.get(kind.name) ?? 0))
      const amount = value as number
      const part = isIndivisible(kind) && amount > left ? 0 : Math.min(amount, left)
      taken.set(kind.name, (taken.get(kind.name) ?? 0) + part)
      return [{ kind, value: part }]
    }),
  )
}

/** Of unreserved ranges and sets that are not revocable: as much as a part of what the agent has in all. */
const lowestPart =
  (agent: AllocatorAgent, parts: number) =>
  (resource: Resource): Resource => {
    const { kind, value } = resource
    if (kind.type === "scalar" || !isUnreserved(kind) || kind.revocable) return resource
    const whole = agent.total.find((other) => other.kind.key === kind.key)
    if (whole === undefined) return resource
    if (kind.type === "ranges") {
      const count = Math.ceil(countOfRanges(whole.value as ReadonlyArray<number>) / parts)
      return { kind, value: lowestOfRanges(value as ReadonlyArray<number>, count) }
    }
    const count = Math.ceil((whole.value as ReadonlyArray<string>).length / parts)
    return { kind, value: (value as ReadonlyArray<string>).slice(0, count) }
  }
