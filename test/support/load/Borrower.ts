import { offeredAmount } from "../FittingOffer.ts"
import { type V1Event, V1Framework } from "../V1Framework.ts"

/** A framework that takes whatever cpus it is offered for busy tasks of some seconds: the harvest of a chart. */
export interface Borrower {
  readonly stop: () => Promise<void>
}

const taskSeconds = 15
const taskCpus = 0.2
const taskMemMiB = 32

export const startBorrower = async (url: string, secret: string): Promise<Borrower> => {
  const framework = new V1Framework(url, secret)
  await framework.subscribe({ name: "borrower", roles: ["borrowers"] })
  let isStopped = false
  let launched = 0
  const launchAll = async (offer: V1Event) => {
    const fit = Math.floor(
      Math.min(offeredAmount(offer, "cpus") / taskCpus, offeredAmount(offer, "mem") / taskMemMiB) + 1e-6,
    )
    if (fit === 0 || isStopped) {
      const declined = { offer_ids: [offer.id], filters: { refuse_seconds: 1 } }
      await framework.call({ type: "DECLINE", decline: declined })
      return
    }
    // One task an offer: the rest comes again after a second, so that the load builds up in steps.
    const command = { value: `timeout ${taskSeconds} sh -c 'while :; do :; done'; exit 0` }
    await framework.launch(offer, { id: `b${launched++}`, cpus: taskCpus, mem: taskMemMiB, command }, 0)
  }
  const answer = async () => {
    for (;;) {
      // Acknowledging each status and answering each offer, in the order in which they come.
      const event = await framework.next("OFFERS").catch(() => undefined)
      if (event === undefined) return
      for (const offer of event.offers.offers) await launchAll(offer)
    }
  }
  let acknowledged = 0
  const acknowledgements = setInterval(() => {
    for (; acknowledged < framework.events.length; acknowledged++) {
      const event = framework.events[acknowledged]!
      if (event.type === "UPDATE") void framework.acknowledge(event).catch(() => undefined)
    }
  }, 50)
  const answering = answer().catch(() => undefined)
  return {
    stop: async () => {
      isStopped = true
      clearInterval(acknowledgements)
      await framework.call({ type: "TEARDOWN" }).catch(() => undefined)
      framework.close()
      await answering
    },
  }
}
