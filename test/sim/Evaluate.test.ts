import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { policyKinds } from "../../core/policies/Catalogue.ts"
import { policySpec } from "../../core/policies/PolicySpec.ts"
import { evaluate, finish } from "../../sim/Evaluate.ts"
import {
  baselineSettings,
  defaultPolicies,
  type EvaluationSettings,
  ownSettings,
} from "../../sim/Evaluation.ts"
import type { Segment, Trace } from "../../traces/Trace.ts"
import { naiveEvaluate } from "../support/naive/Evaluation.ts"

const minutes = 60_000
const gap = Number.NaN

interface Recorded {
  readonly series: ReadonlyArray<ReadonlyArray<number>>
  readonly segmentSteps?: ReadonlyArray<number>
  readonly cpuMilli?: ReadonlyArray<number>
  readonly intervalMs?: number
}

const toTrace = ({ series, segmentSteps, cpuMilli, intervalMs = 5 * minutes }: Recorded): Trace => {
  const steps = series[0]!.length
  let firstStep = 0
  const segments = (segmentSteps ?? [steps]).map((length, index): Segment => {
    const segment = { label: `s${index}`, firstStep, steps: length, startMs: 0 }
    firstStep += length
    return segment
  })
  return {
    name: "t",
    synthetic: false,
    source: "test",
    provenance: "test",
    intervalMs,
    hosts: series.map((_, host) => `h${host}`),
    steps,
    cpu: Float32Array.from(series.flat()),
    mem: Float32Array.from(series.flat(), (share) => share / 2),
    cpuMilli: Float64Array.from(cpuMilli ?? series.map(() => 1000)),
    memMilli: Float64Array.from(series, () => 4000),
    segments,
    importReport: {
      files: 1,
      lines: 0,
      samples: 0,
      repeatedRows: 0,
      averagedSamples: 0,
      clippedSamples: 0,
      zeroCapacitySamples: 0,
      hostsWithChangedCapacity: 0,
      skippedLines: 0,
      skippedExamples: [],
    },
  }
}

const judge = (
  trace: Trace,
  settings: EvaluationSettings,
  name: string,
  values: Readonly<Record<string, number>> = {},
) => finish(evaluate(trace, [policySpec(name, values)], settings)).rows[0]!

describe("evaluating by hand", () => {
  const settings = ownSettings("cpu", 10 * minutes)

  it("counts a step when usage and the whole horizon are known, and the peak anywhere in it", () => {
    // Steps 0 and 1 count; the horizon of step 2 and later leaves the recording.
    const row = judge(toTrace({ series: [[0.25, 0.25, 0.75, 0.25]] }), settings, "usage-margin", {
      margin: 0.25,
    })
    expect(row).toMatchObject({
      machineSteps: 2,
      hosts: 1,
      harvestShare: 0.5,
      violationRate: 1,
      meanDepth: 0.25,
      worstHost: "h0",
      worstHostViolationRate: 1,
      horizonMs: 600_000,
    })
  })

  it("leaves out what a gap makes unknown", () => {
    const trace = toTrace({ series: [[0.5, 0.5, gap, 0.5, 0.5, 0.5]] })
    expect(judge(trace, settings, "static").machineSteps).toBe(1)
    expect(judge(trace, ownSettings("cpu", 5 * minutes), "static").machineSteps).toBe(3)
  })

  it("never looks from one segment into the next, forwards or backwards", () => {
    const trace = toTrace({ series: [[1, 1, 1, 0, 0, 0]], segmentSteps: [3, 3] })
    const row = judge(trace, settings, "window-max", { window: 60 * minutes, margin: 0 })
    expect(row).toMatchObject({ machineSteps: 2, harvestShare: 0.5, violationRate: 0 })
  })

  it("weighs harvest by capacity, and violations not at all", () => {
    const trace = toTrace({
      series: [
        [0, 0, 0],
        [1, 1, 1],
      ],
      cpuMilli: [3000, 1000],
    })
    const row = judge(trace, settings, "static", { reserve: 0.5 })
    expect(row).toMatchObject({ harvestShare: 0.5, violationRate: 0.5, meanDepth: 0.5, worstHost: "h1" })
    const all = judge(trace, settings, "oracle", { window: 10 * minutes, margin: 0 })
    expect(all).toMatchObject({ harvestShare: 0.75, oracleShare: 1, violationRate: 0, worstHost: null })
  })

  it("takes the oracle's share against the maximum of the horizon, without a margin", () => {
    const trace = toTrace({ series: [[0.5, 0.25, 0.25, 0.25]] })
    // The oracle lends 0.75 at both steps, the policy 0.25 and 0.5.
    expect(judge(trace, settings, "usage-margin", { margin: 0.25 }).oracleShare).toBeCloseTo(0.5, 12)
  })

  it("rounds a horizon up to whole intervals", () => {
    const trace = toTrace({ series: [[0, 0, 1, 0]] })
    expect(judge(trace, ownSettings("cpu", 6 * minutes), "static")).toMatchObject({
      horizonMs: 600_000,
      machineSteps: 2,
    })
  })

  it("does not take an exact fit for a violation", () => {
    const trace = toTrace({ series: [[0.4, 0.4, 0.4, 0.4]] })
    expect(judge(trace, settings, "static", { reserve: 0.4 }).violationRate).toBe(0)
  })

  it("judges memory by memory", () => {
    const trace = toTrace({ series: [[1, 1, 1]] })
    expect(judge(trace, ownSettings("mem", 10 * minutes), "usage-margin", { margin: 0 })).toMatchObject({
      resource: "mem",
      harvestShare: 0.5,
    })
  })

  it("has no share to tell when nothing can be lent", () => {
    const row = judge(toTrace({ series: [[1, 1, 1]], cpuMilli: [0] }), settings, "static")
    expect(row).toMatchObject({ harvestShare: null, oracleShare: null, machineSteps: 1 })
  })
})

describe("the preset baselines", () => {
  const day = 288
  const settings = baselineSettings("cpu")

  it("evaluates 265 steps of a full day, as both windows must lie within it", () => {
    const trace = toTrace({ series: [new Array<number>(2 * day).fill(0.1)], segmentSteps: [day, day] })
    expect(judge(trace, settings, "usage-margin").machineSteps).toBe(2 * 265)
  })

  it("leaves out hosts that never use CPU or have under a day of samples, and says how many", () => {
    const full = new Array<number>(2 * day).fill(0.1)
    const short = full.map((share, step) => (step < day - 1 ? share : gap))
    const idle = full.map(() => 0)
    const trace = toTrace({ series: [short, full, idle] })
    const result = finish(evaluate(trace, defaultPolicies(settings), settings))
    expect(result.rows.map((row) => row.hosts)).toEqual([1, 1, 1, 1])
    expect([result.hostsLeftOut, result.samples]).toEqual([2, 2 * day])
  })

  it("tolerates two unknown slots of twelve on either side, not three", () => {
    const withGaps = (...gaps: ReadonlyArray<number>) => {
      const series = Array.from({ length: 2 * day }, (_, step) => (gaps.includes(step) ? gap : 0.1))
      return judge(toTrace({ series: [series] }), settings, "usage-margin").machineSteps
    }
    const all = 2 * day - 23
    expect(withGaps()).toBe(all)
    // Each unknown slot costs itself and the step before it: 99 to 102.
    expect(withGaps(100, 102)).toBe(all - 4)
    // Three cost 99 to 104, and the steps whose window after (92 to 98) or before (105 to 111) holds all three.
    expect(withGaps(100, 102, 104)).toBe(all - 6 - 7 - 7)
  })
})

describe("evaluating", () => {
  const share = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 20 }).map((twentieths) => twentieths / 20) },
    { weight: 1, arbitrary: fc.constant(gap) },
  )
  const recorded = fc
    .record({
      hosts: fc.integer({ min: 1, max: 4 }),
      segmentSteps: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 }),
      intervalMs: fc.constantFrom(5 * minutes, 15 * minutes, 60 * minutes),
    })
    .chain(({ hosts, segmentSteps, intervalMs }) => {
      const steps = segmentSteps.reduce((sum, length) => sum + length, 0)
      return fc.record({
        series: fc.array(fc.array(share, { minLength: steps, maxLength: steps }), {
          minLength: hosts,
          maxLength: hosts,
        }),
        cpuMilli: fc.array(
          fc.integer({ min: 0, max: 8 }).map((cores) => cores * 1000),
          {
            minLength: hosts,
            maxLength: hosts,
          },
        ),
        segmentSteps: fc.constant(segmentSteps),
        intervalMs: fc.constant(intervalMs),
      })
    })
  const settings = fc
    .record({
      resource: fc.constantFrom("cpu" as const, "mem" as const),
      horizonMs: fc.integer({ min: 1, max: 90 }).map((count) => count * minutes),
      neighbourhood: fc.constantFrom(null, { windowMs: 60 * minutes, knownLeast: 3 }),
      weights: fc.constantFrom("capacity" as const, "equal" as const),
      usedHostsOnly: fc.boolean(),
    })
    .map((drawn): EvaluationSettings => ({ ...ownSettings(drawn.resource, drawn.horizonMs), ...drawn }))
  const specs = policyKinds.map((kind) => policySpec(kind.name))

  it("agrees with the direct per-slot loop on small random traces", () => {
    fc.assert(
      fc.property(recorded, settings, (drawn, chosen) => {
        const trace = toTrace(drawn)
        const { rows } = finish(evaluate(trace, specs, chosen))
        naiveEvaluate(trace, specs, chosen).forEach((expected, index) => {
          const row = rows[index]!
          for (const [key, value] of Object.entries(expected)) {
            const found = row[key as keyof typeof expected]
            const label = `${expected.policy} ${key}`
            if (typeof value === "number") expect(Math.abs(Number(found) - value), label).toBeLessThan(1e-9)
            else expect(found, label).toBe(value)
          }
        })
      }),
      { numRuns: 300 },
    )
  })

  it("gives the same figures whether hosts fill one block or several", () => {
    const series = Array.from({ length: 150 }, (_, host) =>
      Array.from({ length: 50 }, (__, step) => ((host * 31 + step * 17) % 97) / 100),
    )
    const chosen = ownSettings("cpu", 10 * minutes)
    const { rows } = finish(evaluate(toTrace({ series }), specs, chosen))
    const twin = naiveEvaluate(toTrace({ series }), specs, chosen)
    expect(rows.map((row) => row.machineSteps)).toEqual(twin.map((row) => row.machineSteps))
    rows.forEach((row, index) => {
      expect(row.harvestShare).toBeCloseTo(twin[index]!.harvestShare!, 9)
    })
  })

  it("reports progress between blocks, from none to all", () => {
    const trace = toTrace({ series: Array.from({ length: 130 }, () => [0, 0, 0]) })
    const seen = [...evaluate(trace, specs, ownSettings("cpu", 5 * minutes))].map(
      ({ hostsDone }) => hostsDone,
    )
    expect(seen).toEqual([0, 64, 128, 130])
  })
})
