import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { addQuantities, amountOf, toQuantities } from "../../../../core/resources/Quantities.ts"
import {
  ceilingToInForce,
  floorCeiling,
  keptForPrimary,
  lendableOf,
  lentCeiling,
  toHostAmounts,
} from "../../../../runtime/agent/lease/LendableShare.ts"

const milli = fc.nat({ max: 1e9 })
const amounts = fc.record({ cpuMilli: milli, memMilli: milli })
const total = fc
  .record({ cpus: milli, mem: milli, disk: milli })
  .map((names) => toQuantities(Object.entries(names)))
const MiB = 1_048_576

describe("what is kept for the primary", () => {
  it("and what is lendable are together all that is lent, and never negative", () => {
    fc.assert(
      fc.property(total, amounts, amounts, milli, (lentTotal, capacity, reserve, memCeilingMilli) => {
        const lent = toHostAmounts(lentTotal)
        const kept = keptForPrimary(lentTotal, capacity, reserve, memCeilingMilli)
        const lendable = lendableOf(lent, kept)
        for (const [name, field] of [
          ["cpus", "cpuMilli"],
          ["mem", "memMilli"],
        ] as const) {
          expect(amountOf(kept, name) + lendable[field]).toBe(lent[field])
          expect(lendable[field]).toBeGreaterThanOrEqual(0)
          // The definition, said another way: never more than lent, never more than the primary leaves, and of memory never
          // more than the ceiling lets be used (but for the kernel's rounding to pages).
          const left = Math.min(lent[field], Math.max(0, capacity[field] - reserve[field])) || 0
          const isCut = field === "memMilli" && lent.memMilli - memCeilingMilli > 63
          expect(lendable[field]).toBe(isCut ? Math.min(left, memCeilingMilli) : left)
        }
        expect(amountOf(kept, "disk")).toBe(0)
        // In normal form, so that equal reserves are equal texts.
        expect(addQuantities(kept, {})).toEqual(kept)
      }),
    )
  })

  it("is everything while capacity or reserve is unknown", () => {
    fc.assert(
      fc.property(total, amounts, (lentTotal, known) => {
        const { cpus = 0, mem = 0 } = lentTotal as { cpus?: number; mem?: number }
        const all = toQuantities(Object.entries({ cpus, mem }))
        expect(keptForPrimary(lentTotal, null, known, 1e12)).toEqual(all)
        expect(keptForPrimary(lentTotal, known, null, 1e12)).toEqual(all)
      }),
    )
  })

  it("begins only where the host has less left than is lent", () => {
    const lent = { cpus: 2_000, mem: 1_000_000, disk: 5 }
    const capacity = { cpuMilli: 4_000, memMilli: 4_000_000 }
    expect(keptForPrimary(lent, capacity, { cpuMilli: 2_000, memMilli: 3_000_000 }, 1_000_000)).toEqual({})
    expect(keptForPrimary(lent, capacity, { cpuMilli: 2_500, memMilli: 3_000_001 }, 1_000_000)).toEqual({
      cpus: 500,
      mem: 1,
    })
    expect(keptForPrimary(lent, capacity, { cpuMilli: 9_999_999, memMilli: 0 }, 1_000_000)).toEqual({
      cpus: 2_000,
    })
  })

  it("is also the memory above the ceiling in force, beyond the rounding to a page", () => {
    const lent = { mem: 1_000_000 }
    const free = { cpuMilli: 0, memMilli: 0 }
    const capacity = { cpuMilli: 4_000, memMilli: 4_000_000 }
    expect(keptForPrimary(lent, capacity, free, 64_000)).toEqual({ mem: 936_000 })
    expect(keptForPrimary(lent, capacity, free, 0)).toEqual({ mem: 1_000_000 })
    expect(keptForPrimary(lent, capacity, free, 999_937)).toEqual({})
    expect(keptForPrimary(lent, capacity, free, 999_936)).toEqual({ mem: 64 })
  })
})

describe("the floor of the ceiling", () => {
  it("is a hundredth of a cpu for each that is lent, at least what the kernel takes", () => {
    expect(floorCeiling({ cpuMilli: 4_000, memMilli: 0 }, 0).cpuQuotaMicros).toBe(4_000)
    expect(floorCeiling({ cpuMilli: 500, memMilli: 0 }, 0).cpuQuotaMicros).toBe(1_000)
    expect(floorCeiling({ cpuMilli: 0, memMilli: 0 }, 0).cpuQuotaMicros).toBe(1_000)
  })

  it("leaves memory a sixteenth of what is lent above what is used", () => {
    const lent = { cpuMilli: 1_000, memMilli: 1_600_000 }
    expect(floorCeiling(lent, 0).memBytes).toBe(100 * MiB)
    expect(floorCeiling(lent, 700 * MiB).memBytes).toBe(800 * MiB)
    expect(floorCeiling(lent, 1_550 * MiB).memBytes).toBe(1_600 * MiB)
  })

  it("is below what is lent and not below what is used, in whole MiB", () => {
    fc.assert(
      fc.property(amounts, fc.nat({ max: 2 ** 40 }), (lent, used) => {
        const { memBytes, cpuQuotaMicros } = floorCeiling(lent, used)
        const most = lentCeiling(lent)
        expect(memBytes).toBeGreaterThanOrEqual(used)
        expect(memBytes % MiB).toBe(0)
        expect(memBytes).toBeLessThanOrEqual(Math.max(most.memBytes as number, used + MiB, MiB))
        expect(cpuQuotaMicros).toBeLessThanOrEqual(most.cpuQuotaMicros as number)
      }),
    )
  })

  it("is shown in the units of people", () => {
    expect(ceilingToInForce({ cpuQuotaMicros: 150_000, memBytes: 3 * MiB })).toEqual({
      cpuMilli: 1_500,
      memMilli: 3_000,
    })
    expect(ceilingToInForce({ cpuQuotaMicros: "unlimited", memBytes: "unlimited" })).toEqual({
      cpuMilli: null,
      memMilli: null,
    })
  })
})
