import { afterEach, beforeEach, expect, it, vi } from "vitest"
import { startPeriodicTimer } from "../../../runtime/host/PeriodicTimer.ts"

/** Time that passes within calls, beside what the timers see. */
let spentMs = 0
beforeEach(() => {
  spentMs = 0
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] })
})
afterEach(() => {
  vi.useRealTimers()
})

const run = (work: (call: number) => void) => {
  const calls: Array<readonly [atMs: number, lateMs: number, skipped: number]> = []
  const startMs = performance.now()
  const nowMs = () => performance.now() - startMs + spentMs
  const timer = startPeriodicTimer({
    periodMs: 100,
    nowMs,
    run: (lateMs, skipped) => {
      calls.push([nowMs(), lateMs, skipped])
      work(calls.length)
    },
  })
  return { calls, timer }
}

it("does not drift, however long the calls take", () => {
  const { calls, timer } = run(() => {
    spentMs += 30
  })
  vi.advanceTimersByTime(730)
  expect(calls).toEqual(Array.from({ length: 10 }, (_, index) => [(index + 1) * 100, 0, 0]))
  timer.stop()
  vi.advanceTimersByTime(1_000)
  expect(calls).toHaveLength(10)
})

it("goes on with the next due time after a pause, and says what it missed", () => {
  const { calls, timer } = run((call) => {
    if (call === 1) spentMs += 450
  })
  vi.advanceTimersByTime(300)
  // Due at 200, ran 350 later, by the least delay of a timer: 300, 400 and 500 are gone.
  expect(calls).toEqual([
    [100, 0, 0],
    [551, 351, 3],
    [600, 0, 0],
    [700, 0, 0],
  ])
  timer.stop()
})

it("goes on when a call throws", () => {
  const { calls, timer } = run((call) => {
    if (call === 1) throw new Error("once")
  })
  expect(() => vi.advanceTimersByTime(100)).toThrow("once")
  vi.advanceTimersByTime(100)
  expect(calls).toHaveLength(2)
  timer.stop()
})
