import { describe, expect, it } from "vitest"
import {
  type AgentTask,
  defaultAgentSettings,
  initialAgentState,
  type TaskPhase,
} from "../../../../core/agent/State.ts"
import type { TaskState } from "../../../../core/Task.ts"
import {
  agentTaskToHeldTask,
  heldTasksOf,
  sameTasks,
  tasksThatFit,
} from "../../../../runtime/agent/lease/ToldTasks.ts"
import { lineBytesMax, type ToldTask } from "../../../../runtime/protocol/MonitorProtocol.ts"
import { specOf, statusOf } from "../../../support/MasterHarness.ts"

const taskOf = (
  taskId: string,
  more: { labels?: AgentTask["spec"]["labels"]; phase?: TaskPhase; state?: TaskState; wallMs?: number } = {},
): AgentTask => ({
  spec: { ...specOf(taskId, "f", "a", { cpus: 1_500, mem: 64_000 }), labels: more.labels ?? [] },
  containerId: `c-${taskId}`,
  phase: more.phase ?? "running",
  killedSinceMs: null,
  killAtMs: null,
  drain: null,
  evictedWhy: null,
  isHostRestarted: false,
  exit: null,
  pending: [],
  latest: {
    ...statusOf("a", "f", taskId, more.state ?? "TASK_RUNNING"),
    wallMs: more.wallMs ?? 1_000,
  },
  retryAtMs: null,
  retryMs: 0,
})
const told = (changes: Partial<ToldTask> = {}): ToldTask => ({
  ...agentTaskToHeldTask(taskOf("t"), 5_000),
  isFrozen: false,
  ...changes,
})

describe("a task as the monitor hears of it", () => {
  it("has its age since RUNNING, and the work lost with it", () => {
    expect(agentTaskToHeldTask(taskOf("t"), 5_000)).toEqual({
      containerId: "c-t",
      frameworkId: "f",
      taskId: "t",
      priority: 0,
      ageMs: 4_000,
      lostWork: 6_000_000,
      cpuMilli: 1_500,
      memMilli: 64_000,
    })
    expect(agentTaskToHeldTask(taskOf("t", { state: "TASK_STARTING" }), 5_000).ageMs).toBe(0)
    expect(agentTaskToHeldTask(taskOf("t", { wallMs: 9_000 }), 5_000)).toMatchObject({
      ageMs: 0,
      lostWork: 0,
    })
  })

  it.each([
    ["7", 7],
    ["-3", -3],
    ["+2", 2],
    ["1.5", 0],
    ["high", 0],
    ["", 0],
    ["9999999999", 1_000_000_000],
    ["99999999999999999999", 0],
  ])("has the priority of its label: %j is %d", (value, priority) => {
    const labels = [
      { key: "other", value: "5" },
      { key: "gleaner.priority", value },
    ]
    expect(agentTaskToHeldTask(taskOf("t", { labels }), 0).priority).toBe(priority)
  })

  it("is told as long as something of it may run", () => {
    const state = initialAgentState("a", "seed", defaultAgentSettings)
    for (const phase of ["starting", "running", "ending", "gone"] as const)
      state.tasks.set(phase, taskOf(phase, { phase }))
    expect(heldTasksOf(state, 0).map(({ taskId }) => taskId)).toEqual(["starting", "running", "ending"])
  })
})

describe("a list of tasks", () => {
  it("is news when anything but time has changed", () => {
    expect(sameTasks([told()], [told({ ageMs: 9, lostWork: 9 })])).toBe(true)
    expect(sameTasks([], [])).toBe(true)
    for (const change of [{ containerId: "d" }, { isFrozen: true }, { priority: 1 }, { cpuMilli: 1 }])
      expect(sameTasks([told()], [told(change)])).toBe(false)
    expect(sameTasks([told({ memMilli: 1 })], [told()])).toBe(false)
    expect(sameTasks([told()], [])).toBe(false)
    expect(sameTasks([], [told()])).toBe(false)
  })

  it("is cut where it no longer fits into a line", () => {
    const few = [told(), told()]
    expect(tasksThatFit(few)).toBe(few)
    const many = Array.from({ length: 9_000 }, () => told())
    const fit = tasksThatFit(many)
    expect(fit.length).toBeGreaterThan(1_000)
    expect(JSON.stringify(fit).length).toBeLessThan(lineBytesMax)
  })
})
