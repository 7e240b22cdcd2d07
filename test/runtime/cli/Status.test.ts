import { describe, expect, it } from "vitest"
import type { TaskView } from "../../../runtime/cli/ClusterState.ts"
import { ageText, statusText } from "../../../runtime/cli/Status.ts"
import { agentView, clusterState, frameworkView } from "./ClusterViews.ts"

describe("an age", () => {
  const minute = 60_000
  const hour = 60 * minute
  const day = 24 * hour
  it.each([
    [0, "0s"],
    [-5_000, "0s"],
    [999, "0s"],
    [59_999, "59s"],
    [minute, "1m"],
    [12 * minute + 5_000, "12m 5s"],
    [hour + 5_000, "1h"],
    [3 * day + 4 * hour + 5 * minute, "3d 4h"],
    [400 * day, "400d"],
  ])("of %d ms is %s", (ms, text) => {
    expect(ageText(ms)).toBe(text)
  })
})

describe("the status of a cluster", () => {
  const nowMs = 1_000_000_000
  const task = (change: Partial<TaskView> = {}): TaskView => ({
    id: "t1",
    name: "n",
    state: "TASK_RUNNING",
    slave_id: "m-S0",
    resources: { cpus: 0.5, mem: 64 },
    command: "sleep 9",
    launched_time: nowMs / 1000 - 65,
    ...change,
  })

  it("says what is not there", () => {
    expect(statusText(clusterState(), "http://m", nowMs)).toBe(
      "master http://m, up 10s, version 9.9\n\nNo agents yet\n\nNo frameworks\n\nNo tasks",
    )
  })

  it("shows hosts, frameworks and every task, those of nobody too", () => {
    const state = clusterState({
      slaves: [agentView({ reserved_resources: { primary: { cpus: 0.25, mem: 0 } } })],
      frameworks: [
        frameworkView({
          tasks: [task()],
          unreachable_tasks: [task({ id: "t2", state: "TASK_UNREACHABLE" })],
        }),
      ],
      orphan_tasks: [task({ id: "t3", slave_id: "m-S9", command: "x".repeat(60) })],
    })
    const lines = statusText(state, "http://m", nowMs)
      .split("\n")
      .map((line) => line.trim().split(/ {2,}/))
    expect(lines).toContainEqual(["host", "connected", "0.5 / 4", "64M / 8G", "3.5", "0.25", "m-S0"])
    expect(lines).toContainEqual(["shop", "connected", "web,api", "2", "1", "0.5", "64M", "m-0000"])
    expect(lines).toContainEqual(["t1", "running", "host", "0.5", "64M", "1m 5s", "sleep 9"])
    expect(lines).toContainEqual(["t2", "unreachable", "host", "0.5", "64M", "1m 5s", "sleep 9"])
    expect(lines).toContainEqual(["t3", "running", "m-S9", "0.5", "64M", "1m 5s", `${"x".repeat(47)}…`])
  })
})
