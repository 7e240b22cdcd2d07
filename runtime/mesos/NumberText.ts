/** A number as C++ writes it into a sentence: six digits that mean something, `1e+11`, `0.5`, `inf`. */
export const numberToMesosText = (value: number): string => {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf"
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    const [digits = "", exponent = ""] = value.toExponential(5).split("e")
    const [sign, power] = [exponent.slice(0, 1), exponent.slice(1)]
    return `${String(Number(digits))}e${sign}${power.padStart(2, "0")}`
  }
  return String(Number(value.toPrecision(6)))
}
