import {
  answerInverseOffers,
  type InverseOffer,
  setUnavailability,
  type Unavailability,
  updateInverseOffers,
} from "../allocation/InverseOffers.ts"
import {
  holdsResources,
  type MasterContext,
  offersOfAgent,
  sortedKeys,
  tasksOfAgent,
  touchInverse,
} from "./Context.ts"
import type { MasterEventOf } from "./Event.ts"
import { rescindOffersOn, wantAllocation, wantAllocationNow } from "./Offers.ts"
import type { MasterState } from "./State.ts"

// Frameworks are asked to leave hosts that will be away (spec/mesos.md §1.11); who is asked when stands in allocation/InverseOffers.ts.
//
// An inverse offer has no timeout, in contrast to Mesos with `offer_timeout`: it holds nothing that somebody else could use, so
// taking it back only to send it again would tell nobody anything.

/**
 * The host will be away, or no longer (null). What was offered of it is offered anew with the window, or without it, since the framework
 * may now decide otherwise.
 */
export const setWindow = (context: MasterContext, agentId: string, window: Unavailability | null): void => {
  const touch = touchInverse(context)
  let isChanged = false
  const ended = setUnavailability(context.state.inverse, agentId, window, (kind, key) => {
    isChanged = true
    touch(kind, key)
  })
  rescindInverse(context, ended)
  if (!isChanged) return
  rescindOffersOn(context, agentId)
  wantAllocationNow(context)
}

const rescindInverse = (
  { state, turn }: MasterContext,
  ended: ReadonlyArray<Pick<InverseOffer, "id" | "frameworkId">>,
): void => {
  for (const { id, frameworkId } of ended) {
    const framework = state.frameworks.get(frameworkId)
    if (framework === undefined || framework.streamId === null) continue
    turn.emit({ type: "RescindInverseOffer", streamId: framework.streamId, inverseOfferId: id })
  }
}

/** Asks whoever has something on a host with a window, and takes back what asks somebody who has nothing there any more. */
export const refreshInverseOffers = (context: MasterContext): void => {
  const { state, turn, nowMs } = context
  if (state.inverseCandidates.size === 0) return
  const agentIds = Array.from(state.inverseCandidates).sort()
  state.inverseCandidates.clear()
  const newId = () => `${state.masterId}-O${state.nextOfferNumber++}`
  const { made, rescinded } = updateInverseOffers(
    state.inverse,
    agentIds,
    (agentId) => holdersOn(state, agentId),
    newId,
    nowMs,
    touchInverse(context),
  )
  // Following the pairs has made their hosts candidates again, and nothing more can come of them.
  state.inverseCandidates.clear()
  rescindInverse(context, rescinded)
  const offersByFramework = new Map<string, Array<InverseOffer>>()
  for (const offer of made) {
    const offers = offersByFramework.get(offer.frameworkId) || []
    offers.push(offer)
    offersByFramework.set(offer.frameworkId, offers)
  }
  for (const frameworkId of sortedKeys(offersByFramework)) {
    const offers = offersByFramework
      .get(frameworkId)!
      .map((offer) => ({ offer, agent: state.agents.get(offer.agentId)! }))
    turn.emit({
      type: "OfferInversely",
      streamId: state.frameworks.get(frameworkId)!.streamId!,
      offers,
    })
  }
}

/** Who refused to be asked for a while may be asked again. */
export const onInverseFilterOver = ({ state }: MasterContext, pairKey: string): void => {
  const [agentId] = JSON.parse(pairKey) as [string, string]
  state.inverseCandidates.add(agentId)
}

/** Frameworks that can be told and have resources offered or allocated on the host. */
const holdersOn = (state: MasterState, agentId: string): ReadonlyArray<string> => {
  const holders = new Set<string>()
  for (const { frameworkId } of offersOfAgent(state, agentId)) holders.add(frameworkId)
  for (const task of tasksOfAgent(state, agentId)) {
    if (holdsResources(task)) holders.add(task.spec.frameworkId)
  }
  return Array.from(holders).filter((id) => {
    const framework = state.frameworks.get(id)
    return framework !== undefined && framework.streamId !== null
  })
}

export const onInverseOffersAnswered = (
  context: MasterContext,
  event: MasterEventOf<"InverseOffersAnswered">,
): void => {
  const { state, nowMs, wallMs } = context
  const { frameworkId, inverseOfferIds: offerIds, answer: type, refuseMs } = event
  const response = { frameworkId, offerIds, type, refuseMs, nowMs, wallMs }
  answerInverseOffers(state.inverse, response, state.settings.allocator, touchInverse(context))
  // Who asked for no filter is asked again with the next cycle.
  if (refuseMs === 0) wantAllocation(context)
}
