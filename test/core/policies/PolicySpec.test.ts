import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { durationToSteps, policyKinds } from "../../../core/policies/Catalogue.ts"
import { parseDurationMs, printDurationMs } from "../../../core/policies/Duration.ts"
import { parsePolicySpec, policySpec, printPolicySpec } from "../../../core/policies/PolicySpec.ts"

const reasonOf = (text: string): string => {
  const result = parsePolicySpec(text)
  return result._tag === "Refused" ? result.reason : `accepted ${printPolicySpec(result.spec)}`
}

const canonical = (text: string): string => {
  const result = parsePolicySpec(text)
  return result._tag === "Accepted" ? printPolicySpec(result.spec) : result.reason
}

describe("a policy spec", () => {
  it("is printed with every parameter, in catalogue order", () => {
    expect(canonical("static")).toBe("static:reserve=40%")
    expect(canonical("usage-margin:margin=0.2")).toBe("usage-margin:margin=20%")
    expect(canonical(" window-max : margin = 7% , window = 90m ")).toBe("window-max:window=90m,margin=7%")
    expect(canonical("n-sigma:n=2.5")).toBe("n-sigma:n=2.5,window=1h")
    expect(canonical("oracle:window=24h,margin=0")).toBe("oracle:window=1d,margin=0%")
  })

  it("refuses what it does not know, and says what was probably meant", () => {
    expect(reasonOf("window-mx")).toContain(
      'no policy "window-mx", did you mean "window-max"?; known are static,',
    )
    expect(reasonOf("n-sigma:sigma=3")).toContain('no parameter "sigma"')
    expect(reasonOf("n-sigma:sigma=3")).toContain("it has n, window")
    expect(reasonOf("window-max:windw=1h")).toContain('did you mean "window"?')
    expect(reasonOf("frobnicate")).not.toContain("did you mean")
  })

  it("refuses values of the wrong form, size or number", () => {
    expect(reasonOf("static:reserve=much")).toContain("a share of capacity, like 5% or 0.05")
    expect(reasonOf("static:reserve=140%")).toContain("not between 0% and 100%")
    expect(reasonOf("static:reserve=-5%")).toContain("not a share of capacity")
    expect(reasonOf("window-max:window=3")).toContain("30s, 10m, 1h or 1d")
    expect(reasonOf("window-max:window=40d")).toContain("not between 1s and 31d")
    expect(reasonOf("n-sigma:n=3%")).toContain("a number, like 3")
    expect(reasonOf("n-sigma:n=3,n=4")).toContain("n is given twice")
    expect(reasonOf("static:")).toContain("not of the form parameter=value, as in static:reserve=40%")
    expect(reasonOf("")).toContain('no policy ""')
  })

  it("survives printing and reading, for every policy and any value in bounds", () => {
    const value = {
      share: fc.integer({ min: 0, max: 1_000_000 }),
      duration: fc.integer({ min: 1000, max: 2_678_400_000 }),
    }
    fc.assert(
      fc.property(fc.constantFrom(...policyKinds), value.share, value.duration, (kind, share, duration) => {
        const spec = policySpec(kind.name, {
          margin: share / 1e6,
          reserve: share / 1e6,
          n: share / 1e4,
          window: duration,
        })
        const text = printPolicySpec(spec)
        expect(canonical(text)).toBe(text)
        const again = parsePolicySpec(text)
        expect(again._tag === "Accepted" && again.spec.values).toEqual(spec.values)
      }),
    )
  })
})

describe("a duration", () => {
  it("is read in every unit and printed in the longest whole one", () => {
    expect(["500ms", "30s", "10m", "1.5h", "2d"].map(parseDurationMs)).toEqual([
      500, 30_000, 600_000, 5_400_000, 172_800_000,
    ])
    expect([500, 30_000, 600_000, 5_400_000, 172_800_000, 0].map(printDurationMs)).toEqual([
      "500ms",
      "30s",
      "10m",
      "90m",
      "2d",
      "0ms",
    ])
    expect(["10", "m", "-1h", "1 h 2 m", "1e3s", ""].map(parseDurationMs)).toEqual(
      new Array(6).fill(undefined),
    )
  })

  it("covers at least its length in steps", () => {
    expect(
      [1, 300_000, 300_001, 3_600_000].map((durationMs) => durationToSteps(durationMs, 300_000)),
    ).toEqual([1, 1, 2, 12])
  })
})
