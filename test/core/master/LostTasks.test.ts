import { describe, expect, it } from "vitest"
import type { ReportedTask } from "../../../core/master/Event.ts"
import { completedTasksOf } from "../../../core/master/History.ts"
import { defaultMasterSettings, type MasterSettings } from "../../../core/master/State.ts"
import { actionsOf, launching, launchOf, MasterHarness, statusesOf } from "../../support/MasterHarness.ts"
import { host, small } from "../../support/MasterScenes.ts"

const losing: MasterSettings = { ...defaultMasterSettings, losesUncheckpointedTasks: true }

/** A host with a running task of a framework with and of one without `checkpoint`. */
const twoKinds = (settings: MasterSettings) => {
  const master = new MasterHarness(settings)
  const agentId = master.addAgent(host)
  const [kept, lost] = [true, false].map((checkpoint) => {
    const { id } = master.subscribe({
      checkpoint,
      roles: [String(checkpoint)],
      capabilities: ["PARTITION_AWARE"],
    })
    master.settle()
    master.step({
      type: "OffersAccepted",
      frameworkId: id,
      offerIds: [master.offersOf(id)[0]!],
      operations: launching([launchOf("t", agentId, small)]),
      refuseMs: 1_000_000,
    })
    master.report(agentId, id, "t", "TASK_RUNNING")
    return id
  })
  const { streamId } = master.state.agents.get(agentId)!
  const disconnect = () => master.step({ type: "AgentDisconnected", agentId, streamId: streamId! })
  return { master, agentId, kept: kept!, lost: lost!, disconnect }
}

const comeBack = (
  master: MasterHarness,
  agentId: string,
  tasks: ReadonlyArray<ReportedTask>,
  killing: ReadonlyArray<string>,
) => {
  const { address } = master.state.agents.get(agentId)!
  return master.step({
    ...{ type: "AgentRegistered", streamId: "again", agentId, address, total: host, reserve: {} },
    ...{ attributes: [], version: "1", tasks, launching: [], acknowledging: [], killing },
    ...{ checkpointed: {}, outcomes: [], converting: [] },
  })
}

describe("when the connection to an agent breaks", () => {
  it("tasks are believed to run on, whatever their framework says of checkpoints", () => {
    const { master, disconnect } = twoKinds(defaultMasterSettings)
    expect(statusesOf(disconnect())).toEqual([])
    expect(master.state.tasks.size).toBe(2)
  })

  // As in the transcript scheduler/pa_stream, task t-a2.
  it("those of frameworks without checkpoint are lost at once, where the settings say so", () => {
    const { master, agentId, kept, lost, disconnect } = twoKinds(losing)
    const actions = disconnect()
    expect(actionsOf(actions, "SendStatus").map(({ status }) => status)).toMatchObject([
      {
        frameworkId: lost,
        state: "TASK_LOST",
        reason: "REASON_AGENT_DISCONNECTED",
        message: "Agent host disconnected",
        uuid: null,
      },
    ])
    expect([...master.state.tasks.keys()]).toEqual([`${kept}/t`])
    expect(completedTasksOf(master.state, lost).map(({ state }) => state)).toEqual(["TASK_LOST"])
    expect(master.allocatedOn(agentId)).toEqual(small)
    expect(actionsOf(actions, "SendToAgent").map(({ message }) => message.type)).toEqual(["KillTask"])
  })

  it("and what was lost does not come back with the agent: it is killed", () => {
    const { master, agentId, kept, lost, disconnect } = twoKinds(losing)
    const tasks = [...master.state.tasks.values()].map(({ spec, status }) => ({ spec, status }))
    disconnect()
    expect(statusesOf(comeBack(master, agentId, tasks, [`${lost}/t`]))).toEqual([])
    expect([...master.state.tasks.keys()]).toEqual([`${kept}/t`])
    // The end that the order brings about is nobody's news.
    const ended = master.report(agentId, lost, "t", "TASK_KILLED")
    expect(ended.map((action) => action.type)).toEqual(["SendToAgent"])
  })

  it("a restart of the master loses nothing: the agents do not end their tasks for that", () => {
    const { master } = twoKinds(losing)
    master.restart()
    expect(statusesOf(master.step({ type: "MasterStarted" }))).toEqual([])
    expect(master.state.tasks.size).toBe(2)
  })
})

describe("of tasks on unreachable agents", () => {
  it("each framework has so many remembered, those of the agents that were lost last", () => {
    const master = new MasterHarness({ ...defaultMasterSettings, unreachableTasksPerFrameworkMax: 3 })
    const agentIds = [0, 1, 2].map(() => master.addAgent(host))
    const { id } = master.subscribe()
    master.settle()
    for (const offer of [...master.state.offers.values()]) {
      master.step({
        type: "OffersAccepted",
        frameworkId: id,
        offerIds: [offer.id],
        operations: launching(
          ["a", "b"].map((name) => launchOf(`${offer.agentId}-${name}`, offer.agentId, small)),
        ),
        refuseMs: 1_000_000,
      })
    }
    const tasks = () => [...master.state.tasks.keys()].sort()
    for (const agentId of [...agentIds].reverse()) {
      const { streamId } = master.state.agents.get(agentId)!
      master.step({ type: "AgentDisconnected", agentId, streamId: streamId! })
      master.advance(1_000)
    }
    expect(tasks()).toHaveLength(6)
    master.advance(75_000)
    expect([...master.state.agents.values()].map(({ condition }) => condition)).toEqual(
      agentIds.map(() => "unreachable"),
    )
    // The agent that was lost first is m-S2, then m-S1.
    expect(tasks()).toEqual([`${id}/m-S0-a`, `${id}/m-S0-b`, `${id}/m-S1-b`])
    const [forgotten] = [{ taskId: "m-S2-a", agentId: "m-S2" }]
    const asked = master.step({ type: "ReconciliationRequested", frameworkId: id, tasks: [forgotten!] })
    expect(actionsOf(asked, "SendStatus").map(({ status }) => status)).toMatchObject([
      { state: "TASK_LOST", reason: "REASON_RECONCILIATION", unreachableWallMs: 1_075_000 },
    ])
  })
})
