import type { Entity } from "../Machine.ts"
import { requestedMs } from "./IndexedAllocator/Refusals.ts"
import type { AllocatorSettings } from "./Settings.ts"

/**
 * Inverse offers ask frameworks to give resources back: while a host has a maintenance window, each framework that holds something on it
 * (offers or tasks) has one of them, or has answered lately (spec/mesos.md §1.11).
 *
 * Plain data and functions on it, for the master's state. Which hosts belong to which machine of the schedule, machine modes, and the
 * ordinary offers that a changed schedule rescinds are the master's. Bounded by {@link pairsPerHostMax} × hosts with a window.
 */
export interface InverseOfferState {
  /** By agent. */
  readonly windows: Map<string, Unavailability>
  /** By agent, then framework. */
  readonly pairs: Map<string, Map<string, InversePair>>
  /** Derived: the agent of an outstanding inverse offer. */
  readonly agentOfOffer: Map<string, string>
  /** Derived: the agents with which a framework has a pair, so that its calls cost what is its own. */
  readonly agentsOfFramework: Map<string, Set<string>>
}

/** Frameworks of which one host remembers what they were asked and have answered. Beyond it the oldest answer of one that has left the
 * host is forgotten; while none has left, nobody else is asked. */
export const pairsPerHostMax = 1_000

/** When a host is away. Wall time, since people set it: nothing is decided on it, and they read back what they wrote. */
export interface Unavailability {
  /** Since 1970. */
  readonly startNanos: number
  /** Null = for good. */
  readonly durationNanos: number | null
}

/** What stands between a framework and a host with a window. */
export interface InversePair {
  /** The outstanding one, if any. */
  readonly offerId: string | null
  readonly answer: InverseAnswer | null
  /** Until then it is not asked again; null = it may be. */
  readonly filteredUntilMs: number | null
}

export interface InverseAnswer {
  readonly type: "accept" | "decline"
  readonly wallMs: number
}

export interface InverseOffer {
  readonly id: string
  readonly frameworkId: string
  readonly agentId: string
  readonly unavailability: Unavailability
}

/** Which rows changed: kinds `unavailability` (by agent) and `inverseOffers` (by {@link inversePairKey}). */
export type Touch = (kind: "unavailability" | "inverseOffers", key: string) => void

export const newInverseOfferState = (): InverseOfferState => ({
  windows: new Map(),
  pairs: new Map(),
  agentOfOffer: new Map(),
  agentsOfFramework: new Map(),
})

/** A key no id can forge, since JSON quotes them. */
export const inversePairKey = (agentId: string, frameworkId: string): string =>
  JSON.stringify([agentId, frameworkId])

/**
 * The host will be away, or no longer (null). A change ends everything that was about the earlier window: outstanding inverse offers,
 * which are returned to be rescinded, answers and filters. The same window again changes nothing. Also to be called, with
 * null, when the host leaves.
 */
export const setUnavailability = (
  state: InverseOfferState,
  agentId: string,
  unavailability: Unavailability | null,
  touch: Touch,
): ReadonlyArray<InverseOffer> => {
  const before = state.windows.get(agentId) || null
  if (isSameWindow(before, unavailability)) return []
  const rescinded: Array<InverseOffer> = []
  for (const frameworkId of sortedKeys(pairsOf(state, agentId))) {
    rescinded.push(...endOffer(state, agentId, frameworkId, touch))
    putPair(state, agentId, frameworkId, noPair, touch)
  }
  if (unavailability === null) state.windows.delete(agentId)
  else state.windows.set(agentId, unavailability)
  touch("unavailability", agentId)
  return rescinded
}

/**
 * Brings inverse offers of some hosts up to date, after each allocation cycle. `holdersOf` names the frameworks that can be sent
 * something and have resources offered or allocated on a host. Made: one for each of them that has none outstanding and no filter. To be rescinded:
 * those of frameworks that hold nothing there any more.
 */
export const updateInverseOffers = (
  state: InverseOfferState,
  /** Sorted; those without a window are passed over. */
  agentIds: ReadonlyArray<string>,
  holdersOf: (agentId: string) => ReadonlyArray<string>,
  newId: () => string,
  nowMs: number,
  touch: Touch,
): { readonly made: ReadonlyArray<InverseOffer>; readonly rescinded: ReadonlyArray<InverseOffer> } => {
  const made: Array<InverseOffer> = []
  const rescinded: Array<InverseOffer> = []
  for (const agentId of agentIds) {
    if (!state.windows.has(agentId)) continue
    const holders = new Set(holdersOf(agentId))
    for (const frameworkId of sortedKeys(pairsOf(state, agentId))) {
      expireFilter(state, agentId, frameworkId, nowMs, touch)
      if (!holders.has(frameworkId)) rescinded.push(...endOffer(state, agentId, frameworkId, touch))
    }
    for (const frameworkId of Array.from(holders).sort()) {
      const pair = pairOf(state, agentId, frameworkId)
      if (pair.offerId !== null || pair.filteredUntilMs !== null) continue
      if (pair === noPair && !makeRoom(state, agentId, holders, touch)) break
      const id = newId()
      state.agentOfOffer.set(id, agentId)
      putPair(state, agentId, frameworkId, { ...pair, offerId: id }, touch)
      made.push({ id, frameworkId, agentId, unavailability: state.windows.get(agentId)! })
    }
  }
  return { made, rescinded }
}

/** Room for one more pair of the host; false when there is none. Who holds something there would only be asked once more. */
const makeRoom = (
  state: InverseOfferState,
  agentId: string,
  holders: ReadonlySet<string>,
  touch: Touch,
): boolean => {
  const pairs = pairsOf(state, agentId)
  if (pairs.size < pairsPerHostMax) return true
  const answeredMs = (frameworkId: string): number => pairs.get(frameworkId)!.answer?.wallMs ?? 0
  const others = sortedKeys(pairs).filter((frameworkId) => !holders.has(frameworkId))
  if (others.length === 0) return false
  const oldest = others.reduce((left, right) => (answeredMs(right) < answeredMs(left) ? right : left))
  putPair(state, agentId, oldest, noPair, touch)
  return true
}

/** A framework's answer to some of its inverse offers. */
export interface InverseResponse {
  readonly frameworkId: string
  readonly offerIds: ReadonlyArray<string>
  readonly type: InverseAnswer["type"]
  /** For how long it does not want to be asked again; null = the default (spec/mesos.md §1.5). */
  readonly refuseMs: number | null
  readonly nowMs: number
  readonly wallMs: number
}

/** Records the answer and ends the offers. Ids that are unknown, or another framework's, are ignored as late answers are.
 * Both answers install the filter: a framework is asked again when it is over, since it may have changed its mind. */
export const answerInverseOffers = (
  state: InverseOfferState,
  response: InverseResponse,
  settings: AllocatorSettings,
  touch: Touch,
): void => {
  const { frameworkId, type, nowMs, wallMs } = response
  const lastsMs = requestedMs(response.refuseMs, settings)
  for (const offerId of response.offerIds) {
    const agentId = state.agentOfOffer.get(offerId)
    if (agentId === undefined || pairOf(state, agentId, frameworkId).offerId !== offerId) continue
    state.agentOfOffer.delete(offerId)
    const filteredUntilMs = lastsMs === 0 ? null : nowMs + lastsMs
    putPair(state, agentId, frameworkId, { offerId: null, answer: { type, wallMs }, filteredUntilMs }, touch)
  }
}

/** Some time without an answer: the offer ends as if it had never been made, and the next cycle makes another. */
export const withdrawInverseOffer = (
  state: InverseOfferState,
  offerId: string,
  touch: Touch,
): ReadonlyArray<InverseOffer> => {
  const agentId = state.agentOfOffer.get(offerId)
  if (agentId === undefined) return []
  const pairs = pairsOf(state, agentId)
  const frameworkId = sortedKeys(pairs).find((id) => pairs.get(id)!.offerId === offerId)!
  return endOffer(state, agentId, frameworkId, touch)
}

/** REVIVE, for whichever roles: clears all its filters. */
export const dropInverseFilters = (state: InverseOfferState, frameworkId: string, touch: Touch): void => {
  forEachPairOf(state, frameworkId, (agentId, pair) => {
    if (pair.filteredUntilMs !== null)
      putPair(state, agentId, frameworkId, { ...pair, filteredUntilMs: null }, touch)
  })
}

/** It is disconnected or its stream is new: its inverse offers are void, its filters cleared; its answers stand. */
export const discardInverseOffersOf = (
  state: InverseOfferState,
  frameworkId: string,
  touch: Touch,
): ReadonlyArray<InverseOffer> => {
  const ended: Array<InverseOffer> = []
  forEachPairOf(state, frameworkId, (agentId) => {
    ended.push(...endOffer(state, agentId, frameworkId, touch))
  })
  dropInverseFilters(state, frameworkId, touch)
  return ended
}

/** It is gone for good, and its answers with it. */
export const forgetInverseOffersOf = (
  state: InverseOfferState,
  frameworkId: string,
  touch: Touch,
): ReadonlyArray<InverseOffer> => {
  const ended = discardInverseOffersOf(state, frameworkId, touch)
  forEachPairOf(state, frameworkId, (agentId) => {
    putPair(state, agentId, frameworkId, noPair, touch)
  })
  return ended
}

/** When the next filter is over and {@link updateInverseOffers} may have something to make; null = never by time alone. */
export const nextInverseExpiryMs = (state: InverseOfferState): number | null => {
  let next: number | null = null
  state.pairs.forEach((pairs) => {
    pairs.forEach(({ filteredUntilMs }) => {
      if (filteredUntilMs !== null && (next === null || filteredUntilMs < next)) next = filteredUntilMs
    })
  })
  return next
}

/** Answers about a host, by framework, sorted: what the maintenance status shows. */
export const inverseAnswersOn = (
  state: InverseOfferState,
  agentId: string,
): ReadonlyArray<InverseAnswer & { readonly frameworkId: string }> => {
  const answers: Array<InverseAnswer & { frameworkId: string }> = []
  const pairs = pairsOf(state, agentId)
  for (const frameworkId of sortedKeys(pairs)) {
    const { answer } = pairs.get(frameworkId)!
    if (answer !== null) answers.push({ ...answer, frameworkId })
  }
  return answers
}

// --- rows ---

export const snapshotInverseOffers = (state: InverseOfferState): ReadonlyArray<Entity> => {
  const rows: Array<Entity> = []
  for (const key of sortedKeys(state.windows)) {
    rows.push({ kind: "unavailability", key, value: state.windows.get(key) })
  }
  for (const agentId of sortedKeys(state.pairs)) {
    for (const frameworkId of sortedKeys(pairsOf(state, agentId))) {
      const value = pairOf(state, agentId, frameworkId)
      rows.push({ kind: "inverseOffers", key: inversePairKey(agentId, frameworkId), value })
    }
  }
  return rows
}

/** One row; undefined when it is gone. */
export const inverseOfferRow = (
  state: InverseOfferState,
  kind: string,
  key: string,
): Unavailability | InversePair | undefined => {
  if (kind === "unavailability") return state.windows.get(key)
  const [agentId, frameworkId] = JSON.parse(key) as [string, string]
  return pairsOf(state, agentId).get(frameworkId)
}

/** From the rows of {@link snapshotInverseOffers}; other kinds are passed over. */
export const restoreInverseOffers = (rows: ReadonlyArray<Entity>): InverseOfferState => {
  const state = newInverseOfferState()
  const noTouch = () => {}
  for (const { kind, key, value } of rows) {
    if (kind === "unavailability") state.windows.set(key, value as Unavailability)
    else if (kind === "inverseOffers") {
      const [agentId, frameworkId] = JSON.parse(key) as [string, string]
      const pair = value as InversePair
      putPair(state, agentId, frameworkId, pair, noTouch)
      if (pair.offerId !== null) state.agentOfOffer.set(pair.offerId, agentId)
    }
  }
  return state
}

// --- pairs ---

const noPair: InversePair = { offerId: null, answer: null, filteredUntilMs: null }
const noPairs: ReadonlyMap<string, InversePair> = new Map()

const pairsOf = (state: InverseOfferState, agentId: string): ReadonlyMap<string, InversePair> =>
  state.pairs.get(agentId) || noPairs

const pairOf = (state: InverseOfferState, agentId: string, frameworkId: string): InversePair =>
  pairsOf(state, agentId).get(frameworkId) || noPair

const forEachPairOf = (
  state: InverseOfferState,
  frameworkId: string,
  visit: (agentId: string, pair: InversePair) => void,
): void => {
  const agentIds = state.agentsOfFramework.get(frameworkId)
  if (agentIds === undefined) return
  for (const agentId of Array.from(agentIds).sort()) visit(agentId, pairOf(state, agentId, frameworkId))
}

/** Ends the outstanding offer of a pair, if it has one. */
const endOffer = (
  state: InverseOfferState,
  agentId: string,
  frameworkId: string,
  touch: Touch,
): ReadonlyArray<InverseOffer> => {
  const pair = pairOf(state, agentId, frameworkId)
  if (pair.offerId === null) return []
  state.agentOfOffer.delete(pair.offerId)
  putPair(state, agentId, frameworkId, { ...pair, offerId: null }, touch)
  return [{ id: pair.offerId, frameworkId, agentId, unavailability: state.windows.get(agentId)! }]
}

const expireFilter = (
  state: InverseOfferState,
  agentId: string,
  frameworkId: string,
  nowMs: number,
  touch: Touch,
): void => {
  const pair = pairOf(state, agentId, frameworkId)
  if (pair.filteredUntilMs === null || pair.filteredUntilMs > nowMs) return
  putPair(state, agentId, frameworkId, { ...pair, filteredUntilMs: null }, touch)
}

/** A pair in which nothing is left is none. */
const putPair = (
  state: InverseOfferState,
  agentId: string,
  frameworkId: string,
  pair: InversePair,
  touch: Touch,
): void => {
  const pairs = state.pairs.get(agentId) || new Map<string, InversePair>()
  const isNothing = pair.offerId === null && pair.answer === null && pair.filteredUntilMs === null
  if (isNothing && !pairs.delete(frameworkId)) return
  if (!isNothing) pairs.set(frameworkId, pair)
  if (pairs.size === 0) state.pairs.delete(agentId)
  else state.pairs.set(agentId, pairs)
  const agentIds = state.agentsOfFramework.get(frameworkId) || new Set<string>()
  if (isNothing) agentIds.delete(agentId)
  else agentIds.add(agentId)
  if (agentIds.size === 0) state.agentsOfFramework.delete(frameworkId)
  else state.agentsOfFramework.set(frameworkId, agentIds)
  touch("inverseOffers", inversePairKey(agentId, frameworkId))
}

const sortedKeys = (map: ReadonlyMap<string, unknown>): ReadonlyArray<string> => Array.from(map.keys()).sort()

const isSameWindow = (left: Unavailability | null, right: Unavailability | null): boolean =>
  left === right ||
  (left !== null &&
    right !== null &&
    left.startNanos === right.startNanos &&
    left.durationNanos === right.durationNanos)
