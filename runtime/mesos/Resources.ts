import { mesosJsonToResources } from "../../core/resources/MesosJson.ts"
import { type PlainResources, resourcesToPlain } from "../../core/resources/PlainForm.ts"
import { isResourceName, toQuantities } from "../../core/resources/Quantities.ts"
import type { Ranges } from "../../core/resources/Ranges.ts"
import {
  type DiskInfo,
  isRefined,
  type Reservation,
  type Resource,
  reservationRole,
} from "../../core/resources/Resource.ts"
import { mostUnits } from "../../core/resources/ResourceRules.ts"
import type { Resources } from "../../core/resources/Resources.ts"
import type { WireResource } from "./ResourceSchema.ts"

/**
 * Mesos's units to thousandths: three decimals, half away from zero (spec/mesos.md §1.7), so 0.0004 is nothing.
 * Undefined for what is no amount: negative, not finite, or beyond the whole numbers.
 */
export const unitsToMilli = (units: number): number | undefined => {
  if (!(units >= 0)) return undefined
  const milli = Math.round(units * 1000)
  return Number.isSafeInteger(milli) ? milli : undefined
}

/**
 * Reads resources of either format (spec/mesos.md §1.7, "Old format"); for their `allocation_info` see {@link allocatedRoles}. The
 * answer is the resources or a sentence on what is wrong with them.
 */
export const wireToResources = (wire: ReadonlyArray<WireResource>): PlainResources | string => {
  if (!wire.every(isPlainScalar)) return wireToFullResources(wire)
  const sums = new Map<string, number>()
  for (const { name, scalar } of wire) {
    if (!isResourceName(name)) return `Invalid resource '${name}': not a valid name`
    const milli = unitsToMilli(scalar?.value ?? Number.NaN)
    if (milli === undefined) {
      return `Invalid resource '${name}': value must be a number from 0 to ${mostUnits}`
    }
    // A name may stand here more than once; toQuantities throws where the sum is not exact.
    const sum = (sums.get(name) ?? 0) + milli
    if (!Number.isSafeInteger(sum)) {
      return `Invalid resource '${name}': all ${name} together are more than ${mostUnits}: give less`
    }
    sums.set(name, sum)
  }
  return toQuantities(sums)
}

/** As nearly all resources of tasks are. */
const isPlainScalar = (resource: WireResource): boolean =>
  resource.type === "SCALAR" &&
  resource.ranges === undefined &&
  resource.set === undefined &&
  resource.provider_id === undefined &&
  (resource.role === undefined || resource.role === "*") &&
  resource.reservation === undefined &&
  (resource.reservations === undefined || resource.reservations.length === 0) &&
  resource.disk === undefined &&
  resource.revocable === undefined &&
  resource.shared === undefined

const wireToFullResources = (wire: ReadonlyArray<WireResource>): PlainResources | string => {
  const resources = mesosJsonToResources(wire.map(withoutAllocation), "resources", "*")
  return typeof resources === "string" ? namingResource(resources, wire) : resourcesToPlain(resources)
}

/** `resources[1].disk: why` is for people with the JSON before their eyes; a status is read without it. */
const namingResource = (problem: string, wire: ReadonlyArray<WireResource>): string => {
  const [, index, field = "", why] = /^resources\[(\d+)\]\.?([^:]*): (.*)$/s.exec(problem) ?? []
  const name = wire[Number(index)]?.name
  if (name === undefined) return `Invalid resources: ${problem}`
  return `Invalid resource '${name}': ${field === "" ? "" : `${field}: `}${why}`
}

const withoutAllocation = ({ allocation_info: _, ...resource }: WireResource): object => resource

/**
 * The roles that the `allocation_info`s name. They may be left out, but not differ from the offer's (mesos-transcripts
 * README, 12).
 */
export const allocatedRoles = (wire: ReadonlyArray<WireResource>): ReadonlyArray<string> => [
  ...new Set(wire.flatMap(({ allocation_info: info }) => (info?.role === undefined ? [] : [info.role]))),
]

/** How resources are written for a framework; depends on its capabilities (spec/mesos.md §1.6, §1.7). */
export interface ResourceForm {
  /** Old format: a `role`, "*" where unreserved, and a `reservation` where that is dynamic. With RESERVATION_REFINEMENT the whole
   * stack as `reservations`, and nothing at all where there is none. */
  readonly withRole: boolean
  /** `allocation_info`; MULTI_ROLE frameworks need it, others do not see it. */
  readonly allocatedTo: string | null
}

/** Fields in the order of the .proto. The old format has no words for a reservation on top of another: such resources are left out. */
export const resourcesToWire = (
  resources: Resources,
  { withRole, allocatedTo }: ResourceForm = { withRole: true, allocatedTo: null },
): ReadonlyArray<object> =>
  resources
    .filter(({ kind }) => !withRole || !isRefined(kind))
    .map((resource) => resourceToWire(resource, { withRole, withStack: !withRole, allocatedTo }))

/** Both formats at once, which is how operators are told (mesos-transcripts README, 18); one on top of another as a stack only. */
export const resourcesToBothForms = (
  resources: Resources,
  allocatedTo: string | null = null,
): ReadonlyArray<object> =>
  resources.map((resource) =>
    resourceToWire(resource, { withRole: !isRefined(resource.kind), withStack: true, allocatedTo }),
  )

const resourceToWire = (
  resource: Resource,
  { withRole, withStack, allocatedTo }: ResourceForm & { readonly withStack: boolean },
): object => {
  const { providerId, name, reservations, disk, revocable, shared } = resource.kind
  return {
    ...(providerId === null ? {} : { provider_id: { value: providerId } }),
    name,
    ...valueToWire(resource),
    ...(withRole ? { role: reservationRole(resource.kind) ?? "*" } : {}),
    ...(allocatedTo === null ? {} : { allocation_info: { role: allocatedTo } }),
    ...(withRole ? oldReservation(reservations) : {}),
    ...(withStack ? stackToWire(reservations) : {}),
    ...(disk === null ? {} : { disk: diskToWire(disk) }),
    ...(revocable ? { revocable: {} } : {}),
    ...(shared ? { shared: {} } : {}),
  }
}

const valueToWire = ({ kind, value }: Resource): object => {
  if (kind.type === "scalar") return { type: "SCALAR", scalar: { value: (value as number) / 1000 } }
  if (kind.type === "set") return { type: "SET", set: { item: value } }
  const flat = value as Ranges
  const range: Array<object> = []
  for (let index = 0; index < flat.length; index += 2) {
    range.push({ begin: flat[index], end: flat[index + 1] })
  }
  return { type: "RANGES", ranges: { range } }
}

/** Of a static reservation the role says it all; a dynamic one has a `reservation`, even if nothing stands in it. */
const oldReservation = ([reservation]: ReadonlyArray<Reservation>): object =>
  reservation === undefined || reservation.type === "static" ? {} : { reservation: ownerToWire(reservation) }

const stackToWire = (stack: ReadonlyArray<Reservation>): object =>
  stack.length === 0
    ? {}
    : {
        reservations: stack.map((reservation) => ({
          type: reservation.type === "static" ? "STATIC" : "DYNAMIC",
          role: reservation.role,
          ...ownerToWire(reservation),
        })),
      }

const ownerToWire = ({ principal, labels }: Reservation): object => ({
  ...(principal === null ? {} : { principal }),
  ...(labels.length === 0 ? {} : { labels: { labels } }),
})

const diskToWire = ({ persistence, volume, source }: DiskInfo): object => ({
  ...(persistence === null
    ? {}
    : {
        persistence: {
          id: persistence.id,
          ...(persistence.principal === null ? {} : { principal: persistence.principal }),
        },
      }),
  ...(volume === null ? {} : { volume: { mode: volume.mode, container_path: volume.containerPath } }),
  ...(source === null ? {} : { source: sourceToWire(source) }),
})

/** The root stands in a message of its own, for the two types that have one. */
const sourceToWire = ({ type, root, id, profile }: NonNullable<DiskInfo["source"]>): object => ({
  type,
  ...(type === "PATH" && root !== null ? { path: { root } } : {}),
  ...(type === "MOUNT" && root !== null ? { mount: { root } } : {}),
  ...(id === null ? {} : { id }),
  ...(profile === null ? {} : { profile }),
})
