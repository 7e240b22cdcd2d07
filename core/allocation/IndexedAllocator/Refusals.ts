import type { Refusal } from "../Allocator.ts"
import type { AllocatorSettings } from "../Settings.ts"
import type { ClientBook } from "./ClientBook.ts"
import { backoffMsLimit } from "./FilterExpiries.ts"

/** 2²⁰ times five seconds is two months: more doubling means nothing. */
const doublingsMax = 20

/** The filter a framework asks for (spec/mesos.md §1.5), in ms; 0 = none. */
export const requestedMs = (refuseMs: number | null, settings: AllocatorSettings): number => {
  const { refuseMsDefault, refuseMsMin, refuseMsMax, canRefuseForZero } = settings
  if (refuseMs === null || !(refuseMs >= 0)) return refuseMsDefault
  if (refuseMs === 0) return canRefuseForZero ? 0 : refuseMsMin
  return Math.min(Math.max(refuseMs, refuseMsMin), refuseMsMax)
}

/**
 * What back-off makes of it: twice as long with each round of offers that the client declines, at most `backoffMsMax`, and never less than
 * it asked for. All declines of offers made before the round began belong to the round.
 */
export const backedOffMs = (
  client: number,
  requested: number,
  { offeredAtMs, nowMs, isDecline }: Refusal,
  clients: ClientBook,
  settings: AllocatorSettings,
): number => {
  if (!isDecline || settings.backoffMsMax === null) return requested
  if (offeredAtMs > clients.roundAtMs[client]!) {
    clients.declinedRounds[client] = clients.declinedRounds[client]! + 1
    clients.roundAtMs[client] = nowMs
  }
  const doublings = Math.min(Math.max(1, clients.declinedRounds[client]!) - 1, doublingsMax)
  let lengthened = requested
  for (let count = 0; count < doublings; count++) lengthened *= 2
  return Math.max(requested, Math.min(lengthened, settings.backoffMsMax, backoffMsLimit))
}
