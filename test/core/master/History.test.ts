import { describe, expect, it } from "vitest"
import { completedFrameworks, completedTasksOf } from "../../../core/master/History.ts"
import { defaultMasterSettings, type MasterSettings } from "../../../core/master/State.ts"
import { notesMax } from "../../../core/master/StatusNotes.ts"
import type { TaskState } from "../../../core/Task.ts"
import { actionsOf, launching, launchOf, MasterHarness, statusOf } from "../../support/MasterHarness.ts"
import { host, running, small } from "../../support/MasterScenes.ts"

const clusterOf = (settings: Partial<MasterSettings> = {}) => {
  const allocator = { ...defaultMasterSettings.allocator, refuseMsMin: 0, canRefuseForZero: true }
  const master = new MasterHarness({ ...defaultMasterSettings, allocator, ...settings })
  return { master, agentId: master.addAgent(host) }
}

const launch = (master: MasterHarness, agentId: string, frameworkId: string, taskId: string) => {
  master.settle()
  master.step({
    type: "OffersAccepted",
    frameworkId,
    offerIds: [master.offersOf(frameworkId)[0]!],
    operations: launching([launchOf(taskId, agentId, small)]),
    refuseMs: 0,
  })
}

const end = (
  master: MasterHarness,
  agentId: string,
  frameworkId: string,
  taskId: string,
  states: ReadonlyArray<TaskState> = ["TASK_RUNNING", "TASK_FINISHED"],
) => {
  for (const state of states) {
    const uuid = `u-${taskId}-${state}-${master.nowMs++}`
    master.report(agentId, frameworkId, taskId, state, uuid)
    master.step({ type: "StatusAcknowledged", frameworkId, agentId, taskId, uuid })
  }
}

const idsOf = (master: MasterHarness, frameworkId: string) =>
  completedTasksOf(master.state, frameworkId).map(({ spec }) => spec.taskId)

describe("a completed task", () => {
  it("is remembered with all its states once its end is acknowledged, and its id can be used again", () => {
    const { master, agentId } = clusterOf()
    const { id } = master.subscribe()
    for (let round = 0; round < 2; round++) {
      launch(master, agentId, id, "t")
      expect(idsOf(master, id)).toHaveLength(round)
      end(master, agentId, id, "t", ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"])
    }
    expect(master.state.tasks.size).toBe(0)
    const completed = completedTasksOf(master.state, id)
    expect(completed.map(({ state, notes }) => [state, notes.map((note) => note.state)])).toEqual([
      ["TASK_FAILED", ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]],
      ["TASK_FAILED", ["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]],
    ])
  })

  it("is remembered without its environment, and with the beginning of its command", () => {
    const { master, agentId } = clusterOf()
    const { id } = master.subscribe()
    master.settle()
    const command = {
      ...{ shell: false, value: "x".repeat(5_000), arguments: ["y".repeat(5_000)], user: "root" },
      environment: [{ name: "SECRET", value: "s" }],
    }
    master.step({
      type: "OffersAccepted",
      frameworkId: id,
      offerIds: [master.offersOf(id)[0]!],
      operations: launching([{ ...launchOf("t", agentId, small), command }]),
      refuseMs: 0,
    })
    end(master, agentId, id, "t")
    const { spec } = completedTasksOf(master.state, id)[0]!
    expect(spec.command).toEqual({
      ...{ shell: false, value: "x".repeat(256), arguments: [], environment: [], user: "root" },
    })
  })

  it("is remembered with short texts, however long its framework's and its agent's were", () => {
    const { master, agentId } = clusterOf()
    const { id } = master.subscribe()
    const labels = Array.from({ length: 1_000 }, (_, index) => ({ key: `k${index}`, value: "v".repeat(200) }))
    const finish = (taskId: string, shown: { readonly discovery: object }) => {
      master.settle()
      // A pair of surrogates at the cut goes as a whole.
      const value = `${"x".repeat(255)}\u{1f600}`
      const command = { shell: true, value, arguments: [], environment: [], user: null }
      const long = { name: "n".repeat(5_000), command, labels, shown }
      master.step({
        type: "OffersAccepted",
        frameworkId: id,
        offerIds: [master.offersOf(id)[0]!],
        operations: launching([{ ...launchOf(taskId, agentId, small), ...long }]),
        refuseMs: 0,
      })
      const told = statusOf(agentId, id, taskId, "TASK_FAILED", `u-${taskId}`)
      const status = { ...told, message: "m".repeat(5_000), labels }
      master.step({ type: "StatusReported", agentId, status, latestState: "TASK_FAILED" })
      master.step({ type: "StatusAcknowledged", frameworkId: id, agentId, taskId, uuid: `u-${taskId}` })
    }
    finish("long", { discovery: { name: "d".repeat(5_000) } })
    finish("short", { discovery: { name: "d" } })
    const [long, short] = completedTasksOf(master.state, id)
    expect(long!.spec.name).toBe("n".repeat(256))
    expect(long!.spec.command.value).toBe("x".repeat(255))
    expect(long!.spec).not.toHaveProperty("shown")
    expect(short!.spec.shown).toEqual({ discovery: { name: "d" } })
    const first = labels.slice(0, 4)
    expect(long!.spec.labels).toEqual(first)
    expect(long!.notes).toMatchObject([{ message: "m".repeat(512), labels: first }])
    expect(long!.status).toMatchObject({ message: "m".repeat(512), labels: first })
  })

  it("is forgotten, the oldest first, beyond what each framework and all together may have", () => {
    const settings = { completedTasksPerFrameworkMax: 3, completedTasksMax: 5 }
    const { master, agentId } = clusterOf(settings)
    const [one, two] = [master.subscribe().id, master.subscribe({ roles: ["b"] }).id]
    const finish = (frameworkId: string, taskId: string) => {
      const other = frameworkId === one ? two : one
      master.step({ type: "OffersSuppressed", frameworkId: other, roles: [] })
      master.step({ type: "OffersRevived", frameworkId, roles: [] })
      for (const offerId of master.offersOf(other)) {
        master.step({ type: "OffersDeclined", frameworkId: other, offerIds: [offerId], refuseMs: 0 })
      }
      launch(master, agentId, frameworkId, taskId)
      end(master, agentId, frameworkId, taskId)
    }
    for (const taskId of ["a", "b", "c", "d"]) finish(one, taskId)
    expect(idsOf(master, one)).toEqual(["b", "c", "d"])
    for (const taskId of ["p", "q", "r"]) finish(two, taskId)
    expect([idsOf(master, one), idsOf(master, two)]).toEqual([
      ["c", "d"],
      ["p", "q", "r"],
    ])
    expect(master.state.completedTasks.size).toBe(5)
    master.restart()
    expect([idsOf(master, one), idsOf(master, two)]).toEqual([
      ["c", "d"],
      ["p", "q", "r"],
    ])
    finish(two, "s")
    expect(idsOf(master, two)).toEqual(["q", "r", "s"])
    finish(one, "e")
    expect([idsOf(master, one), idsOf(master, two)]).toEqual([
      ["d", "e"],
      ["q", "r", "s"],
    ])
  })

  it("has of equal states one after the other the last, and never more than a few", () => {
    const { master, agentId, framework } = running()
    const notesOf = () => master.state.tasks.get(`${framework.id}/t`)!.notes
    const times = notesOf().map(({ wallMs }) => wallMs)
    end(master, agentId, framework.id, "t", ["TASK_RUNNING", "TASK_RUNNING"])
    expect(notesOf()).toHaveLength(times.length)
    for (let round = 0; round < notesMax; round++) {
      end(master, agentId, framework.id, "t", ["TASK_STARTING", "TASK_RUNNING"])
    }
    expect(notesOf()).toHaveLength(notesMax)
    expect(notesOf()[notesMax - 1]!.state).toBe("TASK_RUNNING")
  })
})

describe("a removed framework", () => {
  it("is remembered as it was, its tasks as killed, though they hold their resources until they end", () => {
    const { master, agentId, framework } = running()
    const held = master.allocatedOn(agentId)
    master.step({ type: "TeardownRequested", frameworkId: framework.id })
    const [completed] = completedFrameworks(master.state)
    expect(completed).toMatchObject({ framework: { id: framework.id, streamId: null } })
    const [task] = completedTasksOf(master.state, framework.id)
    expect(task!.state).toBe("TASK_KILLED")
    expect(task!.notes[task!.notes.length - 1]).toMatchObject({
      state: "TASK_KILLED",
      source: "SOURCE_MASTER",
      reason: "REASON_FRAMEWORK_REMOVED",
    })
    expect(master.allocatedOn(agentId)).toEqual(held)
    master.report(agentId, framework.id, "t", "TASK_KILLED")
    expect(master.state.tasks.size).toBe(0)
    expect(idsOf(master, framework.id)).toEqual(["t"])
  })

  it("is forgotten but for its id when newer ones have come", () => {
    const { master, agentId } = clusterOf({ completedFrameworksMax: 2 })
    const ids = [0, 1, 2].map((number) => {
      const { id } = master.subscribe()
      launch(master, agentId, id, `t${number}`)
      end(master, agentId, id, `t${number}`)
      master.step({ type: "TeardownRequested", frameworkId: id })
      return id
    })
    expect(completedFrameworks(master.state).map(({ frameworkId }) => frameworkId)).toEqual(ids.slice(1))
    expect(ids.map((id) => idsOf(master, id))).toEqual([[], ["t1"], ["t2"]])
    master.actions.length = 0
    master.subscribe({}, ids[0])
    expect(actionsOf(master.actions, "RefuseSubscription")[0]!.message).toBe("Framework has been removed")
  })

  it("and completed tasks are not remembered at all where the settings say so", () => {
    const { master, agentId } = clusterOf({ completedFrameworksMax: 0, completedTasksPerFrameworkMax: 0 })
    const { id } = master.subscribe()
    launch(master, agentId, id, "t")
    end(master, agentId, id, "t")
    master.step({ type: "TeardownRequested", frameworkId: id })
    expect(master.state.completedTasks.size).toBe(0)
    expect(completedFrameworks(master.state)).toEqual([])
    expect(master.state.removals.has(id)).toBe(true)
  })
})
