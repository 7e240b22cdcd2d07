import { amountOf, noQuantities, type Quantities, toQuantities } from "../../../core/resources/Quantities.ts"
import type { Resource } from "../../../core/resources/Resource.ts"
import type { Resources } from "../../../core/resources/Resources.ts"
import { isWithin } from "./Paths.ts"
import type { Watch } from "./Story.ts"
import type { World } from "./World.ts"

/** Where a cluster stands with its quotas (spec/mesos.md §1.3, steps 2 to 4), summed up from a master's lists. */
export interface Standing {
  readonly consumed: ReadonlyMap<string, Quantities>
  readonly required: Quantities
  readonly available: Quantities
}

export const standingOf = (world: World): Standing => {
  const { quotas } = world.settings
  const consumed = new Map(Object.keys(quotas).map((role) => [role, consumedBy(role, world)]))
  const unmet = Object.entries(quotas).flatMap(([role, { guarantees }]) =>
    Object.entries(guarantees).map(([name, milli]): [string, number] => [
      name,
      Math.max(0, milli - amountOf(consumed.get(role)!, name)),
    ]),
  )
  return { consumed, required: toQuantities(unmet), available: availableIn(world) }
}

const consumedBy = (topLevelRole: string, world: World): Quantities => {
  const reserved = Array.from(world.agents.values()).flatMap(({ total }) =>
    total.filter(({ kind }) => kind.reservations.some(({ role }) => isWithin(role, topLevelRole))),
  )
  const held = [...world.offers, ...world.tasks]
    .filter(({ scope }) => isWithin(scope.role, topLevelRole))
    .flatMap(({ resources }) => resources.filter(isFree))
  return amountsOf([...reserved, ...held])
}

/** Unreserved and not revocable, on active hosts, neither held nor in the reserve. */
const availableIn = (world: World): Quantities => {
  const free = Array.from(world.agents.values())
    .filter(({ isActive }) => isActive)
    .flatMap(({ agentId, total, reserve }) => {
      const held = world.holdingsOn(agentId).flatMap(({ resources }) => resources)
      return total.filter(isFree).map((resource): [string, number] => {
        const { kind } = resource
        const taken = held.filter((other) => other.kind.key === kind.key)
        const kept = kind.key === kind.name ? amountOf(reserve, kind.name) : 0
        const left = (resource.value as number) - amountOf(amountsOf(taken), kind.name) - kept
        return [kind.name, Math.max(0, left)]
      })
    })
  return toQuantities(free)
}

const isFree = ({ kind }: Resource): boolean =>
  kind.type === "scalar" && kind.reservations.length === 0 && !kind.revocable

const amountsOf = (list: Resources): Quantities =>
  toQuantities(
    list
      .filter(({ kind }) => kind.type === "scalar")
      .map(({ kind, value }): [string, number] => [kind.name, value as number]),
  )

/**
 * No cycle takes a role beyond a limit, in whatever stage; and none eats what is kept for guarantees: what is free beyond them
 * (`available − required`, name by name) may shrink to nothing, but not below, and where it is below already, not further.
 */
export const quotasHold: Watch = (world) => {
  let before: Standing = { consumed: new Map(), required: noQuantities, available: noQuantities }
  return (command) => {
    const after = standingOf(world)
    if (command.type === "cycle") compare(world, before, after)
    before = after
  }
}

const compare = (world: World, before: Standing, after: Standing): void => {
  for (const [role, { limits }] of Object.entries(world.settings.quotas)) {
    for (const [name, limit] of Object.entries(limits)) {
      const held = amountOf(after.consumed.get(role)!, name)
      if (held <= Math.max(limit, amountOf(before.consumed.get(role)!, name))) continue
      throw new Error(`broken: quota: ${role} has ${held} of ${name}, its limit is ${limit}`)
    }
  }
  for (const name of Object.keys(after.required)) {
    const left = amountOf(after.available, name) - amountOf(after.required, name)
    const leftBefore = amountOf(before.available, name) - amountOf(before.required, name)
    if (left >= Math.min(0, leftBefore)) continue
    throw new Error(
      `broken: quota: of ${name} ${-left} are missing for guarantees, before the cycle ${leftBefore} were left`,
    )
  }
}
