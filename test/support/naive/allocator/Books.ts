import { assert } from "../../../../core/Assert.ts"
import type {
  AllocationScope,
  AllocatorAgent,
  AllocatorFramework,
} from "../../../../core/allocation/Allocator.ts"
import type { AllocatorSettings } from "../../../../core/allocation/Settings.ts"
import { numberOf } from "../../../../core/NumberByName.ts"
import { resourcesBeyond } from "../../../../core/resources/Difference.ts"
import {
  amountOf,
  noQuantities,
  type Quantities,
  shortages,
  smallerQuantities,
  toQuantities,
} from "../../../../core/resources/Quantities.ts"
import { isPlain, isUnreserved, type Resource, reservationRole } from "../../../../core/resources/Resource.ts"
import {
  addResources,
  noResources,
  pickResources,
  plainQuantities,
  type Resources,
  resourcesToText,
  scalarQuantities,
  toResources,
} from "../../../../core/resources/Resources.ts"

/** What one client holds of one agent. */
export interface Holding extends AllocationScope {
  resources: Resources
}

export const topLevelOf = (role: string): string => role.split("/")[0]!
/** `a/b` → `a`, `a/b`. */
export const pathsTo = (role: string): ReadonlyArray<string> =>
  role.split("/").map((_, index, names) => names.slice(0, index + 1).join("/"))
export const isBelow = (role: string, path: string): boolean => role === path || role.startsWith(`${path}/`)

/** Unreserved, not revocable, scalar: what quotas, headroom and parts are about. A MOUNT disk is one of them too. */
export const isFreeScalar = ({ kind }: Resource): boolean =>
  kind.type === "scalar" && isUnreserved(kind) && !kind.revocable

const sumQuantities = (list: ReadonlyArray<Quantities>): Quantities =>
  toQuantities(list.flatMap((quantities) => Object.entries(quantities)))

/** Agents, frameworks and who holds what. Every figure is summed up anew from these lists whenever somebody asks. */
export class Books {
  readonly agents = new Map<string, AllocatorAgent>()
  readonly frameworks = new Map<string, AllocatorFramework>()
  holdings: ReadonlyArray<Holding> = []
  settings: AllocatorSettings

  constructor(settings: AllocatorSettings) {
    this.settings = settings
  }

  /** Each holding for itself: two tasks may claim the same port, which is free only after both. */
  hold({ frameworkId, role, agentId }: AllocationScope, resources: Resources): void {
    this.holdings = [...this.holdings, { frameworkId, role, agentId, resources }]
  }

  release(scope: AllocationScope, resources: Resources): void {
    let wanted = resources
    const left = this.holdings.map((holding) => {
      if (!isSameScope(holding, scope)) return holding
      const kept = resourcesBeyond(holding.resources, wanted)
      wanted = resourcesBeyond(wanted, holding.resources)
      return { ...holding, resources: kept }
    })
    assert(wanted.length === 0, `${scope.frameworkId} does not hold ${resourcesToText(wanted)}`)
    this.holdings = left.filter((holding) => holding.resources.length > 0)
  }

  // --- an agent ---

  allocatedOn(agentId: string): Resources {
    return this.holdings
      .filter((holding) => holding.agentId === agentId)
      .map(({ resources }) => resources)
      .reduce(addResources, noResources)
  }

  availableOn(agentId: string): Resources {
    const agent = this.agents.get(agentId)
    if (agent === undefined) return noResources
    return withoutReserve(this.freeOn(agent), agent.reserve)
  }

  heldOn(agentId: string): Quantities {
    const agent = this.agents.get(agentId)
    if (agent === undefined) return noQuantities
    return smallerQuantities(agent.reserve, plainQuantities(this.freeOn(agent)))
  }

  missingFromReserveOf(agentId: string): Quantities {
    const agent = this.agents.get(agentId)
    if (agent === undefined) return noQuantities
    const attainable = smallerQuantities(agent.reserve, plainQuantities(agent.total))
    return shortages(plainQuantities(this.freeOn(agent)), attainable)
  }

  /** `total − allocated`, at least nothing. What is shared stays free, however many hold it. */
  private freeOn(agent: AllocatorAgent): Resources {
    const exclusive = pickResources(this.allocatedOn(agent.agentId), ({ kind }) => !kind.shared)
    return resourcesBeyond(agent.total, exclusive)
  }

  // --- shares ---

  clusterTotal(): Quantities {
    return sumQuantities(Array.from(this.agents.values(), ({ total }) => scalarQuantities(total)))
  }

  /** Scalars of the holdings that are wanted; on each agent a shared resource counts once. */
  scalarsHeld(isWanted: (holding: Holding) => boolean): Quantities {
    const wanted = this.holdings.filter(isWanted)
    const held = Array.from(new Set(wanted.map(({ agentId }) => agentId)), (agentId) =>
      wanted
        .filter((holding) => holding.agentId === agentId)
        .map(({ resources }) => resources)
        .reduce(addResources, noResources),
    )
    return sumQuantities(held.map(scalarQuantities))
  }

  heldBySubtree(path: string): Quantities {
    return this.scalarsHeld(({ role }) => isBelow(role, path))
  }

  /** Dominant share over weight (spec/mesos.md §1.4). */
  weighted(held: Quantities, weight: number): number {
    const total = this.clusterTotal()
    let largest = 0
    for (const [name, milli] of Object.entries(held)) {
      if (amountOf(total, name) === 0 || this.settings.excludedNames.includes(name)) continue
      largest = Math.max(largest, milli / amountOf(total, name))
    }
    return largest / weight
  }

  shareOf(path: string): number {
    return this.weighted(this.heldBySubtree(path), numberOf(this.settings.weights, path, 1))
  }

  // --- quota ---

  /** All reservations for the subtree, taken or not, and what it holds of the unreserved rest. */
  consumedQuotaOf(topLevelRole: string): Quantities {
    const reservations = Array.from(this.agents.values(), ({ total }) =>
      scalarQuantities(
        pickResources(total, ({ kind }) => {
          const owner = reservationRole(kind)
          return owner !== null && isBelow(owner, topLevelRole)
        }),
      ),
    )
    const unreserved = this.holdings
      .filter(({ role }) => isBelow(role, topLevelRole))
      .map(({ resources }) => scalarQuantities(pickResources(resources, isFreeScalar)))
    return sumQuantities([...reservations, ...unreserved])
  }

  /** Infinity where the top-level role of this one has no limit. */
  limitLeft(role: string, name: string): number {
    const top = topLevelOf(role)
    const limit = numberOf(this.quotaOf(top).limits, name, Number.POSITIVE_INFINITY)
    return Math.max(0, limit - amountOf(this.consumedQuotaOf(top), name))
  }

  /** What is still missing of the guarantee of the top-level role of this one. */
  unmetGuarantee(role: string): Quantities {
    const top = topLevelOf(role)
    return shortages(this.consumedQuotaOf(top), this.quotaOf(top).guarantees)
  }

  requiredHeadroom(): Quantities {
    return sumQuantities(Object.keys(this.settings.quotas).map((role) => this.unmetGuarantee(role)))
  }

  availableHeadroom(): Quantities {
    return sumQuantities(
      Array.from(this.agents.values())
        .filter(({ isActive }) => isActive)
        .map(({ agentId }) => scalarQuantities(pickResources(this.availableOn(agentId), isFreeScalar))),
    )
  }

  /** What may be given away of a name without eating anybody's guarantee; Infinity where none is open. */
  surplus(name: string): number {
    const required = amountOf(this.requiredHeadroom(), name)
    if (required === 0) return Number.POSITIVE_INFINITY
    return Math.max(0, amountOf(this.availableHeadroom(), name) - required)
  }

  private quotaOf(topLevelRole: string) {
    const found = Object.entries(this.settings.quotas).find(([role]) => role === topLevelRole)
    return found?.[1] ?? { guarantees: {}, limits: {} }
  }
}

export const isSameScope = (left: AllocationScope, right: AllocationScope): boolean =>
  left.frameworkId === right.frameworkId && left.role === right.role && left.agentId === right.agentId

const withoutReserve = (free: Resources, reserve: Quantities): Resources =>
  toResources(
    free.map((resource) =>
      resource.kind.type === "scalar" && isPlain(resource.kind)
        ? {
            kind: resource.kind,
            value: Math.max(0, (resource.value as number) - amountOf(reserve, resource.kind.name)),
          }
        : resource,
    ),
  )
