import { containsQuantities, type Quantities } from "../resources/Quantities.ts"

/** A framework's wish not to see an agent's resources for a while: what it refused, and until when. */
export interface OfferFilter {
  readonly resources: Quantities
  readonly expiresAtMs: number
}

/** Whom a filter concerns (spec/mesos.md §1.5: scope is framework, role, agent). */
export interface FilterScope {
  readonly frameworkId: string
  readonly role: string
  readonly agentId: string
}

/** A key no id or role can forge, since JSON quotes them; used for the row and for the deadline. */
export const filterKey = (scope: FilterScope): string =>
  JSON.stringify([scope.frameworkId, scope.role, scope.agentId])

export const filterScope = (key: string): FilterScope => {
  const [frameworkId, role, agentId] = JSON.parse(key) as [string, string, string]
  return { frameworkId, role, agentId }
}

/** The filters in force, by scope. Plain data apart from the map; expiry is driven by the machine's deadlines. */
export type OfferFilters = Map<string, ReadonlyArray<OfferFilter>>

/**
 * Adds a filter. Within one scope a filter is dropped when another covers more for longer, so the list stays short:
 * each remaining one either refuses more or lasts longer than every other.
 */
export const addFilter = (filters: OfferFilters, key: string, filter: OfferFilter): void => {
  const others = filters.get(key) || []
  if (others.some((other) => covers(other, filter))) return
  filters.set(key, others.filter((other) => !covers(filter, other)).concat([filter]))
}

const covers = (wide: OfferFilter, narrow: OfferFilter): boolean =>
  wide.expiresAtMs >= narrow.expiresAtMs && containsQuantities(wide.resources, narrow.resources)

/** Drops what has expired. */
export const expireFilters = (filters: OfferFilters, key: string, nowMs: number): void => {
  const left = (filters.get(key) || []).filter((filter) => filter.expiresAtMs > nowMs)
  if (left.length === 0) filters.delete(key)
  else filters.set(key, left)
}

/** When the scope next changes by time alone; null without filters. */
export const nextExpiryMs = (filters: OfferFilters, key: string): number | null => {
  const list = filters.get(key)
  return list === undefined ? null : Math.min(...list.map((filter) => filter.expiresAtMs))
}

/**
 * Whether an offer is filtered: some refused set contains all of what is offered (spec/mesos.md §1.5). If even a bit
 * more is available than was refused, the filter does not apply.
 */
export const isFiltered = (
  filters: OfferFilters,
  scope: FilterScope,
  offered: Quantities,
  nowMs: number,
): boolean =>
  (filters.get(filterKey(scope)) || []).some(
    (filter) => filter.expiresAtMs > nowMs && containsQuantities(filter.resources, offered),
  )
