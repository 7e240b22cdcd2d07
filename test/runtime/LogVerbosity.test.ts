import { describe, expect, it } from "vitest"
import { makeVerbosity } from "../../runtime/LogVerbosity.ts"

describe("the verbosity of a log", () => {
  it("is raised for as long as somebody said, and the last word counts", () => {
    let nowMs = 0
    const verbosity = makeVerbosity(() => nowMs)
    expect(verbosity.level()).toBe(0)
    verbosity.set(2, 1_000)
    nowMs = 999
    expect(verbosity.level()).toBe(2)
    verbosity.set(1, 100)
    expect(verbosity.level()).toBe(1)
    nowMs = 1_098
    expect(verbosity.level()).toBe(1)
    nowMs = 1_099
    expect(verbosity.level()).toBe(0)
    verbosity.set(3, 0)
    expect(verbosity.level()).toBe(0)
  })
})
