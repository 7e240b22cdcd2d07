import { describe, expect, it } from "vitest"
import { updateProblem } from "../../../core/master/FrameworkUpdates.ts"
import type { FrameworkInfo } from "../../../core/master/State.ts"
import { actionsOf, frameworkInfo, MasterHarness } from "../../support/MasterHarness.ts"
import { host, running } from "../../support/MasterScenes.ts"

const inBoth = () => {
  const master = new MasterHarness()
  for (let index = 0; index < 2; index++) master.addAgent(host)
  const first = master.subscribe({ roles: ["a"], capabilities: ["MULTI_ROLE"] })
  const offers = actionsOf(master.settle(), "OfferResources")[0]!.offers
  expect(offers).toHaveLength(2)
  return { master, framework: first }
}

const update = (
  master: MasterHarness,
  frameworkId: string,
  info: Partial<FrameworkInfo>,
  suppressedRoles: ReadonlyArray<string> = [],
) => master.step({ type: "FrameworkUpdated", frameworkId, info: frameworkInfo(info), suppressedRoles })

describe("UPDATE_FRAMEWORK", () => {
  it("replaces the whole description and the suppressed roles", () => {
    const { master, framework } = inBoth()
    const before = master.state.frameworks.get(framework.id)!
    const labels = [{ key: "team", value: "x" }]
    update(master, framework.id, { name: "new", roles: ["a", "b"], labels }, ["b"])
    expect(master.state.frameworks.get(framework.id)).toEqual({
      ...before,
      info: frameworkInfo({ name: "new", roles: ["a", "b"], labels }),
      suppressedRoles: ["b"],
    })
  })

  it("takes back the offers of roles that are left, and offers them to whom else they are for", () => {
    const { master, framework } = inBoth()
    const offerIds = [...master.offersOf(framework.id)].sort()
    const actions = update(master, framework.id, { roles: ["b"], capabilities: ["MULTI_ROLE"] })
    expect(actionsOf(actions, "RescindOffer").map(({ offerId }) => offerId)).toEqual(offerIds)
    const offered = actionsOf(master.settle(), "OfferResources").flatMap(({ offers }) => offers)
    expect(offered.map(({ offer }) => offer.role)).toEqual(["b", "b"])
  })

  it("leaves the offers of roles that stay, and the tasks of those that go", () => {
    const kept = inBoth()
    const actions = update(kept.master, kept.framework.id, {
      roles: ["a", "b"],
      capabilities: ["MULTI_ROLE"],
    })
    expect(actionsOf(actions, "RescindOffer")).toEqual([])
    expect(kept.master.state.offers.size).toBe(2)
    const { master, agentId, framework } = running()
    const held = master.allocatedOn(agentId)
    update(master, framework.id, { roles: ["elsewhere"] })
    expect(master.state.tasks.size).toBe(1)
    expect(master.allocatedOn(agentId)).toEqual(held)
  })

  it("of what must not change is refused, and changes nothing", () => {
    const before = frameworkInfo({ user: "root", principal: "p", checkpoint: false })
    expect(updateProblem(before, { ...before, user: "nobody", checkpoint: true })).toBe(
      "Updating 'FrameworkInfo.user' is unsupported; attempted to update from 'root' to 'nobody'",
    )
    expect(updateProblem(before, { ...before, checkpoint: true })).toBe(
      "Updating 'FrameworkInfo.checkpoint' is unsupported; attempted to update from 'false' to 'true'",
    )
    expect(updateProblem(before, { ...before, principal: null })).toBe(
      "Changing framework's principal is not allowed.",
    )
    const { master, framework } = inBoth()
    const known = master.state.frameworks.get(framework.id)
    update(master, framework.id, { user: "other", roles: [] })
    expect(master.state.frameworks.get(framework.id)).toEqual(known)
    expect(master.state.offers.size).toBe(2)
  })
})
