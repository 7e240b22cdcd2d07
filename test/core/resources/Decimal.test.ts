import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decimalToMilli, isDecimal, unitsToMilli } from "../../../core/resources/Decimal.ts"

/** The obvious twin, in exact whole numbers: digits, moved by an exponent. */
const naiveMilli = (digits: bigint, exponent: number): number | null => {
  const up = exponent + 3
  const milli =
    up >= 0 ? digits * 10n ** BigInt(up) : (digits + 5n * 10n ** BigInt(-up - 1)) / 10n ** BigInt(-up)
  return milli > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(milli)
}

describe("decimals as thousandths", () => {
  it.each([
    ["1.0005", 1001],
    ["-1.0005", -1001],
    ["0.0005", 1],
    ["0.0004", 0],
    ["-0.0004", 0],
    ["0.1", 100],
    ["8", 8000],
    ["8.", 8000],
    [".5", 500],
    ["+2", 2000],
    ["007", 7000],
    ["1e3", 1_000_000],
    ["1.5e-3", 2],
    ["-1.5E-3", -2],
    ["12345e-4", 1235],
    ["0e9999", 0],
    ["4503599627370.496", 4_503_599_627_370_496],
  ])("%s is %d", (text, milli) => {
    expect(decimalToMilli(text)).toBe(milli)
    expect(unitsToMilli(Number(text))).toBe(milli)
  })

  it.each(["", ".", "-", "e3", "1e", "0x10", "1,5", "1 2", "Infinity", "NaN", "1.2.3", "1e99999"])(
    "'%s' is no decimal",
    (text) => {
      expect(isDecimal(text)).toBe(false)
      expect(decimalToMilli(text)).toBeNull()
    },
  )

  it("are read to the last digit, also where a double would not see it", () => {
    expect(decimalToMilli("0.00049999999999999999999999999")).toBe(0)
    expect(decimalToMilli("9007199254740.991")).toBe(Number.MAX_SAFE_INTEGER)
  })

  it("end where thousandths are no longer exact", () => {
    expect(decimalToMilli("9007199254740.992")).toBeNull()
    expect(decimalToMilli("9007199254740.9915")).toBeNull()
    expect(decimalToMilli("1e300")).toBeNull()
    expect(unitsToMilli(1e300)).toBeNull()
    expect(unitsToMilli(Number.POSITIVE_INFINITY)).toBeNull()
    expect(unitsToMilli(Number.NaN)).toBeNull()
  })

  it("round half away from zero, whatever the number of digits", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 20n }),
        fc.integer({ min: -25, max: 5 }),
        (digits, exponent) => {
          const milli = naiveMilli(digits, exponent)
          expect(decimalToMilli(`${digits}e${exponent}`)).toBe(milli)
          expect(decimalToMilli(`-${digits}e${exponent}`)).toBe(
            milli === null || milli === 0 ? milli : -milli,
          )
        },
      ),
      { numRuns: 2000 },
    )
  })

  it("read a double as its shortest text, near halves too", () => {
    const nearHalf = fc
      .tuple(fc.nat(1e9), fc.constantFrom("", "49", "4999999", "5", "50000001", "51"))
      .map(([milli, digits]) =>
        Number(`${Math.floor(milli / 1000)}.${String(milli % 1000).padStart(3, "0")}${digits}`),
      )
    fc.assert(
      fc.property(fc.oneof(nearHalf, fc.double({ min: -1e13, max: 1e13, noNaN: true })), (units) => {
        expect(unitsToMilli(units)).toBe(decimalToMilli(String(units)))
      }),
      { numRuns: 3000 },
    )
  })

  it("come back from what they are written as, as long as doubles can tell thousandths apart", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 53 - 2 ** 50 }), (milli) => {
        expect(unitsToMilli(milli / 1000)).toBe(milli)
      }),
    )
  })
})
