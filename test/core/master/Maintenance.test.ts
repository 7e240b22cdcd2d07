import { describe, expect, it } from "vitest"
import { machinesProblem, scheduleProblem } from "../../../core/master/Maintenance.ts"
import { actionsOf, MasterHarness, statusesOf } from "../../support/MasterHarness.ts"
import { host, offered, running } from "../../support/MasterScenes.ts"

const machine = { hostname: "host", ip: "127.0.0.1" }
const other = { hostname: "other", ip: "127.0.0.9" }
const unavailability = { startNanos: 5e18, durationNanos: 3_600e9 }
const windows = [{ machines: [machine], unavailability }]

const schedule = (master: MasterHarness, list: typeof windows = windows) =>
  master.step({ type: "MaintenanceScheduled", windows: list })

describe("a schedule", () => {
  it("is announced: offers are made anew with the window, and who holds something is asked to leave, once", () => {
    const { master, agentId } = offered()
    expect(schedule(master).map(({ type }) => type)).toEqual(["RescindOffer"])
    const actions = master.settle()
    expect(actionsOf(actions, "OfferResources")[0]!.offers).toMatchObject([{ unavailability }])
    expect(actionsOf(actions, "OfferInversely")[0]!.offers).toMatchObject([
      { offer: { agentId, unavailability } },
    ])
    expect(schedule(master), "the same again changes nothing").toEqual([])
    master.restart()
    expect(actionsOf(master.advance(29_000), "OfferInversely")).toEqual([])
  })

  it("finds machines by name in any case and by address, and hosts that come later", () => {
    const master = new MasterHarness()
    schedule(master, [{ machines: [{ ...machine, hostname: "HOST" }], unavailability }])
    const [here, elsewhere] = [master.addAgent(host), master.addAgent(host, null, {}, "127.0.0.2")]
    expect(master.state.inverse.windows.has(here)).toBe(true)
    expect(master.state.inverse.windows.has(elsewhere)).toBe(false)
  })

  it("that is cleared takes everything back", () => {
    const { master, agentId } = offered()
    schedule(master)
    master.settle()
    const types = schedule(master, []).map(({ type }) => type)
    expect(types).toEqual(["RescindInverseOffer", "RescindOffer"])
    expect(actionsOf(master.settle(), "OfferResources")[0]!.offers[0]!.unavailability).toBe(null)
    expect([master.state.machines.size, master.state.inverse.windows.has(agentId)]).toEqual([0, false])
  })

  it("remembers the answers, and asks again when the refusal is over", () => {
    const { master, agentId, framework } = running()
    schedule(master)
    const asked = actionsOf(master.settle(), "OfferInversely")[0]!.offers[0]!.offer.id
    const answer = (id: string, how: "accept" | "decline", refuseMs: number | null) =>
      master.step({
        ...{ type: "InverseOffersAnswered", frameworkId: framework.id },
        ...{ inverseOfferIds: [id], answer: how, refuseMs },
      })
    answer(asked, "decline", 10_000)
    master.restart()
    expect(actionsOf(master.advance(9_999), "OfferInversely")).toEqual([])
    const again = actionsOf(master.advance(1), "OfferInversely")[0]!.offers[0]!.offer.id
    expect(again).not.toBe(asked)
    answer(asked, "decline", null)
    answer(again, "accept", 1e9)
    expect(master.state.inverse.pairs.get(agentId)!.get(framework.id)!.answer).toMatchObject({
      type: "accept",
    })
    const revived = master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    expect(actionsOf([...revived, ...master.settle()], "OfferInversely")).toHaveLength(1)
  })

  it("is taken back from a framework whose last task there has ended", () => {
    const { master, agentId, framework } = running()
    schedule(master)
    master.settle()
    master.step({ type: "AgentDeactivated", agentId })
    master.settle()
    master.report(agentId, framework.id, "t", "TASK_FINISHED")
    expect(actionsOf(master.settle(), "RescindInverseOffer")).toHaveLength(1)
  })

  it.each([
    [[{ machines: [], unavailability }], "List of machines in the maintenance window is empty"],
    [[{ machines: [machine, machine], unavailability }], "appears more than once in the schedule"],
    [
      [{ machines: [{ hostname: "", ip: "" }], unavailability }],
      "Both 'hostname' and 'ip' for a machine are empty",
    ],
    [[{ machines: [{ hostname: "h", ip: "1.2.3" }], unavailability }], "Failed to parse ip address '1.2.3'"],
    [
      [{ machines: [machine], unavailability: { startNanos: 0, durationNanos: -1 } }],
      "Unavailability 'duration' is negative",
    ],
  ])("that is wrong is refused and changes nothing: %j", (list, sentence) => {
    const master = new MasterHarness()
    expect(scheduleProblem(master.state, list)).toContain(sentence)
    schedule(master, list)
    expect(master.state.schedule).toEqual([])
  })
})

describe("a machine", () => {
  it("goes down: its agents are removed and told to end, and none may come until it is up", () => {
    const { master, agentId } = running()
    schedule(master)
    const actions = master.step({ type: "MachinesBroughtDown", machines: [machine] })
    expect(statusesOf(actions)).toEqual(["t TASK_LOST REASON_AGENT_REMOVED no-ack"])
    expect(actionsOf(actions, "ShutDownAgent")).toHaveLength(1)
    expect(master.state.agents.size).toBe(0)
    master.restart()
    master.addAgent(host, agentId)
    expect(master.actions[master.actions.length - 1]).toMatchObject({
      type: "ShutDownAgent",
      reason: "Machine is `DOWN`",
    })
    const elsewhere = master.addAgent(host, null, {}, "127.0.0.2")
    expect([...master.state.agents.keys()]).toEqual([elsewhere])
    expect(scheduleProblem(master.state, [])).toBe(
      'Machine \'{"hostname":"host","ip":"127.0.0.1"}\' is deactivated and cannot be removed from the schedule',
    )
    master.step({ type: "MachinesBroughtUp", machines: [machine] })
    expect([master.state.schedule, master.state.machines.size]).toEqual([[], 0])
    master.addAgent(host, agentId)
    expect(master.state.agents.get(agentId)).toMatchObject({ condition: "connected" })
  })

  it("is judged by its mode, in Mesos's words", () => {
    const { master } = offered()
    const { state } = master
    const text = 'Machine \'{"hostname":"other","ip":"127.0.0.9"}\''
    expect(machinesProblem(state, [], "down")).toBe("List of machines is empty")
    expect(machinesProblem(state, [other], "down")).toBe(`${text} is not part of a maintenance schedule`)
    expect(machinesProblem(state, [other], "up")).toBe(`${text} is not part of a maintenance schedule`)
    // One with an agent is known without a schedule.
    expect(machinesProblem(state, [machine], "down")).toContain("is not in DRAINING mode")
    expect(machinesProblem(state, [machine], "up")).toContain("is not in DOWN mode")
    schedule(master, [{ machines: [machine, other], unavailability }])
    expect(machinesProblem(state, [other, other], "down")).toContain("more than once")
    expect(machinesProblem(state, [other], "down")).toBeUndefined()
    master.step({ type: "MachinesBroughtDown", machines: [other] })
    expect(machinesProblem(state, [other], "down")).toBe(
      `${text} is not in DRAINING mode and cannot be brought down`,
    )
    // Of two orders of which one is wrong neither is carried out.
    master.step({ type: "MachinesBroughtUp", machines: [other, machine] })
    expect(machinesProblem(state, [other], "up")).toBeUndefined()
  })
})
