import { describe, expect, it } from "vitest"
import type { Figure, Job } from "../../../bench/allocation/Job.ts"
import { linesOf, spreadOf } from "../../../bench/allocation/Line.ts"

const full: Job = {
  mode: "full",
  shape: { agents: 10_000, frameworks: 200, roles: 1 },
  variant: "alike",
  settings: "mesos",
  rounds: 3,
}

const figure: Figure = {
  phase: "cycle",
  times: { wallMs: [4, 1, 2], cpuMs: [5, 2, 3] },
  offers: 10_000,
  giveBackMsPer1000: [3, 1, 2],
  rssMb: 100,
}

const wall = (wallMs: Array<number>) => ({ wallMs, cpuMs: wallMs })

const lineOf = (job: Partial<Job>, own: Partial<Figure>) =>
  linesOf({ ...full, ...job }, [{ ...figure, ...own }])[0]!

describe("a line of the allocator's bench", () => {
  it("has median, rates and the ratio to the best that was recorded", () => {
    const line = lineOf({}, {})
    expect(line).toMatchObject({
      suite: "allocation",
      shape: "10000x200",
      mode: "full",
      cycleMs: { median: 2, min: 1, max: 4 },
      cycleCpuMs: 3,
      offersPerSecond: 5_000_000,
      giveBackMsPer1000: 2,
      rssMb: 100,
      peer: { cycleMs: 223.9, rssMb: 431 },
      goal: { text: "≥ 100×", isReached: true },
    })
    expect(line.ratio).toBeCloseTo(223.9 / 2, 9)
    expect(line.bestRatio).toBeCloseTo(223.9, 9)
    expect(line.peer!.giveBackMsPer1000).toBeCloseTo(23.07, 9)
    expect(lineOf({}, { times: wall([3]) }).goal!.isReached).toBe(false)
  })

  it("is compared with the same cycle of the recorded run", () => {
    const shape = { agents: 10_000, frameworks: 50, roles: 1 }
    const peerMs = (phase: string) => lineOf({ mode: "decline", shape }, { phase }).peer!.cycleMs
    expect(["first", "half", "last", "saturated", "saturated, all hosts changed"].map(peerMs)).toEqual([
      823, 1_250, 4_751, 6_497, 6_497,
    ])
    const quota = { mode: "quota", shape: { agents: 3_000, frameworks: 3_000, roles: 3_000 } } as const
    expect(lineOf(quota, { phase: "first" }).peer!.cycleMs).toBeCloseTo(22_190.3, 6)
    expect(lineOf(quota, { phase: "second" }).peer!.cycleMs).toBeCloseTo(18_258.9, 6)
    expect(lineOf(quota, {}).shape).toBe("3000x3000")
  })

  it("has no ratio where nothing was recorded, but the issue's own goals", () => {
    const largest = { shape: { agents: 100_000, frameworks: 1_000, roles: 1 } }
    expect(lineOf(largest, {})).toMatchObject({ peer: null, ratio: null, bestRatio: null })
    expect(lineOf(largest, { times: wall([251]) }).goal).toEqual({ text: "< 250 ms", isReached: false })
    const incremental = { mode: "incremental" } as const
    expect(lineOf(incremental, { offers: 1, times: wall([0.09]) }).goal).toEqual({
      text: "< 0.1 ms",
      isReached: true,
    })
    expect(lineOf(incremental, { offers: 10_000 }).goal).toBeNull()
    const memory = { mode: "memory" } as const
    expect(lineOf(memory, { times: wall([]), phase: "idle", bytesPerAgent: 1_025 }).goal!.isReached).toBe(
      false,
    )
    expect(lineOf(memory, { times: wall([]), phase: "filters", bytesPerFilter: 64 }).goal!.isReached).toBe(
      true,
    )
  })

  it("takes the mean of the two in the middle of an even number", () => {
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 })
    expect(spreadOf([5])).toEqual({ median: 5, min: 5, max: 5 })
  })
})
