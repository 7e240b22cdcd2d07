import { describe, expect, it } from "vitest"
import { restoreMaster, snapshotMaster } from "../../../core/master/Snapshot.ts"
import { resourcesToPlain } from "../../../core/resources/PlainForm.ts"
import {
  actionsOf,
  launching,
  launchOf,
  MasterHarness,
  offeredIn,
  statusesOf,
} from "../../support/MasterHarness.ts"
import { host, offered, running, small } from "../../support/MasterScenes.ts"

// 4 cpus and 8,000 MiB, of which task `t` has half a cpu and 64 MiB where there is one.

const amountsOf = (master: MasterHarness) =>
  [...master.state.offers.values()].map((offer) => resourcesToPlain(offer.resources))

describe("an agent's reserve", () => {
  it("takes what nobody holds without a word, and is offered to nobody", () => {
    const { master, agentId, framework } = running()
    // The rest of the offer was refused for long, so it is free.
    expect(master.reserve(agentId, { cpus: 1_000, mem: 1_000_000 })).toEqual([])
    expect(master.state.allocator.heldOn(agentId)).toEqual({ cpus: 1_000, mem: 1_000_000 })
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    master.settle()
    expect(amountsOf(master)).toEqual([{ cpus: 2_500, mem: 6_936_000 }])
  })

  it("rescinds an offer that holds what it needs, and the rest is offered again at once", () => {
    const { master, agentId, framework, offerId } = offered()
    expect(master.reserve(agentId, { cpus: 1_000 })).toEqual([
      { type: "RescindOffer", streamId: framework.streamId, offerId },
    ])
    expect(offeredIn(master.settle())).toEqual([{ cpus: 3_000, mem: 8_000_000 }])
  })

  /** An old offer of 3.5 cpus, a younger one of half a cpu that a task has given back. */
  const twoOffers = () => {
    const context = offered()
    const { master, agentId, framework, offerId } = context
    const accept = { type: "OffersAccepted", frameworkId: framework.id, refuseMs: 0 } as const
    const launches = [launchOf("t", agentId, { cpus: 500, mem: 4_000_000 })]
    master.step({ ...accept, offerIds: [offerId], operations: launching(launches) })
    master.advance(1_000)
    const [old] = master.offersOf(framework.id)
    master.report(agentId, framework.id, "t", "TASK_FINISHED")
    master.advance(1_000)
    const [, young] = master.offersOf(framework.id)
    return { ...context, old: old!, young: young! }
  }
  const rescinded = (actions: Parameters<typeof actionsOf>[0]) =>
    actionsOf(actions, "RescindOffer").map(({ offerId }) => offerId)

  it("rescinds only as many offers as it needs, the oldest first", () => {
    const { master, agentId, old, young } = twoOffers()
    expect(rescinded(master.reserve(agentId, { cpus: 3_500 }))).toEqual([old])
    expect(amountsOf(master)).toEqual([{ cpus: 500, mem: 4_000_000 }])
    expect(rescinded(master.reserve(agentId, { cpus: 3_501 }))).toEqual([young])
  })

  it("leaves an offer alone that has nothing of what it lacks", () => {
    const { master, agentId, framework } = offered()
    master.reserve(agentId, { cpus: 4_000 })
    master.settle()
    expect(amountsOf(master)).toEqual([{ mem: 8_000_000 }])
    expect(master.reserve(agentId, { cpus: 4_500, gpus: 1_000 })).toEqual([])
    expect(master.offersOf(framework.id)).toHaveLength(1)
  })

  it("takes nothing from a task, but all that it gives back", () => {
    const { master, agentId, framework } = running()
    const whole = { cpus: 99_000, mem: 99_000_000 }
    expect(statusesOf(master.reserve(agentId, whole))).toEqual([])
    expect(master.allocatedOn(agentId)).toEqual(small)
    expect(master.state.allocator.heldOn(agentId)).toEqual({ cpus: 3_500, mem: 7_936_000 })
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    master.report(agentId, framework.id, "t", "TASK_FINISHED")
    expect(master.advance(60_000)).toEqual([])
    expect(master.state.allocator.heldOn(agentId)).toEqual(host)
  })

  it("that shrinks is offered at once, though the rest was refused", () => {
    const { master, agentId, framework } = offered()
    master.reserve(agentId, { cpus: 2_000 })
    master.settle()
    const offerIds = master.offersOf(framework.id)
    master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds, refuseMs: 9e9 })
    expect(master.settle()).toEqual([])
    master.reserve(agentId, { cpus: 1_000 })
    master.settle()
    expect(amountsOf(master)).toEqual([{ cpus: 3_000, mem: 8_000_000 }])
  })

  it("that shrinks of one thing and grows of another does both", () => {
    const { master, agentId } = offered()
    master.reserve(agentId, { cpus: 2_000 })
    master.settle()
    master.reserve(agentId, { cpus: 1_000, mem: 1_000_000 })
    master.settle()
    expect(amountsOf(master)).toEqual([{ cpus: 3_000, mem: 7_000_000 }])
  })

  it("makes a launch on the offer that it took back fail cleanly", () => {
    const { master, agentId, framework, offerId } = offered()
    master.reserve(agentId, { cpus: 1_000 })
    const accepted = master.step({
      type: "OffersAccepted",
      frameworkId: framework.id,
      offerIds: [offerId],
      operations: launching([launchOf("t", agentId, host)]),
      refuseMs: 0,
    })
    expect(statusesOf(accepted)).toEqual(["t TASK_LOST REASON_INVALID_OFFERS no-ack"])
    expect([...master.state.tasks.keys()]).toEqual([])
    master.settle()
    expect(amountsOf(master)).toEqual([{ cpus: 3_000, mem: 8_000_000 }])
  })

  it("is heard only from the stream that lives", () => {
    const { master, agentId } = offered()
    master.reserve(agentId, { cpus: 2_000 })
    const { streamId } = master.state.agents.get(agentId)!
    master.addAgent(host, agentId, { cpus: 3_000 })
    expect(master.reserve(agentId, {}, streamId!)).toEqual([])
    expect(master.reserve("m-S9", {})).toEqual([])
    expect(master.state.agents.get(agentId)!.reserve).toEqual({ cpus: 3_000 })
    master.settle()
    expect(amountsOf(master)).toEqual([{ cpus: 1_000, mem: 8_000_000 }])
  })

  it("stays while the agent is away, also over a restart of the master", () => {
    const { master, agentId } = offered()
    master.reserve(agentId, { cpus: 3_000 })
    master.restart()
    master.step({ type: "MasterStarted" })
    expect(master.state.agents.get(agentId)).toMatchObject({
      condition: "disconnected",
      reserve: { cpus: 3_000 },
    })
    expect(master.state.allocator.heldOn(agentId)).toEqual({ cpus: 3_000 })
  })

  it("counts in the cluster's total, of which shares are parts (spec/mesos.md §1.13, 6)", () => {
    const { master, agentId } = offered()
    master.reserve(agentId, host)
    expect(master.state.allocator.clusterTotal()).toEqual(host)
  })
})

describe("rows that were stored before there were reserves", () => {
  it("are taken up with none, and go on as if it had been told so", () => {
    const { master, agentId } = running()
    const rows = snapshotMaster(master.state).map((row) => {
      if (row.kind !== "agent" && row.kind !== "master") return row
      const { reserve, startedAtMs, ...value } = row.value as Record<string, unknown>
      return { ...row, value }
    })
    expect(JSON.stringify(rows)).not.toContain("reserve")
    const older = new MasterHarness()
    older.state = restoreMaster(rows, older.settings)!
    older.nowMs = master.nowMs
    expect(older.state.agents.get(agentId)!.reserve).toEqual({})
    for (const each of [master, older]) {
      each.actions.length = 0
      each.reserve(agentId, { cpus: 1_000 })
      each.subscribe()
      each.settle()
      each.step({ type: "MasterStarted" })
    }
    expect(offeredIn(older.actions)[0]).toMatchObject({ cpus: 2_500 })
    // Streams are numbered by the harness; nothing else differs.
    const bare = (actions: unknown) =>
      JSON.parse(JSON.stringify(actions).replace(/"fs\d+"/g, '"fs"')) as unknown
    expect(bare(older.actions)).toEqual(bare(master.actions))
  })
})
