import type { Action } from "./Action.ts"
import type { Caller } from "./Caller.ts"

// Answers without what belongs to roles that the caller may not see: of masters and agents alike.

/** There are few users and roles, and many tasks. */
export const remembered = (judge: (name: string) => boolean): ((name: string) => boolean) => {
  const verdicts = new Map<string, boolean>()
  return (name) => {
    const known = verdicts.get(name)
    if (known !== undefined) return known
    const verdict = judge(name)
    verdicts.set(name, verdict)
    return verdict
  }
}

type Json = { readonly [member: string]: unknown }

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

type RoleAction = Extract<Action, "view_roles" | "get_quotas">

/** Lists of what belongs to one role: what names the role in it, and the right to see it. */
const roleLists: { readonly [member: string]: readonly [name: string, action: RoleAction] } = {
  // The whole of `/weights`.
  "": ["role", "view_roles"],
  roles: ["name", "view_roles"],
  weight_infos: ["role", "view_roles"],
  // Of a quota, before and after UPDATE_QUOTA.
  infos: ["role", "get_quotas"],
  configs: ["role", "get_quotas"],
}

/** The role that resources are kept for or allocated to; undefined = they are everybody's, or are none. */
const roleOfResource = (value: Json): string | undefined => {
  const { reservations, role, allocation_info: allocation } = value
  const last: unknown = Array.isArray(reservations) ? reservations[reservations.length - 1] : undefined
  if (isObject(last) && typeof last.role === "string") return last.role
  if (typeof role === "string" && role !== "*") return role
  return isObject(allocation) && typeof allocation.role === "string" ? allocation.role : undefined
}

/** Members that are keyed by role. */
const roleTables = ["reserved_resources", "reserved_resources_full"]

/** An answer without what belongs to roles that the caller may not see. */
export const seenRoles = <A>(answer: A, caller: Caller): A => {
  if (caller.isAllowed("view_roles", null) && caller.isAllowed("get_quotas", null)) return answer
  const verdicts = {
    view_roles: remembered((role) => caller.isAllowed("view_roles", role)),
    get_quotas: remembered((role) => caller.isAllowed("get_quotas", role)),
  }
  return withoutRoles(answer, "", (role, action = "view_roles") => verdicts[action](role)) as A
}

type RoleJudge = (role: string, action?: RoleAction) => boolean

const withoutRoles = (value: unknown, member: string, mayView: RoleJudge): unknown => {
  if (Array.isArray(value)) {
    return value
      .filter((item) => isVisible(item, member, mayView))
      .map((item) => withoutRoles(item, member, mayView))
  }
  if (!isObject(value)) return value
  const keys = Object.keys(value).filter((key) => !roleTables.includes(member) || mayView(key))
  return Object.fromEntries(keys.map((key) => [key, withoutRoles(value[key], key, mayView)]))
}

const isVisible = (item: unknown, member: string, mayView: RoleJudge): boolean => {
  if (!isObject(item)) return true
  const [field, action] = roleLists[member] ?? []
  const name = field === undefined ? undefined : item[field]
  if (typeof name === "string") return mayView(name, action)
  if (!/resources/.test(member)) return true
  const role = roleOfResource(item)
  return role === undefined || mayView(role)
}
