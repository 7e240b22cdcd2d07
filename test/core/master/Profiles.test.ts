import { describe, expect, it } from "vitest"
import { defaultMasterSettings, mesosMasterSettings } from "../../../core/master/State.ts"
import { launching, launchOf, MasterHarness, offeredIn } from "../../support/MasterHarness.ts"
import { host, small } from "../../support/MasterScenes.ts"

// What is offered when: at once, as gleaner does it, or in the ticks of Apache Mesos (spec/mesos.md §1.2, §1.5).

/** One host, two frameworks, both asked at 300 ms: the first has the offer. */
const begin = (settings = mesosMasterSettings) => {
  const master = new MasterHarness(settings)
  master.advance(300)
  const agentId = master.addAgent(host)
  const first = master.subscribe()
  const second = master.subscribe()
  const made = offeredIn(master.settle())
  return { master, agentId, first, second, made }
}

const decline = (master: MasterHarness, frameworkId: string, refuseMs: number | null) =>
  master.step({ type: "OffersDeclined", frameworkId, offerIds: master.offersOf(frameworkId), refuseMs })

describe("with an allocation interval", () => {
  it("who comes is served at once", () => {
    const { master, made } = begin()
    expect(made).toEqual([host])
    master.addAgent(small)
    expect(offeredIn(master.settle())).toEqual([small])
  })

  it("what is declined waits for the tick, and then goes to somebody else", () => {
    const { master, first, second } = begin()
    decline(master, first.id, 0)
    expect(offeredIn(master.advance(699))).toEqual([])
    expect(offeredIn(master.advance(1))).toEqual([host])
    expect(master.nowMs).toBe(1_000)
    expect(master.offersOf(second.id)).toHaveLength(1)
  })

  it("whoever refuses for 0 s has it again with the next tick", () => {
    const master = new MasterHarness(mesosMasterSettings)
    master.addAgent(host)
    const { id } = master.subscribe()
    master.settle()
    decline(master, id, 0)
    expect(offeredIn(master.advance(999))).toEqual([])
    expect(offeredIn(master.advance(1))).toEqual([host])
  })

  it("a filter is at least as long as the interval, and ends with the first tick after it", () => {
    const master = new MasterHarness(mesosMasterSettings)
    master.addAgent(host)
    const { id } = master.subscribe()
    master.settle()
    master.advance(100)
    decline(master, id, 10)
    expect(offeredIn(master.advance(1_899))).toEqual([])
    expect(offeredIn(master.advance(1))).toEqual([host])
    expect(master.nowMs).toBe(2_000)
    decline(master, id, 2_500)
    expect(offeredIn(master.advance(2_999))).toEqual([])
    expect(offeredIn(master.advance(1))).toEqual([host])
  })

  it("REVIVE does not wait (mesos-transcripts README, 13)", () => {
    const { master, first } = begin()
    decline(master, first.id, 1_000_000)
    master.step({ type: "OffersRevived", frameworkId: first.id, roles: [] })
    expect(offeredIn(master.settle())).toEqual([host])
  })

  it("what a task gives back waits for the tick, however many ends there are until then", () => {
    const { master, agentId, first } = begin()
    master.step({
      type: "OffersAccepted",
      frameworkId: first.id,
      offerIds: master.offersOf(first.id),
      operations: launching(
        ["t", "u"].map((taskId) => launchOf(taskId, agentId, { cpus: 2_000, mem: 4_000_000 })),
      ),
      refuseMs: null,
    })
    master.advance(1_000)
    expect(master.nowMs).toBe(1_300)
    master.report(agentId, first.id, "t", "TASK_FINISHED")
    expect(offeredIn(master.advance(600))).toEqual([])
    master.report(agentId, first.id, "u", "TASK_FINISHED")
    expect(offeredIn(master.advance(99))).toEqual([])
    expect(offeredIn(master.advance(1))).toEqual([host])
  })

  it("nothing is done while nothing changes: no tick wakes a shell", () => {
    const { master, first } = begin()
    expect(master.wakeAtMs).toBeNull()
    master.step({ type: "OffersSuppressed", frameworkId: first.id, roles: [] })
    expect(master.wakeAtMs).toBeNull()
  })

  it("an offer waits for ever, where no timeout is set", () => {
    const { master, first } = begin()
    master.advance(365 * 24 * 3_600_000)
    expect(master.offersOf(first.id)).toHaveLength(1)
  })

  it("the ticks are the same ones after a restart", () => {
    const { master, first, second } = begin()
    decline(master, first.id, 0)
    master.restart()
    expect(offeredIn(master.advance(699))).toEqual([])
    expect(offeredIn(master.advance(1))).toEqual([host])
    expect(master.offersOf(second.id)).toHaveLength(1)
  })
})

describe("without an interval", () => {
  it("whatever becomes free is offered at once, all of a batch of events in one cycle", () => {
    const { master, agentId, first, second } = begin(defaultMasterSettings)
    master.step({
      type: "OffersAccepted",
      frameworkId: first.id,
      offerIds: master.offersOf(first.id),
      operations: launching(
        ["t", "u"].map((taskId) => launchOf(taskId, agentId, { cpus: 2_000, mem: 4_000_000 })),
      ),
      refuseMs: null,
    })
    master.settle()
    master.report(agentId, first.id, "t", "TASK_FINISHED")
    master.report(agentId, first.id, "u", "TASK_FINISHED")
    expect(offeredIn(master.settle())).toEqual([host])
    decline(master, first.id, 0)
    decline(master, second.id, 0)
    expect(master.advance(999).map(({ type }) => type)).toEqual(["OfferResources"])
  })
})

describe("a framework that goes on declining", () => {
  const alone = (settings = defaultMasterSettings) => {
    const master = new MasterHarness(settings)
    const agentId = master.addAgent(host)
    const { id } = master.subscribe()
    master.settle()
    return { master, agentId, id }
  }
  /** How long it is left alone after each of so many declines for 5 s. */
  const pauses = ({ master, id }: ReturnType<typeof alone>, count: number) => {
    const waited: Array<number> = []
    for (let round = 0; round < count; round++) {
      decline(master, id, 5_000)
      const fromMs = master.nowMs
      while (master.offersOf(id).length === 0) master.advance(Math.max(1, master.wakeAtMs! - master.nowMs))
      waited.push(master.nowMs - fromMs)
    }
    return waited
  }

  it("is asked less and less often, though never later than the longest back-off", () => {
    expect(pauses(alone(), 6)).toEqual([5_000, 10_000, 20_000, 30_000, 30_000, 30_000])
  })

  it("is asked as often as it says in Mesos's profile", () => {
    expect(pauses(alone(mesosMasterSettings), 3)).toEqual([5_000, 5_000, 5_000])
  })

  it("is asked again as it says when one of its tasks ends", () => {
    const context = alone()
    const { master, agentId, id } = context
    master.step({
      type: "OffersAccepted",
      frameworkId: id,
      offerIds: master.offersOf(id),
      operations: launching([launchOf("t", agentId, small)]),
      refuseMs: 1_000,
    })
    master.advance(1_000)
    pauses(context, 3)
    decline(master, id, 5_000)
    master.advance(5_000)
    expect(master.offersOf(id)).toEqual([])
    const other = master.addAgent(small)
    master.settle()
    decline(master, id, 100_000)
    master.advance(1)
    master.report(agentId, id, "t", "TASK_FINISHED")
    // More than was refused, and its back-off is over: all of the host at once. What it refused for long itself stays refused.
    expect(offeredIn(master.settle())).toEqual([host])
    expect(master.state.allocator.availableOn(other)).not.toEqual([])
    expect(pauses(context, 2)).toEqual([5_000, 10_000])
  })

  it("is asked again at once when it revives, and starts anew", () => {
    const context = alone()
    const { master, id } = context
    pauses(context, 3)
    decline(master, id, 5_000)
    master.advance(1)
    master.step({ type: "OffersRevived", frameworkId: id, roles: [] })
    expect(offeredIn(master.settle())).toEqual([host])
    expect(pauses(context, 2)).toEqual([5_000, 10_000])
  })

  it("starts anew when it launches something", () => {
    const context = alone()
    const { master, agentId, id } = context
    pauses(context, 3)
    master.step({
      type: "OffersAccepted",
      frameworkId: id,
      offerIds: master.offersOf(id),
      operations: launching([launchOf("t", agentId, small)]),
      refuseMs: 1_000,
    })
    master.advance(1_000)
    expect(pauses(context, 2)).toEqual([5_000, 10_000])
  })

  it("has declined, too, when it accepts and launches nothing", () => {
    const { master, id } = alone()
    const accept = () =>
      master.step({
        type: "OffersAccepted",
        frameworkId: id,
        offerIds: master.offersOf(id),
        operations: launching([]),
        refuseMs: 5_000,
      })
    accept()
    master.advance(5_000)
    accept()
    expect(offeredIn(master.advance(9_999))).toEqual([])
    expect(offeredIn(master.advance(1))).toEqual([host])
  })
})
