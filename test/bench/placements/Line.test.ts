import { describe, expect, it } from "vitest"
import type { Environment } from "../../../bench/Bench.ts"
import { type PlacementJob, planPlacements } from "../../../bench/placements/Job.ts"
import { lineOf } from "../../../bench/placements/Line.ts"
import { recordedWorkloads } from "../../../bench/placements/Recorded.ts"
import { outcomeOf } from "../../../bench/placements/Table.ts"

const here: Environment = { node: "v20", cpu: "one", cores: 2, platform: "linux x64", load: 0.5 }

const job: PlacementJob = {
  workload: "pod-affinity",
  variant: "alike",
  size: recordedWorkloads["pod-affinity"].size,
  rounds: 3,
}

const figureOf = (...ms: Array<number>) => ({
  times: { wallMs: ms, cpuMs: ms.map((wall) => wall + 1) },
  placements: 5_000,
  rssMb: 100,
})

const line = lineOf(job, figureOf(40, 5, 10))

describe("a line of the bench of placements", () => {
  it("has median, rate, the ratio to what kube-scheduler must do, and whether the goal is reached", () => {
    expect(line).toMatchObject({
      suite: "placements",
      shape: "pod-affinity",
      mode: "alike",
      cycleMs: { median: 10, min: 5 },
      cycleCpuMs: 11,
      placementsPerSecond: 500_000,
      microsPerPlacement: 2,
      rssMb: 100,
      peer: { placementsPerSecond: 35 },
      goal: { text: "≥ 500,000/s", isReached: true },
    })
    expect(line.ratio).toBeCloseTo(500_000 / 35, 9)
    const slow = lineOf(job, figureOf(10.01))
    expect(slow.goal.isReached).toBe(false)
  })

  it("stands in the table and among the bars, and the note says what is not compared", () => {
    const outcome = outcomeOf([line], here, [])
    expect(outcome.lines).toEqual([{ ...line, environment: here }])
    expect(outcome.tables[0]!.rows[0]).toContain("500,000")
    expect(outcome.tables[0]!.note).toContain("without any I/O")
    expect(outcome.tables[0]!.ratios).toEqual([
      { label: "pod-affinity, alike", ratio: line.ratio, goal: 500_000 / 35 },
    ])
    expect(outcome.times).toEqual([{ key: "placements pod-affinity, alike", medianMs: 10 }])
  })

  it("is missing where a result was wrong, and the problem stays", () => {
    expect(outcomeOf([], here, ["placements basic-10000 alike: wrong"])).toEqual({
      lines: [],
      tables: [],
      times: [],
      problems: ["placements basic-10000 alike: wrong"],
    })
  })
})

describe("the plan of the bench of placements", () => {
  it("has all workloads in both variants unless less is wanted", () => {
    expect(planPlacements({ workloads: [], variants: [], rounds: null })).toHaveLength(16)
    expect(planPlacements({ workloads: ["unschedulable"], variants: ["mixed"], rounds: 2 })).toEqual([
      {
        workload: "unschedulable",
        variant: "mixed",
        size: { hosts: 5_000, before: 100, measured: 10_000 },
        rounds: 2,
      },
    ])
  })
})
