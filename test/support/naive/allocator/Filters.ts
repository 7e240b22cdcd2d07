import type { AllocationScope, Refusal } from "../../../../core/allocation/Allocator.ts"
import type { AllocatorSettings } from "../../../../core/allocation/Settings.ts"
import { containsResources, type Resources } from "../../../../core/resources/Resources.ts"
import { isSameScope } from "./Books.ts"

/** Refused resources stay away from who refused them (spec/mesos.md §1.5). */
export interface NaiveFilter extends AllocationScope {
  readonly resources: Resources
  readonly expiresAtMs: number
  readonly backoffMs: number
}

/** For how long, in ms; null = no filter at all. */
export const requestedMs = (refuseMs: number | null, settings: AllocatorSettings): number | null => {
  if (refuseMs === null || Number.isNaN(refuseMs) || refuseMs < 0) return settings.refuseMsDefault
  if (refuseMs === 0 && settings.canRefuseForZero) return null
  return Math.min(settings.refuseMsMax, Math.max(settings.refuseMsMin, refuseMs))
}

/** With back-off: doubled with each round that was declined before, up to a maximum that cuts nothing of what was asked for. */
export const effectiveMs = (
  requested: number,
  refusal: Refusal,
  declinedRounds: number,
  settings: AllocatorSettings,
): number => {
  if (settings.backoffMsMax === null || !refusal.isDecline) return requested
  const doublings = Math.min(20, Math.max(1, declinedRounds) - 1)
  let doubled = requested
  for (let time = 0; time < doublings; time++) doubled *= 2
  return Math.max(requested, Math.min(doubled, settings.backoffMsMax))
}

const covers = (wide: NaiveFilter, narrow: NaiveFilter): boolean =>
  isSameScope(wide, narrow) &&
  wide.expiresAtMs >= narrow.expiresAtMs &&
  containsResources(wide.resources, narrow.resources)

/** Without those that another covers; of two that cover each other the earlier stays. */
export const withoutCovered = (filters: ReadonlyArray<NaiveFilter>): ReadonlyArray<NaiveFilter> =>
  filters.filter(
    (filter, index) =>
      !filters.some(
        (other, otherIndex) =>
          otherIndex !== index && covers(other, filter) && (!covers(filter, other) || otherIndex < index),
      ),
  )

export const isFiltered = (
  filters: ReadonlyArray<NaiveFilter>,
  scope: AllocationScope,
  offered: Resources,
  nowMs: number,
): boolean =>
  filters.some(
    (filter) =>
      isSameScope(filter, scope) &&
      filter.expiresAtMs > nowMs &&
      containsResources(filter.resources, offered),
  )
