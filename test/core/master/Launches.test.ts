import { describe, expect, it } from "vitest"
import {
  actionsOf,
  launching,
  launchOf,
  MasterHarness,
  offeredIn,
  statusesOf,
} from "../../support/MasterHarness.ts"
import { host, offered, small } from "../../support/MasterScenes.ts"

describe("launches", () => {
  it("take their part; the rest is filtered as the call says", () => {
    const { master, agentId, framework, offerId } = offered()
    const actions = master.step({
      type: "OffersAccepted",
      frameworkId: framework.id,
      offerIds: [offerId],
      operations: launching([launchOf("t", agentId, small)]),
      refuseMs: 1_000,
    })
    expect(actionsOf(actions, "SendToAgent").map(({ message }) => message.type)).toEqual(["LaunchTask"])
    expect(master.settle()).toEqual([])
    expect(offeredIn(master.advance(1_000))).toEqual([{ cpus: 3_500, mem: 7_936_000 }])
  })

  it("are judged one by one; the good ones start", () => {
    const { master, agentId, framework, offerId } = offered()
    const actions = master.step({
      type: "OffersAccepted",
      frameworkId: framework.id,
      offerIds: [offerId],
      operations: launching([
        launchOf("big", agentId, { cpus: 5_000 }),
        launchOf("good", agentId, { cpus: 3_000 }),
        launchOf("too-late", agentId, { cpus: 1_001 }),
        launchOf("good", agentId, small),
        launchOf("a/b", agentId, small),
        launchOf("elsewhere", "m-S9", small),
        launchOf("nothing", agentId, {}),
        { ...launchOf("odd", agentId, small), problem: "odd thing" },
        { ...launchOf("theirs", agentId, small), role: "ads" },
        { ...launchOf("ours", agentId, small), role: "*" },
      ]),
      refuseMs: null,
    })
    expect(
      actionsOf(actions, "SendToAgent").map(
        ({ message }) => message.type === "LaunchTask" && message.spec.taskId,
      ),
    ).toEqual(["good", "ours"])
    expect(
      actionsOf(actions, "SendStatus").map(({ status }) => [status.taskId, status.state, status.message]),
    ).toEqual([
      ["big", "TASK_ERROR", expect.stringContaining("cpus(allocated: *):5 required by task")],
      [
        "too-late",
        "TASK_ERROR",
        expect.stringContaining("more than available cpus(allocated: *):1; mem(allocated: *):8000"),
      ],
      ["good", "TASK_ERROR", "Task has duplicate ID: good"],
      ["a/b", "TASK_ERROR", "'a/b' contains invalid characters"],
      ["elsewhere", "TASK_ERROR", "Task uses invalid agent m-S9 while agent m-S0 is expected"],
      ["nothing", "TASK_ERROR", "Task uses no resources"],
      ["odd", "TASK_ERROR", "odd thing"],
      [
        "theirs",
        "TASK_ERROR",
        expect.stringMatching(
          /^Total resources cpus\(allocated: ads\):.* more than available cpus\(allocated: \*\):/,
        ),
      ],
    ])
  })

  it("on an offer that is gone are lost, and the other offers of the call come back after the shortest pause", () => {
    const master = new MasterHarness()
    const agentId = master.addAgent(host)
    master.addAgent(host)
    const { id } = master.subscribe()
    master.settle()
    const [first] = master.offersOf(id)
    const actions = master.step({
      type: "OffersAccepted",
      frameworkId: id,
      offerIds: [first!, "m-O77"],
      operations: launching([launchOf("t", agentId, small)]),
      refuseMs: 1_000_000,
    })
    expect(statusesOf(actions)).toEqual(["t TASK_LOST REASON_INVALID_OFFERS no-ack"])
    expect(actionsOf(master.advance(1_000), "OfferResources")).toHaveLength(1)
  })

  it("cannot use an offer twice (text: transcript scheduler/main_46)", () => {
    const { master, agentId, framework, offerId } = offered()
    const actions = master.step({
      type: "OffersAccepted",
      frameworkId: framework.id,
      offerIds: [offerId, offerId],
      operations: launching([launchOf("t", agentId, small)]),
      refuseMs: null,
    })
    expect(actionsOf(actions, "SendStatus").map(({ status }) => status.message)).toEqual([
      `Task launched with invalid offers: Duplicate offer ${offerId} in offer list`,
    ])
    expect(offeredIn(master.advance(1_000))).toEqual([host])
  })

  it("cannot combine offers of two agents", () => {
    const master = new MasterHarness()
    const agentId = master.addAgent(host)
    master.addAgent(host)
    const { id } = master.subscribe({ capabilities: ["PARTITION_AWARE"] })
    master.settle()
    const actions = master.step({
      type: "OffersAccepted",
      frameworkId: id,
      offerIds: master.offersOf(id),
      operations: launching([launchOf("t", agentId, small)]),
      refuseMs: null,
    })
    expect(statusesOf(actions)).toEqual(["t TASK_DROPPED REASON_INVALID_OFFERS no-ack"])
  })
})
