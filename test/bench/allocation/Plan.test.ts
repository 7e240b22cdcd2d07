import { describe, expect, it } from "vitest"
import type { Job } from "../../../bench/allocation/Job.ts"
import { shapeOf } from "../../../bench/allocation/Line.ts"
import { recordedFull } from "../../../bench/allocation/MesosRecorded.ts"
import { type AllocationWishes, planJobs } from "../../../bench/allocation/Plan.ts"
import { parseShape, shapeToText, type WantedShape } from "../../../bench/allocation/Shape.ts"

const nothing: AllocationWishes = { modes: [], shapes: [], variants: [], settings: [], rounds: null }

const plan = (wishes: Partial<AllocationWishes>): ReadonlyArray<Job> => {
  const jobs = planJobs({ ...nothing, ...wishes })
  if (typeof jobs === "string") throw new Error(jobs)
  return jobs
}

const shapesIn = (text: string) => [parseShape(text) as WantedShape]
const shown = (jobs: ReadonlyArray<Job>) => jobs.map((job) => `${job.mode} ${shapeOf(job)} ${job.variant}`)

describe("the plan of the allocator's bench", () => {
  it("has every recorded shape, alike and mixed, and the largest one", () => {
    const jobs = plan({})
    const full = jobs.filter((job) => job.mode === "full" && job.settings === "mesos")
    expect(recordedFull).toHaveLength(25)
    expect(new Set(full.map(({ shape }) => shapeToText(shape)))).toEqual(
      new Set([...recordedFull.map(({ shape }) => shapeToText(shape)), "100000x1000"]),
    )
    expect(full).toHaveLength(2 * 26)
    expect(shown(jobs)).toContain("decline 10000x50 mixed")
    expect(shown(jobs)).toContain("quota 3000x3000 alike")
    expect(shown(jobs)).toContain("incremental 10000x200 mixed")
    expect(jobs.some(({ settings }) => settings === "default")).toBe(true)
  })

  it("runs as many rounds as were recorded in one process", () => {
    const roundsOf = (text: string) =>
      plan({ modes: ["full"], shapes: shapesIn(text), variants: ["alike"] }).map(({ rounds }) => rounds)
    expect(roundsOf("10000x200x1")).toEqual([10])
    expect(roundsOf("1000x1000x1")).toEqual([5])
    expect(roundsOf("50000x1000")).toEqual([3])
    expect(roundsOf("50000x200x200")).toEqual([4])
    expect(plan({ modes: ["full"], rounds: 7 }).every(({ rounds }) => rounds === 7)).toBe(true)
  })

  it("takes all recorded roles of a shape without roles, and one role otherwise", () => {
    const jobs = (text: string) =>
      shown(plan({ modes: ["full"], shapes: shapesIn(text), variants: ["alike"] }))
    expect(jobs("10000x200")).toEqual([
      "full 10000x200 alike",
      "full 10000x200x50 alike",
      "full 10000x200x200 alike",
    ])
    expect(jobs("10000x200x1")).toEqual(["full 10000x200 alike"])
    expect(jobs("123x45")).toEqual(["full 123x45 alike"])
  })

  it("measures a shape without a mode where it belongs", () => {
    const jobs = (text: string) => shown(plan({ shapes: shapesIn(text), variants: ["alike"] }))
    expect(jobs("5000x50")).toEqual(["full 5000x50 alike", "decline 5000x50 alike"])
    expect(jobs("3000x3000")).toEqual(["quota 3000x3000 alike"])
    expect(jobs("60x12")).toEqual(["full 60x12 alike"])
  })

  it("says what a mode cannot measure", () => {
    expect(planJobs({ ...nothing, modes: ["quota"], shapes: shapesIn("30x20") })).toContain(
      "as many agents as frameworks",
    )
    expect(planJobs({ ...nothing, modes: ["decline"], shapes: shapesIn("30x20x5") })).toContain("one role")
  })
})
