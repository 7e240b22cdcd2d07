import { describe, expect, it } from "vitest"
import { quotasOf, weightsOf } from "../../../core/master/RoleSettings.ts"
import { snapshotMaster } from "../../../core/master/Snapshot.ts"
import { defaultMasterSettings, type MasterSettings } from "../../../core/master/State.ts"
import { MasterHarness } from "../../support/MasterHarness.ts"

const configured: MasterSettings = {
  ...defaultMasterSettings,
  allocator: {
    ...defaultMasterSettings.allocator,
    weights: { web: 2, batch: 3 },
    quotas: { ads: { guarantees: { cpus: 1_000 }, limits: {} } },
  },
}

const none = { guarantees: {}, limits: {} }

describe("what operators give roles", () => {
  it("counts more than the settings, also after a restart; the rest of the settings stays", () => {
    const master = new MasterHarness(configured)
    const id = master.addAgent({ cpus: 8_000 })
    master.subscribe({ roles: ["web"] })
    master.settle()
    expect(master.state.allocator.allocatedOn(id)).not.toEqual([])
    const quota = { guarantees: {}, limits: { cpus: 2_000 } }
    master.step({ type: "WeightsUpdated", weights: [{ role: "web", weight: 4 }] })
    master.step({
      type: "QuotasUpdated",
      quotas: [
        { role: "ads", quota: none },
        { role: "web", quota },
      ],
    })
    master.settle()
    const check = () => {
      expect([...weightsOf(master.state)].sort()).toEqual([
        ["batch", 3],
        ["web", 4],
      ])
      expect(new Map(quotasOf(master.state))).toEqual(
        new Map([
          ["ads", none],
          ["web", quota],
        ]),
      )
      // Limited to 2 cpus of 8, over the weight 4.
      expect(master.state.allocator.shareOf("web")).toBe(0.0625)
      expect(master.state.allocator.allocatedToRole("web")).toEqual({ cpus: 2_000 })
    }
    check()
    const rows = JSON.stringify(snapshotMaster(master.state))
    master.restart()
    expect(JSON.stringify(snapshotMaster(master.state))).toBe(rows)
    check()
  })

  it("another weight of a role with members takes all offers back; the same weight, or one of nobody, takes none", () => {
    const master = new MasterHarness(configured)
    master.addAgent({ cpus: 8_000 })
    const { id } = master.subscribe({ roles: ["web/api"] })
    master.settle()
    const [first] = master.offersOf(id)
    master.step({
      type: "WeightsUpdated",
      weights: [
        { role: "web", weight: 2 },
        { role: "nobody", weight: 9 },
      ],
    })
    expect(master.offersOf(id)).toEqual([first])
    const actions = master.step({ type: "WeightsUpdated", weights: [{ role: "web", weight: 1 }] })
    expect(actions).toMatchObject([{ type: "RescindOffer", offerId: first }])
    master.settle()
    expect(master.offersOf(id)).toHaveLength(1)
    expect(master.offersOf(id)).not.toContain(first)
  })

  it("offers beyond a new limit are taken back, those within it stay", () => {
    const master = new MasterHarness()
    for (const cpus of [1_000, 1_000, 1_000]) master.addAgent({ cpus })
    const { id } = master.subscribe({ roles: ["web"] })
    master.settle()
    expect(master.offersOf(id)).toHaveLength(3)
    const quota = { guarantees: {}, limits: { cpus: 2_000 } }
    const actions = master.step({ type: "QuotasUpdated", quotas: [{ role: "web", quota }] })
    expect(actions.map(({ type }) => type)).toEqual(["RescindOffer"])
    master.settle()
    expect(master.state.allocator.allocatedToRole("web")).toEqual({ cpus: 2_000 })
  })

  it("what a new guarantee lacks is taken back from offers of others, and no more", () => {
    const master = new MasterHarness()
    for (const cpus of [1_000, 1_000, 1_000]) master.addAgent({ cpus })
    const { id } = master.subscribe({ roles: ["batch"] })
    master.settle()
    const late = master.subscribe({ roles: ["web"] })
    master.settle()
    expect(master.offersOf(late.id)).toEqual([])
    const quota = { guarantees: { cpus: 1_000 }, limits: {} }
    master.step({ type: "QuotasUpdated", quotas: [{ role: "web", quota }] })
    expect(master.offersOf(id)).toHaveLength(2)
    master.settle()
    expect(master.offersOf(late.id)).toHaveLength(1)
  })

  it("a removed quota is listed no more, but the settings' one stays as none, also after a restart", () => {
    const master = new MasterHarness(configured)
    master.addAgent({ cpus: 8_000 })
    const { id } = master.subscribe({ roles: ["web"] })
    const quota = { guarantees: {}, limits: { cpus: 2_000 } }
    master.step({ type: "QuotasUpdated", quotas: [{ role: "web", quota }] })
    master.settle()
    expect(master.state.allocator.allocatedToRole("web")).toEqual({ cpus: 2_000 })
    for (const role of ["web", "ads", "never"]) master.step({ type: "QuotaRemoved", role })
    master.settle()
    // No cause but the removal: what was beyond the limit is offered now.
    expect(master.offersOf(id)).toHaveLength(2)
    expect(master.state.allocator.allocatedToRole("web")).toEqual({ cpus: 8_000 })
    expect([...quotasOf(master.state)]).toEqual([["ads", none]])
    master.restart()
    expect([...quotasOf(master.state)]).toEqual([["ads", none]])
  })
})
