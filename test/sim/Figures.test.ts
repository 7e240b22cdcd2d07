import { describe, expect, it } from "vitest"
import { formatCount, formatPercent, formatWorstHost } from "../../sim/Figures.ts"

describe("figures", () => {
  it("are percentages with the digits asked for, and a dash when there is none", () => {
    expect([
      formatPercent(0.86644),
      formatPercent(0.00392, 2),
      formatPercent(1),
      formatPercent(null),
    ]).toEqual(["86.6", "0.39", "100.0", "–"])
  })

  it("group thousands", () => {
    expect([0, 999, 1000, 1_411_906].map(formatCount)).toEqual(["0", "999", "1,000", "1,411,906"])
  })

  it("name the worst host with its rate", () => {
    expect(formatWorstHost("193", 0.0803)).toBe("193 (8.03 %)")
    expect(formatWorstHost(null, 0)).toBe("–")
  })
})
