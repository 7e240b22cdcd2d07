import { type JsonObject, placeOf, type Reading, refuseAt, showJson, valueAt } from "../policies/JsonPlace.ts"

// Readers of a field of an object, on top of those of JsonPlace. `null` is as good as an absent field, as in JSON of protobufs.
// After a refusal they go on with something of the right type, so that what calls them stays straight; nothing of it is used.

export type Read<Value> = (reading: Reading, place: string, json: unknown) => Value

export const readText = (reading: Reading, place: string, object: JsonObject, key: string): string => {
  const value = valueAt(object, key)
  if (typeof value === "string") return value
  refuseAt(reading, placeOf(place, key), `${showJson(value)} is no text`)
  return ""
}

export const readTextOrNull = (
  reading: Reading,
  place: string,
  object: JsonObject,
  key: string,
): string | null => (isUnset(object, key) ? null : readText(reading, place, object, key))

/** An absent flag is false. */
export const readFlag = (reading: Reading, place: string, object: JsonObject, key: string): boolean => {
  const value = valueAt(object, key) ?? false
  if (typeof value === "boolean") return value
  refuseAt(reading, placeOf(place, key), `${showJson(value)} is neither true nor false`)
  return false
}

export const readChoice = <Choice extends string>(
  reading: Reading,
  place: string,
  object: JsonObject,
  key: string,
  choices: ReadonlyArray<Choice>,
): Choice => {
  const value = valueAt(object, key)
  const found = choices.find((choice) => choice === value)
  if (found === undefined) {
    refuseAt(reading, placeOf(place, key), `${showJson(value)} is none of ${choices.join(", ")}`)
  }
  return found ?? choices[0]!
}

export const readOptional = <Value>(
  reading: Reading,
  place: string,
  object: JsonObject,
  key: string,
  read: Read<Value>,
): Value | null => (isUnset(object, key) ? null : read(reading, placeOf(place, key), object[key]))

/** An absent list is empty. */
export const readEach = <Value>(
  reading: Reading,
  place: string,
  object: JsonObject,
  key: string,
  read: Read<Value>,
): ReadonlyArray<Value> => {
  const value = valueAt(object, key) ?? []
  const listPlace = placeOf(place, key)
  if (Array.isArray(value)) return value.map((item, index) => read(reading, `${listPlace}[${index}]`, item))
  refuseAt(reading, listPlace, `${showJson(value)} is no list`)
  return []
}

export const isUnset = (object: JsonObject, key: string): boolean => (valueAt(object, key) ?? null) === null
