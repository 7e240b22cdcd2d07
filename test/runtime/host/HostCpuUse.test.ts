import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createHostCpuUse } from "../../../runtime/host/HostCpuUse.ts"

const periodMs = 100

/** Mean of what is told over samples of 100 ms, the first second left out. */
const meanOf = (
  samples: number,
  ticksAt: (sample: number) => number,
  nanosAt: (sample: number) => number,
) => {
  const use = createHostCpuUse()
  use.take(ticksAt(0), nanosAt(0), Number.NaN)
  let sum = 0
  for (let sample = 1; sample <= samples; sample++) {
    const milli = use.take(ticksAt(sample), nanosAt(sample), periodMs)
    if (sample > 10) sum += milli
  }
  return sum / (samples - 10)
}

describe("the host's use of cpu", () => {
  it("is the exact counter's when ticks stray around it, and means the same", () => {
    const use = createHostCpuUse()
    use.take(0, 0, Number.NaN)
    const seen: Array<number> = []
    let ticks = 0
    for (let sample = 1; sample <= 100; sample++) {
      // 32 cpus at work tick 9 to 11 times in 100 ms, together.
      ticks += 32 * (9 + ((sample * 7) % 3))
      seen.push(use.take(ticks, sample * 32 * 100e6, periodMs))
    }
    // The ticks alone say 28,800 to 35,200.
    expect(Math.min(...seen.slice(10))).toBe(32_000)
    expect(Math.max(...seen.slice(10))).toBeLessThanOrEqual(32_320 + 320)
  })

  it("on the mean is never below what either counter says", () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(20), (ticksEach, cpusOfRoot) => {
        const mean = meanOf(
          60,
          (sample) => sample * ticksEach,
          (sample) => sample * cpusOfRoot * 10e6,
        )
        expect(mean).toBeGreaterThanOrEqual(Math.max(ticksEach * 100, cpusOfRoot * 100) - 1)
        expect(mean).toBeLessThanOrEqual(Math.max(ticksEach * 100, cpusOfRoot * 100) + 1)
      }),
    )
  })

  it("shows within a second what the exact counter does not see: steal, or the host around a container", () => {
    const use = createHostCpuUse()
    use.take(0, 0, Number.NaN)
    const told: Array<number> = []
    for (let sample = 1; sample <= 30; sample++) {
      const busy = Math.max(0, sample - 10) * 10
      told.push(use.take(busy, 0, periodMs))
    }
    expect(told.slice(0, 10).every((milli) => milli === 0)).toBe(true)
    expect(told[14]).toBe(500)
    expect(told.slice(19).every((milli) => milli === 1_000)).toBe(true)
  })

  it("is of ticks alone without the counter, and unknown over a pause or a counter that goes back", () => {
    const use = createHostCpuUse()
    expect(use.take(0, Number.NaN, Number.NaN)).toBeNaN()
    expect(use.take(15, Number.NaN, periodMs)).toBe(1_500)
    expect(use.take(30, 0, Number.NaN)).toBeNaN()
    expect(use.take(40, 50e6, periodMs)).toBe(1_000)
    expect(use.take(20, 60e6, periodMs)).toBeNaN()
    expect(use.take(25, 10e6, periodMs)).toBe(500)
  })
})
