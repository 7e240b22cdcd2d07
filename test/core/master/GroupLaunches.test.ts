import { describe, expect, it } from "vitest"
import { executorsOf } from "../../../core/master/Executors.ts"
import type { LaunchGroupRequest } from "../../../core/master/OperationRequest.ts"
import type { PlainResource } from "../../../core/resources/PlainForm.ts"
import { addQuantities, type Quantities } from "../../../core/resources/Quantities.ts"
import {
  actionsOf,
  frameworkInfo,
  launchOf,
  MasterHarness,
  statusesOf,
  statusOf,
} from "../../support/MasterHarness.ts"
import { host, offered, small } from "../../support/MasterScenes.ts"

const own = { cpus: 100, mem: 32_000, disk: 32_000 }
const hostWithDisk = { ...host, disk: 1_000_000 }

const portsOf = (begin: number, end: number): PlainResource => ({
  name: "ports",
  type: "ranges",
  value: [begin, end],
})

const plainOf = (amounts: Quantities): ReadonlyArray<PlainResource> =>
  Object.entries(amounts).map(([name, value]) => ({ name, type: "scalar", value }))

/** Each task wants these ports, and nothing else. */
const withPorts = (
  group: LaunchGroupRequest,
  ...ports: ReadonlyArray<[begin: number, end: number]>
): LaunchGroupRequest => ({
  ...group,
  tasks: group.tasks.map((task, index) => ({ ...task, resources: [portsOf(...ports[index]!)] })),
})

const groupOf = (
  agentId: string,
  taskIds: ReadonlyArray<string>,
  change: Partial<LaunchGroupRequest["executor"]> = {},
): LaunchGroupRequest => ({
  type: "LAUNCH_GROUP",
  executor: { executorId: "e", resources: own, role: null, problem: null, ...change },
  tasks: taskIds.map((taskId) => launchOf(taskId, agentId, small)),
  problem: null,
})

/** As {@link offered}, on a host with a disk, which executors must have some of. */
const withDisk = (more: ReadonlyArray<PlainResource> = []) => {
  const scene = offered()
  const { master, framework } = scene
  const agentId = master.addAgent([...plainOf(hostWithDisk), ...more])
  const actions = master.settle()
  const offer = actionsOf(actions, "OfferResources").flatMap(({ offers }) => offers)[0]!
  expect(offer.offer.frameworkId).toBe(framework.id)
  return { ...scene, agentId, offerId: offer.offer.id }
}

const accept = (
  master: MasterHarness,
  frameworkId: string,
  offerId: string,
  operations: ReadonlyArray<LaunchGroupRequest>,
) => master.step({ type: "OffersAccepted", frameworkId, offerIds: [offerId], operations, refuseMs: 0 })

const run = (master: MasterHarness, agentId: string, frameworkId: string, taskId: string) =>
  master.report(agentId, frameworkId, taskId, "TASK_RUNNING")

describe("LAUNCH_GROUP", () => {
  it("books all tasks and the executor, and sends them to the agent in one message", () => {
    const { master, agentId, framework, offerId } = withDisk()
    const actions = accept(master, framework.id, offerId, [groupOf(agentId, ["a", "b"])])
    const { message } = actionsOf(actions, "SendToAgent")[0]!
    expect(message).toMatchObject({ type: "LaunchGroup", specs: [{ taskId: "a" }, { taskId: "b" }] })
    expect(master.allocatedOn(agentId)).toEqual(addQuantities(addQuantities(small, small), own))
    expect(executorsOf(master.state)).toMatchObject([
      { executorId: "e", frameworkId: framework.id, agentId, role: "*", resources: own },
    ])
  })

  it("offers name the executors that are there, and FAILURE tells when one ends with its last task", () => {
    const { master, agentId, framework, offerId } = withDisk()
    accept(master, framework.id, offerId, [groupOf(agentId, ["a", "b"])])
    const again = actionsOf(master.advance(2_000), "OfferResources").flatMap(({ offers }) => offers)
    expect(again.filter(({ agent }) => agent.id === agentId)).toMatchObject([{ executorIds: ["e"] }])
    for (const taskId of ["a", "b"]) run(master, agentId, framework.id, taskId)
    const first = master.report(agentId, framework.id, "a", "TASK_FINISHED")
    expect(actionsOf(first, "ReportExecutorEnd")).toEqual([])
    expect(executorsOf(master.state)).toHaveLength(1)
    const last = master.report(agentId, framework.id, "b", "TASK_FAILED")
    expect(last.map(({ type }) => type)).toEqual(["SendStatus", "ReportExecutorEnd"])
    expect(actionsOf(last, "ReportExecutorEnd")).toMatchObject([{ agentId, executorId: "e" }])
    expect(executorsOf(master.state)).toEqual([])
  })

  it("holds what is the executor's as long as one of its tasks lives, over a restart too", () => {
    const { master, agentId, framework, offerId } = withDisk()
    accept(master, framework.id, offerId, [groupOf(agentId, ["a", "b"])])
    for (const offer of master.offersOf(framework.id)) {
      master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds: [offer], refuseMs: 1e9 })
    }
    master.report(agentId, framework.id, "a", "TASK_FINISHED")
    master.restart()
    expect(master.allocatedOn(agentId)).toEqual(addQuantities(small, own))
    master.step({ type: "OffersSuppressed", frameworkId: framework.id, roles: [] })
    master.report(agentId, framework.id, "b", "TASK_FINISHED")
    expect(master.allocatedOn(agentId)).toEqual({})
  })

  it("holds what is the executor's again when its agent is back, also after a late status and a restart", () => {
    const booked = [false, true].map((isRestarted) => {
      const { master, agentId, framework, offerId } = withDisk()
      accept(master, framework.id, offerId, [groupOf(agentId, ["a", "b"])])
      master.step({ type: "OffersSuppressed", frameworkId: framework.id, roles: [] })
      for (const offer of master.offersOf(framework.id)) {
        master.step({ type: "OffersDeclined", frameworkId: framework.id, offerIds: [offer], refuseMs: 1e9 })
      }
      const streamId = master.state.agents.get(agentId)!.streamId!
      master.step({ type: "AgentDisconnected", agentId, streamId })
      master.advance(75_000)
      run(master, agentId, framework.id, "a")
      if (isRestarted) master.restart()
      expect(executorsOf(master.state)).toEqual([])
      const tasks = [...master.state.tasks.values()].map(({ spec, status }) => ({ spec, status }))
      master.register(agentId, { total: hostWithDisk, tasks })
      return master.allocatedOn(agentId)
    })
    const all = addQuantities(addQuantities(small, small), own)
    expect(booked).toEqual([all, all])
  })

  it("holds an executor for the role of its living tasks, whatever an agent that is back says of one that had ended", () => {
    const master = new MasterHarness()
    const agentId = master.addAgent(hostWithDisk)
    const inRole = (role: string) => ({ roles: [role], capabilities: ["MULTI_ROLE"] })
    const { id } = master.subscribe(inRole("a"))
    master.settle()
    accept(master, id, master.offersOf(id)[0]!, [groupOf(agentId, ["first"])])
    const running = statusOf(agentId, id, "first", "TASK_RUNNING")
    master.step({ type: "StatusReported", agentId, status: running, latestState: "TASK_FINISHED" })
    const info = frameworkInfo(inRole("b"))
    master.step({ type: "FrameworkUpdated", frameworkId: id, info, suppressedRoles: [] })
    master.advance(6_000)
    accept(master, id, master.offersOf(id)[0]!, [groupOf(agentId, ["second"])])
    run(master, agentId, id, "second")
    master.step({ type: "OffersSuppressed", frameworkId: id, roles: [] })
    const streamId = master.state.agents.get(agentId)!.streamId!
    master.step({ type: "AgentDisconnected", agentId, streamId })
    master.advance(75_000)
    const tasks = [...master.state.tasks.values()].map(({ spec, status }) => ({ spec, status }))
    master.register(agentId, { total: hostWithDisk, tasks })
    const held = () => ["a", "b"].map((role) => master.state.allocator.allocatedToRole(role))
    expect(held()).toEqual([{}, addQuantities(small, own)])
    master.report(agentId, id, "first", "TASK_FINISHED")
    master.restart()
    expect(held()).toEqual([{}, addQuantities(small, own)])
    master.report(agentId, id, "second", "TASK_FINISHED")
    expect(held()).toEqual([{}, {}])
  })

  it("with an executor that is there takes no more for it, and must say the same of it", () => {
    const { master, agentId, framework, offerId } = withDisk()
    const actions = accept(master, framework.id, offerId, [
      groupOf(agentId, ["a"]),
      groupOf(agentId, ["b"]),
      groupOf(agentId, ["c"], { resources: { ...own, cpus: 200 } }),
    ])
    expect(statusesOf(actions)).toEqual(["c TASK_ERROR REASON_TASK_GROUP_INVALID no-ack"])
    const [refused] = actionsOf(actions, "SendStatus")
    expect(refused!.status.message).toContain("ExecutorInfo is not compatible with existing ExecutorInfo")
    expect(master.allocatedOn(agentId)).toEqual(addQuantities(addQuantities(small, small), own))
    // Tasks of the two do not end each other, though they have one executor.
    const groups = [...master.state.tasks.values()].map(({ spec }) => spec.executor!.groupId)
    expect(new Set(groups).size).toBe(2)
  })

  it("with an executor that is there in another role is refused: its resources are booked for that role", () => {
    const master = new MasterHarness()
    const agentId = master.addAgent(hostWithDisk)
    const { id } = master.subscribe({ roles: ["a"], capabilities: ["MULTI_ROLE"] })
    master.settle()
    accept(master, id, master.offersOf(id)[0]!, [groupOf(agentId, ["first"])])
    // From now on what is left is offered to the other role.
    const info = frameworkInfo({ roles: ["b"], capabilities: ["MULTI_ROLE"] })
    master.step({ type: "FrameworkUpdated", frameworkId: id, info, suppressedRoles: [] })
    master.advance(2_000)
    const [offerId] = master.offersOf(id)
    expect(master.state.offers.get(offerId!)!.role).toBe("b")
    const actions = accept(master, id, offerId!, [
      groupOf(agentId, ["second"]),
      groupOf(agentId, ["third"], { executorId: "other" }),
    ])
    expect(statusesOf(actions)).toEqual(["second TASK_ERROR REASON_TASK_GROUP_INVALID no-ack"])
    expect(actionsOf(actions, "SendStatus")[0]!.status.message).toContain(
      "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID: it is allocated to role 'a', not 'b'",
    )
    master.step({ type: "OffersSuppressed", frameworkId: id, roles: [] })
    for (const role of ["a", "b"]) {
      expect(master.state.allocator.consumedQuotaOf(role)).toEqual(addQuantities(small, own))
    }
    for (const taskId of ["first", "third"]) master.report(agentId, id, taskId, "TASK_FINISHED")
    for (const role of ["a", "b"]) expect(master.state.allocator.consumedQuotaOf(role)).toEqual({})
  })

  it("with an executor that is there is refused when all its tasks state another role than the offer's", () => {
    const { master, agentId, framework, offerId } = withDisk()
    const group = groupOf(agentId, ["b", "c"])
    const tasks = group.tasks.map((task) => ({ ...task, role: "elsewhere" }))
    const actions = accept(master, framework.id, offerId, [groupOf(agentId, ["a"]), { ...group, tasks }])
    expect(statusesOf(actions)).toEqual([
      "b TASK_ERROR REASON_TASK_GROUP_INVALID no-ack",
      "c TASK_ERROR REASON_TASK_GROUP_INVALID no-ack",
    ])
    const [refused] = actionsOf(actions, "SendStatus")
    expect(refused!.status.message).toContain("(allocated: elsewhere)")
    expect(master.state.tasks.size).toBe(1)
  })

  // The texts are those of the transcript scheduler/group_stream.
  it.each<[string, (agentId: string) => LaunchGroupRequest, string]>([
    [
      "its executor has no disk",
      (agentId) => groupOf(agentId, ["a", "b"], { resources: { cpus: 100, mem: 32_000 } }),
      "Executor 'e' uses no disk",
    ],
    [
      "its executor has no cpus",
      (agentId) => groupOf(agentId, ["a", "b"], { resources: { mem: 32_000, disk: 1_000 } }),
      "Executor 'e' uses less CPUs (None) than the minimum required (0.01)",
    ],
    [
      "its executor has too little memory",
      (agentId) => groupOf(agentId, ["a", "b"], { resources: { cpus: 100, mem: 1_000, disk: 1_000 } }),
      "Executor 'e' uses less memory (1) than the minimum required (32MB)",
    ],
    [
      "its executor has no name",
      (agentId) => groupOf(agentId, ["a", "b"], { executorId: "" }),
      "Executor ID is invalid: ID must not be empty",
    ],
    [
      "one task is invalid",
      (agentId) => ({
        ...groupOf(agentId, ["a"]),
        tasks: [launchOf("a", agentId, small), launchOf("b", "elsewhere", small)],
      }),
      "Task 'b' is invalid: Task uses invalid agent elsewhere",
    ],
    [
      "one task wants more than there is",
      (agentId) => ({
        ...groupOf(agentId, ["a"]),
        tasks: [launchOf("a", agentId, small), launchOf("b", agentId, { cpus: 9_999_000 })],
      }),
      "required by task group and its executor are more than available",
    ],
    [
      "two want the same port",
      (agentId) => withPorts(groupOf(agentId, ["a", "b"]), [31_000, 31_000], [31_000, 31_000]),
      "task 'b' wants ports:[31000-31000] of what those before it leave",
    ],
    [
      "one wants a port of its executor's",
      (agentId) =>
        withPorts(
          groupOf(agentId, ["a"], { resources: [...plainOf(own), portsOf(31_000, 31_005)] }),
          [31_005, 31_009],
        ),
      "executor 'e' wants cpus:0.1; disk:32; mem:32; ports:[31000-31005] of what those before it leave",
    ],
    [
      "two want more mem together than is an exact number",
      (agentId) => ({
        ...groupOf(agentId, []),
        tasks: ["a", "b"].map((taskId) => launchOf(taskId, agentId, { mem: 9e15 })),
      }),
      "Total resources mem(allocated: *):9000000000000; mem(allocated: *):9000000000000;",
    ],
    ["two have one id", (agentId) => groupOf(agentId, ["b", "b"]), "Task has duplicate ID: b"],
  ])("launches nothing when %s, and tells it of every task", (_, group, text) => {
    const { master, agentId, framework, offerId } = withDisk([portsOf(31_000, 32_000)])
    const request = group(agentId)
    const actions = accept(master, framework.id, offerId, [request])
    const statuses = actionsOf(actions, "SendStatus").map(({ status }) => status)
    expect(statuses.map(({ taskId }) => taskId)).toEqual(request.tasks.map(({ taskId }) => taskId))
    for (const status of statuses) {
      expect(status).toMatchObject({ state: "TASK_ERROR", reason: "REASON_TASK_GROUP_INVALID", uuid: null })
      expect(status.message).toContain(text)
    }
    expect(master.state.tasks.size).toBe(0)
    expect(actionsOf(actions, "SendToAgent")).toEqual([])
  })

  it("with unauthorized tasks, with bad offers, or of no task", () => {
    const { master, agentId, framework, offerId } = withDisk()
    expect(statusesOf(accept(master, framework.id, "nope", [groupOf(agentId, ["a", "b"])]))).toEqual([
      "a TASK_LOST REASON_INVALID_OFFERS no-ack",
      "b TASK_LOST REASON_INVALID_OFFERS no-ack",
    ])
    const group = groupOf(agentId, ["a", "b"])
    const tasks = [group.tasks[0]!, { ...group.tasks[1]!, unauthorized: "not you" }]
    const actions = accept(master, framework.id, offerId, [{ ...group, tasks }, groupOf(agentId, [])])
    expect(statusesOf(actions)).toEqual([
      "a TASK_ERROR REASON_TASK_GROUP_UNAUTHORIZED no-ack",
      "b TASK_ERROR REASON_TASK_GROUP_UNAUTHORIZED no-ack",
    ])
    expect(actionsOf(actions, "SendToAgent")).toEqual([])
    expect(executorsOf(master.state)).toEqual([])
  })

  it("SHUTDOWN of the executor kills all its tasks", () => {
    const { master, agentId, framework, offerId } = withDisk()
    accept(master, framework.id, offerId, [groupOf(agentId, ["a", "b"])])
    const actions = master.step({
      type: "ExecutorShutdownRequested",
      frameworkId: framework.id,
      agentId,
      executorId: "e",
    })
    expect(actionsOf(actions, "SendToAgent").map(({ message }) => message)).toMatchObject([
      { type: "KillTask", taskId: "a" },
      { type: "KillTask", taskId: "b" },
    ])
  })
})
