import { isResourceName, type Quantities, toQuantities } from "../../core/resources/Quantities.ts"

/** A resource as the v1 API writes it; of the many fields those that change what it means. */
export interface WireResource {
  readonly name: string
  readonly type: string
  readonly scalar?: { readonly value: number } | undefined
  readonly role?: string | undefined
  readonly reservation?: unknown
  readonly reservations?: ReadonlyArray<unknown> | undefined
  readonly disk?: unknown
  readonly revocable?: unknown
  readonly shared?: unknown
  readonly allocation_info?: { readonly role?: string | undefined } | undefined
}

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
 * Reads the resources of a task; for their `allocation_info` see {@link allocatedRole}. The answer is the resources or
 * a sentence on what is wrong with them.
 */
export const wireToResources = (wire: ReadonlyArray<WireResource>): Quantities | string => {
  const amounts: Array<readonly [string, number]> = []
  for (const resource of wire) {
    const problem = resourceProblem(resource)
    if (problem !== undefined) return `Invalid resource '${resource.name}': ${problem}`
    const milli = unitsToMilli(resource.scalar?.value ?? Number.NaN)
    if (milli === undefined)
      return `Invalid resource '${resource.name}': value must be a number from 0 to ${Number.MAX_SAFE_INTEGER / 1000}`
    amounts.push([resource.name, milli])
  }
  return toQuantities(amounts)
}

const resourceProblem = (resource: WireResource): string | undefined => {
  if (!isResourceName(resource.name)) return "not a valid name"
  if (resource.type !== "SCALAR") return `type ${resource.type} is not offered by this master`
  if (resource.revocable !== undefined) return "revocable resources are not offered by this master"
  if (resource.shared !== undefined) return "shared resources are not offered by this master"
  if (resource.disk !== undefined) return "volumes are not offered by this master"
  const isReserved =
    (resource.reservations ?? []).length > 0 ||
    resource.reservation !== undefined ||
    (resource.role !== undefined && resource.role !== "*")
  if (isReserved) return "reserved resources are not offered by this master"
  return undefined
}

/**
 * The roles that the `allocation_info`s name. They may be left out, but not differ from the offer's (mesos-transcripts
 * README, 12).
 */
export const allocatedRoles = (wire: ReadonlyArray<WireResource>): ReadonlyArray<string> => [
  ...new Set(wire.flatMap(({ allocation_info: info }) => (info?.role === undefined ? [] : [info.role]))),
]

/** How resources are written for a framework; depends on its capabilities (spec/mesos.md §1.6). */
export interface ResourceForm {
  /** Old format: every resource says `"role":"*"`; with RESERVATION_REFINEMENT it says nothing. */
  readonly withRole: boolean
  /** `allocation_info`; MULTI_ROLE frameworks need it, others do not see it. */
  readonly allocatedTo: string | null
}

export const resourcesToWire = (
  resources: Quantities,
  form: ResourceForm = { withRole: true, allocatedTo: null },
): ReadonlyArray<object> =>
  Object.entries(resources).map(([name, milli]) => ({
    name,
    type: "SCALAR",
    scalar: { value: milli / 1000 },
    ...(form.withRole ? { role: "*" } : {}),
    ...(form.allocatedTo === null ? {} : { allocation_info: { role: form.allocatedTo } }),
  }))
