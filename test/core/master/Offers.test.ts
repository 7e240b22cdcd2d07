import { describe, expect, it } from "vitest"
import { clientKey } from "../../../core/allocation/Allocator.ts"
import { defaultMasterSettings } from "../../../core/master/State.ts"
import { actionsOf, MasterHarness, offeredIn } from "../../support/MasterHarness.ts"
import { host, offered } from "../../support/MasterScenes.ts"

describe("offers", () => {
  it("are made in one cycle for all events before it, of everything an agent has", () => {
    const master = new MasterHarness()
    master.addAgent(host)
    master.addAgent(host)
    const { id } = master.subscribe()
    expect(master.offersOf(id)).toEqual([])
    const actions = master.settle()
    const made = actionsOf(actions, "OfferResources")
    expect(made).toHaveLength(1)
    expect(offeredIn(actions)).toEqual([host, host])
    expect(made[0]!.offers.map(({ offer }) => offer.id)).toEqual(["m-O0", "m-O1"])
  })

  it("stay away for as long as they were refused, and come back then without a tick", () => {
    const { master, framework, offerId } = offered()
    master.step({
      type: "OffersDeclined",
      frameworkId: framework.id,
      offerIds: [offerId],
      refuseMs: 2_000,
    })
    expect(master.advance(1_999)).toEqual([])
    expect(actionsOf(master.advance(1), "OfferResources")).toHaveLength(1)
  })

  it.each([
    ["no filter in the call", null, 5_000],
    ["a negative one", -1, 5_000],
    ["more than a year", 1e15, 365 * 24 * 3_600_000],
  ])("take %s as Mesos does", (_, refuseMs, effectiveMs) => {
    const { master, framework, offerId } = offered()
    master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds: [offerId], refuseMs })
    expect(master.advance(effectiveMs - 1)).toEqual([])
    expect(actionsOf(master.advance(1), "OfferResources")).toHaveLength(1)
  })

  it("that were refused for 0 seconds go to others at once, to the same framework after a pause", () => {
    const { master, framework, offerId } = offered()
    const other = master.subscribe()
    master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds: [offerId], refuseMs: 0 })
    const [made] = actionsOf(master.settle(), "OfferResources")
    expect(made!.framework.id).toBe(other.id)
    const offerIds = made!.offers.map(({ offer }) => offer.id)
    master.step({ type: "OffersDeclined", frameworkId: other.id, offerIds, refuseMs: 0 })
    expect(master.advance(defaultMasterSettings.allocator.refuseMsMin - 1)).toEqual([])
    expect(actionsOf(master.advance(1), "OfferResources")).toHaveLength(1)
  })

  it("come back at once when revived", () => {
    const { master, framework, offerId: again } = offered()
    master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds: [again], refuseMs: 9_000 })
    expect(master.settle()).toEqual([])
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    expect(actionsOf(master.settle(), "OfferResources")).toHaveLength(1)
  })

  it("do not go to a framework that suppressed its role", () => {
    const { master, framework, offerId } = offered()
    master.step({ type: "OffersSuppressed", frameworkId: framework.id, roles: [] })
    master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds: [offerId], refuseMs: 0 })
    expect(master.advance(60_000)).toEqual([])
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: ["nobody's"] })
    expect(master.advance(60_000)).toEqual([])
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: ["*"] })
    expect(actionsOf(master.settle(), "OfferResources")).toHaveLength(1)
  })

  it("are rescinded when nobody answers, and go to the next", () => {
    const { master, framework, offerId } = offered()
    const other = master.subscribe()
    const actions = master.advance(defaultMasterSettings.offerTimeoutMs!)
    expect(actionsOf(actions, "RescindOffer")).toEqual([
      { type: "RescindOffer", streamId: framework.streamId, offerId },
    ])
    expect(master.offersOf(other.id)).toHaveLength(1)
  })

  it("end without a word when the framework's stream ends, and go to others", () => {
    const { master, framework } = offered()
    const other = master.subscribe()
    const gone = master.step({
      type: "FrameworkDisconnected",
      frameworkId: framework.id,
      streamId: framework.streamId,
    })
    expect(gone).toEqual([])
    master.settle()
    expect(master.offersOf(other.id)).toHaveLength(1)
  })

  it.each(["constructor", "__proto__", "toString"])("go to a role called %s as to any other", (role) => {
    const master = new MasterHarness()
    master.addAgent(host)
    const { id } = master.subscribe({ roles: [role] })
    expect(actionsOf(master.settle(), "OfferResources")).toHaveLength(1)
    master.restart()
    const row = (kind: string, key: string) => master.state.allocator.row({ kind, key })
    expect(row("client", clientKey(id, role))).toMatchObject({ grants: 1 })
    expect(row("role", role)).toEqual({ grants: 1 })
  })

  it("are rescinded when the agent goes", () => {
    const { master, agentId, framework, offerId } = offered()
    const streamId = master.state.agents.get(agentId)!.streamId!
    const actions = master.step({ type: "AgentDisconnected", agentId, streamId })
    expect(actions).toEqual([{ type: "RescindOffer", streamId: framework.streamId, offerId }])
    expect(master.settle()).toEqual([])
  })
})
