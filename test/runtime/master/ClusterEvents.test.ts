import { describe, expect, it } from "vitest"
import type { EntityRef } from "../../../core/Machine.ts"
import {
  defaultMasterSettings,
  type MasterSettings,
  mesosMasterSettings,
} from "../../../core/master/State.ts"
import { ToldCluster } from "../../../runtime/master/ClusterEvents.ts"
import {
  launching,
  launchOf,
  MasterHarness,
  settingsWithoutPause,
  statusOf,
} from "../../support/MasterHarness.ts"

// biome-ignore lint/suspicious/noExplicitAny: JSON of a foreign protocol, looked into by tests
type Json = any

/** A cluster that tells what each step is to those who watch. */
const watch = (master: MasterHarness) => {
  const told = new ToldCluster(master.state)
  const events: Array<Json> = []
  master.onStep = (changes) => {
    for (const { event } of told.hear(master.state, changes)) events.push(event)
  }
  return { told, take: () => events.splice(0) }
}

/** One agent, one framework, one task. */
const scene = (change: Partial<MasterSettings> = {}) => {
  const master = new MasterHarness({ ...settingsWithoutPause, ...change })
  const { told, take } = watch(master)
  const agentId = master.addAgent({ cpus: 1_000, mem: 64_000 })
  const { id } = master.subscribe({ roles: ["web"], capabilities: ["MULTI_ROLE"] })
  master.settle()
  master.step({
    type: "OffersAccepted",
    frameworkId: id,
    offerIds: master.offersOf(id),
    operations: launching([launchOf("t", agentId, { cpus: 100, mem: 1_000 })]),
    refuseMs: null,
  })
  return { master, told, take, agentId, id }
}

describe("what a step is to those who watch", () => {
  it("tells of agents, frameworks and tasks as the transcript operator/SUBSCRIBE_stream has them", () => {
    const { take } = scene()
    const [agent, framework, task, ...others] = take()
    expect(others).toEqual([])
    expect(agent).toMatchObject({
      type: "AGENT_ADDED",
      agent_added: { agent: { agent_info: { id: { value: "m-S0" } }, active: true, version: "1" } },
    })
    expect(framework).toMatchObject({
      type: "FRAMEWORK_ADDED",
      framework_added: {
        framework: {
          framework_info: { id: { value: "m-0000" }, roles: ["web"] },
          ...{ active: true, connected: true, recovered: false, unregistered_time: { nanoseconds: 0 } },
        },
      },
    })
    expect(task).toEqual({
      type: "TASK_ADDED",
      task_added: {
        task: {
          name: "t",
          task_id: { value: "t" },
          framework_id: { value: "m-0000" },
          agent_id: { value: "m-S0" },
          state: "TASK_STAGING",
          resources: [
            { name: "cpus", type: "SCALAR", scalar: { value: 0.1 }, allocation_info: { role: "web" } },
            { name: "mem", type: "SCALAR", scalar: { value: 1 }, allocation_info: { role: "web" } },
          ],
        },
      },
    })
  })

  it("tells of a task when its state changes, and not of statuses that say nothing new", () => {
    const { master, take, agentId, id } = scene()
    take()
    master.report(agentId, id, "t", "TASK_RUNNING", "u1")
    master.report(agentId, id, "t", "TASK_RUNNING", "u2")
    expect(take()).toEqual([
      {
        type: "TASK_UPDATED",
        task_updated: {
          framework_id: { value: id },
          status: expect.objectContaining({ state: "TASK_RUNNING", executor_id: { value: "t" } }),
          state: "TASK_RUNNING",
        },
      },
    ])
    const status = statusOf(agentId, id, "t", "TASK_RUNNING", "u3")
    const reason = "REASON_TASK_HEALTH_CHECK_STATUS_UPDATED"
    for (let times = 0; times < 2; times++) {
      master.step({
        type: "StatusReported",
        agentId,
        status: { ...status, reason },
        latestState: "TASK_RUNNING",
      })
    }
    expect(take()).toMatchObject([{ task_updated: { status: { reason }, state: "TASK_RUNNING" } }])
    master.report(agentId, id, "t", "TASK_FINISHED", "u4")
    master.step({ type: "StatusAcknowledged", frameworkId: id, agentId, taskId: "t", uuid: "u4" })
    // The acknowledged end takes the task out of the state; its watchers know already that it has ended.
    expect(take()).toMatchObject([{ task_updated: { state: "TASK_FINISHED" } }])
  })

  it("under the profile mesos says nothing of an agent that only stays away, and tells it anew when it is back", () => {
    const { tellsUnreachableAgents } = mesosMasterSettings
    const { master, take, agentId } = scene({ tellsUnreachableAgents })
    const { streamId } = master.state.agents.get(agentId)!
    take()
    master.step({ type: "AgentDisconnected", agentId, streamId: streamId! })
    master.advance(defaultMasterSettings.agentTimeoutMs)
    expect(master.state.agents.get(agentId)).toMatchObject({ condition: "unreachable" })
    expect(take()).toMatchObject([{ type: "TASK_UPDATED", task_updated: { state: "TASK_UNREACHABLE" } }])
    master.addAgent({ cpus: 1_000, mem: 64_000 }, agentId)
    expect(take()[0]).toMatchObject({
      type: "AGENT_ADDED",
      agent_added: {
        agent: {
          agent_info: { id: { value: agentId } },
          reregistered_time: { nanoseconds: expect.any(Number) },
        },
      },
    })
  })

  it("tells first what became of a task, then that its agent or its framework has gone", () => {
    const { master, take, agentId, id } = scene()
    take()
    master.step({
      type: "AgentDisconnected",
      agentId,
      streamId: master.state.agents.get(agentId)!.streamId!,
    })
    expect(take()).toEqual([])
    master.advance(defaultMasterSettings.agentTimeoutMs)
    expect(take()).toMatchObject([
      {
        type: "TASK_UPDATED",
        task_updated: {
          status: { source: "SOURCE_MASTER", reason: "REASON_AGENT_REMOVED", state: "TASK_UNREACHABLE" },
          state: "TASK_UNREACHABLE",
        },
      },
      { type: "AGENT_REMOVED", agent_removed: { agent_id: { value: agentId } } },
    ])
    master.step({ type: "TeardownRequested", frameworkId: id })
    expect(take()).toMatchObject([
      {
        type: "TASK_UPDATED",
        task_updated: {
          status: {
            ...{ reason: "REASON_FRAMEWORK_REMOVED", message: "Framework m-0000 removed" },
            timestamp: (1_000_000 + master.nowMs) / 1000,
          },
          state: "TASK_KILLED",
        },
      },
      { type: "FRAMEWORK_REMOVED", framework_removed: { framework_info: { id: { value: id } } } },
    ])
  })

  it("says what became of tasks that nobody reported on: the agent has them no more, or is forgotten", () => {
    for (const [isBack, state] of [
      [true, "TASK_GONE"],
      [false, "TASK_UNKNOWN"],
    ] as const) {
      const { master, take, agentId } = scene()
      master.step({
        type: "AgentDisconnected",
        agentId,
        streamId: master.state.agents.get(agentId)!.streamId!,
      })
      take()
      if (isBack) master.addAgent({ cpus: 1_000, mem: 64_000 }, agentId)
      else {
        master.advance(defaultMasterSettings.agentTimeoutMs)
        expect(take()).toHaveLength(2)
        master.advance(defaultMasterSettings.agentForgetMs)
      }
      expect(take()).toMatchObject([{ type: "TASK_UPDATED", task_updated: { state } }])
    }
  })

  it("tells what an operator's word did to tasks, then that their agent is no more", () => {
    const { master, take, agentId } = scene()
    take()
    master.step({ type: "AgentGone", agentId })
    expect(take()).toMatchObject([
      {
        type: "TASK_UPDATED",
        task_updated: {
          state: "TASK_GONE_BY_OPERATOR",
          status: { reason: "REASON_AGENT_REMOVED_BY_OPERATOR" },
        },
      },
      { type: "AGENT_REMOVED" },
    ])
  })

  it("tells of an agent again when it registers and says something else, not when only amounts change", () => {
    const { master, take, agentId } = scene()
    take()
    master.reserve(agentId, { cpus: 300 })
    master.addAgent({ cpus: 1_000, mem: 64_000 }, agentId)
    const tasks = take().filter(({ type }) => type === "TASK_UPDATED")
    expect(tasks).toHaveLength(1)
    expect(take()).toEqual([])
    master.addAgent({ cpus: 2_000, mem: 64_000 }, agentId)
    expect(take()).toMatchObject([
      {
        type: "AGENT_ADDED",
        agent_added: { agent: { agent_info: { resources: [{ scalar: { value: 2 } }, {}] } } },
      },
    ])
  })

  it("tells of a framework's tasks with it, also when they were nobody's before", () => {
    const { master, take, id } = scene()
    master.step({ type: "TeardownRequested", frameworkId: id })
    expect(master.state.tasks.size).toBe(1)
    // What the state does with the oldest of ten thousand removals.
    master.state.removals.delete(id)
    take()
    master.subscribe({}, id)
    expect(take().map(({ type }) => type)).toEqual(["FRAMEWORK_ADDED", "TASK_ADDED"])
  })

  it("has nothing to say of rows that nobody watches", () => {
    const { master, told } = scene()
    const changed: ReadonlyArray<EntityRef> = [
      { kind: "master", key: "counters" },
      { kind: "weight", key: "web" },
      { kind: "offer", key: "m-O0" },
    ]
    expect(told.hear(master.state, { changed, wallMs: 0 })).toEqual([])
  })
})
