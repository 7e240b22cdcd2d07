import { describe, expect, it } from "vitest"
import { refuseCall } from "../../../core/master/Admission.ts"
import { defaultMasterSettings } from "../../../core/master/State.ts"
import { MasterHarness } from "../../support/MasterHarness.ts"
import { host, running } from "../../support/MasterScenes.ts"

describe("a restarted master", () => {
  it("has no streams left, keeps the tasks, and gives frameworks and agents time to return", () => {
    const { master, agentId, framework } = running()
    master.settle()
    master.restart()
    expect(master.step({ type: "MasterStarted" }).filter((action) => action.type === "SendStatus")).toEqual(
      [],
    )
    expect(master.state.agents.get(agentId)!.condition).toBe("disconnected")
    expect(refuseCall(master.state, framework.id, framework.streamId)?.type).toBe("FrameworkNotSubscribed")
    expect(master.state.tasks.size).toBe(1)
    expect(master.state.offers.size).toBe(0)
  })

  it("gives frameworks without a failover timeout the time of an agent: they did not leave", () => {
    const { master, agentId } = running()
    const hasty = master.subscribe({ failoverTimeoutMs: 0 })
    master.restart()
    master.step({ type: "MasterStarted" })
    master.restart()
    master.advance(defaultMasterSettings.agentTimeoutMs - 1)
    expect(master.state.frameworks.has(hasty.id)).toBe(true)
    master.addAgent(host, agentId)
    master.advance(1)
    expect(master.state.frameworks.has(hasty.id)).toBe(false)
  })

  it("refuses time that goes back", () => {
    const master = new MasterHarness()
    master.nowMs = 5
    master.step({ type: "TimePassed" })
    master.nowMs = 4
    expect(() => master.step({ type: "TimePassed" })).toThrow("time went back from 5 to 4")
  })
})
