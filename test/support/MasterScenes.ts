import { actionsOf, launching, launchOf, MasterHarness } from "./MasterHarness.ts"

// Where most stories of the master begin.

export const host = { cpus: 4_000, mem: 8_000_000 }
export const small = { cpus: 500, mem: 64_000 }

/** A master with one host and one framework that holds an offer of all of it. */
export const offered = () => {
  const master = new MasterHarness()
  const agentId = master.addAgent(host)
  const framework = master.subscribe()
  const actions = master.settle()
  return { master, agentId, framework, offerId: actionsOf(actions, "OfferResources")[0]!.offers[0]!.offer.id }
}

/** The same, with task `t` running; what is left of the offer is refused for long. */
export const running = () => {
  const context = offered()
  const { master, agentId, framework, offerId } = context
  master.step({
    type: "OffersAccepted",
    frameworkId: framework.id,
    offerIds: [offerId],
    operations: launching([launchOf("t", agentId, small)]),
    refuseMs: 1_000_000,
  })
  master.report(agentId, framework.id, "t", "TASK_RUNNING")
  master.step({
    type: "StatusAcknowledged",
    frameworkId: framework.id,
    agentId,
    taskId: "t",
    uuid: "u-t-TASK_RUNNING",
  })
  return context
}
