import { describe, expect, it } from "vitest"
import { actionsOf, type MasterHarness } from "../../support/MasterHarness.ts"
import { operation, plain, reservedFor, webOffered } from "../../support/OperationScenes.ts"

const oneCpu = plain(reservedFor("cpus:1", ["web"]))

const statesIn = (actions: Parameters<typeof actionsOf>[0]) =>
  actionsOf(actions, "SendOperationStatus").map(({ status }) => `${status.operationId} ${status.state}`)

/** A framework with operation `o` that its agent has done. */
const finished = () => {
  const scene = webOffered()
  const { master, agentId, framework, accept } = scene
  accept([operation("RESERVE", oneCpu, "o")])
  const outcome = { frameworkId: framework.id, operationId: "o", problem: null }
  const actions = master.step({ type: "OperationReported", agentId, outcome })
  const acknowledge = (uuid: string) =>
    master.step({ type: "OperationAcknowledged", frameworkId: framework.id, operationId: "o", agentId, uuid })
  return {
    ...scene,
    outcome,
    actions,
    acknowledge,
    uuid: master.state.operations.get(`${framework.id}/o`)!.uuid!,
  }
}

const reconcile = (
  master: MasterHarness,
  frameworkId: string,
  operations: ReadonlyArray<[string, string | null]> = [],
) =>
  master.step({
    type: "OperationsReconciled",
    frameworkId,
    operations: operations.map(([operationId, agentId]) => ({ operationId, agentId })),
  })

describe("feedback of operations", () => {
  it("is told once the agent has done it, and repeated until it is acknowledged", () => {
    const { master, framework, actions, acknowledge, uuid, agentId } = finished()
    expect(actionsOf(actions, "SendOperationStatus")).toEqual([
      {
        type: "SendOperationStatus",
        streamId: framework.streamId,
        status: { operationId: "o", state: "OPERATION_FINISHED", message: null, uuid, agentId },
      },
    ])
    expect(statesIn(master.advance(9_999))).toEqual([])
    expect(statesIn(master.advance(1))).toEqual(["o OPERATION_FINISHED"])
    expect(statesIn(master.advance(20_000))).toEqual(["o OPERATION_FINISHED"])
    acknowledge("another")
    expect(statesIn(master.advance(40_000))).toEqual(["o OPERATION_FINISHED"])
    acknowledge(uuid)
    expect(master.state.operations.size).toBe(0)
    expect(statesIn(master.advance(10_000_000))).toEqual([])
  })

  it("is told again after a failover, at once", () => {
    const { master, framework } = finished()
    master.step({ type: "FrameworkDisconnected", frameworkId: framework.id, streamId: framework.streamId })
    expect(statesIn(master.advance(30_000))).toEqual([])
    const before = master.actions.length
    master.subscribe({ roles: ["web"] }, framework.id)
    expect(statesIn(master.actions.slice(before))).toEqual(["o OPERATION_FINISHED"])
  })

  it("goes on over a restart of the master", () => {
    const { master, framework, uuid, acknowledge } = finished()
    master.restart()
    expect(statesIn(master.advance(10_000))).toEqual(["o OPERATION_FINISHED"])
    expect(master.state.operationsByFramework.of(framework.id)).toHaveLength(1)
    acknowledge(uuid)
    expect(master.state.operations.size).toBe(0)
  })

  it("what the agent says twice is acknowledged to it and told once", () => {
    const { master, agentId, outcome } = finished()
    const actions = master.step({ type: "OperationReported", agentId, outcome })
    expect(actionsOf(actions, "SendToAgent").map(({ message }) => message.type)).toEqual([
      "AcknowledgeOperation",
    ])
    expect(statesIn(actions)).toEqual([])
  })

  it("says what the agent could not do", () => {
    const { master, agentId, framework, accept } = webOffered()
    accept([operation("RESERVE", oneCpu, "o")])
    const outcome = { frameworkId: framework.id, operationId: "o", problem: "disk full" }
    const [told] = actionsOf(
      master.step({ type: "OperationReported", agentId, outcome }),
      "SendOperationStatus",
    )
    expect(told!.status).toMatchObject({ state: "OPERATION_FAILED", message: "disk full" })
  })

  it("an id that is in use is refused, and free again afterwards", () => {
    const { master, framework, accept, acknowledge, uuid } = finished()
    master.settle()
    const [told] = actionsOf(accept([operation("RESERVE", oneCpu, "o")]), "SendOperationStatus")
    expect(told!.status.message).toContain("is in use until its status is acknowledged")
    acknowledge(uuid)
    master.step({ type: "OffersRevived", frameworkId: framework.id, roles: [] })
    master.settle()
    accept([operation("RESERVE", oneCpu, "o")])
    expect(master.state.operations.size).toBe(1)
  })

  it("an id that could not be a task's is refused: it is kept by the master and the agent", () => {
    for (const id of ["", "o".repeat(256), "a/b"]) {
      const { master, accept } = webOffered()
      const [told] = actionsOf(accept([operation("RESERVE", oneCpu, id)]), "SendOperationStatus")
      expect(told!.status).toMatchObject({ operationId: id, state: "OPERATION_ERROR" })
      expect(master.state.operations.size).toBe(0)
    }
    const { master, accept } = webOffered()
    accept([operation("RESERVE", oneCpu, "o".repeat(255))])
    expect(master.state.operations.size).toBe(1)
  })

  it("goes with its framework", () => {
    const { master, framework } = finished()
    master.step({ type: "TeardownRequested", frameworkId: framework.id })
    expect(master.state.operations.size).toBe(0)
    expect(statesIn(master.advance(100_000))).toEqual([])
  })
})

describe("reconciliation of operations", () => {
  it("tells the latest of those that are known, and that others are not", () => {
    const { master, framework, agentId } = finished()
    const told = reconcile(master, framework.id, [
      ["o", agentId],
      ["other", agentId],
      ["nowhere", null],
    ])
    expect(statesIn(told)).toEqual([
      "o OPERATION_FINISHED",
      "other OPERATION_UNKNOWN",
      "nowhere OPERATION_UNKNOWN",
    ])
    expect(actionsOf(told, "SendOperationStatus").every(({ status }) => status.uuid === null)).toBe(true)
    expect(statesIn(reconcile(master, framework.id))).toEqual(["o OPERATION_FINISHED"])
  })

  it("is unsure of an agent that has not returned since a restart, and tells an unreachable one as such", () => {
    const { master, framework, agentId, accept } = webOffered()
    accept([operation("RESERVE", oneCpu, "o")])
    master.restart()
    master.step({ type: "MasterStarted" })
    master.subscribe({ roles: ["web"] }, framework.id)
    const asked: Array<[string, string | null]> = [
      ["other", agentId],
      ["nowhere", null],
      ["elsewhere", "never-heard-of"],
    ]
    expect(statesIn(reconcile(master, framework.id, asked))).toEqual([
      "other OPERATION_RECOVERING",
      "nowhere OPERATION_RECOVERING",
      "elsewhere OPERATION_UNKNOWN",
    ])
    expect(statesIn(reconcile(master, framework.id))).toEqual(["o OPERATION_PENDING"])
    expect(statesIn(master.advance(75_000))).toEqual(["o OPERATION_UNREACHABLE"])
    expect(statesIn(reconcile(master, framework.id))).toEqual(["o OPERATION_UNREACHABLE"])
    expect(statesIn(reconcile(master, framework.id, [["other", agentId]]))).toEqual([
      "other OPERATION_UNREACHABLE",
    ])
  })
})
