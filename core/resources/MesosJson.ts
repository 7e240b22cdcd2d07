import {
  type JsonObject,
  placeOf,
  type Reading,
  readObject,
  refuseAt,
  showJson,
  valueAt,
} from "../policies/JsonPlace.ts"
import type { Label } from "../Task.ts"
import { decimalToMilli, unitsToMilli } from "./Decimal.ts"
import { toItems } from "./ItemSet.ts"
import { isUnset, readChoice, readEach, readOptional, readText, readTextOrNull } from "./JsonFields.ts"
import { isRange, noRanges, type Ranges, toRanges } from "./Ranges.ts"
import {
  type DiskInfo,
  type KindFields,
  type Reservation,
  type Resource,
  type ResourceValue,
  resourceOf,
  toKind,
} from "./Resource.ts"
import { listProblem, mostUnits, resourceProblem } from "./ResourceRules.ts"
import { type Resources, toResources } from "./Resources.ts"

/**
 * Reads resources as Mesos writes them in JSON, in either format of reservations (spec/mesos.md §1.7, "Old format"): `role` with
 * or without `reservation`, or the stack `reservations`, never both in one resource. What names neither is reserved (statically) for the
 * default role unless that is `*`. Stricter than Mesos: unknown fields are refused, because a mistyped `reservations` would
 * give the resource to everybody. The answer is the resources or what is wrong, with its place below `place`.
 */
export const mesosJsonToResources = (
  json: unknown,
  place: string,
  defaultRole: string,
): Resources | string => {
  if (!Array.isArray(json)) return `${place}: ${showJson(json)} is no JSON array of resources`
  const reading: Reading = { reason: null }
  const list: Array<Resource> = []
  for (let index = 0; index < json.length && reading.reason === null; index++) {
    const resource = readResource(reading, `${place}[${index}]`, json[index], defaultRole)
    if (resource !== undefined) list.push(resource)
  }
  if (reading.reason !== null) return reading.reason
  const problem = listProblem(list)
  return problem === null ? toResources(list) : `${place}[${problem.index}]: ${problem.why}`
}

const valueKeys = ["scalar", "ranges", "set"] as const
const otherKeys = ["role", "reservation", "reservations", "disk", "revocable", "shared", "provider_id"]
const resourceKeys = ["name", "type", ...valueKeys, ...otherKeys]

const readResource = (
  reading: Reading,
  place: string,
  json: unknown,
  defaultRole: string,
): Resource | undefined => {
  const object = readObject(reading, place, json, resourceKeys)
  if (object === undefined) return undefined
  if (valueAt(object, "type") === "TEXT") {
    return refuseAt(
      reading,
      placeOf(place, "type"),
      "a text is no resource: make it an attribute of the agent",
    )
  }
  const wireType = readChoice(reading, place, object, "type", ["SCALAR", "RANGES", "SET"])
  const type = wireType === "SCALAR" ? "scalar" : wireType === "RANGES" ? "ranges" : "set"
  for (const key of valueKeys) {
    if (key !== type && !isUnset(object, key)) {
      refuseAt(reading, placeOf(place, key), `the type is ${wireType}: leave ${key} out or change the type`)
    }
  }
  const value = readValue(reading, placeOf(place, type), valueAt(object, type), type)
  const fields: KindFields = {
    name: readText(reading, place, object, "name"),
    type,
    reservations: readReservations(reading, place, object, defaultRole),
    disk: readOptional(reading, place, object, "disk", readDisk),
    revocable: readOptional(reading, place, object, "revocable", readPresence) ?? false,
    shared: readOptional(reading, place, object, "shared", readPresence) ?? false,
    providerId: readOptional(reading, place, object, "provider_id", readId),
  }
  if (reading.reason !== null) return undefined
  const problem = resourceProblem(fields, value)
  return problem === null ? resourceOf(toKind(fields), value) : refuseAt(reading, place, problem)
}

// --- values ---

const readValue = (
  reading: Reading,
  place: string,
  json: unknown,
  type: KindFields["type"],
): ResourceValue => {
  if (type === "scalar") return readScalar(reading, place, readObject(reading, place, json, ["value"]) ?? {})
  if (type === "ranges") return readRanges(reading, place, readObject(reading, place, json, ["range"]) ?? {})
  const items = readObject(reading, place, json, ["item"]) ?? {}
  return toItems(readEach(reading, place, items, "item", readItem))
}

/** Numbers may also come as texts (spec/mesos.md §2.1). */
const readScalar = (reading: Reading, place: string, object: JsonObject): number => {
  const value = valueAt(object, "value")
  const milli =
    typeof value === "number" ? unitsToMilli(value) : typeof value === "string" ? decimalToMilli(value) : null
  if (milli !== null && milli >= 0) return milli
  refuseAt(reading, placeOf(place, "value"), `${showJson(value)} is no number from 0 to ${mostUnits}`)
  return 0
}

const readRanges = (reading: Reading, place: string, object: JsonObject): Ranges => {
  const pairs = readEach(reading, place, object, "range", readRange)
  return reading.reason === null ? toRanges(pairs) : noRanges
}

const readRange = (reading: Reading, place: string, json: unknown): readonly [number, number] => {
  const object = readObject(reading, place, json, ["begin", "end"]) ?? {}
  const [begin, end] = [wholeOf(valueAt(object, "begin")), wholeOf(valueAt(object, "end"))]
  if (isRange(begin, end)) return [begin, end]
  refuseAt(reading, place, `${showJson(json)} is no range: begin and end are whole numbers, begin ≤ end`)
  return [0, 0]
}

const wholeOf = (value: unknown): number => {
  if (typeof value === "string") return /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  return typeof value === "number" ? value : Number.NaN
}

const readItem = (reading: Reading, place: string, json: unknown): string => {
  if (typeof json === "string" && json !== "") return json
  refuseAt(reading, place, `${showJson(json)} is no item: items are texts, not empty`)
  return ""
}

// --- reservations ---

const readReservations = (
  reading: Reading,
  place: string,
  object: JsonObject,
  defaultRole: string,
): ReadonlyArray<Reservation> => {
  const stack = readEach(reading, place, object, "reservations", readReservation)
  const oldKey = isUnset(object, "role") ? "reservation" : "role"
  const isOld = !isUnset(object, oldKey)
  if (stack.length > 0 && isOld) {
    refuseAt(
      reading,
      placeOf(place, oldKey),
      "the resource has reservations too: write either role and reservation (old) or reservations (new)",
    )
  }
  if (stack.length > 0) return stack
  const role = readTextOrNull(reading, place, object, "role")
  const dynamic = readOptional(reading, place, object, "reservation", readOldReservation)
  if (role === null || role === "*") {
    if (dynamic !== null) {
      refuseAt(reading, placeOf(place, "reservation"), "there is nobody it is for: give the resource a role")
    }
    return role === null ? defaultReservations(defaultRole) : []
  }
  return [{ type: "static", ...noOwner, ...dynamic, role }]
}

/** What a resource that names no role is reserved for. */
export const defaultReservations = (defaultRole: string): ReadonlyArray<Reservation> =>
  defaultRole === "*" ? [] : [{ type: "static", role: defaultRole, ...noOwner }]

const noOwner = { principal: null, labels: [] }

const readOldReservation = (
  reading: Reading,
  place: string,
  json: unknown,
): Pick<Reservation, "type" | "principal" | "labels"> => {
  const object = readObject(reading, place, json, ["principal", "labels"]) ?? {}
  return { type: "dynamic", ...readOwner(reading, place, object) }
}

const readReservation = (reading: Reading, place: string, json: unknown): Reservation => {
  const object = readObject(reading, place, json, ["type", "role", "principal", "labels"]) ?? {}
  const type = readChoice(reading, place, object, "type", ["STATIC", "DYNAMIC"])
  return {
    type: type === "STATIC" ? "static" : "dynamic",
    role: readText(reading, place, object, "role"),
    ...readOwner(reading, place, object),
  }
}

const readOwner = (
  reading: Reading,
  place: string,
  object: JsonObject,
): Pick<Reservation, "principal" | "labels"> => ({
  principal: readTextOrNull(reading, place, object, "principal"),
  labels: readOptional(reading, place, object, "labels", readLabels) ?? [],
})

const readLabels = (reading: Reading, place: string, json: unknown): ReadonlyArray<Label> =>
  readEach(reading, place, readObject(reading, place, json, ["labels"]) ?? {}, "labels", readLabel)

/** A label without a value is one with an empty value. */
const readLabel = (reading: Reading, place: string, json: unknown): Label => {
  const object = readObject(reading, place, json, ["key", "value"]) ?? {}
  return {
    key: readText(reading, place, object, "key"),
    value: readTextOrNull(reading, place, object, "value") ?? "",
  }
}

// --- the rest ---

const readDisk = (reading: Reading, place: string, json: unknown): DiskInfo => {
  const object = readObject(reading, place, json, ["persistence", "volume", "source"]) ?? {}
  return {
    persistence: readOptional(reading, place, object, "persistence", readPersistence),
    volume: readOptional(reading, place, object, "volume", readVolume),
    source: readOptional(reading, place, object, "source", readSource),
  }
}

const readPersistence = (reading: Reading, place: string, json: unknown): DiskInfo["persistence"] => {
  const object = readObject(reading, place, json, ["id", "principal"]) ?? {}
  return {
    id: readText(reading, place, object, "id"),
    principal: readTextOrNull(reading, place, object, "principal"),
  }
}

const readVolume = (reading: Reading, place: string, json: unknown): DiskInfo["volume"] => {
  const object = readObject(reading, place, json, ["container_path", "mode"]) ?? {}
  return {
    containerPath: readText(reading, place, object, "container_path"),
    mode: readChoice(reading, place, object, "mode", ["RW", "RO"]),
  }
}

const readSource = (reading: Reading, place: string, json: unknown): DiskInfo["source"] => {
  const object = readObject(reading, place, json, ["type", "path", "mount", "id", "profile"]) ?? {}
  const type = readChoice(reading, place, object, "type", ["PATH", "MOUNT", "BLOCK", "RAW"])
  for (const key of ["path", "mount"]) {
    if (key.toUpperCase() !== type && !isUnset(object, key)) {
      refuseAt(reading, placeOf(place, key), `the type is ${type}: leave ${key} out or change the type`)
    }
  }
  return {
    type,
    root: readOptional(reading, place, object, type.toLowerCase(), readRoot),
    id: readTextOrNull(reading, place, object, "id"),
    profile: readTextOrNull(reading, place, object, "profile"),
  }
}

const readRoot = (reading: Reading, place: string, json: unknown): string | null =>
  readTextOrNull(reading, place, readObject(reading, place, json, ["root"]) ?? {}, "root")

const readId = (reading: Reading, place: string, json: unknown): string =>
  readText(reading, place, readObject(reading, place, json, ["value"]) ?? {}, "value")

/** `revocable` and `shared` are said by being there: `{}`. */
const readPresence = (reading: Reading, place: string, json: unknown): boolean =>
  readObject(reading, place, json, []) !== undefined
