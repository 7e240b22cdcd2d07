import { describe, expect, it } from "vitest"
import { executorsOf } from "../../../../core/master/Executors.ts"
import { completedFrameworks, completedTasksOf } from "../../../../core/master/History.ts"
import type { LaunchGroupRequest } from "../../../../core/master/OperationRequest.ts"
import type { Action } from "../../../../runtime/access/Action.ts"
import type { Caller } from "../../../../runtime/access/Caller.ts"
import { stateSeenBy } from "../../../../runtime/master/operator/Sight.ts"
import { launching, launchOf, MasterHarness, statusOf } from "../../../support/MasterHarness.ts"

/** May look at the work of these users. */
const viewerOf = (users: ReadonlyArray<string>, more: ReadonlyArray<Action> = []): Caller => ({
  principal: "viewer",
  isAdministrator: false,
  isAllowed: (action, object) =>
    ["view_frameworks", "view_tasks", ...more].includes(action) && object !== null && users.includes(object),
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

describe("the executor of a group", () => {
  it("is seen by who may see those of its framework's user, and hidden from others without harm", () => {
    const master = new MasterHarness()
    const agentId = master.addAgent({ cpus: 4_000, mem: 8_000_000, disk: 1_000_000 })
    const { id } = master.subscribe({ user: "alice", roles: ["web"] })
    master.settle()
    const own = { cpus: 100, mem: 32_000, disk: 32_000 }
    const group: LaunchGroupRequest = {
      type: "LAUNCH_GROUP",
      executor: { executorId: "e", resources: own, role: null, problem: null },
      tasks: [launchOf("t", agentId, { cpus: 100, mem: 32_000 })],
      problem: null,
    }
    const [offerId] = master.offersOf(id)
    master.step({
      ...{ type: "OffersAccepted", frameworkId: id, offerIds: [offerId!] },
      ...{ operations: [group], refuseMs: 0 },
    })
    const seen = (caller: Caller) => executorsOf(stateSeenBy(caller, master.state)).length
    expect(executorsOf(master.state)).toHaveLength(1)
    expect(seen(viewerOf(["alice"], ["view_executors"]))).toBe(1)
    expect(seen(viewerOf(["alice"]))).toBe(0)
    expect(seen(viewerOf(["bob"], ["view_executors"]))).toBe(0)
  })
})
