import { describe, expect, it } from "vitest"
import { Timings } from "../../../runtime/master/Timings.ts"

describe("a series of times", () => {
  it("has the statistics that Mesos had of the same times (transcript operator/GET_METRICS_timeout)", () => {
    const timings = new Timings()
    expect(timings.figures("x")).toEqual({})
    for (const ms of [0.009472, 0.004096, 0.00768]) timings.add(ms)
    const figures = timings.figures("x")
    expect(figures).toMatchObject({ x: 0.00768, "x/count": 3, "x/min": 0.004096, "x/max": 0.009472 })
    expect(figures["x/p50"]).toBe(0.00768)
    expect(figures["x/p90"]).toBeCloseTo(0.0091136, 12)
    expect(figures["x/p95"]).toBeCloseTo(0.0092928, 12)
    expect(figures["x/p9999"]).toBeCloseTo(0.0094716416, 12)
  })

  it("forgets the oldest beyond a thousand", () => {
    const timings = new Timings()
    for (let ms = 1; ms <= 1_500; ms++) timings.add(ms)
    expect(timings.figures("x")).toMatchObject({ x: 1_500, "x/count": 1_000, "x/min": 501, "x/max": 1_500 })
  })
})
