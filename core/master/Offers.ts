import { type AllocationRole, allocate } from "../allocation/Allocate.ts"
import {
  addFilter,
  expireFilters,
  filterKey,
  filterScope,
  isFiltered,
  nextExpiryMs,
} from "../allocation/OfferFilters.ts"
import { numberOf } from "../NumberByName.ts"
import { isNoQuantities, type Quantities } from "../resources/Quantities.ts"
import type { OfferedHost } from "./Action.ts"
import {
  allocationDeadline,
  deleteOffer,
  filterDeadline,
  type MasterContext,
  offerDeadline,
  offersOfFramework,
  putFramework,
  putOffer,
  sortedKeys,
} from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import type { FrameworkRecord, MasterState, OfferRecord } from "./State.ts"

// The life of offers: allocated in cycles, then declined, accepted (see Launches.ts), rescinded or timed out.

/**
 * Wants an allocation cycle as soon as this batch of events is over. All causes until then share the one cycle; in
 * contrast to Mesos, freed resources are a cause too and need not wait for a tick (spec/mesos.md §1.2, §7).
 */
export const wantAllocation = ({ state, nowMs }: MasterContext): void => {
  if (state.allocationDueAtMs !== null) return
  state.allocationDueAtMs = nowMs
  state.deadlines.set(allocationDeadline, nowMs)
}

/** Runs the cycle that is due and turns its decisions into one OFFERS action for each framework. */
export const runAllocation = (context: MasterContext): void => {
  const { state, nowMs } = context
  state.allocationDueAtMs = null
  const roles = rolesWantingOffers(state)
  if (roles.length === 0) return
  const connected = sortedKeys(state.agents).filter((id) => state.agents.get(id)!.condition === "connected")
  const allocations = allocate({
    agentIds: connected,
    roles,
    ledger: state.ledger,
    prng: state.prng,
    minimumOffers: state.settings.minimumOffers,
    isFiltered: (frameworkId, role, agentId, resources) =>
      isFiltered(state.filters, { frameworkId, role, agentId }, resources, nowMs),
  })
  const hostsByFramework = new Map<string, Array<OfferedHost>>()
  for (const { frameworkId, role, agentId, resources } of allocations) {
    const id = `${state.masterId}-O${state.nextOfferNumber++}`
    const offer: OfferRecord = { id, frameworkId, role, agentId, resources, madeAtMs: nowMs }
    putOffer(context, offer)
    if (state.settings.offerTimeoutMs !== null) {
      state.deadlines.set(offerDeadline(id), nowMs + state.settings.offerTimeoutMs)
    }
    const hosts = hostsByFramework.get(frameworkId) || []
    hosts.push({ offer, agent: state.agents.get(agentId)! })
    hostsByFramework.set(frameworkId, hosts)
  }
  keepGrants(context, roles)
  hostsByFramework.forEach((offers, frameworkId) => {
    const framework = state.frameworks.get(frameworkId)!
    context.turn.emit({ type: "OfferResources", streamId: framework.streamId!, framework, offers })
  })
}

const rolesWantingOffers = (state: MasterState): ReadonlyArray<AllocationRole> => {
  const roles = new Map<string, Array<{ frameworkId: string; grants: number }>>()
  for (const id of sortedKeys(state.frameworks)) {
    const framework = state.frameworks.get(id)!
    if (framework.streamId === null) continue
    for (const role of framework.info.roles) {
      if (framework.suppressedRoles.includes(role)) continue
      const frameworks = roles.get(role) || []
      frameworks.push({ frameworkId: id, grants: numberOf(framework.grants, role, 0) })
      roles.set(role, frameworks)
    }
  }
  return sortedKeys(roles).map((role) => ({
    role,
    weight: numberOf(state.settings.weights, role, 1),
    grants: state.roles.has(role) ? state.roles.get(role)!.grants : 0,
    frameworks: roles.get(role)!,
  }))
}

const keepGrants = (context: MasterContext, roles: ReadonlyArray<AllocationRole>): void => {
  const { state, turn } = context
  for (const { role, grants, frameworks } of roles) {
    const before = state.roles.get(role)
    if ((before === undefined ? 0 : before.grants) === grants) continue
    state.roles.set(role, { role, grants })
    turn.touch("role", role)
    for (const { frameworkId, grants: granted } of frameworks) {
      const framework = state.frameworks.get(frameworkId)!
      if (numberOf(framework.grants, role, 0) === granted) continue
      putFramework(context, { ...framework, grants: { ...framework.grants, [role]: granted } })
    }
  }
}

/** Ends an offer; its resources become available again, with an optional filter on them. */
export const endOffer = (context: MasterContext, offer: OfferRecord, refuseMs: number): void => {
  const { state } = context
  deleteOffer(context, offer)
  state.deadlines.cancel(offerDeadline(offer.id))
  state.ledger.release(offer.frameworkId, offer.role, offer.agentId, offer.resources)
  refuse(context, offer, offer.resources, refuseMs)
  wantAllocation(context)
}

/** Ends an offer and tells its framework, if that can still be told. */
export const rescindOffer = (context: MasterContext, offer: OfferRecord): void => {
  const framework = context.state.frameworks.get(offer.frameworkId)
  if (framework !== undefined && framework.streamId !== null) {
    context.turn.emit({ type: "RescindOffer", streamId: framework.streamId, offerId: offer.id })
  }
  endOffer(context, offer, 0)
}

/** The longest a filter lasts: Mesos caps at 365 days (spec/mesos.md §1.5). */
const refuseMsMax = 365 * 24 * 3600 * 1000

/** The filter a call asks for: absent or negative means the default, 0 the shortest (spec/mesos.md §1.5). */
export const effectiveRefuseMs = ({ settings }: MasterState, refuseMs: number | null): number =>
  refuseMs === null || refuseMs < 0
    ? settings.defaultRefuseMs
    : Math.min(Math.max(refuseMs, settings.refuseMsMin), refuseMsMax)

/** Installs a filter on what a framework did not use. */
export const refuse = (
  { state, turn, nowMs }: MasterContext,
  offer: OfferRecord,
  resources: Quantities,
  refuseMs: number,
): void => {
  if (refuseMs <= 0 || isNoQuantities(resources)) return
  const key = filterKey(offer)
  addFilter(state.filters, key, { resources, expiresAtMs: nowMs + refuseMs })
  state.deadlines.set(filterDeadline(key), nextExpiryMs(state.filters, key)!)
  turn.touch("filter", key)
}

/** A filter's time is over: what it hid may be offered again at once. */
export const onFilterExpired = (context: MasterContext, key: string): void => {
  const { state, turn, nowMs } = context
  expireFilters(state.filters, key, nowMs)
  const nextMs = nextExpiryMs(state.filters, key)
  if (nextMs !== null) state.deadlines.set(filterDeadline(key), nextMs)
  turn.touch("filter", key)
  wantAllocation(context)
}

/** Drops the filters that match, e.g. all of one framework when it revives. */
export const clearFilters = (
  { state, turn }: MasterContext,
  matches: (scope: { frameworkId: string; role: string; agentId: string }) => boolean,
): void => {
  for (const key of sortedKeys(state.filters)) {
    if (!matches(filterScope(key))) continue
    state.filters.delete(key)
    state.deadlines.cancel(filterDeadline(key))
    turn.touch("filter", key)
  }
}

export const onOffersDeclined = (context: MasterContext, event: MasterEventOf<"OffersDeclined">): void => {
  const refuseMs = effectiveRefuseMs(context.state, event.refuseMs)
  for (const offerId of event.offerIds) {
    const offer = context.state.offers.get(offerId)
    // A late DECLINE of an offer that is gone is ignored (spec/mesos.md §1.6).
    if (offer !== undefined && offer.frameworkId === event.frameworkId) endOffer(context, offer, refuseMs)
  }
}

export const onOffersRevived = (context: MasterContext, event: MasterEventOf<"OffersRevived">): void => {
  const framework = context.state.frameworks.get(event.frameworkId)
  const roles = framework && affectedRoles(framework, event.roles)
  if (framework === undefined || roles === undefined) return
  clearFilters(context, (scope) => scope.frameworkId === framework.id && roles.includes(scope.role))
  const suppressedRoles = framework.suppressedRoles.filter((role) => !roles.includes(role))
  putFramework(context, { ...framework, suppressedRoles })
  wantAllocation(context)
}

export const onOffersSuppressed = (
  context: MasterContext,
  event: MasterEventOf<"OffersSuppressed">,
): void => {
  const framework = context.state.frameworks.get(event.frameworkId)
  const roles = framework && affectedRoles(framework, event.roles)
  if (framework === undefined || roles === undefined) return
  const added = roles.filter((role) => !framework.suppressedRoles.includes(role))
  putFramework(context, { ...framework, suppressedRoles: framework.suppressedRoles.concat(added) })
}

/** The roles a REVIVE or SUPPRESS is about; undefined drops the whole call when one is not the framework's. */
const affectedRoles = (
  framework: FrameworkRecord,
  roles: ReadonlyArray<string>,
): ReadonlyArray<string> | undefined => {
  if (roles.length === 0) return framework.info.roles
  return roles.every((role) => framework.info.roles.includes(role)) ? roles : undefined
}

/** All offers of a framework are void, without a word: its stream is gone or new (spec/mesos.md §1.6). */
export const discardOffersOf = (context: MasterContext, frameworkId: string): void => {
  for (const offer of offersOfFramework(context.state, frameworkId)) endOffer(context, offer, 0)
}
