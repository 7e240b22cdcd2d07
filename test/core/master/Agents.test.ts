import { describe, expect, it } from "vitest"
import type { MasterEventOf } from "../../../core/master/Event.ts"
import { defaultMasterSettings } from "../../../core/master/State.ts"
import type { TaskStatus } from "../../../core/Task.ts"
import { actionsOf, MasterHarness, specOf, statusesOf, statusOf } from "../../support/MasterHarness.ts"
import { host, running, small } from "../../support/MasterScenes.ts"

describe("agents", () => {
  const lose = (master: MasterHarness, agentId: string) =>
    master.step({ type: "AgentDisconnected", agentId, streamId: master.state.agents.get(agentId)!.streamId! })

  /** The agent registers as it was, but for what is said here. */
  const comeBack = (
    master: MasterHarness,
    agentId: string,
    change: Partial<MasterEventOf<"AgentRegistered">> = {},
  ) => master.register(agentId, { total: host, streamId: "again", ...change })

  it("that stay away become unreachable; their tasks are back when they are", () => {
    const { master, agentId, framework } = running()
    lose(master, agentId)
    expect(statusesOf(master.advance(74_999))).toEqual([])
    const actions = master.advance(1)
    expect(statusesOf(actions)).toEqual(["t TASK_LOST REASON_AGENT_REMOVED no-ack"])
    expect(actionsOf(actions, "ReportAgentFailure")).toHaveLength(1)
    expect(master.state.allocator.clusterTotal()).toEqual({})
    const back = comeBack(master, agentId, {
      tasks: [{ spec: specOf("t", framework.id, agentId, small), status: null }],
    })
    expect(statusesOf(back)).toEqual(["t TASK_STAGING REASON_AGENT_REREGISTERED no-ack"])
    expect(master.allocatedOn(agentId)).toEqual(small)
  })

  it("that return without a task have lost it, unless its launch is still on the way", () => {
    const { master, agentId, framework } = running()
    master.settle()
    const register = (launching: ReadonlyArray<string>) =>
      comeBack(master, agentId, { streamId: `s-${launching.length}`, launching })
    expect(statusesOf(register([`${framework.id}/t`]))).toEqual([])
    expect(statusesOf(register([]))).toEqual(["t TASK_LOST REASON_RECONCILIATION no-ack"])
    expect(master.allocatedOn(agentId)).toEqual({})
  })

  it("that were unreachable hold again what is still on its way to them", () => {
    const { master, agentId, framework } = running()
    lose(master, agentId)
    master.advance(75_000)
    const back = comeBack(master, agentId, { launching: [`${framework.id}/t`] })
    expect(statusesOf(back)).toEqual(["t TASK_STAGING REASON_AGENT_REREGISTERED no-ack"])
    expect(master.allocatedOn(agentId)).toEqual(small)
    master.report(agentId, framework.id, "t", "TASK_STARTING")
    master.report(agentId, framework.id, "t", "TASK_FAILED")
    expect(master.allocatedOn(agentId)).toEqual({})
  })

  it("that were unreachable are told to kill what is still on its way for a framework that is gone", () => {
    const { master, agentId, framework } = running()
    lose(master, agentId)
    master.advance(75_000)
    master.step({ type: "TeardownRequested", frameworkId: framework.id })
    const back = comeBack(master, agentId, { launching: [`${framework.id}/t`] })
    expect(actionsOf(back, "SendToAgent").map(({ message }) => message)).toEqual([
      { type: "KillTask", frameworkId: framework.id, taskId: "t", graceMs: null },
    ])
  })

  it("that were unreachable while a task ended tell all of its end, in order", () => {
    const { master, agentId, framework } = running()
    lose(master, agentId)
    master.advance(75_000)
    const spec = specOf("t", framework.id, agentId, small)
    const [killing, killed] = (["TASK_KILLING", "TASK_KILLED"] as const).map((state) =>
      statusOf(agentId, framework.id, "t", state),
    )
    // The agent still has two statuses to tell; the newest comes with the registration.
    const back = comeBack(master, agentId, { tasks: [{ spec, status: killed! }] })
    expect(statusesOf(back)).toEqual([])
    const tell = (status: TaskStatus) => [
      ...statusesOf(master.step({ type: "StatusReported", agentId, status, latestState: status.state })),
      ...actionsOf(
        master.step({
          type: "StatusAcknowledged",
          frameworkId: framework.id,
          agentId,
          taskId: "t",
          uuid: status.uuid!,
        }),
        "SendToAgent",
      ).map(({ message }) => message.type),
    ]
    expect(tell(killing!)).toEqual(["t TASK_KILLING - ack", "AcknowledgeStatus"])
    expect(tell(killed!)).toEqual(["t TASK_KILLED - ack", "AcknowledgeStatus"])
    expect(master.state.tasks.size).toBe(0)
    expect(master.allocatedOn(agentId)).toEqual({})
  })

  it("that return with a status nobody has acknowledged pass it on with its uuid", () => {
    const { master, agentId, framework } = running()
    lose(master, agentId)
    master.advance(75_000)
    const spec = specOf("t", framework.id, agentId, small)
    const status = statusOf(agentId, framework.id, "t", "TASK_RUNNING")
    const back = comeBack(master, agentId, { tasks: [{ spec, status }] })
    expect(statusesOf(back)).toEqual(["t TASK_RUNNING REASON_AGENT_REREGISTERED no-ack"])
    expect(
      statusesOf(master.step({ type: "StatusReported", agentId, status, latestState: status.state })),
    ).toEqual(["t TASK_RUNNING - ack"])
  })

  it("that report tasks of nobody are told to kill them", () => {
    const master = new MasterHarness()
    const actions = comeBack(master, "old-S3", {
      streamId: "s",
      tasks: [{ spec: specOf("t", `${master.state.masterId}-0001`, "old-S3", small), status: null }],
    })
    expect(actionsOf(actions, "SendToAgent")[0]!.message.type).toBe("KillTask")
  })

  describe("that report tasks of a framework that only an earlier master knew", () => {
    const begin = () => {
      const master = new MasterHarness()
      const spec = specOf("t", "old-0001", "old-S3", small)
      const status = statusOf("old-S3", "old-0001", "t", "TASK_RUNNING")
      const actions = comeBack(master, "old-S3", { streamId: "s", tasks: [{ spec, status }] })
      expect(actionsOf(actions, "SendToAgent")).toEqual([])
      expect(master.allocatedOn("old-S3")).toEqual(small)
      return master
    }

    it("keep them for it, and it is told of them when it comes back", () => {
      const master = begin()
      master.advance(defaultMasterSettings.strangerWaitMs - 1)
      const framework = master.subscribe({}, "old-0001")
      expect(framework.id).toBe("old-0001")
      master.advance(defaultMasterSettings.strangerWaitMs)
      const told = master.step({ type: "ReconciliationRequested", frameworkId: "old-0001", tasks: [] })
      expect(statusesOf(told)).toEqual(["t TASK_RUNNING REASON_RECONCILIATION no-ack"])
    })

    describe("and whose it is", () => {
      const spec = { ...specOf("t", "old-0001", "old-S3", small), principal: "owner" }
      const status = statusOf("old-S3", "old-0001", "t", "TASK_RUNNING")
      const comes = (master: MasterHarness) => comeBack(master, "old-S3", { tasks: [{ spec, status }] })
      const refused = (master: MasterHarness) =>
        actionsOf(master.actions, "RefuseSubscription").map(({ message }) => message)

      it("keep them for its principal alone, over a restart of the master too", () => {
        const master = new MasterHarness()
        comes(master)
        master.restart()
        expect(master.state.frameworks.get("old-0001")!.info.principal).toBe("owner")
        for (const principal of ["thief", null]) {
          expect(master.subscribe({ principal }, "old-0001").id).toBe("")
        }
        const message = "Changing framework's principal is not allowed."
        expect(refused(master)).toEqual([message, message])
        expect(master.subscribe({ principal: "owner" }, "old-0001").id).toBe("old-0001")
      })

      it("learn it from the first task that tells: those that older releases launched do not", () => {
        const master = new MasterHarness()
        const older = { spec: specOf("u", "old-0001", "old-S4", small), status: null }
        comeBack(master, "old-S4", { streamId: "other", tasks: [older] })
        comes(master)
        expect(master.subscribe({ principal: "thief" }, "old-0001").id).toBe("")
      })

      it("take it from who came first under its id, and give it back", () => {
        const master = new MasterHarness()
        const thief = master.subscribe({ principal: "thief" }, "old-0001")
        comes(master)
        expect(actionsOf(master.actions, "RefuseSubscription")).toMatchObject([{ streamId: thief.streamId }])
        expect(master.offersOf("old-0001")).toEqual([])
        expect(master.subscribe({ principal: "thief" }, "old-0001").id).toBe("")
        expect(master.subscribe({ principal: "owner" }, "old-0001").id).toBe("old-0001")
        // Once testified nobody's word changes it.
        comeBack(master, "old-S4", {
          streamId: "other",
          tasks: [{ spec: { ...spec, agentId: "old-S4", taskId: "u", principal: "thief" }, status: null }],
        })
        expect(master.state.frameworks.get("old-0001")!.info.principal).toBe("owner")
        expect(master.state.frameworks.get("old-0001")!.streamId).not.toBeNull()
      })
    })

    it("are told to kill them when it stays away, and it may not come back", () => {
      const master = begin()
      const late = master.advance(defaultMasterSettings.strangerWaitMs)
      expect(actionsOf(late, "SendToAgent").map(({ message }) => message.type)).toEqual(["KillTask"])
      expect(master.state.removals.has("old-0001")).toBe(true)
    })
  })

  it("that report a task of another agent are told to kill it, and nothing is booked", () => {
    const { master, agentId, framework } = running()
    const before = master.allocatedOn(agentId)
    const elsewhere = master.addAgent(host)
    for (const spec of [
      specOf("t", framework.id, elsewhere, small),
      specOf("u", framework.id, agentId, small),
    ]) {
      const back = comeBack(master, elsewhere, { tasks: [{ spec, status: null }] })
      expect(actionsOf(back, "SendToAgent").map(({ agentId, message }) => [agentId, message.type])).toEqual([
        [elsewhere, "KillTask"],
      ])
    }
    expect(master.allocatedOn(agentId)).toEqual(before)
    expect(master.allocatedOn(elsewhere)).toEqual({})
    expect([...master.state.tasks.keys()]).toEqual([`${framework.id}/t`])
  })

  it("get ids that nobody has brought along", () => {
    const master = new MasterHarness()
    master.addAgent(host, "m-S0")
    expect(master.addAgent(host)).toBe("m-S1")
    expect(master.state.agents.size).toBe(2)
  })

  it("that come back smaller than what runs on them are offered to nobody", () => {
    const { master, agentId, framework } = running()
    comeBack(master, agentId, {
      streamId: "smaller",
      total: { cpus: 100 },
      tasks: [{ spec: specOf("t", framework.id, agentId, small), status: null }],
    })
    expect(actionsOf(master.settle(), "OfferResources")).toEqual([])
    expect(master.allocatedOn(agentId)).toEqual(small)
  })

  it("that end their tasks get no more offers, and lose the ones they have", () => {
    const { master, agentId, framework } = running()
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    master.settle()
    const streamId = master.state.agents.get(agentId)!.streamId!
    const actions = master.step({ type: "AgentStopping", agentId, streamId })
    expect(actions.map(({ type }) => type)).toEqual(["RescindOffer"])
    expect(master.advance(3_600_000)).toEqual([])
    expect(statusesOf(master.report(agentId, framework.id, "t", "TASK_KILLED"))).toEqual([
      "t TASK_KILLED - ack",
    ])
  })

  it("that are another host than the one their id belongs to are refused until that one is given up", () => {
    const { master, agentId } = running()
    const elsewhere = (streamId: string) =>
      comeBack(master, agentId, { streamId, address: { hostname: "copy", ip: "127.0.0.2", port: 5051 } })
    expect(elsewhere("s1")).toEqual([
      {
        type: "RefuseRegistration",
        streamId: "s1",
        reason: expect.stringContaining("belongs to host (127.0.0.1)"),
      },
    ])
    expect(master.state.tasks.size).toBe(1)
    lose(master, agentId)
    master.advance(75_000)
    expect(actionsOf(elsewhere("s2"), "ConfirmRegistration")).toHaveLength(1)
  })

  it("do not bring back a task whose end was acknowledged, though they have not heard so yet", () => {
    const { master, agentId, framework } = running()
    master.report(agentId, framework.id, "t", "TASK_FINISHED")
    const uuid = "u-t-TASK_FINISHED"
    master.step({ type: "StatusAcknowledged", frameworkId: framework.id, agentId, taskId: "t", uuid })
    const spec = specOf("t", framework.id, agentId, small)
    const status = statusOf(agentId, framework.id, "t", "TASK_FINISHED", uuid)
    const register = (acknowledging: ReadonlyArray<string>) =>
      comeBack(master, agentId, {
        streamId: `s${acknowledging.length}`,
        tasks: [{ spec, status }],
        acknowledging,
      })
    register([uuid])
    expect(master.state.tasks.size).toBe(0)
    expect(statusesOf(register([]))).toEqual([])
    expect(master.allocatedOn(agentId)).toEqual({})
  })

  it("that never return are forgotten, with their tasks and messages", () => {
    const { master, agentId } = running()
    lose(master, agentId)
    master.advance(75_000)
    master.restart()
    const actions = master.advance(defaultMasterSettings.agentForgetMs)
    expect(actions).toContainEqual({ type: "DropMessages", agentId })
    expect([master.state.agents.size, master.state.tasks.size]).toEqual([0, 0])
  })

  it("that say a task has ended free its resources, though its framework has not acknowledged what came before", () => {
    const { master, agentId, framework } = running()
    const before = statusOf(agentId, framework.id, "t", "TASK_RUNNING", "later")
    master.step({ type: "StatusReported", agentId, status: before, latestState: "TASK_RUNNING" })
    const news = { type: "StatusReported", agentId, status: before, latestState: "TASK_FINISHED" } as const
    expect(statusesOf(master.step(news))).toEqual([])
    expect(master.allocatedOn(agentId)).toEqual({})
    master.report(agentId, framework.id, "t", "TASK_FINISHED")
    expect(master.allocatedOn(agentId)).toEqual({})
  })
})
