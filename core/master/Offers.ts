import type { Refusal } from "../allocation/Allocator.ts"
import { dropInverseFilters } from "../allocation/InverseOffers.ts"
import type { Resources } from "../resources/Resources.ts"
import type { OfferedHost } from "./Action.ts"
import {
  allocationDeadline,
  deleteOffer,
  type MasterContext,
  offerDeadline,
  offersOfAgent,
  offersOfFramework,
  putFramework,
  putOffer,
  touchInverse,
} from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { executorIdsOn } from "./Executors.ts"
import type { FrameworkRecord, MasterState, OfferRecord } from "./State.ts"

// The life of offers: allocated in cycles, then declined, accepted (see Accept.ts), rescinded or timed out.

/**
 * Wants an allocation cycle because something became free: as soon as this batch of events is over, so that all causes until
 * then share the one cycle; with an interval, at its next tick, as in Mesos (spec/mesos.md §1.2).
 */
export const wantAllocation = (context: MasterContext): void => {
  const { allocationIntervalMs: intervalMs } = context.state.settings
  const { nowMs } = context
  wantAllocationAt(context, intervalMs === null ? nowMs : (Math.floor(nowMs / intervalMs) + 1) * intervalMs)
}

/** Wants a cycle at once in any case: somebody came, or asks for offers (spec/mesos.md §1.2). */
export const wantAllocationNow = (context: MasterContext): void => wantAllocationAt(context, context.nowMs)

const wantAllocationAt = ({ state }: MasterContext, atMs: number): void => {
  const { allocationDueAtMs: dueAtMs } = state
  if (dueAtMs === null || dueAtMs > atMs) state.allocationDueAtMs = atMs
}

/** When the next cycle is to run: when it is wanted, or when a filter expires, at the latest with the tick after that. */
export const nextAllocationAtMs = ({
  settings,
  allocator,
  allocationDueAtMs,
}: MasterState): number | null => {
  const { allocationIntervalMs: intervalMs } = settings
  const expiryMs = allocator.nextExpiryMs()
  if (expiryMs === null) return allocationDueAtMs
  const seenAtMs = intervalMs === null ? expiryMs : Math.ceil(expiryMs / intervalMs) * intervalMs
  return allocationDueAtMs === null ? seenAtMs : Math.min(seenAtMs, allocationDueAtMs)
}

/** The last thing that every step does: it may have moved the next cycle. */
export const scheduleAllocation = (state: MasterState): void => {
  const atMs = nextAllocationAtMs(state)
  if (atMs === null) state.deadlines.cancel(allocationDeadline)
  else state.deadlines.set(allocationDeadline, atMs)
}

/**
 * Runs the cycle that is due and turns its decisions into one OFFERS action for each framework. Also without candidates: a
 * cycle draws two numbers, and a restored allocator, which takes every host for a candidate, must not draw where the original
 * did not (law L4).
 */
export const runAllocation = (context: MasterContext): void => {
  const { state, nowMs } = context
  const { allocator, settings } = state
  state.allocationDueAtMs = null
  const isOverAll = settings.allocationIntervalMs !== null && allocator.hasCandidates()
  const allocations = allocator.allocate(nowMs, isOverAll ? "all" : "changed")
  const hostsByFramework = new Map<string, Array<OfferedHost>>()
  for (let index = 0; index < allocations.count; index++) {
    const { frameworkId, role, agentId, resources } = allocations.at(index)
    const id = `${state.masterId}-O${state.nextOfferNumber++}`
    const offer: OfferRecord = { id, frameworkId, role, agentId, resources, madeAtMs: nowMs }
    putOffer(context, offer)
    if (settings.offerTimeoutMs !== null) {
      state.deadlines.set(offerDeadline(id), nowMs + settings.offerTimeoutMs)
    }
    const hosts = hostsByFramework.get(frameworkId) || []
    const executorIds = executorIdsOn(state, agentId, frameworkId)
    const unavailability = state.inverse.windows.get(agentId) || null
    const host = { offer, agent: state.agents.get(agentId)!, unavailability }
    hosts.push(executorIds.length === 0 ? host : { ...host, executorIds })
    hostsByFramework.set(frameworkId, hosts)
  }
  hostsByFramework.forEach((offers, frameworkId) => {
    const framework = state.frameworks.get(frameworkId)!
    context.turn.emit({ type: "OfferResources", streamId: framework.streamId!, framework, offers })
  })
}

/** Ends an offer; its resources become available again, to its framework too unless that refuses them. */
export const endOffer = (context: MasterContext, offer: OfferRecord): void => {
  const { state } = context
  deleteOffer(context, offer)
  state.deadlines.cancel(offerDeadline(offer.id))
  state.allocator.release(offer, offer.resources)
  wantAllocation(context)
}

/** Ends an offer and tells its framework, if that can still be told. */
export const rescindOffer = (context: MasterContext, offer: OfferRecord): void => {
  const framework = context.state.frameworks.get(offer.frameworkId)
  if (framework !== undefined && framework.streamId !== null) {
    context.turn.emit({ type: "RescindOffer", streamId: framework.streamId, offerId: offer.id })
  }
  endOffer(context, offer)
}

export const rescindOffersOn = (context: MasterContext, agentId: string): void => {
  for (const offer of offersOfAgent(context.state, agentId)) rescindOffer(context, offer)
}

/** The oldest first: who has had one for longest has had the most time to use it. */
export const compareAge = (left: OfferRecord, right: OfferRecord): number =>
  left.madeAtMs - right.madeAtMs || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0)

/** What a framework did not use of an offer stays away from it for a while. */
export const refuse = (
  { state, nowMs }: MasterContext,
  offer: OfferRecord,
  resources: Resources,
  { refuseMs, isDecline }: Pick<Refusal, "refuseMs" | "isDecline">,
): void =>
  state.allocator.refuse(offer, resources, { refuseMs, isDecline, offeredAtMs: offer.madeAtMs, nowMs })

export const onOffersDeclined = (context: MasterContext, event: MasterEventOf<"OffersDeclined">): void => {
  for (const offerId of event.offerIds) {
    const offer = context.state.offers.get(offerId)
    // A late DECLINE of an offer that is gone is ignored (spec/mesos.md §1.6).
    if (offer === undefined || offer.frameworkId !== event.frameworkId) continue
    endOffer(context, offer)
    refuse(context, offer, offer.resources, { refuseMs: event.refuseMs, isDecline: true })
  }
}

export const onOffersRevived = (context: MasterContext, event: MasterEventOf<"OffersRevived">): void => {
  const framework = context.state.frameworks.get(event.frameworkId)
  const roles = framework && affectedRoles(framework, event.roles)
  if (framework === undefined || roles === undefined) return
  context.state.allocator.dropFilters(framework.id, roles)
  dropInverseFilters(context.state.inverse, framework.id, touchInverse(context))
  const suppressedRoles = framework.suppressedRoles.filter((role) => !roles.includes(role))
  putFramework(context, { ...framework, suppressedRoles })
  wantAllocationNow(context)
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

/** The roles a REVIVE or SUPPRESS is about, each once; undefined drops the whole call when one is not the framework's. */
const affectedRoles = (
  framework: FrameworkRecord,
  roles: ReadonlyArray<string>,
): ReadonlyArray<string> | undefined => {
  if (roles.length === 0) return framework.info.roles
  const own = new Set(framework.info.roles)
  return roles.every((role) => own.has(role)) ? Array.from(new Set(roles)) : undefined
}

/** All offers of a framework are void, without a word: its stream is gone or new (spec/mesos.md §1.6). */
export const discardOffersOf = (context: MasterContext, frameworkId: string): void => {
  for (const offer of offersOfFramework(context.state, frameworkId)) endOffer(context, offer)
}
