import {
  type Allocator,
  type AllocatorAgent,
  type AllocatorFramework,
  type ClientRow,
  clientKey,
  type RoleRow,
} from "../../../core/allocation/Allocator.ts"
import type { AllocationClient, AllocationView } from "../../../core/allocation/Explain/AllocationView.ts"
import type { AllocatorSettings } from "../../../core/allocation/Settings.ts"
import { numberOf } from "../../../core/NumberByName.ts"
import {
  addQuantities,
  amountOf,
  noQuantities,
  type Quantities,
  shortages,
} from "../../../core/resources/Quantities.ts"
import { isFreeScalar } from "../../../core/resources/Resource.ts"
import { pickResources, scalarQuantities } from "../../../core/resources/Resources.ts"

/** What somebody who talks to an allocator knows of it; `settings` with the weights and quotas of now. */
export interface Known {
  readonly allocator: Allocator
  readonly settings: AllocatorSettings
  readonly agents: ReadonlyMap<string, AllocatorAgent>
  readonly frameworks: ReadonlyMap<string, AllocatorFramework>
}

/** The view of any allocator, made of nothing but the contract and of what it was told. Slow and obvious. */
export const viewOf = (known: Known): AllocationView => {
  const { allocator, settings, agents, frameworks } = known
  return {
    settings,
    availableOn: (agentId) => allocator.availableOn(agentId),
    heldOn: (agentId) => allocator.heldOn(agentId),
    consumedQuotaOf: (role) => allocator.consumedQuotaOf(role),
    shareOf: (role) => allocator.shareOf(role),
    row: (ref) => allocator.row(ref),
    agentIds: () => Array.from(agents.keys()).sort(),
    agent: (agentId) => agents.get(agentId),
    frameworkIds: () => Array.from(frameworks.keys()).sort(),
    framework: (frameworkId) => frameworks.get(frameworkId),
    quotaOf: (role) => Object.entries(settings.quotas).find(([name]) => name === role)?.[1] ?? null,
    quotaRoles: () => Object.keys(settings.quotas).sort(),
    headroom: () => ({
      required: sum(
        Object.entries(settings.quotas).map(([role, { guarantees }]) =>
          shortages(allocator.consumedQuotaOf(role), guarantees),
        ),
      ),
      available: sum(
        Array.from(agents.values())
          .filter(({ isActive }) => isActive)
          .map(({ agentId }) =>
            scalarQuantities(pickResources(allocator.availableOn(agentId), ({ kind }) => isFreeScalar(kind))),
          ),
      ),
    }),
    fairOrder: () => fairOrder(known),
  }
}

const sum = (list: ReadonlyArray<Quantities>): Quantities => list.reduce(addQuantities, noQuantities)

interface Place {
  readonly name: string
  readonly priority: number
  readonly share: number
  readonly grants: number
}

const compare = (left: Place, right: Place): number =>
  right.priority - left.priority ||
  left.share - right.share ||
  left.grants - right.grants ||
  (left.name < right.name ? -1 : left.name > right.name ? 1 : 0)

/** Spec §1.4: siblings of the role tree, a role with children among them as `role/.`, and frameworks within a role. */
const fairOrder = ({ allocator, settings, frameworks }: Known): ReadonlyArray<AllocationClient> => {
  const active = Array.from(frameworks.values()).flatMap(
    ({ frameworkId, roles, suppressedRoles, isActive }) =>
      isActive
        ? roles.filter((role) => !suppressedRoles.includes(role)).map((role) => ({ frameworkId, role }))
        : [],
  )
  const total = allocator.clusterTotal()
  const shareHeld = (held: Quantities): number =>
    Object.entries(held)
      .filter(([name]) => amountOf(total, name) > 0 && !settings.excludedNames.includes(name))
      .reduce((largest, [name, milli]) => Math.max(largest, milli / amountOf(total, name)), 0)
  const grantsOf = (role: string): number =>
    (allocator.row({ kind: "role", key: role }) as RoleRow | undefined)?.grants ?? 0
  const clientPlace = ({ frameworkId, role }: AllocationClient): Place => ({
    name: frameworkId,
    priority: 0,
    share: shareHeld(allocator.allocatedToFramework(role, frameworkId)),
    grants:
      (allocator.row({ kind: "client", key: clientKey(frameworkId, role) }) as ClientRow | undefined)
        ?.grants ?? 0,
  })
  const membersOf = (role: string): ReadonlyArray<AllocationClient> =>
    active
      .filter((client) => client.role === role)
      .map((client) => ({ client, place: clientPlace(client) }))
      .sort((left, right) => compare(left.place, right.place))
      .map(({ client }) => client)
  const below = (prefix: string): ReadonlyArray<AllocationClient> => {
    const names = new Set(
      active
        .filter(({ role }) => role.startsWith(prefix))
        .map(({ role }) => role.slice(prefix.length).split("/")[0]!),
    )
    const places = Array.from(
      names,
      (name): Place & { readonly list: () => ReadonlyArray<AllocationClient> } => {
        const path = prefix + name
        return {
          name,
          priority: numberOf(settings.priorities, path, 0),
          share: allocator.shareOf(path),
          grants: grantsOf(path),
          list: () => {
            const deeper = active.some(({ role }) => role.startsWith(`${path}/`))
            return deeper ? below(`${path}/`) : membersOf(path)
          },
        }
      },
    )
    const own = prefix === "" ? [] : membersOf(prefix.slice(0, -1))
    if (own.length > 0) {
      // Those who are away or have left the role hold something all the same.
      const held = Array.from(frameworks.keys(), (id) => allocator.allocatedToFramework(own[0]!.role, id))
      places.push({
        name: ".",
        priority: 0,
        share: shareHeld(sum(held)),
        grants: grantsOf(`${prefix}.`),
        list: () => own,
      })
    }
    return places.sort(compare).flatMap(({ list }) => list())
  }
  return below("")
}
