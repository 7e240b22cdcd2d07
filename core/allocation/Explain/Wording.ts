// Amounts and times for people. What is missing is rounded up, so that nothing ever lacks 0 of something.

interface Measure {
  readonly value: number
  readonly unit: string
}

const mib = 1_000
const gib = 1_024 * mib
const tib = 1_024 * gib

/** Up to the next multiple of `step`, in units of `unit`, both in milli-units. */
const roundedUp = (milli: number, step: number, unit: number): number =>
  Math.ceil(milli / step) / Math.round(unit / step)

const memoryMeasure = (milli: number): Measure => {
  if (milli >= tib) return { value: roundedUp(milli, tib / 10, tib), unit: "TiB" }
  if (milli >= gib) return { value: roundedUp(milli, gib / 10, gib), unit: "GiB" }
  return { value: milli >= 10 * mib ? roundedUp(milli, mib, mib) : milli / mib, unit: "MiB" }
}

const cpuMeasure = (milli: number): Measure => ({
  value:
    milli >= 10_000
      ? roundedUp(milli, 100, 1_000)
      : milli >= 10
        ? roundedUp(milli, 10, 1_000)
        : milli / 1_000,
  unit: "",
})

const measureOf = (name: string, milli: number): Measure =>
  name === "mem" || name === "disk"
    ? memoryMeasure(milli)
    : name === "cpus"
      ? cpuMeasure(milli)
      : { value: milli / 1_000, unit: "" }

const timeMeasure = (ms: number): Measure => {
  const seconds = Math.ceil(ms / 1_000)
  if (seconds < 100) return { value: seconds, unit: "s" }
  if (seconds < 100 * 60) return { value: Math.ceil(seconds / 60), unit: "min" }
  if (seconds < 48 * 3_600) return { value: Math.ceil(seconds / 3_600), unit: "h" }
  return { value: Math.ceil(seconds / 86_400), unit: "d" }
}

/** `1.2–3.5 GiB`, `512 MiB–2 GiB`, `4`. */
const rangeText = (from: Measure, to: Measure): string => {
  const end = withUnit(to)
  if (withUnit(from) === end) return end
  return from.unit === to.unit ? `${from.value}–${end}` : `${withUnit(from)}–${end}`
}

const withUnit = ({ value, unit }: Measure): string => (unit === "" ? String(value) : `${value} ${unit}`)

/** An amount of a resource, in milli-units or items × 1000: `1.5`, `1.2 GiB`. */
export const amountText = (name: string, milli: number): string => withUnit(measureOf(name, milli))

export const amountRangeText = (name: string, leastMilli: number, mostMilli: number): string =>
  rangeText(measureOf(name, leastMilli), measureOf(name, mostMilli))

export const durationRangeText = (leastMs: number, mostMs: number): string =>
  rangeText(timeMeasure(leastMs), timeMeasure(mostMs))

/** `a`, `a and b`, `a, b and c`; with a bound, `a, b and 5 more`. */
export const listText = (items: ReadonlyArray<string>, most = items.length): string => {
  const shown =
    items.length > most ? items.slice(0, most - 1).concat(`${items.length - most + 1} more`) : items
  return shown.length < 2
    ? shown.join("")
    : `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]!}`
}
