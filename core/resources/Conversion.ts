import { type Resource, type ResourceKind, resourceOf, toKind } from "./Resource.ts"
import { pickResources, quantitiesWithCounts, type Resources, toResources } from "./Resources.ts"

// What operations make of resources (spec/mesos.md §1.8, §2.4): reservations are pushed and popped, volumes are put on reserved disk and
// taken off it. The amount stays the same.

export type ConversionType = "RESERVE" | "UNRESERVE" | "CREATE" | "DESTROY"

export interface Conversion {
  /** What must be there before. */
  readonly consumed: Resources
  /** What is there instead afterwards. */
  readonly converted: Resources
}

/** Of RESERVE and CREATE the resources are what is to be, of UNRESERVE and DESTROY what is to be taken apart. */
export const conversionOf = (type: ConversionType, resources: Resources): Conversion => {
  switch (type) {
    case "RESERVE":
      return { consumed: withoutInnermost(resources), converted: resources }
    case "UNRESERVE":
      return { consumed: resources, converted: withoutInnermost(resources) }
    case "CREATE":
      return { consumed: withoutVolumes(resources), converted: resources }
    case "DESTROY":
      return { consumed: resources, converted: withoutVolumes(resources) }
  }
}

/**
 * The name of ranges or a set of which reservations have the same part, null when none: without the reservations it is there once, so that
 * part would be made twice out of one.
 */
export const overlapIn = (resources: Resources, withoutReservations: Resources): string | null => {
  const isCounted = ({ kind }: Resource): boolean => kind.type !== "scalar"
  const counts = quantitiesWithCounts(pickResources(resources, isCounted))
  const countsWithout = quantitiesWithCounts(pickResources(withoutReservations, isCounted))
  const name = Object.keys(counts).find((each) => counts[each] !== countsWithout[each])
  return name === undefined ? null : name
}

/** Whether its innermost reservation was made while the agent ran, and can be undone. */
export const isDynamicallyReserved = ({ reservations }: ResourceKind): boolean =>
  reservations.length > 0 && reservations[reservations.length - 1]!.type === "dynamic"

export const isVolume = ({ disk }: ResourceKind): boolean => disk !== null && disk.persistence !== null

export const volumesIn = (resources: Resources): Resources =>
  pickResources(resources, ({ kind }) => isVolume(kind))

/** Of what an agent has these parts are no matter of its flags: it must remember them. */
export const checkpointedOf = (resources: Resources): Resources =>
  pickResources(resources, ({ kind }) => isDynamicallyReserved(kind) || isVolume(kind))

/** What an agent must announce so that it can have these: without volumes and all that was reserved while it ran. */
export const announcedOf = (resources: Resources): Resources =>
  mapKinds(resources, (kind) => ({
    ...withoutVolume(kind),
    reservations: kind.reservations.filter(({ type }) => type === "static"),
  }))

const withoutInnermost = (resources: Resources): Resources =>
  mapKinds(resources, (kind) => ({ ...kind, reservations: kind.reservations.slice(0, -1) }))

const withoutVolumes = (resources: Resources): Resources => mapKinds(resources, withoutVolume)

const withoutVolume = (kind: ResourceKind): ResourceKind =>
  isVolume(kind) ? { ...kind, shared: false, disk: { ...kind.disk!, persistence: null, volume: null } } : kind

const mapKinds = (resources: Resources, change: (kind: ResourceKind) => ResourceKind): Resources =>
  toResources(resources.map(({ kind, value }: Resource) => resourceOf(toKind(change(kind)), value)))
