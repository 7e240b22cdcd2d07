import {
  type KindFields,
  kindProblem,
  type Reservation,
  type Resource,
  type ResourceValue,
} from "./Resource.ts"
import { roleProblem } from "./RoleName.ts"

// What resources of strangers must keep to, beyond being well formed; each problem says what to do about it.

/** Why nobody can have such a resource (spec/mesos.md §1.7 to §1.9), or null. */
export const resourceProblem = (fields: KindFields, value: ResourceValue): string | null =>
  kindProblem(fields) ??
  typeProblem(fields, value) ??
  stackProblem(fields.reservations ?? []) ??
  extrasProblem(fields)

/**
 * The first of a list that does not go with those before it, and why; null when all do. What adds up must stay exact, and a name must not
 * mean two types.
 */
export const listProblem = (
  list: ReadonlyArray<Resource>,
): { readonly index: number; readonly why: string } | null => {
  const types = new Map<string, string>()
  const sums = new Map<string, number>()
  for (let index = 0; index < list.length; index++) {
    const { kind, value } = list[index]!
    const type = types.get(kind.name) ?? kind.type
    if (type !== kind.type) {
      return { index, why: `${kind.name} is of type ${type} before and ${kind.type} here: use another name` }
    }
    types.set(kind.name, type)
    const sum = (sums.get(kind.name) ?? 0) + (typeof value === "number" ? value : 0)
    if (sum > Number.MAX_SAFE_INTEGER) {
      return { index, why: `all ${kind.name} together are more than ${mostUnits}: give less` }
    }
    sums.set(kind.name, sum)
  }
  return null
}

/** The largest amount in Mesos's units. */
export const mostUnits = Number.MAX_SAFE_INTEGER / 1000

/** Why a name that Mesos knows has another type than there; the agent and schedulers count on them. */
const typeProblem = ({ name, type }: KindFields, value: ResourceValue): string | null => {
  if (name === "ports" && type !== "ranges") return "ports are ranges: write them as in [31000-32000]"
  if (type !== "scalar") {
    const isScalar = name === "cpus" || name === "mem" || name === "disk" || name === "gpus"
    return isScalar ? `${name} is an amount: write a number` : null
  }
  return name === "gpus" && (value as number) % 1000 !== 0
    ? `there are no ${(value as number) / 1000} gpus: give a whole number`
    : null
}

/** A stack goes down the tree of roles, and only its first level may be static (spec/mesos.md §1.8, "Refined"). */
const stackProblem = (stack: ReadonlyArray<Reservation>): string | null => {
  for (let depth = 0; depth < stack.length; depth++) {
    const { role, type } = stack[depth]!
    const problem = roleProblem(role)
    if (problem !== null) return problem
    if (depth === 0) continue
    const above = stack[depth - 1]!.role
    if (!role.startsWith(`${above}/`)) {
      return `role '${role}' refines a reservation for '${above}', so it must begin with '${above}/'`
    }
    if (type === "static") return "only the first reservation of a stack can be static: make this one dynamic"
  }
  return null
}

const extrasProblem = ({ name, disk, revocable, shared, reservations }: KindFields): string | null => {
  const info = disk ?? null
  const isVolume = info !== null && info.persistence !== null
  if (info !== null && name !== "disk") return `disk info is for disk, not for ${name}: leave it out`
  if (shared === true && !isVolume) return "only persistent volumes can be shared: leave shared out"
  if (revocable === true && isVolume) return "a revocable resource can hold no volume: choose one of both"
  if (revocable === true && (reservations ?? []).length > 0) {
    return "a revocable resource cannot be reserved: choose one of both"
  }
  return null
}
