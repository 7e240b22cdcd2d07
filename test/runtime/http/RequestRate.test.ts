import { describe, expect, it } from "vitest"
import { makeRequestRate } from "../../../runtime/http/RequestRate.ts"

describe("the rate of requests", () => {
  it("lets a burst of two seconds pass, then as many as time brings, each for itself", () => {
    let nowMs = 0
    const rate = makeRequestRate(10, () => nowMs)
    const count = (key: string, tries: number) =>
      Array.from({ length: tries }, () => rate.take(key)).filter((refusal) => refusal === undefined).length
    expect(count("a", 50)).toBe(20)
    expect(count("b", 5)).toBe(5)
    nowMs += 500
    expect([count("a", 50), count("b", 50)]).toEqual([5, 20])
    nowMs += 3_600_000
    expect(count("a", 50)).toBe(20)
  })

  it("says when to come again", () => {
    const rate = makeRequestRate(1, () => 0)
    while (rate.take("a") === undefined);
    expect(rate.take("a")).toMatchObject({ status: 429, headers: { "Retry-After": "1" } })
    expect(rate.take("a")?.sentence).toMatch(/^429 Too Many Requests\. .* try again in 1 s$/)
  })

  it("remembers those who asked last, and not without bound", () => {
    const rate = makeRequestRate(1, () => 0)
    while (rate.take("loud") === undefined);
    for (let i = 0; i < 9_999; i++) rate.take(`address ${i}`)
    expect(rate.take("loud")?.status).toBe(429)
    for (let i = 0; i < 20_000; i++) rate.take(`other ${i}`)
    expect(rate.take("loud")).toBeUndefined()
  })

  it("may be as high as it comes", () => {
    const rate = makeRequestRate(null, () => 0)
    expect(
      Array.from({ length: 1_000 }, () => rate.take("a")).every((refusal) => refusal === undefined),
    ).toBe(true)
  })
})
