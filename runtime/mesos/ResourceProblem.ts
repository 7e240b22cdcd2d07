import { kindToMesosText } from "../../core/resources/MesosText.ts"
import type { DiskInfo, Reservation } from "../../core/resources/Resource.ts"
import { roleProblem } from "./FrameworkInfo.ts"
import type { WireResource } from "./ResourceSchema.ts"
import { unitsToMilli } from "./Resources.ts"

// What Mesos calls a resource that nobody can reserve or make a volume of, in its order and its words (transcripts operator/RESERVE_*,
// crashes/RESERVE_below_precision). A scalar of 0 is one of them: Mesos takes it, and dies of it (crashes/RESERVE_zero_scalar).

/** The first that is wrong; undefined when all are well formed. */
export const resourcesProblem = (wire: ReadonlyArray<WireResource>): string | undefined => {
  for (const resource of wire) {
    const why = resourceProblem(resource)
    if (why !== undefined) return `Resource '${wireText(resource)}' is invalid: ${why}`
  }
  return undefined
}

/** Of one, without its name. */
export const resourceProblem = (resource: WireResource): string | undefined => {
  if (resource.name === "") return "Empty resource name"
  const why = amountProblem(resource)
  if (why !== undefined) return why
  if (resource.disk !== undefined && resource.name !== "disk")
    return `DiskInfo should not be set for ${resource.name} resource`
  return reservationsProblem(resource) ?? shareProblem(resource)
}

const amountProblem = ({ type, scalar, ranges, set }: WireResource): string | undefined => {
  const others = (...values: ReadonlyArray<unknown>) => values.some((value) => value !== undefined)
  switch (type) {
    case "SCALAR": {
      if (scalar === undefined || others(ranges, set)) return "Invalid scalar resource"
      const milli = unitsToMilli(scalar.value)
      return milli === undefined || milli <= 0 ? "Invalid scalar resource: value <= 0" : undefined
    }
    case "RANGES":
      return ranges === undefined || others(scalar, set)
        ? "Invalid ranges resource"
        : rangesProblem(ranges.range.map(({ begin, end }) => [Number(begin), Number(end)]))
    case "SET":
      if (set === undefined || others(scalar, ranges)) return "Invalid set resource"
      if (set.item.length === 0) return "Invalid set resource: no items"
      return new Set(set.item).size < set.item.length
        ? "Invalid set resource: duplicated elements"
        : undefined
    default:
      return "Unsupported resource type"
  }
}

const rangesProblem = (ranges: ReadonlyArray<readonly [number, number]>): string | undefined => {
  if (ranges.length === 0) return "Invalid ranges resource: no ranges"
  if (ranges.some(([begin, end]) => begin > end)) return "Invalid ranges resource: begin > end"
  const byBegin = [...ranges].sort(([left], [right]) => left - right)
  return byBegin.some(([begin], index) => index > 0 && begin <= byBegin[index - 1]![1])
    ? "Invalid ranges resource: overlapping ranges"
    : undefined
}

const reservationsProblem = (resource: WireResource): string | undefined => {
  const { reservations = [], role, reservation } = resource
  if (reservations.length > 0) return stackProblem(reservations) ?? formatProblem(resource)
  const problem = role === undefined ? undefined : roleProblem(role)
  if (problem !== undefined) return problem
  return reservation !== undefined && (role ?? "*") === "*"
    ? 'Invalid reservation: role "*" cannot be dynamically reserved'
    : undefined
}

type Stack = NonNullable<WireResource["reservations"]>

const stackProblem = (stack: Stack): string | undefined => {
  for (const { type, role } of stack) {
    if (type === undefined) return "Invalid reservation: 'Resource.ReservationInfo.type' field must be set."
    if (role === undefined) return "Invalid reservation: 'Resource.ReservationInfo.role' field must be set."
    const problem = roleProblem(role)
    if (problem !== undefined) return problem
    if (role === "*") return 'Invalid reservation: role "*" cannot be reserved'
  }
  for (const [depth, { type, role }] of stack.entries()) {
    if (depth === 0) continue
    if (type === "STATIC") return "Invalid refined reservation: A refined reservation cannot be STATIC"
    const above = stack[depth - 1]!.role
    if (!role!.startsWith(`${above}/`))
      return `Invalid refined reservation: role '${role}' is not a refinement of '${above}'`
  }
  return undefined
}

/** The older format beside the newer one must say the same. */
const formatProblem = ({ role, reservation, reservations = [] }: WireResource): string | undefined => {
  if (reservations.length > 1) {
    const field = role !== undefined ? "role" : reservation !== undefined ? "reservation" : undefined
    return field === undefined
      ? undefined
      : `Invalid resource format: 'Resource.${field}' must not be set if there is more than one reservation in 'Resource.reservations'`
  }
  const [only] = reservations
  if (role !== undefined && role !== only!.role)
    return `Invalid resource format: 'Resource.role' field with '${role}' does not match the role '${only!.role}' in 'Resource.reservations'`
  const hasReservation = reservation !== undefined
  if (only!.type === "STATIC") {
    return hasReservation
      ? "Invalid resource format: 'Resource.reservation' must not be set if the single reservation in 'Resource.reservations' is STATIC"
      : undefined
  }
  if (only!.type === "UNKNOWN") return "Unsupported 'Resource.ReservationInfo.Type'"
  if ((role !== undefined) !== hasReservation)
    return "Invalid resource format: 'Resource.role' and 'Resource.reservation' must either be both set or both not set if the single reservation in 'Resource.reservations' is DYNAMIC"
  const [older, newer] = [reservation?.principal ?? "", only!.principal ?? ""]
  return hasReservation && older !== newer
    ? `Invalid resource format: 'Resource.reservation.principal' field with '${older}' does not match the principal '${newer}' in 'Resource.reservations'`
    : undefined
}

const shareProblem = ({ name, disk, shared }: WireResource): string | undefined => {
  if (shared === undefined) return undefined
  if (name !== "disk") return `Resource ${name} cannot be shared`
  return disk?.persistence === undefined ? "Only persistent volumes can be shared" : undefined
}

interface WireOwner {
  readonly principal?: string | undefined
  readonly labels?: WireLabels | undefined
}
interface WireLabels {
  readonly labels: ReadonlyArray<{ readonly key: string; readonly value?: string | undefined }>
}

const levelOf = (type: Reservation["type"], role: string, owner: WireOwner): Reservation => ({
  type,
  role,
  principal: owner.principal ?? null,
  labels: (owner.labels?.labels ?? []).map(({ key, value = "" }) => ({ key, value })),
})

/** Of either format, as far as it is there. */
const stackOf = ({ role, reservation, reservations = [] }: WireResource): ReadonlyArray<Reservation> => {
  if (reservations.length > 0) {
    return reservations.map((level) =>
      levelOf(level.type === "STATIC" ? "static" : "dynamic", level.role ?? "", level),
    )
  }
  if (role === undefined || role === "*") return []
  return [levelOf(reservation === undefined ? "static" : "dynamic", role, reservation ?? {})]
}

const diskOf = ({ disk }: WireResource): DiskInfo | null =>
  disk?.persistence === undefined
    ? null
    : {
        persistence: { id: disk.persistence.id, principal: null },
        volume: disk.volume === undefined ? null : { containerPath: disk.volume.container_path, mode: "RW" },
        source: null,
      }

const wireText = (wire: WireResource): string => {
  const kind = {
    name: wire.name,
    reservations: stackOf(wire),
    disk: diskOf(wire),
    revocable: wire.revocable !== undefined,
    shared: wire.shared !== undefined,
  }
  return `${kindToMesosText(kind)}:${valueText(wire)}`
}

const valueText = ({ type, scalar, ranges, set }: WireResource): string => {
  if (type === "RANGES")
    return `[${(ranges?.range ?? []).map(({ begin, end }) => `${begin}-${end}`).join(", ")}]`
  if (type === "SET") return `{${(set?.item ?? []).join(", ")}}`
  const units = scalar?.value ?? 0
  const milli = unitsToMilli(units)
  return String(milli === undefined ? units : milli / 1000)
}
