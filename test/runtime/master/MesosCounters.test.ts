import { expect, it } from "vitest"
import type { MasterEvent } from "../../../core/master/Event.ts"
import { MesosCounters } from "../../../runtime/master/MesosCounters.ts"
import { launching, launchOf, MasterHarness, statusOf } from "../../support/MasterHarness.ts"

/** A master whose every step is a batch that the counters see. */
class CountedMaster extends MasterHarness {
  readonly counters = new MesosCounters()

  override step(event: Parameters<MasterHarness["step"]>[0]) {
    const changes: Array<{ kind: string; key: string; value: unknown }> = []
    this.onChanged = (kind, key, value) => changes.push({ kind, key, value })
    const actions = super.step(event)
    const journaled = { atMs: this.nowMs, event: event as MasterEvent, actionsDigest: "" }
    const effects = actions.filter((action) => action.type !== "SendToAgent")
    this.counters.observe({ events: [journaled], changes, outbox: [], delivered: [] }, effects)
    return actions
  }

  /** Those of these names that are not 0. */
  counts(prefix: string) {
    return Object.fromEntries(
      Object.entries(this.counters.values()).filter(([name, value]) => name.startsWith(prefix) && value > 0),
    )
  }
}

const launched = (...taskIds: ReadonlyArray<string>) => {
  const master = new CountedMaster()
  const agentId = master.addAgent({ cpus: 4_000, mem: 8_000_000 })
  const { id } = master.subscribe({ roles: ["web"] })
  master.settle()
  master.step({
    type: "OffersAccepted",
    frameworkId: id,
    offerIds: master.offersOf(id),
    operations: launching(taskIds.map((taskId) => launchOf(taskId, agentId, { cpus: 100, mem: 32_000 }))),
    refuseMs: null,
  })
  const report = (taskId: string, state: "TASK_RUNNING" | "TASK_FINISHED" | "TASK_KILLED") => {
    const status = statusOf(agentId, id, taskId, state)
    master.step({ type: "StatusReported", agentId, status, latestState: state })
    return status
  }
  return { master, agentId, id, report }
}

it("an end counts once, though it is told again and acknowledged", () => {
  const { master, agentId, id, report } = launched("t")
  report("t", "TASK_RUNNING")
  expect(master.counts("master/tasks_")).toEqual({})
  const status = report("t", "TASK_FINISHED")
  report("t", "TASK_FINISHED")
  master.step({
    type: "StatusAcknowledged",
    frameworkId: id,
    agentId,
    taskId: "t",
    uuid: status.uuid!,
  })
  expect(master.counts("master/tasks_")).toEqual({ "master/tasks_finished": 1 })
  expect(master.counts("master/messages_status")).toEqual({
    "master/messages_status_update": 3,
    "master/messages_status_update_acknowledgement": 1,
  })
})

it("an end that its framework is no longer there for counts, too", () => {
  const { master, id, report } = launched("t")
  report("t", "TASK_RUNNING")
  master.step({ type: "TeardownRequested", frameworkId: id })
  expect(master.counts("master/tasks_")).toEqual({})
  report("t", "TASK_KILLED")
  expect(master.counts("master/tasks_")).toEqual({ "master/tasks_killed": 1 })
  expect(master.counts("master/messages_unregister")).toEqual({ "master/messages_unregister_framework": 1 })
})

it("tasks that the master itself refuses count; answers to questions do not", () => {
  const { master, id } = launched("same", "same")
  expect(master.counts("master/tasks_")).toEqual({ "master/tasks_error": 1 })
  master.step({
    type: "ReconciliationRequested",
    frameworkId: id,
    tasks: [{ taskId: "nobody knows", agentId: null }],
  })
  expect(master.counts("master/tasks_")).toEqual({ "master/tasks_error": 1 })
})

it("an agent that stays away is removed once, and again after it was back", () => {
  const { master, agentId } = launched()
  const away = () => {
    const { streamId } = master.state.agents.get(agentId)!
    master.step({ type: "AgentDisconnected", agentId, streamId: streamId! })
    master.advance(master.settings.agentTimeoutMs)
    expect(master.state.agents.get(agentId)?.condition).toBe("unreachable")
  }
  const removed = (times: number) =>
    expect(master.counts("master/slave_")).toMatchObject({
      "master/slave_removals": times,
      "master/slave_removals/reason_unhealthy": times,
      "master/slave_unreachable_completed": times,
      "master/slave_registrations": 1,
    })
  away()
  removed(1)
  master.addAgent({ cpus: 4_000, mem: 8_000_000 }, agentId)
  removed(1)
  away()
  removed(2)
  expect(master.counts("master/slave_rereg")).toEqual({ "master/slave_reregistrations": 1 })
})
