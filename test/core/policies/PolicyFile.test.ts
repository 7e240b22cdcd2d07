import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { initialMonitorState } from "../../../core/monitor/State.ts"
import { policyKinds } from "../../../core/policies/Catalogue.ts"
import {
  defaultPolicyFile,
  type PolicyFile,
  parsePolicyFile,
  policyFileLengthMost,
  printPolicyFile,
  toMonitorPolicy,
} from "../../../core/policies/PolicyFile.ts"
import { policySpec, printPolicySpec } from "../../../core/policies/PolicySpec.ts"

const least = { version: 1, policy: "window-max", intervalMs: 10_000, horizonMs: 600_000 }

const read = (content: object): PolicyFile => {
  const parsed = parsePolicyFile(JSON.stringify(content))
  if (parsed._tag === "Refused") throw new Error(parsed.reason)
  return parsed.file
}

const reasonOf = (content: object | string): string => {
  const parsed = parsePolicyFile(typeof content === "string" ? content : JSON.stringify(content))
  return parsed._tag === "Refused" ? parsed.reason : `accepted ${printPolicyFile(parsed.file)}`
}

const specs = ({ cpu, mem }: PolicyFile) => [printPolicySpec(cpu), printPolicySpec(mem)]

describe("a policy file", () => {
  it("needs version, policy, interval and horizon; the rest has defaults", () => {
    expect(specs(read(least))).toEqual(["window-max:window=1h,margin=5%", "window-max:window=1h,margin=5%"])
    expect(read(least)).toMatchObject({
      version: 1,
      intervalMs: 10_000,
      horizonMs: 600_000,
      tunedOn: null,
      expected: null,
    })
    for (const key of ["version", "policy", "intervalMs", "horizonMs"]) {
      expect(reasonOf({ ...least, [key]: undefined })).toMatch(
        new RegExp(`^policy file: ${key}: nothing is not `),
      )
    }
  })

  it("lays a resource's parameters over the common ones, unless it names another policy", () => {
    const common = { ...least, parameters: { window: "2h", margin: "7%" } }
    const of = (resources: object) => specs(read({ ...common, resources }))
    expect(of({})).toEqual(["window-max:window=2h,margin=7%", "window-max:window=2h,margin=7%"])
    expect(of({ mem: { parameters: { margin: 0.02 } } })[1]).toBe("window-max:window=2h,margin=2%")
    expect(of({ cpu: { policy: "window-max", parameters: { window: "30m" } } })[0]).toBe(
      "window-max:window=30m,margin=7%",
    )
    expect(of({ cpu: { policy: "n-sigma", parameters: { n: 5 } } })).toEqual([
      "n-sigma:n=5,window=1h",
      "window-max:window=2h,margin=7%",
    ])
  })

  it("is what its docstring shows", () => {
    const file = read({
      ...least,
      parameters: { window: "1h", margin: "10%" },
      resources: { mem: { policy: "n-sigma", parameters: { n: 5, window: "1d" } } },
      tunedOn: { traceHash: "sha256:5e8f", hosts: 1313, from: "2018-01-01", to: "2018-01-08", budget: 0.005 },
      expected: {
        cpu: {
          harvestShare: 0.61,
          oracleShare: 0.78,
          violationRate: 0.0046,
          meanDepth: 0.05,
          worstHostViolationRate: 0.02,
        },
      },
    })
    expect(file.tunedOn).toEqual({
      traceHash: "sha256:5e8f",
      hosts: 1313,
      from: "2018-01-01",
      to: "2018-01-08",
      budget: 0.005,
    })
    expect(file.expected!.mem).toBeNull()
    expect(file.expected!.cpu!.worstHostViolationRate).toBe(0.02)
    expect(read(JSON.parse(printPolicyFile(file)))).toEqual(file)
  })

  it("names the place of what it refuses, and what was probably meant", () => {
    expect(reasonOf({ ...least, polcy: 1 })).toContain(
      'policy file: polcy: there is no key "polcy" here, did you mean "policy"?',
    )
    expect(reasonOf({ ...least, policy: "window-mx" })).toContain(
      'policy: "window-mx" is not a policy, did you mean "window-max"? known are static, usage-margin, window-max, n-sigma',
    )
    expect(reasonOf({ ...least, resources: { memory: {} } })).toContain(
      'resources.memory: there is no key "memory" here, did you mean "mem"?',
    )
    expect(reasonOf({ ...least, resources: { mem: { parameters: { windw: "1h" } } } })).toContain(
      'resources.mem.parameters.windw: there is no key "windw" here, did you mean "window"?',
    )
    expect(
      reasonOf({ ...least, resources: { cpu: { policy: "static", parameters: { margin: "1%" } } } }),
    ).toContain("resources.cpu.parameters.margin: ")
    expect(reasonOf({ ...least, parameters: [] })).toBe(
      "policy file: parameters: [] is not an object with window, margin",
    )
    expect(reasonOf({ ...least, __proto__x: 1 })).toContain("__proto__x")
    expect(reasonOf('{"__proto__": {}, "version": 1}')).toContain("__proto__: there is no key")
    expect(reasonOf({ ...least, policy: "constructor" })).toContain('"constructor" is not a policy')
  })

  it("refuses values of the wrong kind, form or size", () => {
    const of = (parameters: object) => reasonOf({ ...least, parameters })
    expect(of({ window: 3_600 })).toBe('policy file: parameters.window: 3600 is not a text like "1h"')
    expect(of({ window: "3" })).toContain("parameters.window: 3 is not a number with ms, s, m, h or d")
    expect(of({ window: "40d" })).toContain("parameters.window: 40d is not between 1s and 31d")
    expect(of({ margin: "140%" })).toContain("parameters.margin: 140% is not between 0% and 100%")
    expect(of({ margin: 1.4 })).toContain("parameters.margin: 1.4 is not between 0 and 1")
    expect(of({ margin: null })).toContain('parameters.margin: null is not a text like "5%"')
    expect(of({ window: "12d" })).toContain(
      "12d is more than 100000 intervals of 10000 ms: choose a shorter one",
    )
    expect(reasonOf({ ...least, intervalMs: 10.5 })).toContain(
      "intervalMs: 10.5 is not a whole number between 1000 and 3600000 (ms)",
    )
    expect(reasonOf({ ...least, intervalMs: "10s" })).toContain('intervalMs: "10s" is not a whole number')
    expect(reasonOf({ ...least, horizonMs: 5_000 })).toContain(
      "horizonMs: 5000 is shorter than intervalMs, 10000",
    )
  })

  it("refuses policies that need the future, versions it does not know and what is no file at all", () => {
    expect(reasonOf({ ...least, policy: "oracle" })).toBe(
      'policy file: policy: "oracle" needs the future: simulation only',
    )
    expect(reasonOf({ ...least, resources: { mem: { policy: "oracle" } } })).toContain(
      "resources.mem.policy:",
    )
    expect(reasonOf({ ...least, version: 2, later: true })).toBe(
      "policy file: version: 2 is not a version this gleaner reads; it reads 1",
    )
    expect(reasonOf({ ...least, version: "1" })).toContain('version: "1" is not a version')
    expect(reasonOf("")).toContain("policy file: not JSON")
    expect(reasonOf('{\n  "version": 1,\n  "policy" "static"\n}')).toContain("line 3, column 12: not JSON")
    for (const text of ["null", "1", "[]", '"window-max"'])
      expect(reasonOf(text)).toContain("is not an object with version")
    expect(reasonOf(" ".repeat(policyFileLengthMost + 1))).toContain("longer than 65536 characters")
    expect(read(JSON.parse(printPolicyFile(defaultPolicyFile)))).toEqual(defaultPolicyFile)
    expect(parsePolicyFile(`\ufeff${printPolicyFile(defaultPolicyFile)}`)._tag).toBe("Accepted")
  })

  it("refuses what nobody could have tuned it on or expect of it", () => {
    const tunedOn = { traceHash: "sha256:00", hosts: 3, from: null, to: null, budget: 0.01 }
    const of = (changed: object) => reasonOf({ ...least, tunedOn: { ...tunedOn, ...changed } })
    expect(of({})).toContain("accepted")
    expect(of({ hosts: 0 })).toContain("tunedOn.hosts: 0 is not a whole number between 1 and")
    expect(of({ budget: 2 })).toContain("tunedOn.budget: 2 is not a number between 0 and 1 (violation rate)")
    expect(of({ traceHash: "" })).toContain('tunedOn.traceHash: "" is not the hash of a trace')
    expect(of({ from: "yesterday" })).toContain('tunedOn.from: "yesterday" is not a day or instant')
    expect(of({ from: "2018-01-08", to: "2018-01-01" })).toContain("tunedOn.to: 2018-01-01 is before")
    expect(of({ from: "2018-01-08", to: "2018-01-08" })).toContain("accepted")
    expect(of({ from: "2018-01-08T10:00:00Z", to: "2018-01-08" })).toContain("accepted")
    expect(of({ host: 1 })).toContain('did you mean "hosts"?')
    expect(reasonOf({ ...least, expected: { cpu: { harvestShare: 0.5 } } })).toContain(
      "expected.cpu.oracleShare: nothing is not",
    )
    expect(reasonOf({ ...least, expected: { disk: {} } })).toContain("expected.disk:")
  })

  it("survives printing and reading, whatever it says", () => {
    const spec = fc
      .record({
        kind: fc.constantFrom(...policyKinds.filter((kind) => kind.causal)),
        millionths: fc.integer({ min: 0, max: 1_000_000 }),
        n: fc.double({ min: 0, max: 100, noNaN: true }).map((n) => n + 0),
        window: fc.integer({ min: 1_000, max: 86_400_000 }),
      })
      .map(({ kind, millionths, n, window }) =>
        policySpec(kind.name, { margin: millionths / 1e6, reserve: millionths / 1e6, n, window }),
      )
    const share = fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0)
    const figures = fc.record({
      harvestShare: share,
      oracleShare: share,
      violationRate: share,
      meanDepth: share,
      worstHostViolationRate: share,
    })
    const file: fc.Arbitrary<PolicyFile> = fc.record({
      version: fc.constant(1),
      cpu: spec,
      mem: spec,
      intervalMs: fc.integer({ min: 1_000, max: 600_000 }),
      horizonMs: fc.integer({ min: 600_000, max: 86_400_000 }),
      tunedOn: fc.option(
        fc.record({
          traceHash: fc.stringMatching(/^[\w:]{1,80}$/),
          hosts: fc.integer({ min: 1, max: 100_000 }),
          from: fc.constantFrom(null, "2018-01-01", "2018-01-01T23:59:59Z"),
          to: fc.constantFrom(null, "2018-01-02"),
          budget: share,
        }),
      ),
      expected: fc.option(fc.record({ cpu: fc.option(figures), mem: fc.option(figures) })),
    })
    fc.assert(
      fc.property(file, (one) => {
        const text = printPolicyFile(one)
        const parsed = parsePolicyFile(text)
        expect(parsed).toEqual({ _tag: "Accepted", file: one })
        if (parsed._tag === "Accepted") expect(printPolicyFile(parsed.file)).toBe(text)
      }),
    )
  })

  it("never throws, whatever the text", () => {
    const values = fc.jsonValue()
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          values.map((value) => JSON.stringify(value)),
          fc
            .dictionary(
              fc.constantFrom("parameters", "resources", "tunedOn", "expected", "policy", "intervalMs"),
              values,
            )
            .map((changed) => JSON.stringify({ ...least, ...changed })),
        ),
        (text) => {
          const parsed = parsePolicyFile(text)
          if (parsed._tag === "Refused") expect(parsed.reason).toMatch(/^policy file: ./)
          else expect(parsePolicyFile(printPolicyFile(parsed.file))).toEqual(parsed)
        },
      ),
      { numRuns: 500 },
    )
  })

  it("starts a monitor", () => {
    const state = initialMonitorState(3, toMonitorPolicy(defaultPolicyFile))
    expect(state.policy.intervalMs).toBe(10_000)
    expect(state.cpu.policy.hosts).toBe(3)
  })
})
