import { describe, expect, it } from "vitest"
import { completedFrameworks, completedTasksOf } from "../../../../core/master/History.ts"
import type { Caller } from "../../../../runtime/access/Caller.ts"
import { stateSeenBy } from "../../../../runtime/master/operator/Sight.ts"
import { launching, launchOf, MasterHarness, statusOf } from "../../../support/MasterHarness.ts"

/** May look at the work of these users. */
const viewerOf = (users: ReadonlyArray<string>): Caller => ({
  principal: "viewer",
  isAdministrator: false,
  isAllowed: (action, object) =>
    (action === "view_frameworks" || action === "view_tasks") && object !== null && users.includes(object),
})

/** A framework of each user with a task that has ended; that of `gone` has left. */
const scene = () => {
  const master = new MasterHarness()
  const agentId = master.addAgent({ cpus: 4_000, mem: 8_000_000 })
  const ids = ["alice", "bob", "gone"].map((user) => {
    const { id } = master.subscribe({ user, roles: ["web"] })
    master.settle()
    const [offerId] = master.offersOf(id)
    const operations = launching([launchOf(`of-${user}`, agentId, { cpus: 100 })])
    master.step({ type: "OffersAccepted", frameworkId: id, offerIds: [offerId!], operations, refuseMs: 0 })
    const status = statusOf(agentId, id, `of-${user}`, "TASK_FINISHED", `u-${user}`)
    master.step({ type: "StatusReported", agentId, status, latestState: "TASK_FINISHED" })
    const task = { frameworkId: id, agentId, taskId: `of-${user}` }
    master.step({ type: "StatusAcknowledged", ...task, uuid: `u-${user}` })
    if (user === "gone") master.step({ type: "TeardownRequested", frameworkId: id })
    else master.step({ type: "OffersSuppressed", frameworkId: id, roles: [] })
    master.settle()
    return id
  })
  return { master, ids }
}

describe("what a caller may see of what is over", () => {
  it("is what it might see while it was there", () => {
    const { master, ids } = scene()
    const seen = (users: ReadonlyArray<string>) => {
      const state = stateSeenBy(viewerOf(users), master.state)
      return [
        ids.flatMap((id) => completedTasksOf(state, id).map(({ spec }) => spec.taskId)),
        completedFrameworks(state).map(({ framework }) => framework.info.user),
      ]
    }
    expect(seen([])).toEqual([[], []])
    expect(seen(["alice"])).toEqual([["of-alice"], []])
    expect(seen(["bob", "gone"])).toEqual([["of-bob", "of-gone"], ["gone"]])
    expect(seen(["alice", "bob", "gone"])).toEqual([["of-alice", "of-bob", "of-gone"], ["gone"]])
  })
})
