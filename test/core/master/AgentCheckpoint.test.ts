import { describe, expect, it } from "vitest"
import type { MasterEventOf } from "../../../core/master/Event.ts"
import { resourcesToMesosText } from "../../../core/resources/MesosText.ts"
import { actionsOf, MasterHarness } from "../../support/MasterHarness.ts"
import {
  amounts,
  operation,
  plain,
  reservedFor,
  volumeOf,
  webOffered,
} from "../../support/OperationScenes.ts"

const host = plain(amounts("cpus:4;mem:4000;disk:1000;ports:[31000-31009]"))

const register = (
  master: MasterHarness,
  agentId: string | null,
  change: Partial<MasterEventOf<"AgentRegistered">> = {},
) => master.register(agentId, { total: host, ...change })

const checkpointsIn = (actions: Parameters<typeof actionsOf>[0]) =>
  actionsOf(actions, "SendToAgent").flatMap(({ message }) =>
    message.type === "CheckpointResources" ? [message] : [],
  )

const kept = plain(reservedFor("cpus:1", ["web"]), volumeOf("v", "web"))

describe("what is reserved on an agent", () => {
  it("comes back from the agent to a master that has lost its journal", () => {
    const master = new MasterHarness()
    const actions = register(master, "old-S7", { checkpointed: kept })
    expect(resourcesToMesosText(master.state.agents.get("old-S7")!.total)).toBe(
      "cpus:3; mem:4000; disk:900; ports:[31000-31009]; cpus(reservations: [(DYNAMIC,web)]):1; disk(reservations: [(DYNAMIC,web)])[v:data]:100",
    )
    expect(checkpointsIn(actions)).toEqual([])
  })

  it("is the master's word where it has one: the agent is told, and deletes nothing for it", () => {
    const { master, agentId, accept } = webOffered()
    accept([operation("RESERVE", plain(reservedFor("cpus:1", ["web"])))])
    const actions = register(master, agentId, { checkpointed: kept })
    expect(checkpointsIn(actions)).toEqual([
      {
        type: "CheckpointResources",
        resources: plain(reservedFor("cpus:1", ["web"])),
        destroyed: {},
        operation: null,
      },
    ])
    const again = register(master, agentId, { checkpointed: plain(reservedFor("cpus:1", ["web"])) })
    expect(checkpointsIn(again)).toEqual([])
  })

  it("must fit what the agent announces: it is refused with the reason and what to do", () => {
    const { master, agentId, accept } = webOffered()
    accept([operation("RESERVE", plain(reservedFor("cpus:3", ["web"])))])
    const before = master.state.agents.get(agentId)
    const actions = register(master, agentId, { total: plain(amounts("cpus:2;mem:4000")) })
    const [refused] = actionsOf(actions, "RefuseRegistration")
    expect(refused!.reason).toContain("it announces cpus:1 less than what is reserved on it")
    expect(refused!.reason).toContain("start it with --resources that include them, or unreserve them")
    expect(master.state.agents.get(agentId)).toBe(before)
    // Less of what nobody has reserved is the agent's own matter.
    register(master, agentId, { total: plain(amounts("cpus:3;mem:100")) })
    expect(resourcesToMesosText(master.state.agents.get(agentId)!.total)).toBe(
      "mem:100; cpus(reservations: [(DYNAMIC,web)]):3",
    )
  })

  it("must not be the same ports twice", () => {
    const master = new MasterHarness()
    const checkpointed = plain(...["web", "ads"].map((role) => reservedFor("ports:[31000-31009]", [role])))
    const [refused] = actionsOf(register(master, "old-S7", { checkpointed }), "RefuseRegistration")
    expect(refused!.reason).toContain("the same part of ports is reserved on it more than once")
  })

  it("settles the operations that the agent did meanwhile, and repeats those that it has lost", () => {
    const { master, agentId, framework, accept } = webOffered()
    const ids = ["done", "flying", "lost"]
    accept(ids.map((id) => operation("RESERVE", plain(reservedFor("cpus:1", ["web"])), id)))
    const actions = register(master, agentId, {
      checkpointed: plain(reservedFor("cpus:3", ["web"])),
      outcomes: [{ frameworkId: framework.id, operationId: "done", problem: null }],
      converting: [`${framework.id}/flying`],
    })
    expect(actionsOf(actions, "SendOperationStatus").map(({ status }) => status.operationId)).toEqual([
      "done",
    ])
    expect(checkpointsIn(actions).map((message) => message.operation?.operationId)).toEqual(["lost"])
  })
})
