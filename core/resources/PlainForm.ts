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
import { readChoice, readEach, readFlag, readOptional, readText, readTextOrNull } from "./JsonFields.ts"
import type { Quantities } from "./Quantities.ts"
import {
  type DiskInfo,
  isIndivisible,
  isPlain,
  type KindFields,
  kindProblem,
  plainScalar,
  type Reservation,
  type Resource,
  type ResourceKind,
  type ResourceValue,
  resourceOf,
  toKind,
} from "./Resource.ts"
import { plainQuantities, type Resources, toResources } from "./Resources.ts"
import { isValueOf } from "./ResourceValue.ts"

/**
 * Resources as they are stored in rows: without keys and without what has its default. Where all are plain scalars just their
 * amounts, `{"cpus":1000}`, which is also how rows were written before there were other kinds.
 */
export type PlainResources = Quantities | ReadonlyArray<PlainResource>

export interface PlainResource {
  readonly name: string
  readonly type: ResourceKind["type"]
  readonly value: ResourceValue
  readonly reservations?: ReadonlyArray<Reservation>
  readonly disk?: DiskInfo
  readonly revocable?: true
  readonly shared?: true
  readonly providerId?: string
}

/** Thrown by {@link plainToResources}; the message names the place within the JSON. */
export class UnreadableResources extends Error {
  override readonly name = "UnreadableResources"
}

export const resourcesToPlain = (resources: Resources): PlainResources =>
  resources.every(({ kind }) => kind.type === "scalar" && isPlain(kind))
    ? plainQuantities(resources)
    : resources.map(resourceToPlain)

/**
 * The reverse of {@link resourcesToPlain}. The JSON need not come from there: what is not exactly that form throws
 * {@link UnreadableResources}, with the place below `place`.
 */
export const plainToResources = (json: unknown, place = "resources"): Resources => {
  const reading: Reading = { reason: null }
  const list = Array.isArray(json) ? readList(reading, place, json) : readAmounts(reading, place, json)
  if (reading.reason !== null) throw new UnreadableResources(reading.reason)
  return toResources(list)
}

const resourceToPlain = ({ kind, value }: Resource): PlainResource => ({
  name: kind.name,
  type: kind.type,
  value,
  ...(kind.reservations.length === 0 ? {} : { reservations: kind.reservations }),
  ...(kind.disk === null ? {} : { disk: kind.disk }),
  ...(kind.revocable ? { revocable: true as const } : {}),
  ...(kind.shared ? { shared: true as const } : {}),
  ...(kind.providerId === null ? {} : { providerId: kind.providerId }),
})

const readAmounts = (reading: Reading, place: string, json: unknown): ReadonlyArray<Resource> => {
  if (typeof json !== "object" || json === null) {
    refuseAt(reading, place, `${showJson(json)} is neither amounts by name nor a list of resources`)
    return []
  }
  const list: Array<Resource> = []
  for (const name of Object.keys(json)) {
    const problem = kindProblem({ name, type: "scalar" })
    const value = (json as JsonObject)[name]
    if (problem !== null) refuseAt(reading, placeOf(place, name.slice(0, 60)), problem)
    else if (!isValueOf("scalar", value)) refuseAt(reading, placeOf(place, name), notValue("scalar", value))
    else list.push(resourceOf(plainScalar(name), value))
  }
  return list
}

const readList = (reading: Reading, place: string, json: ReadonlyArray<unknown>): ReadonlyArray<Resource> => {
  const list: Array<Resource> = []
  const keys = new Set<string>()
  json.forEach((item, index) => {
    const itemPlace = `${place}[${index}]`
    const resource = readResource(reading, itemPlace, item)
    if (resource === undefined) return
    const { kind } = resource
    if (keys.has(kind.key) && !isIndivisible(kind)) {
      refuseAt(reading, itemPlace, `the same kind of ${kind.name} stands here twice`)
    }
    keys.add(kind.key)
    list.push(resource)
  })
  return list
}

const resourceKeys = ["name", "type", "value", "reservations", "disk", "revocable", "shared", "providerId"]

const readResource = (reading: Reading, place: string, json: unknown): Resource | undefined => {
  const object = readObject(reading, place, json, resourceKeys)
  if (object === undefined) return undefined
  const fields: KindFields = {
    name: readText(reading, place, object, "name"),
    type: readChoice(reading, place, object, "type", ["scalar", "ranges", "set"]),
    reservations: readEach(reading, place, object, "reservations", readReservation),
    disk: readOptional(reading, place, object, "disk", readDisk),
    revocable: readFlag(reading, place, object, "revocable"),
    shared: readFlag(reading, place, object, "shared"),
    providerId: readTextOrNull(reading, place, object, "providerId"),
  }
  if (reading.reason !== null) return undefined
  const problem = kindProblem(fields)
  if (problem !== null) return refuseAt(reading, place, problem)
  const value = valueAt(object, "value")
  if (!isValueOf(fields.type, value)) {
    return refuseAt(reading, placeOf(place, "value"), notValue(fields.type, value))
  }
  return resourceOf(toKind(fields), value)
}

const readReservation = (reading: Reading, place: string, json: unknown): Reservation => {
  const object = readObject(reading, place, json, ["type", "role", "principal", "labels"]) ?? {}
  return {
    type: readChoice(reading, place, object, "type", ["static", "dynamic"]),
    role: readText(reading, place, object, "role"),
    principal: readTextOrNull(reading, place, object, "principal"),
    labels: readEach(reading, place, object, "labels", readLabel),
  }
}

const readLabel = (reading: Reading, place: string, json: unknown): Label => {
  const object = readObject(reading, place, json, ["key", "value"]) ?? {}
  return {
    key: readText(reading, place, object, "key"),
    value: readText(reading, place, object, "value"),
  }
}

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
  const object = readObject(reading, place, json, ["containerPath", "mode"]) ?? {}
  return {
    containerPath: readText(reading, place, object, "containerPath"),
    mode: readChoice(reading, place, object, "mode", ["RW", "RO"]),
  }
}

const readSource = (reading: Reading, place: string, json: unknown): DiskInfo["source"] => {
  const object = readObject(reading, place, json, ["type", "root", "id", "profile"]) ?? {}
  return {
    type: readChoice(reading, place, object, "type", ["PATH", "MOUNT", "BLOCK", "RAW"]),
    root: readTextOrNull(reading, place, object, "root"),
    id: readTextOrNull(reading, place, object, "id"),
    profile: readTextOrNull(reading, place, object, "profile"),
  }
}

const notValue = (type: ResourceKind["type"], value: unknown): string => {
  const wanted = {
    scalar: "a whole number of thousandths from 0 to 2^53 − 1",
    ranges: "a flat list of ranges, sorted and apart from each other",
    set: "a sorted list of texts, each once",
  }
  return `${showJson(value)} is not ${wanted[type]}`
}
