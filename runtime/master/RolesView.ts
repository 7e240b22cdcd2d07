import { holdsResources } from "../../core/master/Context.ts"
import type { MasterState } from "../../core/master/State.ts"
import { type NumberByName, numberOf } from "../../core/NumberByName.ts"
import { addQuantities, noQuantities, type Quantities } from "../../core/resources/Quantities.ts"
import { reservationRole } from "../../core/resources/Resource.ts"
import {
  pickResources,
  quantitiesToResources,
  quantitiesWithCounts,
  type Resources,
} from "../../core/resources/Resources.ts"

// `/roles` as Apache Mesos shows it (mesos-transcripts legacy/*_roles.json): what each role may and does have, with all that lies
// below it in the tree. Ports are numbers of ports.

/** `web/api` → `web`, `web/api`. */
const pathsTo = (role: string): ReadonlyArray<string> => {
  const names = role.split("/")
  return names.map((_, index) => names.slice(0, index + 1).join("/"))
}

/** Amounts by role, in which each role has those below it, too. */
class AmountsByRole {
  private readonly byRole = new Map<string, Quantities>()

  add(role: string, resources: Resources): void {
    const amounts = quantitiesWithCounts(resources)
    for (const path of pathsTo(role)) this.byRole.set(path, addQuantities(this.of(path), amounts))
  }

  of(role: string): Quantities {
    return this.byRole.get(role) ?? noQuantities
  }
}

const inUnits = (amounts: NumberByName): Record<string, number> =>
  Object.fromEntries(Object.entries(amounts).map(([name, milli]) => [name, milli / 1000]))

const frameworksByRole = (state: MasterState): Map<string, Array<string>> => {
  const byRole = new Map<string, Array<string>>()
  for (const { id, info } of state.frameworks.values()) {
    for (const role of info.roles) {
      const ids = byRole.get(role)
      if (ids === undefined) byRole.set(role, [id])
      else ids.push(id)
    }
  }
  return byRole
}

const holdingsOf = (state: MasterState) => {
  const [allocated, offered, reserved] = [new AmountsByRole(), new AmountsByRole(), new AmountsByRole()]
  const roles = new Set<string>()
  for (const task of state.tasks.values()) {
    if (!holdsResources(task)) continue
    roles.add(task.spec.role)
    allocated.add(task.spec.role, quantitiesToResources(task.spec.resources))
  }
  for (const offer of state.offers.values()) {
    roles.add(offer.role)
    offered.add(offer.role, offer.resources)
  }
  for (const agent of state.agents.values()) {
    for (const resource of pickResources(agent.total, ({ kind }) => kind.reservations.length > 0)) {
      const role = reservationRole(resource.kind)!
      roles.add(role)
      reserved.add(role, [resource])
    }
  }
  return { allocated, offered, reserved, roles }
}

/** Every role that somebody subscribes to, has something for, or that the settings name. */
export const rolesView = (state: MasterState) => {
  const { weights, priorities, quotas } = state.settings.allocator
  const { allocated, offered, reserved, roles } = holdingsOf(state)
  const frameworks = frameworksByRole(state)
  const named = [weights, priorities, quotas].flatMap((settings) => Object.keys(settings))
  const all = new Set([...roles, ...frameworks.keys(), ...named])
  return {
    roles: [...all].sort().map((role) => {
      const quota = Object.hasOwn(quotas, role) ? quotas[role]! : { guarantees: {}, limits: {} }
      const [used, out, kept] = [allocated.of(role), offered.of(role), reserved.of(role)]
      return {
        name: role,
        weight: numberOf(weights, role, 1),
        quota: {
          role,
          guarantee: inUnits(quota.guarantees),
          limit: inUnits(quota.limits),
          consumed: inUnits(addQuantities(used, kept)),
        },
        resources: inUnits(addQuantities(used, out)),
        allocated: inUnits(used),
        offered: inUnits(out),
        reserved: inUnits(kept),
        frameworks: frameworks.get(role) ?? [],
        /** gleaner's own: who comes first, and how much of the cluster the role has of whatever it has most of, over its weight. */
        priority: numberOf(priorities, role, 0),
        share: state.allocator.shareOf(role),
      }
    }),
  }
}
