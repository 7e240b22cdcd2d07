import { kindToMesosText } from "../../core/resources/MesosText.ts"
import type { DiskInfo, Reservation } from "../../core/resources/Resource.ts"
import { roleProblem } from "./FrameworkInfo.ts"
import type { WireResource } from "./ResourceSchema.ts"
import { unitsToMilli } from "./Resources.ts"

// What Mesos calls a resource that nobody can reserve or make a volume of, in its words (transcripts operator/RESERVE_*,
// crashes/RESERVE_below_precision). A scalar of 0 is one of them: Mesos takes it, and dies of it (crashes/RESERVE_zero_scalar).

/** The first that is wrong; undefined when all are well formed. */
export const resourcesProblem = (wire: ReadonlyArray<WireResource>): string | undefined => {
  for (const resource of wire) {
    const why = amountProblem(resource) ?? stackProblem(stackOf(resource))
    if (why !== undefined) return `Resource '${wireText(resource)}' is invalid: ${why}`
  }
  return undefined
}

const amountProblem = ({ type, scalar, ranges, set }: WireResource): string | undefined => {
  if (type === "SCALAR") {
    const milli = unitsToMilli(scalar?.value ?? 0)
    return milli === undefined || milli <= 0 ? "Invalid scalar resource: value <= 0" : undefined
  }
  if (type === "RANGES" && (ranges?.range ?? []).length === 0) return "Invalid ranges resource: no ranges"
  return type === "SET" && (set?.item ?? []).length === 0 ? "Invalid set resource: no items" : undefined
}

const stackProblem = (stack: ReadonlyArray<Reservation>): string | undefined => {
  for (const [depth, { role }] of stack.entries()) {
    if (role === "*") return 'Invalid reservation: role "*" cannot be reserved'
    const problem = roleProblem(role)
    if (problem !== undefined) return problem
    const above = depth === 0 ? undefined : stack[depth - 1]!.role
    if (above !== undefined && !role.startsWith(`${above}/`)) {
      return `Invalid refined reservation: role '${role}' is not a refinement of '${above}'`
    }
  }
  return undefined
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
