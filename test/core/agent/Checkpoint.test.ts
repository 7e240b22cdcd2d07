import { describe, expect, it } from "vitest"
import { restoreAgent, snapshotAgent } from "../../../core/agent/Snapshot.ts"
import { defaultAgentSettings } from "../../../core/agent/State.ts"
import { AgentHarness } from "../../support/AgentHarness.ts"
import { plain, reservedFor, volumeOf } from "../../support/OperationScenes.ts"

const ref = { frameworkId: "f", operationId: "o" }
const v1 = { role: "web", id: "v1" }
const reserved = plain(reservedFor("cpus:1;disk:100", ["web"]))
const withVolume = plain(reservedFor("cpus:1", ["web"]), volumeOf("v1", "web"))

const connected = () => {
  const agent = new AgentHarness()
  agent.step({ type: "Registered", agentId: "a" })
  return agent
}

const checkpoint = (
  agent: AgentHarness,
  resources: typeof reserved,
  destroyed: typeof reserved = {},
  operation: typeof ref | null = null,
) => agent.step({ type: "CheckpointRequested", resources, destroyed, operation })

describe("what is reserved and made on a host", () => {
  it("is done at once where no volume is touched, and told until the master has heard", () => {
    const agent = connected()
    const outcome = { ...ref, problem: null }
    expect(checkpoint(agent, reserved, {}, ref)).toEqual([{ type: "SendOutcome", outcome }])
    agent.step({ type: "Disconnected" })
    expect(agent.step({ type: "Registered", agentId: "a" })).toEqual([{ type: "SendOutcome", outcome }])
    agent.step({ type: "OperationAcknowledged", ...ref })
    expect(agent.step({ type: "Registered", agentId: "a" })).toEqual([])
    expect(agent.state.operations.size).toBe(0)
  })

  it("makes new volumes before it says so, and says what went wrong", () => {
    const agent = connected()
    checkpoint(agent, reserved)
    expect(checkpoint(agent, withVolume, {}, ref)).toEqual([
      { type: "ApplyVolumes", make: [v1], remove: [], operations: [ref] },
    ])
    expect(
      agent.step({ type: "VolumesApplied", removed: [], operations: [ref], problem: "disk full" }),
    ).toEqual([{ type: "SendOutcome", outcome: { ...ref, problem: "disk full" } }])
    // What is there already is not made again.
    expect(checkpoint(agent, withVolume)).toEqual([])
  })

  it("answers several operations of one message: reservations at once, the others when their volumes are made", () => {
    const agent = connected()
    const [reserve, create] = ["r", "c"].map((operationId) => ({ frameworkId: "f", operationId }))
    const operations = [
      { ...reserve!, hasVolumes: false },
      { ...create!, hasVolumes: true },
    ]
    const told = { resources: withVolume, destroyed: {}, operation: null, operations }
    expect(agent.step({ type: "CheckpointRequested", ...told })).toEqual([
      { type: "SendOutcome", outcome: { ...reserve, problem: null } },
      { type: "ApplyVolumes", make: [v1], remove: [], operations: [create] },
    ])
    agent.restart()
    expect(agent.step({ type: "AgentStarted", bootId: "b" })).toEqual([
      { type: "ApplyVolumes", make: [v1], remove: [], operations: [create] },
    ])
    agent.step({ type: "Registered", agentId: "a" })
    const done = { type: "VolumesApplied", removed: [], operations: [create!], problem: "disk full" } as const
    expect(agent.step(done)).toEqual([{ type: "SendOutcome", outcome: { ...create, problem: "disk full" } }])
    expect(agent.state.operations.get("f/r")).toEqual({ ...reserve, outcome: { problem: null } })
  })

  it("removes what is destroyed, over restarts, until it is gone", () => {
    const agent = connected()
    checkpoint(agent, withVolume)
    expect(checkpoint(agent, reserved, plain(volumeOf("v1", "web")), ref)).toEqual([
      { type: "ApplyVolumes", make: [], remove: [v1], operations: [ref] },
    ])
    agent.restart()
    expect(agent.step({ type: "AgentStarted", bootId: "b" })).toEqual([
      { type: "ApplyVolumes", make: [], remove: [v1], operations: [ref] },
    ])
    agent.step({ type: "VolumesApplied", removed: [v1], operations: [ref], problem: null })
    agent.restart()
    expect(agent.step({ type: "AgentStarted", bootId: "b" })).toEqual([])
    expect(agent.step({ type: "Registered", agentId: "a" })).toEqual([
      { type: "SendOutcome", outcome: { ...ref, problem: null } },
    ])
  })

  it("removes a volume once: one that is made again under its name is not touched by what follows", () => {
    const agent = connected()
    checkpoint(agent, withVolume)
    checkpoint(agent, reserved, plain(volumeOf("v1", "web")))
    // In the same action, before the making: the first removal may still be waiting, or have failed.
    expect(checkpoint(agent, withVolume, {}, ref)).toEqual([
      { type: "ApplyVolumes", make: [v1], remove: [v1], operations: [ref] },
    ])
    const andMore = plain(reservedFor("cpus:2", ["web"]), volumeOf("v1", "web"))
    expect(checkpoint(agent, andMore)).toEqual([])
    agent.step({ type: "VolumesApplied", removed: [], operations: [], problem: "busy" })
    const andOther = plain(reservedFor("cpus:2", ["web"]), volumeOf("v1", "web"), volumeOf("v2", "web"))
    expect(checkpoint(agent, andOther)).toEqual([
      { type: "ApplyVolumes", make: [{ role: "web", id: "v2" }], remove: [], operations: [] },
    ])
    agent.restart()
    expect(agent.step({ type: "AgentStarted", bootId: "b" })).toMatchObject([
      { type: "ApplyVolumes", remove: [] },
    ])
    expect(checkpoint(agent, reserved, plain(volumeOf("v1", "web")))).toMatchObject([
      { type: "ApplyVolumes", make: [], remove: [v1] },
    ])
  })

  it("leaves alone what an earlier release counted as removed and made again", () => {
    const agent = connected()
    checkpoint(agent, withVolume)
    agent.state.doomed = [v1]
    agent.restart()
    expect(agent.step({ type: "AgentStarted", bootId: "b" })).toEqual([
      { type: "ApplyVolumes", make: [v1], remove: [], operations: [] },
    ])
    expect(agent.state.doomed).toEqual([])
  })

  it("is made to be after every start", () => {
    const agent = connected()
    checkpoint(agent, withVolume)
    agent.restart()
    expect(agent.step({ type: "AgentStarted", bootId: "b" })).toEqual([
      { type: "ApplyVolumes", make: [v1], remove: [], operations: [] },
    ])
    expect(agent.state.checkpointed).toEqual(withVolume)
  })

  it("deletes nothing that its master merely does not name", () => {
    const agent = connected()
    checkpoint(agent, withVolume)
    expect(checkpoint(agent, {})).toEqual([])
    expect(agent.state.doomed).toEqual([])
  })

  it("is nothing in checkpoints of releases that knew no reservations", () => {
    const rows = snapshotAgent(new AgentHarness().state).filter(({ kind }) => kind !== "checkpoint")
    const state = restoreAgent(JSON.parse(JSON.stringify(rows)), defaultAgentSettings)!
    expect([state.checkpointed, state.doomed, state.operations.size]).toEqual([{}, [], 0])
  })
})
