import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { memToText, parseMemMiB } from "../../../runtime/config/Memory.ts"

describe("sizes of memory", () => {
  it.each([
    ["64", 64],
    ["64M", 64],
    ["64mb", 64],
    ["64MiB", 64],
    [" 1.5 G ", 1_536],
    ["2GiB", 2_048],
    ["1T", 1_048_576],
    ["512k", 0.5],
    ["1k", 0.001],
    ["0.0005", 0.001],
  ])("%j is %d MiB", (text, mib) => {
    expect(parseMemMiB(text)).toBe(mib)
  })

  it.each(["", "M", "-1M", "1e3", "1,5G", "0", "0.0004", "1 2", "64X", "64BiM", "NaN", "0x10"])(
    "%j is none",
    (text) => {
      expect(parseMemMiB(text)).toBeUndefined()
    },
  )

  it("beyond every number are none", () => {
    expect(parseMemMiB("9".repeat(400))).toBeUndefined()
  })

  it.each([
    [0, "0M"],
    [0.04, "0M"],
    [64, "64M"],
    [63.96, "64M"],
    [1_000.5, "1000.5M"],
    [1_023.9, "1023.9M"],
    [1_023.96, "1G"],
    [1_024, "1G"],
    [22_937.6, "22.4G"],
  ])("%d MiB are shown as %s", (mib, text) => {
    expect(memToText(mib)).toBe(text)
  })

  it("are read again, as shown, within half of the last digit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (mib) => {
        const shown = parseMemMiB(memToText(mib))!
        expect(Math.abs(shown - mib)).toBeLessThanOrEqual(mib < 1_024 ? 0.051 : 51.21)
      }),
    )
  })
})
