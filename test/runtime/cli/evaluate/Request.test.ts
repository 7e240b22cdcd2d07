import { describe, expect, it } from "vitest"
import { printPolicySpec } from "../../../../core/policies/PolicySpec.ts"
import { CommandFailure } from "../../../../runtime/cli/CommandFailure.ts"
import { toRequest, type WrittenOptions } from "../../../../runtime/cli/evaluate/Request.ts"

const nothing: WrittenOptions = {
  traces: [],
  policies: [],
  horizon: undefined,
  resource: "cpu",
  preset: undefined,
  badLines: "fail",
  seed: undefined,
  json: false,
  report: undefined,
}

const accept = (written: Partial<WrittenOptions>) => {
  const request = toRequest({ ...nothing, ...written })
  if (request instanceof CommandFailure) throw request
  return request
}

const refuse = (written: Partial<WrittenOptions>): string => {
  const request = toRequest({ ...nothing, ...written })
  expect(request).toBeInstanceOf(CommandFailure)
  const failure = request as CommandFailure
  expect(failure.exitCode).toBe(2)
  return failure.message
}

describe("the options of evaluate", () => {
  it("have defaults", () => {
    expect(accept({})).toMatchObject({ horizonMs: 600_000, preset: null, seed: 1, policies: [] })
    expect(accept({ horizon: "1h", seed: 7 })).toMatchObject({ horizonMs: 3_600_000, seed: 7 })
  })

  it("take a policy that is written twice once", () => {
    const { policies } = accept({ policies: ["static", "static:reserve=40%", "n-sigma"] })
    expect(policies.map(printPolicySpec)).toEqual(["static:reserve=40%", "n-sigma:n=3,window=1h"])
  })

  it("are refused with every reason", () => {
    expect(refuse({ policies: ["statics", "n-sigma:n=x"] }).split("\n")).toHaveLength(2)
    expect(refuse({ horizon: "soon" })).toContain('"soon" is not a duration')
    expect(refuse({ horizon: "0s" })).toContain("--horizon")
    expect(refuse({ preset: "baselines", horizon: "1h" })).toContain("its own horizon")
    expect(refuse({ traces: ["x"], seed: 1 })).toContain("--seed")
  })
})
