import type { Allocation } from "../../../core/allocation/Allocator.ts"
import { numberOf } from "../../../core/NumberByName.ts"
import { amountOf, type Quantities } from "../../../core/resources/Quantities.ts"
import { containsResources, plainQuantities } from "../../../core/resources/Resources.ts"
import { Refusals } from "./FilterLaw.ts"
import { isWithin, pathsTo } from "./Paths.ts"
import type { Watch } from "./Story.ts"
import type { Held, World } from "./World.ts"

/** A place in the tree: a role path, a virtual leaf `a/.`, or a framework in its role. */
interface Place {
  readonly name: string
  readonly weight: number
  readonly priority: number
  readonly isHeldBy: (held: Held) => boolean
}

/**
 * L8 within one-host granularity. When a host goes to a client Y, let X be any other client that wants it: connected, not
 * suppressed, and without a refusal that covers the host's resources. Follow the ways from the root of the role tree to Y and to X up
 * to where they part. There Y's branch has a higher priority than X's, or the same and at that moment no higher weighted dominant
 * share. So nobody who goes without is below his share while another one rises above his own: he that is lower is asked first, and
 * overtakes by at most one host.
 *
 * For clusters without quotas, parts and reservations, where every host goes whole to one client. Shares are summed up anew from
 * the lists of the world and compared with a tolerance, since only their order is the law's.
 */
export const nobodyJumpsTheQueue: Watch = (world) => {
  const refusals = new Refusals(world)
  let before: ReadonlyArray<Held> = []
  return (command) => {
    refusals.follow(command)
    const held = [...before]
    for (const allocation of world.made) {
      checkTurn(world, refusals, held, allocation)
      held.push({ scope: allocation, resources: allocation.resources, sinceMs: world.nowMs })
    }
    before = [...world.offers, ...world.tasks]
  }
}

const checkTurn = (
  world: World,
  refusals: Refusals,
  held: ReadonlyArray<Held>,
  allocation: Allocation,
): void => {
  for (const { frameworkId, roles, suppressedRoles, isActive } of world.frameworks.values()) {
    for (const role of roles) {
      const isOther = frameworkId !== allocation.frameworkId || role !== allocation.role
      const scope = { frameworkId, role, agentId: allocation.agentId }
      const mayRefuse = refusals
        .of(scope)
        .some(
          ({ resources, atMostUntilMs }) =>
            atMostUntilMs > world.nowMs && containsResources(resources, allocation.resources),
        )
      if (!isOther || !isActive || suppressedRoles.includes(role) || mayRefuse) continue
      const [taker, other] = whereTheyPart(
        wayTo(world, held, allocation.frameworkId, allocation.role),
        wayTo(world, held, frameworkId, role),
      )
      if (taker.priority > other.priority) continue
      const [share, otherShare] = [shareOf(world, held, taker), shareOf(world, held, other)]
      if (taker.priority === other.priority && share <= otherShare + 1e-9) continue
      throw new Error(
        `broken: L8: ${allocation.agentId} went to ${taker.name} (share ${share}, priority ${taker.priority}) rather than to ${other.name} (${otherShare}, ${other.priority})`,
      )
    }
  }
}

const whereTheyPart = (left: ReadonlyArray<Place>, right: ReadonlyArray<Place>): readonly [Place, Place] => {
  const at = left.findIndex(({ name }, index) => name !== right[index]!.name)
  return [left[at]!, right[at]!]
}

/** From below the root down to the client itself. */
const wayTo = (
  world: World,
  held: ReadonlyArray<Held>,
  frameworkId: string,
  role: string,
): ReadonlyArray<Place> => {
  const { weights, priorities } = world.settings
  const subscribed = Array.from(world.frameworks.values()).flatMap(({ roles }) => roles)
  const known = [...subscribed, ...held.map(({ scope }) => scope.role)]
  const way: Array<Place> = pathsTo(role).map((path) => ({
    name: path,
    weight: numberOf(weights, path, 1),
    priority: numberOf(priorities, path, 0),
    isHeldBy: ({ scope }) => isWithin(scope.role, path),
  }))
  const isOwn = ({ scope }: Held) => scope.role === role
  if (known.some((other) => other.startsWith(`${role}/`))) {
    way.push({ name: `${role}/.`, weight: 1, priority: 0, isHeldBy: isOwn })
  }
  way.push({
    name: `${frameworkId} as ${role}`,
    weight: 1,
    priority: 0,
    isHeldBy: (one) => isOwn(one) && one.scope.frameworkId === frameworkId,
  })
  return way
}

const shareOf = (world: World, held: ReadonlyArray<Held>, place: Place): number => {
  const own = held.filter(place.isHeldBy).map(({ resources }) => plainQuantities(resources))
  const totals = Array.from(world.agents.values(), ({ total }) => plainQuantities(total))
  const sum = (list: ReadonlyArray<Quantities>, name: string) =>
    list.reduce((milli, amounts) => milli + amountOf(amounts, name), 0)
  const names = new Set(totals.flatMap((total) => Object.keys(total)))
  const shares = Array.from(names)
    .filter((name) => !world.settings.excludedNames.includes(name))
    .map((name) => sum(own, name) / sum(totals, name))
  return Math.max(0, ...shares) / place.weight
}
