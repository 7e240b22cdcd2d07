import { describe, expect, it } from "vitest"
import {
  defaultMonitorSettings,
  figuresOf,
  initialMonitorState,
  type MonitorPolicy,
} from "../../../core/monitor/State.ts"
import { stepMonitor } from "../../../core/monitor/Step.ts"
import { policySpec } from "../../../core/policies/PolicySpec.ts"
import { type HostSample, sampled, timePassed } from "../../support/MonitorScenes.ts"

// 4 cpus, 8,000 MiB; the policy keeps the last interval's share plus an eighth of the host: 500 and 1,000,000.

const margin = policySpec("usage-margin", { margin: 0.125 })
const policy: MonitorPolicy = { cpu: margin, mem: margin, intervalMs: 10_000 }
const half: HostSample = { cpu: 2_000, mem: 4_000_000 }
const start = (chosen = policy) => initialMonitorState(1, chosen, defaultMonitorSettings)

/** Steps every 100 ms; [time, cpu, mem] of every HoldReserve. */
const reserves = (
  state: ReturnType<typeof start>,
  fromMs: number,
  toMs: number,
  hostAt: (nowMs: number) => HostSample,
): ReadonlyArray<ReadonlyArray<number>> => {
  const said: Array<ReadonlyArray<number>> = []
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 100) {
    for (const action of stepMonitor(state, sampled(nowMs, hostAt(nowMs))).actions) {
      if (action.type === "HoldReserve") said.push([nowMs, action.cpuMilli, action.memMilli])
    }
  }
  return said
}

describe("the estimate", () => {
  it("reserves everything from the first sample, and what the policy says from the end of its first interval", () => {
    expect(reserves(start(), 0, 30_000, () => half)).toEqual([
      [0, 4_000, 8_000_000],
      [10_000, 2_500, 5_000_000],
    ])
  })

  it("gives the policy the mean of cpu and the maximum of memory", () => {
    // 0 and 4000 by turns: mean 2000. Memory 2,000,000 with one sample of 4,000,000.
    const said = reserves(start(), 0, 10_000, (nowMs) => ({
      cpu: nowMs % 200 === 0 ? 4_000 : 0,
      mem: nowMs === 5_000 ? 4_000_000 : 2_000_000,
    }))
    expect(said[said.length - 1]).toEqual([10_000, 2_500, 5_000_000])
  })

  it("lets an interval of which less than half was measured be a missing sample", () => {
    const nothing = { cpu: Number.NaN, mem: Number.NaN }
    // Spans measured: (0, 5 s] is exactly half. Stale from 8 s on (5 s + 3 s): everything, and it cannot fall without a sample.
    const exactly = reserves(start(), 0, 10_000, (nowMs) => (nowMs <= 5_000 ? half : nothing))
    expect(exactly).toEqual([[0, 4_000, 8_000_000]])
    const enough = start()
    reserves(enough, 0, 10_000, (nowMs) => (nowMs <= 4_900 || nowMs === 9_900 ? half : nothing))
    // Half was measured, 4.9 s + 0.1 s: the policy has answered; the load counts after a second in all, 0.1 + 0.9.
    expect(reserves(enough, 10_100, 12_000, () => half)).toEqual([[10_900, 2_500, 5_000_000]])
    const tooLittle = start()
    reserves(tooLittle, 0, 10_000, (nowMs) => (nowMs <= 4_800 || nowMs === 9_900 ? half : nothing))
    expect(reserves(tooLittle, 10_100, 12_000, () => half)).toEqual([])
  })

  it("rises between two steps of the policy, to the mean of the last second at the earliest", () => {
    const state = start({ ...policy, intervalMs: 300_000 })
    reserves(state, 0, 300_000, () => half)
    expect(figuresOf(state, 0).reserveCpuMilli).toBe(2_500)
    const said = reserves(state, 300_100, 330_000, () => ({ ...half, cpu: 4_000 }))
    // The short window began at 300 s: its first second counts at once.
    expect(said).toEqual([[301_000, 4_000, 5_000_000]])
    // And it does not fall before the policy's next step, which still sees the load as it is.
    expect(reserves(state, 330_100, 599_900, () => ({ ...half, cpu: 400 }))).toEqual([])
    // Mean of the interval: (30 × 4000 + 270 × 400) / 300 = 760, plus 500, rounded up.
    expect(reserves(state, 600_000, 610_000, () => ({ ...half, cpu: 400 }))).toEqual([
      [600_000, 1_260, 5_000_000],
    ])
  })

  it("keeps at least the present load, whatever the policy says", () => {
    const little = policySpec("static", { reserve: 0.1 })
    const state = start({ cpu: little, mem: little, intervalMs: 10_000 })
    const said = reserves(state, 0, 40_000, () => half)
    expect(said[said.length - 1]).toEqual([10_000, 2_000, 4_000_000])
  })

  it("says growth at once and shrinkage once a second, and neither below a step", () => {
    const direct = { ...policy, intervalMs: 1_000 }
    const state = start(direct)
    reserves(state, 0, 5_000, () => half)
    // 30 milli more is below 1 % of 4000, 60 above. The mean of a second counts.
    expect(reserves(state, 5_100, 9_000, () => ({ ...half, cpu: 2_030 }))).toEqual([])
    const [grown, ...more] = reserves(state, 9_100, 12_000, () => ({ ...half, cpu: 2_060 }))
    expect(more).toEqual([])
    expect(grown![0]).toBe(10_000)
    expect(Math.abs(grown![1]! - 2_560)).toBeLessThanOrEqual(1)
    // A load that falls step by step each 100 ms: never two shrinkages within a second.
    const fallen = reserves(state, 12_100, 40_000, (nowMs) => ({
      ...half,
      cpu: 2_060 - (nowMs - 12_100) / 20,
    }))
    expect(fallen.length).toBeGreaterThan(15)
    fallen.slice(1).forEach((said, index) => {
      expect(said[0]! - fallen[index]![0]!).toBeGreaterThanOrEqual(1_000)
    })
  })

  it("reserves everything after three seconds without a sample, and comes back after one measured second", () => {
    const state = start()
    reserves(state, 0, 20_000, () => half)
    stepMonitor(state, timePassed(22_999))
    expect(figuresOf(state, 0).reserveCpuMilli).toBe(2_500)
    expect(stepMonitor(state, timePassed(23_000)).actions).toEqual([
      { type: "HoldReserve", host: 0, cpuMilli: 4_000, memMilli: 8_000_000 },
    ])
    // The sample at 25 s stands for 5 s: a gap. The next ones are good.
    expect(reserves(state, 25_000, 29_000, () => half)).toEqual([[26_000, 2_500, 5_000_000]])
  })

  it("takes a clock that jumps by hours for a gap that the policy is told of", () => {
    const chosen = policySpec("window-max", { window: 20_000, margin: 0 })
    const state = start({ cpu: chosen, mem: chosen, intervalMs: 10_000 })
    reserves(state, 0, 10_000, () => ({ cpu: 3_000, mem: 6_000_000 }))
    // Eight hours later: 2,880 empty intervals have pushed the old peak out of the window, but it is kept until the policy
    // has a sample again.
    const laterMs = 10_000 + 8 * 3_600_000
    expect(reserves(state, laterMs, laterMs + 9_900, () => half)).toEqual([
      [laterMs, 4_000, 8_000_000],
      [laterMs + 1_000, 3_000, 6_000_000],
    ])
    expect(reserves(state, laterMs + 10_000, laterMs + 11_000, () => half)).toEqual([
      [laterMs + 10_000, 2_000, 4_000_000],
    ])
  })

  it("says nothing while cpu or memory was never measured, which keeps everything", () => {
    expect(reserves(start(), 0, 20_000, () => ({ cpu: 1_000, mem: Number.NaN }))).toEqual([])
    expect(figuresOf(start(), 0)).toEqual({
      reserveCpuMilli: null,
      reserveMemMilli: null,
      ceilingCpuMilli: null,
      ceilingMemMilli: null,
      hasLease: false,
      knownAtMs: null,
    })
  })

  it("refuses a policy that needs the future", () => {
    expect(() => start({ ...policy, cpu: policySpec("oracle") })).toThrow(
      "the policy oracle needs the future",
    )
  })
})
