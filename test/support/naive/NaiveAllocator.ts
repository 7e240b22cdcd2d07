import { assert } from "../../../core/Assert.ts"
import {
  type Allocation,
  type AllocationScope,
  type Allocations,
  type Allocator,
  type AllocatorAgent,
  type AllocatorFramework,
  type ClientRow,
  type FilterRow,
  filterKey,
  type Refusal,
  type RoleRow,
} from "../../../core/allocation/Allocator.ts"
import type { AllocatorSettings, Quota } from "../../../core/allocation/Settings.ts"
import type { Entity, EntityRef } from "../../../core/Machine.ts"
import { nextUint32, type Prng } from "../../../core/Prng.ts"
import { plainToResources, resourcesToPlain } from "../../../core/resources/PlainForm.ts"
import { noQuantities, type Quantities } from "../../../core/resources/Quantities.ts"
import {
  containsResources,
  noResources,
  pickResources,
  type Resources,
  resourcesToText,
} from "../../../core/resources/Resources.ts"
import { Books } from "./allocator/Books.ts"
import { Clients, keyOfClient } from "./allocator/Clients.ts"
import { Cycle } from "./allocator/Cycle.ts"
import { effectiveMs, type NaiveFilter, requestedMs, withoutCovered } from "./allocator/Filters.ts"
import { NaivePlacer } from "./NaivePlacer.ts"

/**
 * The slow, obvious twin of the allocator: plain lists, everything recomputed whenever somebody asks, straight from the contract in
 * core/allocation/Allocator.ts and spec/mesos.md §1.3–1.12. Where those leave something open, a comment says "Reading".
 */
export class NaiveAllocator implements Allocator {
  private readonly books: Books
  private readonly clients: Clients
  private readonly prng: Prng
  private filters: ReadonlyArray<NaiveFilter> = []
  /** Whether anything happened since the last cycle. */
  private isChanged = true
  /** What `takeChanged` has told last, as text by kind and key. */
  private told = new Map<string, string>()

  constructor(settings: AllocatorSettings, prng: Prng, rows: ReadonlyArray<Entity> = []) {
    this.books = new Books(settings)
    this.clients = new Clients(this.books)
    this.prng = prng
    for (const { kind, key, value } of rows) {
      if (kind === "role") this.clients.storedRoleGrants.set(key, (value as RoleRow).grants)
      if (kind === "client") this.clients.storedClients.set(key, value as ClientRow)
      if (kind === "filter") {
        const [frameworkId, role, agentId] = JSON.parse(key) as [string, string, string]
        const row = (value as FilterRow).map((filter) => {
          const resources = plainToResources(filter.resources)
          return { frameworkId, role, agentId, ...filter, resources }
        })
        this.filters = [...this.filters, ...row]
      }
    }
    this.told = this.rowTexts()
  }

  // --- agents and frameworks ---

  putAgent(agent: AllocatorAgent): void {
    const before = this.books.agents.get(agent.agentId)
    const looks = ({ attributes, capabilities, region, zone }: AllocatorAgent) =>
      JSON.stringify([attributes, capabilities, region, zone])
    if (before !== undefined && looks(before) !== looks(agent)) {
      this.keepFilters(({ agentId }) => agentId !== agent.agentId)
    }
    this.books.agents.set(agent.agentId, agent)
    this.finish()
  }

  removeAgent(agentId: string): void {
    assert(
      !this.books.holdings.some((holding) => holding.agentId === agentId),
      `agent ${agentId} is removed while something of it is held`,
    )
    this.books.agents.delete(agentId)
    this.keepFilters((filter) => filter.agentId !== agentId)
    this.finish()
  }

  setReserve(agentId: string, reserve: Quantities): void {
    const agent = this.books.agents.get(agentId)
    if (agent !== undefined) this.books.agents.set(agentId, { ...agent, reserve })
    this.finish()
  }

  putFramework(framework: AllocatorFramework): void {
    const { frameworkId, roles, isActive } = framework
    const before = this.books.frameworks.get(frameworkId)
    if (before !== undefined) {
      // Roles are left first and joined then: in between a role may lose its virtual leaf.
      const kept = before.roles.filter((role) => roles.includes(role))
      this.books.frameworks.set(frameworkId, { ...before, roles: kept })
      this.finish()
    }
    this.books.frameworks.set(frameworkId, framework)
    this.keepFilters(
      (filter) => filter.frameworkId !== frameworkId || (isActive && roles.includes(filter.role)),
    )
    this.finish()
  }

  removeFramework(frameworkId: string): void {
    this.books.frameworks.delete(frameworkId)
    this.keepFilters((filter) => filter.frameworkId !== frameworkId)
    this.finish()
  }

  setWeight(role: string, weight: number): void {
    const { settings } = this.books
    this.books.settings = { ...settings, weights: { ...settings.weights, [role]: weight } }
    this.finish()
  }

  setQuota(role: string, quota: Quota | null): void {
    const { settings } = this.books
    const others = Object.entries(settings.quotas).filter(([name]) => name !== role)
    const quotas = Object.fromEntries(quota === null ? others : [...others, [role, quota]])
    this.books.settings = { ...settings, quotas }
    this.finish()
  }

  // --- who holds what ---

  charge(scope: AllocationScope, resources: Resources): void {
    const available = this.availableOn(scope.agentId)
    if (!this.books.agents.has(scope.agentId)) return
    // Reading: of a shared resource as many copies as one likes, as long as the agent has it.
    const exclusive = pickResources(resources, ({ kind }) => !kind.shared)
    const isThere = resources.every(({ kind }) => available.some((other) => other.kind.key === kind.key))
    assert(
      isThere && containsResources(available, exclusive),
      `agent ${scope.agentId} has ${resourcesToText(available)} left, not ${resourcesToText(resources)}`,
    )
    this.adopt(scope, resources)
  }

  adopt(scope: AllocationScope, resources: Resources): void {
    if (resources.length === 0 || !this.books.agents.has(scope.agentId)) return
    this.books.hold(scope, resources)
    this.finish()
  }

  release(scope: AllocationScope, resources: Resources): void {
    if (resources.length === 0 || !this.books.agents.has(scope.agentId)) return
    this.books.release(scope, resources)
    this.finish()
  }

  /** Whoever asks gets one that knows no group and no task yet. */
  placer(): NaivePlacer {
    return new NaivePlacer(this.books, this)
  }

  // --- filters ---

  refuse(scope: AllocationScope, resources: Resources, refusal: Refusal): void {
    const { frameworkId, role, agentId } = scope
    // Reading: nobody needs a filter of nothing, nor one of a client that gets no offers and has lost the filters it had.
    if (resources.length === 0 || !this.books.agents.has(agentId)) return
    const framework = this.books.frameworks.get(frameworkId)
    if (framework === undefined || !framework.isActive || !framework.roles.includes(role)) return
    // Reading: a round counts as declined even if the refusal leaves no filter behind.
    const declinedRounds = this.noteDeclined(scope, refusal)
    const { settings } = this.books
    const requested = requestedMs(refusal.refuseMs, settings)
    const lastsMs = requested === null ? 0 : effectiveMs(requested, refusal, declinedRounds, settings)
    if (requested !== null && lastsMs > 0) {
      const expiresAtMs = refusal.nowMs + lastsMs
      const filter = { frameworkId, role, agentId, resources, expiresAtMs, backoffMs: lastsMs - requested }
      this.filters = withoutCovered([...this.filters, filter])
    }
    this.finish()
  }

  private noteDeclined(scope: AllocationScope, refusal: Refusal): number {
    const { declinedRounds, roundAtMs } = this.clients.find(scope)!
    const isNewRound = refusal.isDecline && refusal.offeredAtMs > roundAtMs
    if (this.books.settings.backoffMsMax === null || !isNewRound) return declinedRounds
    this.clients.change(scope, { declinedRounds: declinedRounds + 1, roundAtMs: refusal.nowMs })
    return declinedRounds + 1
  }

  dropFilters(frameworkId: string, roles: ReadonlyArray<string> | null): void {
    const isMeant = (scope: { frameworkId: string; role: string }) =>
      scope.frameworkId === frameworkId && (roles === null || roles.includes(scope.role))
    this.keepFilters((filter) => !isMeant(filter))
    for (const client of this.clients.list.filter(isMeant)) this.clients.change(client, { declinedRounds: 0 })
    this.finish()
  }

  noteAccepted(frameworkId: string, role: string): void {
    const client = this.clients.find({ frameworkId, role })
    if (client !== undefined) this.clients.change(client, { declinedRounds: 0 })
    this.finish()
  }

  wake(frameworkId: string, nowMs: number): void {
    for (const client of this.clients.list) {
      if (client.frameworkId === frameworkId) this.clients.change(client, { declinedRounds: 0 })
    }
    this.filters = withoutCovered(
      this.filters.flatMap((filter) => {
        const { backoffMs } = filter
        const expiresAtMs = filter.expiresAtMs - backoffMs
        if (filter.frameworkId !== frameworkId || backoffMs === 0) return [filter]
        return expiresAtMs > nowMs ? [{ ...filter, expiresAtMs, backoffMs: 0 }] : []
      }),
    )
    this.finish()
  }

  // --- the cycle ---

  allocate(nowMs: number, _scope: "changed" | "all"): Allocations {
    this.keepFilters(({ expiresAtMs }) => expiresAtMs > nowMs)
    const firstDraw = nextUint32(this.prng)
    const secondDraw = nextUint32(this.prng)
    const cycle = new Cycle(this.books, this.clients, this.filters, nowMs)
    cycle.run(firstDraw, secondDraw)
    this.finish()
    this.isChanged = false
    return { count: cycle.made.length, at: (index): Allocation => cycle.made[index]! }
  }

  hasCandidates(): boolean {
    return this.isChanged
  }

  filterCountOf(frameworkId: string, role: string): number {
    return this.filters.filter((filter) => filter.frameworkId === frameworkId && filter.role === role).length
  }

  nextExpiryMs(): number | null {
    return this.filters.length === 0 ? null : Math.min(...this.filters.map(({ expiresAtMs }) => expiresAtMs))
  }

  // --- what the books say ---

  clusterTotal(): Quantities {
    return this.books.clusterTotal()
  }

  availableOn(agentId: string): Resources {
    return this.books.availableOn(agentId)
  }

  allocatedOn(agentId: string): Resources {
    return this.books.agents.has(agentId) ? this.books.allocatedOn(agentId) : noResources
  }

  heldOn(agentId: string): Quantities {
    return this.books.heldOn(agentId)
  }

  missingFromReserveOf(agentId: string): Quantities {
    return this.books.missingFromReserveOf(agentId)
  }

  allocatedToRole(role: string): Quantities {
    return this.books.heldBySubtree(role)
  }

  allocatedToFramework(role: string, frameworkId: string): Quantities {
    const client = this.clients.find({ role, frameworkId })
    return client === undefined ? noQuantities : this.clients.heldBy(client)
  }

  shareOf(role: string): number {
    return this.books.shareOf(role)
  }

  consumedQuotaOf(role: string): Quantities {
    return this.books.consumedQuotaOf(role)
  }

  // --- rows ---

  snapshot(): ReadonlyArray<Entity> {
    const roles = Array.from(this.clients.roleGrants)
      // Of a virtual leaf even 0 tells something: that it took nothing over from its role.
      .filter(([path, grants]) => grants > 0 || path.endsWith("/."))
      .map(([key, grants]) => ({ kind: "role", key, value: { grants } }))
    const clients = this.clients.list
      .map((client) => {
        const { grants, declinedRounds, roundAtMs } = client
        return { kind: "client", key: keyOfClient(client), value: { grants, declinedRounds, roundAtMs } }
      })
      .filter(({ value }) => value.grants > 0 || value.declinedRounds > 0 || value.roundAtMs >= 0)
    const filters = Array.from(new Set(this.filters.map(filterKey)), (key) => ({
      kind: "filter",
      key,
      value: this.filtersOf(key),
    }))
    return [...clients, ...filters, ...roles].sort((left, right) =>
      compareTexts(`${left.kind} ${left.key}`, `${right.kind} ${right.key}`),
    )
  }

  private filtersOf(key: string): FilterRow {
    return this.filters
      .filter((filter) => filterKey(filter) === key)
      .map(({ resources, expiresAtMs, backoffMs }) => {
        return { resources: resourcesToPlain(resources), expiresAtMs, backoffMs }
      })
      .sort(
        (left, right) =>
          left.expiresAtMs - right.expiresAtMs ||
          compareTexts(JSON.stringify(left.resources), JSON.stringify(right.resources)),
      )
  }

  row({ kind, key }: EntityRef): unknown {
    return this.snapshot().find((entity) => entity.kind === kind && entity.key === key)?.value
  }

  takeChanged(): ReadonlyArray<EntityRef> {
    const before = this.told
    const now = this.rowTexts()
    this.told = now
    const keys = Array.from(new Set([...before.keys(), ...now.keys()])).sort()
    return keys
      .filter((key) => before.get(key) !== now.get(key))
      .map((text) => {
        const [kind, key] = JSON.parse(text) as [string, string]
        return { kind, key }
      })
  }

  private rowTexts(): Map<string, string> {
    return new Map(
      this.snapshot().map(({ kind, key, value }) => [JSON.stringify([kind, key]), JSON.stringify(value)]),
    )
  }

  private keepFilters(isKept: (filter: NaiveFilter) => boolean): void {
    this.filters = this.filters.filter(isKept)
  }

  private finish(): void {
    this.clients.bringUpToDate()
    this.isChanged = true
  }
}

const compareTexts = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
