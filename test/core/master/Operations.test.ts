import { describe, expect, it } from "vitest"
import { checkpointedMax } from "../../../core/master/AgentResources.ts"
import { kindLengthMax } from "../../../core/master/OperationValidation.ts"
import { resourcesToMesosText } from "../../../core/resources/MesosText.ts"
import { taskKey } from "../../../core/Task.ts"
import {
  actionsOf,
  launching,
  launchOf,
  type MasterHarness,
  statusesOf,
} from "../../support/MasterHarness.ts"
import {
  amounts,
  operation,
  plain,
  reservedFor,
  volumeOf,
  webOffered,
} from "../../support/OperationScenes.ts"

const onAgent = "; on agent m-S0 at slave(1)@127.0.0.1:5051 (host)"

const totalOf = (master: MasterHarness, agentId: string): string =>
  resourcesToMesosText(master.state.agents.get(agentId)!.total)

const checkpointsIn = (actions: Parameters<typeof actionsOf>[0]) =>
  actionsOf(actions, "SendToAgent").flatMap(({ message }) =>
    message.type === "CheckpointResources" ? [message] : [],
  )

const twoCpus = plain(reservedFor("cpus:2", ["web"]))

const labelled = (text: string, value: string) =>
  reservedFor(text, ["web"], { labels: [{ key: "label", value }] })

describe("operations of an ACCEPT", () => {
  it("run in order: reserve, make a volume, launch on both", () => {
    const { master, agentId, accept } = webOffered()
    const volume = volumeOf("v1", "web")
    const actions = accept([
      operation("RESERVE", plain(reservedFor("cpus:2;disk:100", ["web"]))),
      operation("CREATE", plain(volume)),
      ...launching([
        launchOf("t", agentId, plain(reservedFor("cpus:2", ["web"]), volume, amounts("mem:32"))),
      ]),
    ])
    expect(actionsOf(actions, "SendToAgent").map(({ message }) => message.type)).toEqual([
      "CheckpointResources",
      "LaunchTask",
    ])
    expect(checkpointsIn(actions)[0]!.resources).toEqual(plain(reservedFor("cpus:2", ["web"]), volume))
    expect(totalOf(master, agentId)).toBe(
      "cpus:2; mem:4000; disk:900; ports:[31000-31009]; cpus(reservations: [(DYNAMIC,web)]):2; disk(reservations: [(DYNAMIC,web)])[v1:data]:100",
    )
    expect(master.state.tasks.size).toBe(1)
  })

  it("do not stop those after them when they are invalid, and without id nobody hears of them", () => {
    const { agentId, accept, master } = webOffered()
    const actions = accept([
      operation("RESERVE", plain(reservedFor("cpus:9999", ["web"]))),
      ...launching([launchOf("t", agentId, { cpus: 1_000, mem: 32_000 })]),
    ])
    expect(actionsOf(actions, "SendOperationStatus")).toEqual([])
    expect(actionsOf(actions, "SendToAgent").map(({ message }) => message.type)).toEqual(["LaunchTask"])
    expect(master.state.agents.get(agentId)!.total).toBe(master.state.agents.get(agentId)!.base)
  })

  it("what they converted is offered again at once; the rest stays declined", () => {
    const { master, accept } = webOffered()
    accept([operation("RESERVE", twoCpus)])
    const [offer] = actionsOf(master.settle(), "OfferResources")[0]!.offers
    expect(resourcesToMesosText(offer!.offer.resources)).toContain("cpus(reservations: [(DYNAMIC,web)]):2")
    master.step({
      type: "OffersAccepted",
      frameworkId: offer!.offer.frameworkId,
      offerIds: [offer!.offer.id],
      operations: [],
      refuseMs: 3_600_000,
    })
    expect(master.advance(100_000)).toEqual([])
  })

  it.each([
    [
      "a static reservation",
      operation("RESERVE", plain(amounts("cpus(web):1"))),
      "is not dynamically reserved",
    ],
    [
      "another role",
      operation("RESERVE", plain(reservedFor("cpus:1", ["ads"]))),
      "with role 'ads', but the resource was allocated to role 'web'; on agent ",
    ],
    ["nothing", operation("RESERVE", {}), "Invalid resources"],
    [
      "more than is offered",
      operation("RESERVE", plain(reservedFor("cpus:5", ["web"]))),
      "cpus:4; mem:4000; disk:1000; ports:[31000-31009] does not contain cpus:5",
    ],
    [
      "the same ports under two labels",
      operation("RESERVE", plain(labelled("ports:[31000-31009]", "a"), labelled("ports:[31005-31012]", "b"))),
      "Invalid resources: The same part of 'ports' is in more than one reservation",
    ],
    [
      "the same items of a set under two labels",
      operation("RESERVE", plain(labelled("zones:{a,b}", "a"), labelled("zones:{b,c}", "b"))),
      "Invalid resources: The same part of 'zones' is in more than one reservation",
    ],
    [
      "a reservation with labels of any length",
      operation("RESERVE", plain(labelled("cpus:1", "x".repeat(kindLengthMax)))),
      "characters long, more than 4000",
    ],
    ["what nobody reserved", operation("UNRESERVE", twoCpus), "does not contain cpus(reservations"],
    [
      "a volume on unreserved disk",
      operation("CREATE", plain(volumeOf("v", "web"))),
      "does not contain disk(r",
    ],
    ["a volume that is none", operation("CREATE", twoCpus), "does not have DiskInfo"],
    [
      "a volume outside of the sandbox",
      operation("CREATE", plain(volumeOf("v", "web", 1_000, "../x"))),
      "'.', '..' or empty parts",
    ],
    ["an absolute path", operation("CREATE", plain(volumeOf("v", "web", 1_000, "/etc"))), "must be relative"],
    ["an id with slashes", operation("CREATE", plain(volumeOf("a/b", "web"))), "contains invalid characters"],
    ["a volume to read only", operation("CREATE", plain(volumeOf("v", "web", 1, "d", "RO"))), "Read-only"],
    ["a volume that is not there", operation("DESTROY", plain(volumeOf("v", "web"))), "volumes not found"],
    ["no volume", operation("DESTROY", twoCpus), "Not a persistent volume: Resource cpus"],
  ])("refuse %s, told when they have an id", (_, asked, text) => {
    const { master, accept } = webOffered()
    const actions = accept([{ ...asked, operationId: "o" } as typeof asked])
    const [told] = actionsOf(actions, "SendOperationStatus")
    expect(told!.status).toMatchObject({
      ...{ operationId: "o", state: "OPERATION_ERROR" },
      ...{ uuid: null, agentId: null },
    })
    expect(told!.status.message).toContain(text)
    expect(checkpointsIn(actions)).toEqual([])
    expect(master.state.operations.size).toBe(0)
  })

  it("must carry the principal of who is known, in the top reservation", () => {
    const { accept } = webOffered()
    const by = (principal: string | null) => plain(reservedFor("cpus:1", ["web"], { principal }))
    const messages = [by(null), by("bob"), by("alice")].map((resources, index) => {
      const offered = webOffered()
      const actions = offered.accept([operation("RESERVE", resources, `o${index}`)], "alice")
      return actionsOf(actions, "SendOperationStatus")[0]?.status.message ?? "done"
    })
    expect(messages).toEqual([
      `A reserve operation was attempted by principal 'alice', but there is a reserved resource in the request with no principal set${onAgent}`,
      `A reserve operation was attempted by authenticated principal 'alice', which does not match a reserved resource in the request with principal 'bob'${onAgent}`,
      "done",
    ])
    expect(actionsOf(accept([operation("RESERVE", by("bob"), "o")]), "SendOperationStatus")).toEqual([])
  })

  it("of an ACCEPT with bad offers are told as errors", () => {
    const { master, framework } = webOffered()
    const actions = master.step({
      type: "OffersAccepted",
      frameworkId: framework.id,
      offerIds: ["gone"],
      operations: [operation("RESERVE", twoCpus, "o")],
      refuseMs: null,
    })
    const [told] = actionsOf(actions, "SendOperationStatus")
    expect(told!.status.message).toBe(
      "Operation attempted with invalid offers: Offer gone is no longer valid",
    )
  })

  it("a volume is used by one task, destroyed when it is free, and only then unreserved", () => {
    const { master, agentId, framework, accept } = webOffered()
    const volume = volumeOf("v1", "web")
    const reserved = plain(reservedFor("disk:100", ["web"]))
    accept([
      operation("RESERVE", reserved),
      operation("CREATE", plain(volume)),
      ...launching([launchOf("t", agentId, plain(volume, amounts("cpus:1;mem:32")))]),
    ])
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    master.settle()
    const early = accept([
      operation("DESTROY", plain(volume), "early"),
      operation("UNRESERVE", reserved, "e2"),
    ])
    expect(actionsOf(early, "SendOperationStatus").map(({ status }) => status.state)).toEqual([
      "OPERATION_ERROR",
      "OPERATION_ERROR",
    ])
    master.report(agentId, framework.id, "t", "TASK_FINISHED")
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    master.settle()
    const late = accept([operation("DESTROY", plain(volume)), operation("UNRESERVE", reserved)])
    expect(checkpointsIn(late).map(({ resources, destroyed }) => [resources, destroyed])).toEqual([
      [{}, plain(volume)],
    ])
    expect(totalOf(master, agentId)).toBe("cpus:4; mem:4000; disk:1000; ports:[31000-31009]")
  })

  it("are told to the agent in one message, with all that there is once, and answered each for itself", () => {
    const { master, accept } = webOffered()
    const [v1, v2] = [volumeOf("v1", "web"), volumeOf("v2", "web")]
    const told = accept([
      operation("RESERVE", plain(reservedFor("cpus:1;disk:200", ["web"])), "r"),
      operation("CREATE", plain(v1), "c1"),
      operation("CREATE", plain(v2), "c2"),
    ])
    expect(checkpointsIn(told)).toMatchObject([
      {
        resources: plain(reservedFor("cpus:1", ["web"]), v1, v2),
        destroyed: {},
        operation: null,
        operations: [
          { operationId: "r", hasVolumes: false },
          { operationId: "c1", hasVolumes: true },
          { operationId: "c2", hasVolumes: true },
        ],
      },
    ])
    master.step({
      type: "OffersRevived",
      frameworkId: master.state.frameworks.keys().next().value!,
      roles: [],
    })
    master.settle()
    const again = accept([
      operation("DESTROY", plain(v1), "d1"),
      operation("DESTROY", plain(v2), "d2"),
      operation("CREATE", plain(v1), "c3"),
    ])
    // Else what was in the old one could be in the new one.
    expect(checkpointsIn(again)).toMatchObject([
      { destroyed: plain(v1, v2), operations: [{ operationId: "d1" }, { operationId: "d2" }] },
      { destroyed: {}, operation: { operationId: "c3" } },
    ])
  })

  it("what they free and the reserve lacks goes there, and nothing is launched on it", () => {
    const { master, agentId, framework, accept } = webOffered()
    const all = plain(amounts("cpus:2;mem:32"))
    accept([operation("RESERVE", twoCpus), ...launching([launchOf("t", agentId, all)])])
    master.settle()
    master.reserve(agentId, { cpus: 2_000 })
    expect(master.offersOf(framework.id)).toHaveLength(1)
    const actions = accept([
      operation("UNRESERVE", twoCpus),
      ...launching([launchOf("u", agentId, plain(amounts("cpus:2")))]),
    ])
    expect(statusesOf(actions)).toEqual(["u TASK_ERROR REASON_TASK_INVALID no-ack"])
    expect(master.state.allocator.heldOn(agentId)).toEqual({ cpus: 2_000 })
  })

  it("what they free on a host that has less than its tasks hold is not launched on either", () => {
    const { master, agentId, framework, accept } = webOffered()
    const all = plain(amounts("cpus:2;mem:32"))
    accept([operation("RESERVE", twoCpus), ...launching([launchOf("t", agentId, all)])])
    const task = master.state.tasks.get(`${framework.id}/t`)!
    master.step({
      ...{ type: "AgentRegistered", streamId: "again", agentId },
      address: { hostname: "host", ip: "127.0.0.1", port: 5051 },
      total: plain(amounts("cpus:2;mem:4000")),
      ...{ reserve: {}, attributes: [], version: "1" },
      ...{ tasks: [], launching: [taskKey(framework.id, task.spec.taskId)], acknowledging: [] },
      ...{ checkpointed: twoCpus, outcomes: [], converting: [] },
    })
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    master.settle()
    const actions = accept([
      operation("UNRESERVE", twoCpus),
      ...launching([launchOf("u", agentId, plain(amounts("cpus:2")))]),
    ])
    expect(statusesOf(actions)).toEqual(["u TASK_ERROR REASON_TASK_INVALID no-ack"])
    expect(totalOf(master, agentId)).toBe("cpus:2; mem:4000")
  })

  it("an id of a volume is taken once in a role", () => {
    const { accept } = webOffered()
    const actions = accept([
      operation("RESERVE", plain(reservedFor("disk:200", ["web"]))),
      operation("CREATE", plain(volumeOf("v", "web"))),
      operation("CREATE", plain(volumeOf("v", "web")), "again"),
    ])
    const [told] = actionsOf(actions, "SendOperationStatus")
    expect(told!.status.message).toBe(`Persistence ID 'v' is not unique${onAgent}`)
  })

  it("a refinement is pushed on top, and popped alone", () => {
    const { master, agentId } = webOffered()
    const ask = (type: "RESERVE" | "UNRESERVE", resources: ReturnType<typeof plain>) =>
      master.step({ type: "OperationRequested", agentId, operation: type, resources, principal: null })
    ask("RESERVE", twoCpus)
    ask("RESERVE", plain(reservedFor("cpus:2", ["web", "web/a"])))
    expect(totalOf(master, agentId)).toContain("cpus(reservations: [(DYNAMIC,web),(DYNAMIC,web/a)]):2")
    ask("UNRESERVE", plain(reservedFor("cpus:2", ["web", "web/a"])))
    expect(totalOf(master, agentId)).toContain("cpus(reservations: [(DYNAMIC,web)]):2")
  })
})

describe("operations of operators", () => {
  it("take back what is only offered, as much as they lack, and no more", () => {
    const { master, agentId, framework } = webOffered()
    const actions = master.step({
      type: "OperationRequested",
      agentId,
      operation: "RESERVE",
      resources: plain(reservedFor("ports:[31000-31004]", ["ads"])),
      principal: null,
    })
    expect(actionsOf(actions, "RescindOffer")).toHaveLength(1)
    expect(checkpointsIn(actions)).toHaveLength(1)
    const [offer] = actionsOf(master.settle(), "OfferResources")[0]!.offers
    expect(offer!.offer.frameworkId).toBe(framework.id)
    expect(resourcesToMesosText(offer!.offer.resources)).toBe(
      "cpus:4; mem:4000; disk:1000; ports:[31005-31009]",
    )
  })

  it("make no more kinds on one agent than it may have, and take no more apart than there are", () => {
    const { master, agentId, accept } = webOffered()
    const label = (value: number) => plain(labelled("mem:1", String(value)))
    const actions = accept(
      Array.from({ length: checkpointedMax + 2 }, (_, index) =>
        operation("RESERVE", label(index), index < checkpointedMax ? null : `o${index}`),
      ),
    )
    // All that it has, once: not once for each of them.
    expect(checkpointsIn(actions)).toHaveLength(1)
    expect(checkpointsIn(actions)[0]!.resources).toHaveLength(checkpointedMax)
    const told = actionsOf(actions, "SendOperationStatus")
    expect(told.map(({ status }) => status.operationId)).toEqual([
      `o${checkpointedMax}`,
      `o${checkpointedMax + 1}`,
    ])
    expect(told[0]!.status.message).toContain(
      "would have 1001 different reservations and volumes, more than the 1000",
    )
    const ask = (type: "RESERVE" | "UNRESERVE", resources: ReturnType<typeof plain>) =>
      checkpointsIn(
        master.step({ type: "OperationRequested", agentId, operation: type, resources, principal: null }),
      ).length
    const more = label(checkpointedMax)
    expect([ask("RESERVE", more), ask("UNRESERVE", label(0)), ask("RESERVE", more)]).toEqual([0, 1, 1])
  })

  it("may part ports between labels, but give none to two of them", () => {
    const { master, agentId } = webOffered()
    const ask = (...parts: ReadonlyArray<ReturnType<typeof labelled>>) =>
      master.step({
        ...{ type: "OperationRequested", agentId, operation: "RESERVE", principal: null },
        resources: plain(...parts),
      })
    expect(ask(labelled("ports:[31000-31009]", "a"), labelled("ports:[31000-31009]", "b"))).toEqual([])
    ask(labelled("ports:[31000-31004]", "a"), labelled("ports:[31005-31009]", "b"))
    expect(totalOf(master, agentId)).toContain("31000-31004]; ports")
  })

  it("that cannot be done take nothing back", () => {
    const { master, agentId } = webOffered()
    const actions = master.step({
      type: "OperationRequested",
      agentId,
      operation: "RESERVE",
      resources: plain(reservedFor("cpus:5", ["ads"])),
      principal: null,
    })
    expect(actions).toEqual([])
  })
})
