import { describe, expect, it } from "vitest"
import type { HarvestTask } from "../../../core/monitor/Event.ts"
import { restoreMonitor, snapshotMonitor } from "../../../core/monitor/Snapshot.ts"
import { defaultMonitorSettings, initialMonitorState } from "../../../core/monitor/State.ts"
import { stepMonitor } from "../../../core/monitor/Step.ts"
import { policySpec } from "../../../core/policies/PolicySpec.ts"

const policy = { cpu: policySpec("window-max"), mem: policySpec("static"), intervalMs: 10_000 }

const task = (number: number): HarvestTask => ({
  containerId: `container-${number}`,
  priority: 0,
  ageMs: 1_000,
  lostWork: 5,
  cpuMilli: 100,
  memMilli: 64_000,
  isFrozen: false,
})

describe("a snapshot of a monitor", () => {
  it("keeps the tasks that were told, up to the bound", () => {
    const state = initialMonitorState(2, policy, defaultMonitorSettings)
    const tasks = Array.from({ length: 1_200 }, (_, index) => task(index))
    stepMonitor(state, { type: "TasksTold", nowMs: 0, wallMs: 0, host: 1, tasks })
    expect(state.tasks[1]).toEqual(tasks.slice(0, 1_000))
    const rows = JSON.parse(JSON.stringify(snapshotMonitor(state)))
    expect(restoreMonitor(rows, policy, defaultMonitorSettings).tasks).toEqual([[], tasks.slice(0, 1_000)])
  })

  it("is not restored with another policy, interval or without its rows", () => {
    const rows = snapshotMonitor(initialMonitorState(1, policy, defaultMonitorSettings))
    const other = { ...policy, intervalMs: 5_000 }
    expect(() => restoreMonitor(rows, other, defaultMonitorSettings)).toThrow(
      "a snapshot of a monitor with cpu window-max:window=1h,margin=5% mem static:reserve=40% every 10000 ms cannot restore",
    )
    const incomplete = rows.filter((row) => row.key !== "mem")
    expect(() => restoreMonitor(incomplete, policy, defaultMonitorSettings)).toThrow('without "mem"')
  })

  it("grows with nothing: a long run leaves it as large as a short one", () => {
    const short = {
      cpu: policySpec("window-max", { window: 60_000 }),
      mem: policySpec("static"),
      intervalMs: 1_000,
    }
    const sizeAfter = (seconds: number): number => {
      const state = initialMonitorState(1, short, defaultMonitorSettings)
      for (let nowMs = 0; nowMs < seconds * 1_000; nowMs += 500) {
        const value = (milli: number) => Float64Array.of(milli)
        const sample = {
          capacityCpuMilli: value(4_000),
          capacityMemMilli: value(8_000_000),
          primaryCpuMilli: value((nowMs * 7) % 4_000),
          primaryMemMilli: value(1_000_000),
          harvestCpuMilli: value(0),
          harvestMemMilli: value(0),
        }
        stepMonitor(state, { type: "Sampled", nowMs, wallMs: 0, sample })
      }
      const count = (value: unknown): number =>
        typeof value === "object" && value !== null
          ? Object.values(value).reduce((sum: number, one) => sum + count(one), 0)
          : 1
      return count(snapshotMonitor(state))
    }
    expect(sizeAfter(3_600)).toBe(sizeAfter(1))
  })
})
