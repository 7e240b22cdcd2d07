import { numberOf } from "../../NumberByName.ts"
import type { Quantities } from "../../resources/Quantities.ts"
import type { AllocatorFramework } from "../Allocator.ts"
import { compileConstraints, type HostPredicate } from "../Constraints.ts"
import { HIERARCHICAL_ROLE, strippedOf, unfitOf } from "../Gates.ts"
import type { AllocationView } from "./AllocationView.ts"

/** On whose behalf hosts are asked: a client, or anybody in a role. */
export interface Asker {
  /** Null = anybody: a framework with every capability, without constraints, filters or offers. */
  readonly frameworkId: string | null
  readonly role: string
  /** Demands of hosts that it does not meet, and kinds of resources that it must not see (`Gates.ts`). */
  readonly unfit: number
  readonly stripped: number
  readonly satisfies: HostPredicate | null
  /** One of these must be in an offer; empty = anything. */
  readonly minima: ReadonlyArray<Quantities>
}

export const anybodyIn = (view: AllocationView, role: string): Asker => ({
  frameworkId: null,
  role,
  unfit: role.includes("/") ? HIERARCHICAL_ROLE : 0,
  stripped: 0,
  satisfies: null,
  minima: view.settings.minAllocatable,
})

export const clientAsker = (view: AllocationView, framework: AllocatorFramework, role: string): Asker => ({
  frameworkId: framework.frameworkId,
  role,
  unfit: unfitOf(framework.capabilities, role),
  stripped: strippedOf(framework.capabilities),
  satisfies: predicateOf(framework, role),
  minima: ownOf(framework.minAllocatable, role) || view.settings.minAllocatable,
})

/** Constraints that do not compile were refused by the master; nobody gets here with them. */
const predicateOf = (framework: AllocatorFramework, role: string): HostPredicate | null => {
  const constraints = ownOf(framework.constraints, role)
  if (constraints === undefined) return null
  const predicate = compileConstraints(constraints)
  return typeof predicate === "string" ? null : predicate
}

const hasOwn = Object.prototype.hasOwnProperty

/** A role such as `constructor` does not find what every object inherits. */
const ownOf = <A>(byRole: { readonly [role: string]: A }, role: string): A | undefined =>
  hasOwn.call(byRole, role) ? byRole[role] : undefined

/** Why a client gets no offer of any host at all. */
export type Refusal =
  | { readonly reason: "unknownFramework" | "inactiveFramework" | "noRoles" }
  | { readonly reason: "notSubscribed" | "suppressed"; readonly role: string }

export const refusalOf = (
  framework: AllocatorFramework | undefined,
  role: string | undefined,
): Refusal | null => {
  if (framework === undefined) return { reason: "unknownFramework" }
  if (!framework.isActive) return { reason: "inactiveFramework" }
  if (role === undefined) return { reason: "noRoles" }
  if (!framework.roles.includes(role)) return { reason: "notSubscribed", role }
  return framework.suppressedRoles.includes(role) ? { reason: "suppressed", role } : null
}

/** Infinite for a name without limit. */
export const limitOf = (view: AllocationView, topLevelRole: string, name: string): number => {
  const quota = view.quotaOf(topLevelRole)
  return quota === null ? Number.POSITIVE_INFINITY : numberOf(quota.limits, name, Number.POSITIVE_INFINITY)
}

export const topLevelOf = (role: string): string => {
  const slash = role.indexOf("/")
  return slash < 0 ? role : role.slice(0, slash)
}
