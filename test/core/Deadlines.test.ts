import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Deadlines } from "../../core/Deadlines.ts"

/** The obvious way: a list that is searched each time. */
class NaiveDeadlines {
  private entries: Array<{ key: string; atMs: number }> = []
  set(key: string, atMs: number) {
    this.cancel(key)
    this.entries.push({ key, atMs })
  }
  cancel(key: string) {
    this.entries = this.entries.filter((entry) => entry.key !== key)
  }
  private first() {
    return [...this.entries].sort((a, b) => a.atMs - b.atMs || (a.key < b.key ? -1 : 1))[0]
  }
  nextAtMs() {
    return this.first()?.atMs ?? null
  }
  popDue(nowMs: number) {
    const first = this.first()
    if (first === undefined || first.atMs > nowMs) return undefined
    this.cancel(first.key)
    return first.key
  }
}

const key = fc.integer({ min: 0, max: 40 }).map((n) => `k${n}`)
const operation = fc.oneof(
  fc.record({ type: fc.constant("set" as const), key, atMs: fc.integer({ min: 0, max: 30 }) }),
  fc.record({ type: fc.constant("cancel" as const), key }),
  fc.record({ type: fc.constant("pop" as const), nowMs: fc.integer({ min: 0, max: 30 }) }),
)

describe("Deadlines", () => {
  it("fires like a searched list, whatever is set, moved and cancelled", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
        const deadlines = new Deadlines()
        const naive = new NaiveDeadlines()
        for (const step of operations) {
          if (step.type === "pop") expect(deadlines.popDue(step.nowMs)).toBe(naive.popDue(step.nowMs))
          else if (step.type === "cancel") {
            deadlines.cancel(step.key)
            naive.cancel(step.key)
          } else {
            deadlines.set(step.key, step.atMs)
            naive.set(step.key, step.atMs)
          }
          expect(deadlines.nextAtMs()).toBe(naive.nextAtMs())
        }
      }),
    )
  })

  it("fires equal times in the order of their keys", () => {
    const deadlines = new Deadlines()
    for (const name of ["c", "a", "b"]) deadlines.set(name, 5)
    expect([deadlines.popDue(5), deadlines.popDue(5), deadlines.popDue(5), deadlines.popDue(5)]).toEqual([
      "a",
      "b",
      "c",
      undefined,
    ])
  })

  it("does not grow with what was moved a thousand times", () => {
    const deadlines = new Deadlines()
    for (let atMs = 0; atMs < 100_000; atMs++) deadlines.set("one", atMs)
    expect(deadlines.size).toBe(1)
    expect((deadlines as unknown as { heap: Array<unknown> }).heap.length).toBeLessThanOrEqual(66)
  })
})
