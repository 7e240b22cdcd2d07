import { suggestNearest } from "./Nearest.ts"

// Reading parsed JSON by hand: every reader names the place of what it refuses, and the first refusal of a reading counts.

/** One reading of one text; `reason` is why it is refused. */
export interface Reading {
  reason: string | null
}

export type JsonObject = { readonly [key: string]: unknown }

/** Notes a refusal unless there is one already; undefined, so that a reader can return it. */
export const refuseAt = (reading: Reading, place: string, why: string): undefined => {
  if (reading.reason === null) reading.reason = place === "" ? why : `${place}: ${why}`
  return undefined
}

export const placeOf = (place: string, key: string): string => (place === "" ? key : `${place}.${key}`)

/** A value as it is shown in a refusal. */
export const showJson = (value: unknown): string => {
  if (value === undefined) return "nothing"
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** An object with these keys only; unknown ones are refused with the nearest known one. */
export const readObject = (
  reading: Reading,
  place: string,
  value: unknown,
  keys: ReadonlyArray<string>,
): JsonObject | undefined => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuseAt(reading, place, `${showJson(value)} is not an object with ${keys.join(", ")}`)
  }
  for (const key of Object.keys(value)) {
    if (keys.indexOf(key) >= 0) continue
    const hint = `there is no key "${key.slice(0, 60)}" here${suggestNearest(key, keys)}; known are ${keys.join(", ")}`
    return refuseAt(reading, placeOf(place, key.slice(0, 60)), hint)
  }
  return value as JsonObject
}

/** A value of an object itself, never one that every object inherits. */
export const valueAt = (object: JsonObject, key: string): unknown =>
  Object.keys(object).indexOf(key) >= 0 ? object[key] : undefined

export interface NumberBounds {
  readonly least: number
  readonly most: number
  readonly isWhole: boolean
  /** What the number is, for the refusal: `ms`, `a share of capacity`. */
  readonly unit: string
}

/** The number under a key of an object. */
export const readNumber = (
  reading: Reading,
  place: string,
  object: JsonObject,
  key: string,
  { least, most, isWhole, unit }: NumberBounds,
): number | undefined => {
  const value = valueAt(object, key)
  const isFit =
    typeof value === "number" && value >= least && value <= most && (!isWhole || value === Math.floor(value))
  if (isFit) return value
  const what = isWhole ? "a whole number" : "a number"
  return refuseAt(
    reading,
    placeOf(place, key),
    `${showJson(value)} is not ${what} between ${least} and ${most} (${unit})`,
  )
}

/** Parses JSON; a refusal names line and column where the engine tells them. */
export const readJson = (reading: Reading, text: string): unknown => {
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
  } catch (error) {
    const message = (error as Error).message
    const position = /position (\d+)/.exec(message)
    const before = position === null ? null : text.slice(0, Number(position[1])).split("\n")
    const place =
      before === null ? "" : `line ${before.length}, column ${before[before.length - 1]!.length + 1}`
    return refuseAt(reading, place, `not JSON: ${message}`)
  }
}
