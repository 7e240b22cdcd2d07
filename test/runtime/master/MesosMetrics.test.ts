import { expect, it } from "vitest"
import { MesosCounters } from "../../../runtime/master/MesosCounters.ts"
import { mesosMetrics } from "../../../runtime/master/MesosMetrics.ts"
import { MasterHarness } from "../../support/MasterHarness.ts"

const facts = { uptimeMs: 1_500, subscribers: 2, queued: 3, journalBytes: 4_096 }

it("what the master knows besides its state stands under Mesos's names", () => {
  expect(mesosMetrics({ ...facts, state: new MasterHarness().state }, new MesosCounters())).toMatchObject({
    "master/uptime_secs": 1.5,
    "master/operator_event_stream_subscribers": 2,
    "master/event_queue_messages": 3,
    "registrar/registry_size_bytes": 4_096,
  })
})

it("filters count by role, until they are dropped", () => {
  const master = new MasterHarness()
  for (const cpus of [1_000, 2_000]) master.addAgent({ cpus })
  const { id } = master.subscribe({ roles: ["web", "batch"], capabilities: ["MULTI_ROLE"] })
  master.settle()
  const filters = () => {
    const metrics = mesosMetrics({ ...facts, state: master.state }, new MesosCounters())
    return ["web", "batch"].map((role) => metrics[`allocator/mesos/offer_filters/roles/${role}/active`])
  }
  expect(filters()).toEqual([0, 0])
  const webs = [...master.state.offers.values()].filter(({ role }) => role === "web")
  const offerIds = [...master.state.offers.keys()]
  master.step({ type: "OffersDeclined", frameworkId: id, offerIds, refuseMs: 60_000 })
  expect(filters()).toEqual([webs.length, 2 - webs.length])
  master.step({ type: "OffersRevived", frameworkId: id, roles: [] })
  expect(filters()).toEqual([0, 0])
})
