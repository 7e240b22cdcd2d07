import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { policyKinds } from "../../../core/policies/Catalogue.ts"
import type { Policy, PolicySnapshot } from "../../../core/policies/Policy.ts"
import { createPolicy, type PolicySpec, policySpec } from "../../../core/policies/PolicySpec.ts"
import { naiveReserves } from "../../support/naive/Policies.ts"

const intervalMs = 300_000

/** Steps a policy through rows of one sample per host; returns the reserves of every step. */
const run = (
  policy: Policy,
  rows: ReadonlyArray<ReadonlyArray<number>>,
): ReadonlyArray<ReadonlyArray<number>> => {
  const reserve = new Float64Array(policy.hosts)
  return rows.map((row) => {
    policy.observe(Float64Array.from(row), reserve)
    return Array.from(reserve)
  })
}

/** Shares with holes; coarse values make ties and zeros frequent. */
const usage = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20) },
  { weight: 3, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  { weight: 2, arbitrary: fc.constant(Number.NaN) },
)

const block = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 60 }))
  .chain(([hosts, steps]) =>
    fc.array(fc.array(usage, { minLength: hosts, maxLength: hosts }), { minLength: steps, maxLength: steps }),
  )

const windowMs = fc.integer({ min: 1, max: 15 }).map((steps) => steps * intervalMs)

const spec: fc.Arbitrary<PolicySpec> = fc
  .record({
    kind: fc.constantFrom(...policyKinds),
    window: windowMs,
    margin: fc.integer({ min: 0, max: 30 }).map((percent) => percent / 100),
    reserve: fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
    n: fc.integer({ min: 0, max: 5 }),
  })
  .map(({ kind, ...values }) => policySpec(kind.name, values))

const causal = spec.filter((candidate) => candidate.kind.causal)

describe("every policy", () => {
  it("agrees with its naive twin, which looks at the whole series at each step", () => {
    fc.assert(
      fc.property(causal, block, (chosen, rows) => {
        const reserves = run(createPolicy(chosen, rows[0]!.length, intervalMs), rows)
        for (let host = 0; host < rows[0]!.length; host++) {
          const series = rows.map((row) => row[host]!)
          const whole = [{ firstStep: 0, steps: series.length }]
          naiveReserves(chosen, series, whole, intervalMs).forEach((expected, step) => {
            expect(Math.abs(reserves[step]![host]! - expected), `step ${step}`).toBeLessThan(1e-7)
          })
        }
      }),
      { numRuns: 300 },
    )
  })

  it("gives a block of hosts, to the bit, what each host alone gets", () => {
    fc.assert(
      fc.property(spec, block, (chosen, rows) => {
        const together = run(createPolicy(chosen, rows[0]!.length, intervalMs), rows)
        for (let host = 0; host < rows[0]!.length; host++) {
          const alone = run(
            createPolicy(chosen, 1, intervalMs),
            rows.map((row) => [row[host]!]),
          )
          expect(alone.map((reserve) => reserve[0])).toEqual(together.map((reserve) => reserve[host]))
        }
      }),
    )
  })

  it("goes on unchanged from a snapshot that went through JSON", () => {
    fc.assert(
      fc.property(spec, block, fc.nat(), (chosen, rows, at) => {
        const cut = at % rows.length
        const hosts = rows[0]!.length
        const undisturbed = run(createPolicy(chosen, hosts, intervalMs), rows)
        const before = createPolicy(chosen, hosts, intervalMs)
        run(before, rows.slice(0, cut))
        const snapshot = JSON.parse(JSON.stringify(before.snapshot())) as PolicySnapshot
        const after = createPolicy(chosen, hosts, intervalMs)
        // A restored policy may have had a life of its own.
        run(after, rows.slice(0, 3))
        after.restore(snapshot)
        expect(after.snapshot()).toEqual(before.snapshot())
        expect(run(after, rows.slice(cut))).toEqual(undisturbed.slice(cut))
      }),
    )
  })

  it("forgets its windows at an interruption, as if the recording began there", () => {
    fc.assert(
      fc.property(spec, block, fc.nat(), (chosen, rows, at) => {
        const cut = at % rows.length
        const policy = createPolicy(chosen, rows[0]!.length, intervalMs)
        run(policy, rows.slice(0, cut))
        policy.interrupt()
        const after = run(policy, rows.slice(cut))
        if (chosen.kind.name === "static") return
        expect(after).toEqual(run(createPolicy(chosen, rows[0]!.length, intervalMs), rows.slice(cut)))
      }),
    )
  })

  it("never lets a missing or senseless sample raise what is lent", () => {
    const nothing = fc.constantFrom(Number.NaN, -1, Number.NEGATIVE_INFINITY)
    fc.assert(
      fc.property(causal, block, nothing, (chosen, rows, missing) => {
        const hosts = rows[0]!.length
        const policy = createPolicy(chosen, hosts, intervalMs)
        const [last] = run(policy, rows).slice(-1)
        const [next] = run(policy, [new Array<number>(hosts).fill(missing)])
        expect(next).toEqual(last)
      }),
    )
  })

  it("reserves everything until the first sample, and stays within 0 and 1", () => {
    for (const kind of policyKinds) {
      const policy = createPolicy(policySpec(kind.name), 2, intervalMs)
      const [first, second] = run(policy, [
        [Number.NaN, Number.NaN],
        [Number.NaN, Number.POSITIVE_INFINITY],
      ])
      expect(first, kind.name).toEqual([1, 1])
      expect(second![0], kind.name).toBe(1)
      expect(second![1], kind.name).toBe(kind.name === "static" ? 0.4 : 1)
    }
  })

  it("refuses a snapshot of another kind, size or window", () => {
    const policy = createPolicy(policySpec("window-max"), 2, intervalMs)
    const other = (chosen: PolicySpec, hosts: number) => createPolicy(chosen, hosts, intervalMs).snapshot()
    expect(() => policy.restore(other(policySpec("n-sigma"), 2))).toThrow("n-sigma cannot restore window-max")
    expect(() => policy.restore(other(policySpec("window-max"), 3))).toThrow("3 hosts cannot restore 2")
    expect(() => policy.restore(other(policySpec("window-max", { window: intervalMs }), 2))).toThrow(
      "other parameters",
    )
  })
})

describe("policies by hand", () => {
  const alone = (chosen: PolicySpec, series: ReadonlyArray<number>) =>
    run(
      createPolicy(chosen, 1, intervalMs),
      series.map((share) => [share]),
    ).map((reserve) => reserve[0]!)

  it("window-max keeps a peak for exactly its window and ignores a hole in it", () => {
    const chosen = policySpec("window-max", { window: 3 * intervalMs, margin: 0.125 })
    expect(alone(chosen, [0.5, 0.25, 0.25, 0.25, Number.NaN, 0, 0, 0])).toEqual([
      0.625, 0.625, 0.625, 0.375, 0.375, 0.375, 0.125, 0.125,
    ])
  })

  it("n-sigma is the mean plus n population deviations of the window", () => {
    // Mean 0.25, deviations ±0.25: σ = 0.25. Then 0.5 and 0.5: σ = 0.
    const chosen = policySpec("n-sigma", { n: 2, window: 2 * intervalMs })
    expect(alone(chosen, [0, 0.5, 0.5])).toEqual([0, 0.75, 0.5])
  })

  it("n-sigma does not drift: after a million noisy samples a constant window has no deviation at all", () => {
    const policy = createPolicy(policySpec("n-sigma", { n: 3, window: 12 * intervalMs }), 1, intervalMs)
    const row = new Float64Array(1)
    const reserve = new Float64Array(1)
    for (let step = 0; step < 1_000_000; step++) {
      row[0] = ((step * 7919) % 1000) / 1000
      policy.observe(row, reserve)
    }
    row[0] = 0.3
    for (let step = 0; step < 12; step++) policy.observe(row, reserve)
    expect(Math.abs(reserve[0]! - 0.3)).toBeLessThan(1e-12)
  })

  it("usage-margin and static", () => {
    expect(alone(policySpec("usage-margin", { margin: 0.25 }), [0.5, 0.9, Number.NaN])).toEqual([0.75, 1, 1])
    expect(alone(policySpec("static", { reserve: 0.4 }), [0.9, Number.NaN])).toEqual([0.4, 0.4])
  })

  it("only the oracle looks ahead, as far as its window", () => {
    const lookaheads = policyKinds.map((kind) => createPolicy(policySpec(kind.name), 1, intervalMs).lookahead)
    expect(lookaheads).toEqual([0, 0, 0, 0, 12])
    expect(policyKinds.map((kind) => kind.causal)).toEqual([true, true, true, true, false])
  })
})
