import type { Quota } from "../allocation/Settings.ts"
import {
  amountOf,
  isNoQuantities,
  noQuantities,
  type Quantities,
  shortages,
  smallerQuantities,
  sumOfQuantities,
  toQuantities,
} from "../resources/Quantities.ts"
import { plainQuantities } from "../resources/Resources.ts"
import { type MasterContext, sortedKeys } from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { rescindOffer, wantAllocationNow } from "./Offers.ts"
import type { MasterState, OfferRecord } from "./State.ts"

// What roles have been given: weights and quotas (spec/mesos.md §1.4, §1.10). The settings say it at first; what operators say later
// is part of the state and counts more.

/** By role path. */
export const weightsOf = ({ settings, weights }: MasterState): ReadonlyMap<string, number> => {
  const all = new Map<string, number>(Object.entries(settings.allocator.weights))
  weights.forEach(({ role, weight }) => {
    all.set(role, weight)
  })
  return all
}

/** By top-level role; those that were taken away are there, and empty. */
export const quotasOf = ({ settings, quotas }: MasterState): ReadonlyMap<string, Quota> => {
  const all = new Map<string, Quota>(Object.entries(settings.allocator.quotas))
  quotas.forEach(({ role, quota }) => {
    all.set(role, quota)
  })
  return all
}

const isNoQuota = ({ guarantees, limits }: Quota): boolean =>
  Object.keys(guarantees).length === 0 && Object.keys(limits).length === 0

/** Of a restored state, whose allocator has only heard of the settings. */
export const applyRoleSettings = ({ allocator, weights, quotas }: MasterState): void => {
  weights.forEach(({ role, weight }) => {
    allocator.setWeight(role, weight)
  })
  quotas.forEach(({ role, quota }) => {
    allocator.setQuota(role, isNoQuota(quota) ? null : quota)
  })
}

/**
 * The new weights count from the next cycle. When one of a role that somebody is in has changed, all offers are taken back for that, as in
 * Mesos: they were made by the old ones.
 */
export const onWeightsUpdated = (context: MasterContext, event: MasterEventOf<"WeightsUpdated">): void => {
  const { state, turn } = context
  const before = weightsOf(state)
  for (const record of event.weights) {
    state.weights.set(record.role, record)
    state.allocator.setWeight(record.role, record.weight)
    turn.touch("weight", record.role)
  }
  const after = weightsOf(state)
  const weightIn = (weights: ReadonlyMap<string, number>, role: string): number => {
    const weight = weights.get(role)
    return weight === undefined ? 1 : weight
  }
  const changed = event.weights.filter(({ role }) => weightIn(before, role) !== weightIn(after, role))
  if (!changed.some(({ role }) => hasMembers(state, role))) return
  for (const id of sortedKeys(state.offers)) rescindOffer(context, state.offers.get(id)!)
  wantAllocationNow(context)
}

const isWithin = (role: string, path: string): boolean => path === role || path.startsWith(`${role}/`)

const hasMembers = (state: MasterState, role: string): boolean => {
  let isFound = false
  state.frameworks.forEach(({ info }) => {
    if (info.roles.some((path) => isWithin(role, path))) isFound = true
  })
  return isFound
}

/** Takes back what is offered beyond the new limits, and as much of others' offers as the new guarantees lack (spec/mesos.md §1.10). */
export const onQuotasUpdated = (context: MasterContext, event: MasterEventOf<"QuotasUpdated">): void => {
  const { state, turn } = context
  for (const record of event.quotas) {
    state.quotas.set(record.role, record)
    state.allocator.setQuota(record.role, isNoQuota(record.quota) ? null : record.quota)
    turn.touch("quota", record.role)
  }
  for (const { role } of event.quotas) {
    const { quota } = state.quotas.get(role)!
    rescindBeyond(context, role, quota)
    rescindForGuarantee(context, role, quota)
  }
  if (event.quotas.length > 0) wantAllocationNow(context)
}

/** The role is listed no more, in contrast to one whose quota was updated to none (transcript legacy/idle_quota). */
export const onQuotaRemoved = (context: MasterContext, { role }: MasterEventOf<"QuotaRemoved">): void => {
  const { state, turn } = context
  const isSetting = Object.keys(state.settings.allocator.quotas).includes(role)
  if (isSetting) state.quotas.set(role, { role, quota: { guarantees: noQuantities, limits: {} } })
  else state.quotas.delete(role)
  state.allocator.setQuota(role, null)
  turn.touch("quota", role)
  wantAllocationNow(context)
}

const offersByAge = (
  state: MasterState,
  isWanted: (offer: OfferRecord) => boolean,
): ReadonlyArray<OfferRecord> =>
  sortedKeys(state.offers)
    .map((id) => state.offers.get(id)!)
    .filter(isWanted)
    .sort((left, right) => left.madeAtMs - right.madeAtMs || (left.id < right.id ? -1 : 1))

const rescindBeyond = (context: MasterContext, role: string, { limits }: Quota): void => {
  const { state } = context
  const excess = (): Quantities => {
    const held = state.allocator.allocatedToRole(role)
    return toQuantities(
      Object.keys(limits).map((name): [string, number] => [
        name,
        Math.max(0, amountOf(held, name) - limits[name]!),
      ]),
    )
  }
  let beyond = excess()
  if (isNoQuantities(beyond)) return
  for (const offer of offersByAge(state, (each) => isWithin(role, each.role))) {
    if (isNoQuantities(smallerQuantities(beyond, plainQuantities(offer.resources)))) continue
    rescindOffer(context, offer)
    beyond = excess()
    if (isNoQuantities(beyond)) return
  }
}

const rescindForGuarantee = (context: MasterContext, role: string, { guarantees }: Quota): void => {
  const { state } = context
  const { allocator } = state
  let missing = shortages(allocator.allocatedToRole(role), guarantees)
  if (isNoQuantities(missing)) return
  const free = sumOfQuantities(
    sortedKeys(state.agents).map((id) => plainQuantities(allocator.availableOn(id))),
  )
  missing = shortages(free, missing)
  for (const offer of offersByAge(state, (each) => !isWithin(role, each.role))) {
    const given = plainQuantities(offer.resources)
    if (isNoQuantities(smallerQuantities(missing, given))) continue
    rescindOffer(context, offer)
    missing = shortages(given, missing)
  }
}
