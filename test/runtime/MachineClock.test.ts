import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { makeStoppingClock } from "../../runtime/MachineClock.ts"

const make = () => {
  const world = { nowMs: 100, isStopped: false }
  const inner = { nowMs: () => world.nowMs, wallMs: () => 7 }
  return { world, clock: makeStoppingClock(inner, () => world.isStopped) }
}

describe("a clock that can be stopped", () => {
  it("stands while it is stopped, and goes on from there, however often", () => {
    const { world, clock } = make()
    expect(clock.nowMs()).toBe(100)
    for (const at of [110, 120, 130]) {
      world.nowMs += 10
      world.isStopped = true
      expect(clock.nowMs()).toBe(at)
      world.nowMs += 1_000
      expect(clock.nowMs()).toBe(at)
      world.isStopped = false
      expect(clock.nowMs()).toBe(at)
    }
    world.nowMs += 5
    expect([clock.nowMs(), clock.wallMs()]).toEqual([135, 7])
  })

  it("never goes back", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.boolean())), (moments) => {
        const { world, clock } = make()
        let before = clock.nowMs()
        for (const [passedMs, isStopped] of moments) {
          Object.assign(world, { nowMs: world.nowMs + passedMs, isStopped })
          const nowMs = clock.nowMs()
          expect(nowMs).toBeGreaterThanOrEqual(before)
          before = nowMs
        }
      }),
    )
  })
})
