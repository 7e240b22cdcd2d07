/**
 * Reads an amount in Mesos's units as thousandths: three decimals, half away from zero (spec/mesos.md §1.7, §10), so `1.0005` is 1001
 * and `0.0004` is 0. Digits are read as they are written. Multiplying the double would not do: the one next to 1.0005 times
 * 1000 is 1000.4999999999999. Null for what is no decimal, or is beyond exact whole thousandths.
 */
export const decimalToMilli = (text: string): number | null => {
  const parts = decimal.exec(text)
  if (parts === null) return null
  const [, sign, whole = "", fraction = "", exponent = "0"] = parts
  const digits = (whole + fraction).replace(/^0+/, "")
  if (digits === "") return 0
  // How many of the digits stand before the point, once it is moved to thousandths.
  const point = digits.length - fraction.length + Number(exponent) + 3
  if (point < 0) return 0
  if (point > 16) return null
  const milli = Number(digits.slice(0, point).padEnd(point, "0")) + (digits.charAt(point) >= "5" ? 1 : 0)
  if (milli > Number.MAX_SAFE_INTEGER) return null
  return sign === "-" && milli > 0 ? -milli : milli
}

/** As {@link decimalToMilli} of the shortest text that stands for the double: what its writer most likely wrote. */
export const unitsToMilli = (units: number): number | null => {
  const product = units * 1000
  const nearest = Math.round(product)
  // Below 2^48 the product is less than 0.1 away from the decimal, so only near a half can it mislead.
  const isSure = Math.abs(product) < 281_474_976_710_656 && Math.abs(product - nearest) < 0.4
  if (!isSure) return decimalToMilli(String(units))
  return nearest === 0 ? 0 : nearest
}

/** Whether a text is a decimal number: `8`, `.5`, `-1.5e3`, but neither `0x10` nor `Infinity`. */
export const isDecimal = (text: string): boolean => decimal.test(text)

const decimal = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/
