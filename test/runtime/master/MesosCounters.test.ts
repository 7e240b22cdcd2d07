import { expect, it } from "vitest"
import type { MasterEvent } from "../../../core/master/Event.ts"
import { MesosCounters } from "../../../runtime/master/MesosCounters.ts"
import { actionsOf, launching, launchOf, MasterHarness, statusOf } from "../../support/MasterHarness.ts"
import { operation, plain, reservedFor } from "../../support/OperationScenes.ts"

/** A master whose every step is a batch that the counters see. */
class CountedMaster extends MasterHarness {
  readonly counters = new MesosCounters()

  override step(event: Parameters<MasterHarness["step"]>[0]) {
    const changes: Array<{ kind: string; key: string; value: unknown }> = []
    this.onChanged = (kind, key, value) => changes.push({ kind, key, value })
    const actions = super.step(event)
    const journaled = { atMs: this.nowMs, event: event as MasterEvent, actionsDigest: "" }
    const effects = actions.filter((action) => action.type !== "SendToAgent")
    const outbox = actionsOf(actions, "SendToAgent").map(({ agentId, message }, id) => ({
      ...{ id, to: agentId, message },
    }))
    this.counters.observe({ events: [journaled], changes, outbox, delivered: [] }, effects)
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

it("an agent that an operator gives up is removed, once", () => {
  const { master, agentId } = launched()
  master.step({ type: "AgentGone", agentId })
  master.step({ type: "AgentGone", agentId })
  expect(master.counts("master/slave_removals")).toMatchObject({ "master/slave_removals": 1 })
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

it("why tasks ended counts by source and reason, as in Mesos", () => {
  const { master, agentId, id, report } = launched("a", "b", "same", "same")
  expect(master.counts("master/task_")).toEqual({ "master/task_error/source_master/reason_task_invalid": 1 })
  const status = {
    ...statusOf(agentId, id, "a", "TASK_FAILED"),
    reason: "REASON_CONTAINER_LIMITATION_MEMORY",
  }
  master.step({ type: "StatusReported", agentId, status, latestState: "TASK_FAILED" })
  const lost = { ...statusOf(agentId, id, "b", "TASK_LOST"), reason: "REASON_EXECUTOR_TERMINATED" }
  master.step({
    type: "StatusReported",
    agentId,
    status: { ...lost, source: "SOURCE_AGENT" },
    latestState: "TASK_LOST",
  })
  report("same", "TASK_FINISHED")
  // One without a reason is no line of its own.
  expect(master.counts("master/task_")).toEqual({
    "master/task_error/source_master/reason_task_invalid": 1,
    "master/task_failed/source_executor/reason_container_limitation_memory": 1,
    "master/task_lost/source_slave/reason_executor_terminated": 1,
  })
})

it("what came to nothing is invalid: an acknowledgement of nothing, a status of a task that nobody knows", () => {
  const { master, agentId, id, report } = launched("t")
  const { uuid } = report("t", "TASK_RUNNING")
  const acknowledge = (what: string) =>
    master.step({ type: "StatusAcknowledged", frameworkId: id, agentId, taskId: "t", uuid: what })
  acknowledge("never sent")
  acknowledge(uuid!)
  acknowledge(uuid!)
  report("nobody", "TASK_RUNNING")
  report("t", "TASK_FINISHED")
  expect({ ...master.counts("master/valid_"), ...master.counts("master/invalid_") }).toEqual({
    "master/valid_status_updates": 2,
    "master/invalid_status_updates": 1,
    "master/valid_status_update_acknowledgements": 1,
    "master/invalid_status_update_acknowledgements": 2,
  })
})

it("allocation cycles count, with their times and those of the journal", () => {
  const counters = new MesosCounters()
  expect(counters.values()).toMatchObject({ "allocator/mesos/allocation_runs": 0 })
  counters.observeCycle({ overdueMs: 2, tookMs: 0.5 })
  counters.observeCycle({ overdueMs: 4, tookMs: 1.5 })
  counters.observeRecovery(0.25)
  counters.observeAppend(0.001)
  expect(counters.values()).toMatchObject({
    "allocator/mesos/allocation_runs": 2,
    "allocator/mesos/allocation_run_ms/p50": 1,
    "allocator/mesos/allocation_run_latency_ms/max": 4,
    "registrar/state_fetch_ms": 250,
    "registrar/state_store_ms": 1,
  })
})

it("a framework's operations count as calls and as events", () => {
  const { master, agentId, id } = launched("one")
  const uuid = "u"
  master.step({ type: "OperationsReconciled", frameworkId: id, operations: [{ operationId: "o", agentId }] })
  master.step({ type: "OperationAcknowledged", frameworkId: id, operationId: "o", agentId, uuid })
  const figures = master.counters.frameworks.figures(master.state)
  const of = (name: string) => figures[`master/frameworks/test/${id}/${name}`]
  const calls = ["reconcile_operations", "acknowledge_operation_status", "teardown"].map(
    (name) => `calls/${name}`,
  )
  expect(calls.map(of)).toEqual([1, 1, 0])
  expect(of("events/update_operation_status")).toBe(1)
  // Of what never happened the figure is 0, not absent.
  const others = ["events/inverse_offers", "operations/launch_group", "operations/grow_volume"]
  expect(others.map(of)).toEqual([0, 0, 0])
})

it("each framework has figures of its own, for as long as it is there", () => {
  const { master, agentId, id, report } = launched("one", "two", "two")
  report("one", "TASK_RUNNING")
  report("one", "TASK_FINISHED")
  const decline = master.subscribe({ name: "a/b", roles: ["web", "batch"] })
  master.settle()
  master.step({ type: "OffersSuppressed", frameworkId: decline.id, roles: ["batch"] })
  master.step({ type: "OffersDeclined", frameworkId: decline.id, offerIds: ["x", "y"], refuseMs: null })
  const figures = (place: string) =>
    Object.fromEntries(
      Object.entries(master.counters.frameworks.figures(master.state)).flatMap(([name, value]) =>
        name.startsWith(place) && value > 0 ? [[name.slice(place.length), value]] : [],
      ),
    )
  expect(figures(`master/frameworks/test/${id}/`)).toEqual({
    ...{ subscribed: 1, calls: 2, "calls/subscribe": 1, "calls/accept": 1, operations: 1 },
    ...{ "operations/launch": 1, "offers/sent": 1, "offers/accepted": 1 },
    ...{ events: 5, "events/subscribed": 1, "events/offers": 1, "events/update": 3 },
    ...{ "tasks/active/task_staging": 1, "tasks/terminal/task_finished": 1, "tasks/terminal/task_error": 1 },
  })
  expect(figures(`master/frameworks/a%2Fb/${decline.id}/`)).toMatchObject({
    ...{ "calls/decline": 1, "offers/declined": 2, "roles/batch/suppressed": 1 },
  })
  const { streamId } = master.state.agents.get(agentId)!
  master.step({ type: "AgentDisconnected", agentId, streamId: streamId! })
  expect(figures(`master/frameworks/a%2Fb/${decline.id}/`)).toMatchObject({ "offers/rescinded": 1 })
  // Under another stream it goes on counting.
  master.subscribe({ name: "test", roles: ["web"] }, id)
  expect(figures(`master/frameworks/test/${id}/`)).toMatchObject({ "calls/subscribe": 2, "events/error": 1 })
  master.step({ type: "TeardownRequested", frameworkId: id })
  expect(figures(`master/frameworks/test/${id}/`)).toEqual({})
})

it("what is said of operations counts, acknowledgements by whether they ended one", () => {
  const { master, agentId, id } = launched()
  // What it did not use comes back when its filter ends.
  master.advance(6_000)
  const [offerId] = master.offersOf(id)
  master.step({
    ...{ type: "OffersAccepted", frameworkId: id, offerIds: [offerId!], refuseMs: null, principal: null },
    operations: [operation("RESERVE", plain(reservedFor("cpus:1", ["web"])), "op")],
  })
  const outcome = { frameworkId: id, operationId: "op", problem: null }
  master.step({ type: "OperationReported", agentId, outcome })
  const { uuid } = [...master.state.operations.values()][0]!
  for (const each of ["never sent", uuid!, uuid!])
    master.step({
      ...{ type: "OperationAcknowledged", frameworkId: id, operationId: "op", agentId, uuid: each },
    })
  master.step({ type: "OperationsReconciled", frameworkId: id, operations: [] })
  expect({
    ...master.counts("master/messages_operation"),
    ...master.counts("master/messages_reconcile"),
    ...master.counts("master/valid_operation"),
    ...master.counts("master/invalid_operation"),
  }).toEqual({
    "master/messages_operation_status_update": 1,
    "master/messages_operation_status_update_acknowledgement": 3,
    "master/messages_reconcile_operations": 1,
    "master/valid_operation_status_updates": 1,
    "master/valid_operation_status_update_acknowledgements": 1,
    "master/invalid_operation_status_update_acknowledgements": 2,
  })
})
