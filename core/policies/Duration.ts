/** Units of a written duration, longest first; all are whole milliseconds. */
const units: ReadonlyArray<readonly [string, number]> = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
]

/** How durations are written, for messages. */
export const durationForm = "a number with ms, s, m, h or d, like 30s, 10m, 1h or 1d"

/** `10m` → 600000. Undefined for anything that is not {@link durationForm}; rounds to whole milliseconds. */
export const parseDurationMs = (text: string): number | undefined => {
  const match = /^(\d{1,12}(?:\.\d{1,9})?)(ms|s|m|h|d)$/.exec(text.trim())
  if (match === null) return undefined
  const unit = units.find(([name]) => name === match[2])
  return unit === undefined ? undefined : Math.round(Number(match[1]) * unit[1])
}

/** 600000 → `10m`: the longest unit that gives a whole number. */
export const printDurationMs = (durationMs: number): string => {
  for (const [name, lengthMs] of units) {
    if (durationMs >= lengthMs && durationMs % lengthMs === 0) return `${durationMs / lengthMs}${name}`
  }
  return `${durationMs}ms`
}
