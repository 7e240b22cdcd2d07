import { describe, expect, it } from "vitest"
import {
  amountRangeText,
  amountText,
  durationRangeText,
  listText,
} from "../../../../core/allocation/Explain/Wording.ts"

describe("amounts in words", () => {
  it.each([
    ["cpus", 1, "0.001"],
    ["cpus", 10, "0.01"],
    ["cpus", 1_001, "1.01"],
    ["cpus", 2_500, "2.5"],
    ["cpus", 9_999, "10"],
    ["cpus", 12_340, "12.4"],
    ["mem", 1, "0.001 MiB"],
    ["mem", 9_500, "9.5 MiB"],
    ["mem", 10_001, "11 MiB"],
    ["mem", 1_023_999, "1024 MiB"],
    ["mem", 1_024_000, "1 GiB"],
    ["mem", 1_024_001, "1.1 GiB"],
    ["mem", 1_228_800, "1.2 GiB"],
    ["disk", 3 * 1_024 * 1_024_000, "3 TiB"],
    ["ports", 3_000, "3"],
    ["licences", 1_500, "1.5"],
  ])("%s %i: %s", (name, milli, text) => {
    expect(amountText(name, milli)).toBe(text)
  })

  it("never say that nothing lacks", () => {
    for (const name of ["cpus", "mem", "ports"]) {
      for (let milli = 1; milli < 5_000_000; milli = milli * 2 + 1) {
        const [value] = amountText(name, milli).split(" ")
        expect(Number(value)).toBeGreaterThan(0)
      }
    }
  })

  it("have ranges, with one unit where both have the same", () => {
    expect(amountRangeText("mem", 1_228_800, 3_584_000)).toBe("1.2–3.5 GiB")
    expect(amountRangeText("mem", 512_000, 2_048_000)).toBe("512 MiB–2 GiB")
    expect(amountRangeText("mem", 1_024_001, 1_024_002)).toBe("1.1 GiB")
    expect(amountRangeText("cpus", 500, 2_000)).toBe("0.5–2")
    expect(amountRangeText("ports", 2_000, 2_000)).toBe("2")
  })
})

describe("times in words", () => {
  it.each([
    [1, 1, "1 s"],
    [3_001, 4_000, "4 s"],
    [4_000, 30_000, "4–30 s"],
    [99_000, 99_001, "99 s–2 min"],
    [60 * 60_000, 99 * 60_000, "60–99 min"],
    [100 * 60_000, 47 * 3_600_000, "2–47 h"],
    [48 * 3_600_000, 365 * 86_400_000, "2–365 d"],
  ])("%i to %i ms: %s", (least, most, text) => {
    expect(durationRangeText(least, most)).toBe(text)
  })
})

describe("lists in words", () => {
  it.each([
    [[], "", 3],
    [["a"], "a", 3],
    [["a", "b"], "a and b", 3],
    [["a", "b", "c"], "a, b and c", 3],
    [["a", "b", "c", "d"], "a, b and 2 more", 3],
  ])("%j: %s", (items, text, most) => {
    expect(listText(items, most)).toBe(text)
  })
})
