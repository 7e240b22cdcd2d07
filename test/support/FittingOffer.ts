import type { V1Event, V1Framework } from "./V1Framework.ts"

/** Amount of a scalar resource in an offer, in Mesos's units. */
export const offeredAmount = (offer: V1Event, name: string): number =>
  offer.resources.find((resource: { name: string }) => resource.name === name)?.scalar.value ?? 0

/** The next offer with that much; what a reserve gives back comes in pieces, and refused they come again as one. */
export const fittingOffer = async (framework: V1Framework, cpus: number, memMiB = 32): Promise<V1Event> => {
  for (;;) {
    let fitting: V1Event | undefined
    for (const offer of (await framework.next("OFFERS")).offers.offers) {
      if (offeredAmount(offer, "cpus") >= cpus && offeredAmount(offer, "mem") >= memMiB) fitting ??= offer
      if (offer === fitting) continue
      const declined = { offer_ids: [offer.id], filters: { refuse_seconds: 0 } }
      await framework.call({ type: "DECLINE", decline: declined })
    }
    if (fitting !== undefined) return fitting
  }
}
