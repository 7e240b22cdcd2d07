import { holdsResources } from "../../../core/master/Context.ts"
import { quotasOf, weightsOf } from "../../../core/master/RoleSettings.ts"
import type { MasterState } from "../../../core/master/State.ts"
import { type NumberByName, numberOf } from "../../../core/NumberByName.ts"
import { heldResources } from "../../../core/resources/HeldResources.ts"
import { addQuantities, noQuantities, type Quantities } from "../../../core/resources/Quantities.ts"
import { reservationRole } from "../../../core/resources/Resource.ts"
import {
  pickResources,
  quantitiesToResources,
  quantitiesWithCounts,
  type Resources,
} from "../../../core/resources/Resources.ts"
import { resourcesToWire } from "../../mesos/Resources.ts"
import { ownMembers, type ViewForm } from "./ViewForm.ts"

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

const scalarsOf = (resources: Resources): Resources =>
  pickResources(resources, ({ kind }) => kind.type === "scalar")

const holdingsOf = (state: MasterState) => {
  const [allocated, offered, reserved] = [new AmountsByRole(), new AmountsByRole(), new AmountsByRole()]
  const scalars = new AmountsByRole()
  const roles = new Set<string>()
  for (const task of state.tasks.values()) {
    if (!holdsResources(task)) continue
    roles.add(task.spec.role)
    const resources = heldResources(task.spec.resources)
    allocated.add(task.spec.role, resources)
    scalars.add(task.spec.role, scalarsOf(resources))
  }
  for (const { role, resources } of state.offers.values()) {
    roles.add(role)
    offered.add(role, resources)
    scalars.add(role, scalarsOf(resources))
  }
  for (const agent of state.agents.values()) {
    for (const resource of pickResources(agent.total, ({ kind }) => kind.reservations.length > 0)) {
      const role = reservationRole(resource.kind)!
      roles.add(role)
      reserved.add(role, [resource])
    }
  }
  return { allocated, offered, reserved, scalars, roles }
}

/** Every role that somebody subscribes to, has something for, or that somebody has given something, each with what it has. */
const roleFacts = (state: MasterState) => {
  const { allocated, offered, reserved, scalars, roles } = holdingsOf(state)
  const frameworks = frameworksByRole(state)
  const weights = weightsOf(state)
  const named = [
    ...weights.keys(),
    ...Object.keys(state.settings.allocator.priorities),
    ...quotasOf(state).keys(),
  ]
  return [...new Set([...roles, ...frameworks.keys(), ...named])].sort().map((role) => ({
    role,
    weight: weights.get(role) ?? 1,
    frameworks: frameworks.get(role) ?? [],
    allocated: allocated.of(role),
    offered: offered.of(role),
    reserved: reserved.of(role),
    scalars: scalars.of(role),
  }))
}

/** `/roles`. */
export const rolesView = (state: MasterState, form: ViewForm, quotas = quotasOf(state)) => ({
  roles: roleFacts(state).map(({ role, weight, frameworks, allocated, offered, reserved }) => {
    const quota = quotas.get(role) ?? { guarantees: {}, limits: {} }
    return {
      name: role,
      weight,
      quota: {
        role,
        guarantee: inUnits(quota.guarantees),
        limit: inUnits(quota.limits),
        consumed: inUnits(addQuantities(allocated, reserved)),
      },
      resources: inUnits(addQuantities(allocated, offered)),
      allocated: inUnits(allocated),
      offered: inUnits(offered),
      reserved: inUnits(reserved),
      frameworks,
      /** Who comes first, and how much of the cluster the role has of whatever it has most of, over its weight. */
      ...ownMembers(form, () => ({
        priority: numberOf(state.settings.allocator.priorities, role, 0),
        share: state.allocator.shareOf(role),
      })),
    }
  }),
})

/** GET_ROLES: what it has without ports (transcript operator/two_GET_ROLES); what is empty is left out. */
export const getRoles = (state: MasterState) => {
  const roles = roleFacts(state).map(({ role, weight, frameworks, scalars }) => {
    const resources = resourcesToWire(quantitiesToResources(scalars), { withRole: false, allocatedTo: null })
    return {
      name: role,
      weight,
      ...(frameworks.length === 0 ? {} : { frameworks: frameworks.map((value) => ({ value })) }),
      ...(resources.length === 0 ? {} : { resources }),
    }
  })
  return roles.length === 0 ? {} : { roles }
}
