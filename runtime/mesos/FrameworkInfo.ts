import type { FrameworkInfo } from "../../core/master/State.ts"
import { idProblem } from "../../core/Task.ts"
import type { WireFrameworkInfo, WireSubscribe } from "./CallSchema.ts"
import { minAllocatableToWire, wireToConstraints, wireToMinAllocatable } from "./OfferDemands.ts"

/**
 * Why a framework may not subscribe like this; undefined when it may. It is told as an ERROR event, not as a status
 * code (spec/mesos.md §2.2, row 11); the texts are Mesos's in meaning.
 */
export const frameworkProblem = (subscribe: WireSubscribe): string | undefined =>
  frameworkInfoProblem(subscribe.framework_info) ?? demandsProblem(subscribe)

/** Why a description of a framework is no valid one. */
export const frameworkInfoProblem = (info: WireFrameworkInfo): string | undefined => {
  const id = info.id?.value ?? ""
  // Agents name folders after it.
  const badId = id === "" ? undefined : idProblem(id)
  if (badId !== undefined) return `'FrameworkInfo.id' is invalid: ${badId}`
  const isMultiRole = capabilitiesOf(info).includes("MULTI_ROLE")
  if (isMultiRole && info.role !== undefined) {
    return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"
  }
  if (!isMultiRole && info.roles.length > 0) {
    return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
  }
  const roles = rolesOf(info)
  if (roles.length > rolesMax) {
    return `'FrameworkInfo.roles' has ${roles.length} items: at most ${rolesMax} are taken`
  }
  const repeated = roles.filter((role, index) => roles.indexOf(role) !== index)
  if (repeated.length > 0) {
    return `'FrameworkInfo.roles' contains duplicate items: { ${[...new Set(repeated)].join(", ")} }`
  }
  for (const role of roles) {
    const problem = roleProblem(role)
    if (problem !== undefined) {
      const isOne = isMultiRole
        ? "'FrameworkInfo.roles' contains invalid"
        : "'FrameworkInfo.role' is not a valid"
      return `${isOne} role: ${problem}`
    }
  }
  return undefined
}

/** Why it may not have its offers like this. Of a description that {@link frameworkInfoProblem} has nothing against. */
export const demandsProblem = ({
  framework_info: info,
  suppressed_roles: suppressedRoles,
  offer_constraints: constraints,
}: WireSubscribe): string | undefined => {
  const roles = rolesOf(info)
  const strangers = [...new Set(suppressedRoles)].filter((role) => !roles.includes(role))
  if (strangers.length > 0) {
    return `Suppressed roles { ${strangers.join(", ")} } are not contained in the set of roles`
  }
  // Offers that pass by what was asked for would be worse than none.
  const filters = wireToMinAllocatable(info.offer_filters ?? {}, roles)
  if (typeof filters === "string") return filters
  const demands = wireToConstraints(constraints?.role_constraints ?? {}, roles)
  return typeof demands === "string" ? demands : undefined
}

/** Each is a place in the fair order with books of its own, in the allocator for as long as the framework is there. */
const rolesMax = 1_000
/** Each component is such a place, too. */
const roleCharactersMax = 255

/** Why a text is no role name; undefined when it is one. `*` is the default role. */
export const roleProblem = (role: string): string | undefined => {
  if (role === "*") return undefined
  if (role === "") return "Role names cannot be the empty string"
  if (role.length > roleCharactersMax) {
    return `Role '${role.slice(0, 40)}…' has ${role.length} characters: at most ${roleCharactersMax} are taken`
  }
  if (role.startsWith("/")) return `Role '${role}' cannot start with a slash`
  if (role.endsWith("/")) return `Role '${role}' cannot end with a slash`
  for (const component of role.split("/")) {
    if (component === "") return `Role '${role}' cannot contain two adjacent slashes`
    if (component === "." || component === "..") return `Role component '${component}' is invalid`
    if (component === "*") return `Role '${role}' contains invalid component '*'`
    if (component.startsWith("-"))
      return `Role component '${component}' is invalid because it begins with a dash`
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    if (/[\s\x00-\x1f\x7f]/.test(component)) {
      return `Role component '${component}' is invalid because it contains backspace or whitespace`
    }
  }
  return undefined
}

const capabilitiesOf = (info: WireFrameworkInfo): ReadonlyArray<string> =>
  info.capabilities.flatMap((capability) => (capability.type === undefined ? [] : [capability.type]))

/** A framework that names no role gets `*`; a MULTI_ROLE one then gets no offers (spec/mesos.md §1.12). */
const rolesOf = (info: WireFrameworkInfo): ReadonlyArray<string> =>
  capabilitiesOf(info).includes("MULTI_ROLE") ? info.roles : [info.role ?? "*"]

/** Longest failover timeout taken, so that time sums stay whole: 10 years. */
const failoverTimeoutMsMax = 10 * 365 * 24 * 3600 * 1000

/** Less than nothing is kept as such, to be shown. What is no number is nothing. */
const failoverTimeoutMs = (seconds: number): number => {
  const ms = Math.min(Math.max(seconds * 1000, -failoverTimeoutMsMax), failoverTimeoutMsMax)
  return Math.round(ms) || 0
}

/** Of one that {@link frameworkProblem} has nothing against. */
export const wireToFrameworkInfo = ({
  framework_info: info,
  offer_constraints: constraints,
}: Pick<WireSubscribe, "framework_info" | "offer_constraints">): FrameworkInfo => ({
  name: info.name,
  user: info.user,
  roles: rolesOf(info),
  principal: info.principal ?? null,
  hostname: info.hostname ?? "",
  webuiUrl: info.webui_url ?? null,
  checkpoint: info.checkpoint,
  failoverTimeoutMs: failoverTimeoutMs(info.failover_timeout),
  labels: (info.labels?.labels ?? []).map(({ key, value }) => ({ key, value: value ?? "" })),
  capabilities: capabilitiesOf(info),
  minAllocatable: orNone(wireToMinAllocatable(info.offer_filters ?? {}, rolesOf(info))),
  constraints: orNone(wireToConstraints(constraints?.role_constraints ?? {}, rolesOf(info))),
})

const orNone = <A extends object>(read: A | string): A | Record<string, never> =>
  typeof read === "string" ? {} : read

/** What its operators see of a framework; agents are told no more. */
type ToldInfo = Omit<FrameworkInfo, "minAllocatable" | "constraints" | "labels"> & Partial<FrameworkInfo>

/** A framework as its operators see it, fields in the order of the .proto. */
export const frameworkInfoToWire = ({ id, info }: { readonly id: string; readonly info: ToldInfo }) => {
  const { labels = [], minAllocatable = {} } = info
  const isMultiRole = info.capabilities.includes("MULTI_ROLE")
  const [role = "*"] = info.roles
  return {
    user: info.user,
    name: info.name,
    id: { value: id },
    failover_timeout: info.failoverTimeoutMs / 1000,
    checkpoint: info.checkpoint,
    ...(isMultiRole || role === "*" ? {} : { role }),
    ...(isMultiRole && info.roles.length > 0 ? { roles: info.roles } : {}),
    ...(info.hostname === "" ? {} : { hostname: info.hostname }),
    ...(info.principal === null ? {} : { principal: info.principal }),
    ...(info.webuiUrl === null ? {} : { webui_url: info.webuiUrl }),
    ...(info.capabilities.length === 0 ? {} : { capabilities: info.capabilities.map((type) => ({ type })) }),
    ...(labels.length === 0 ? {} : { labels: { labels } }),
    ...(Object.keys(minAllocatable).length === 0
      ? {}
      : { offer_filters: minAllocatableToWire(minAllocatable) }),
  }
}
