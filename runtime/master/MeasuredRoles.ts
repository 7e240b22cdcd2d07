import type { MasterState } from "../../core/master/State.ts"

/** Frameworks name roles as they like, and each is a series of its own. */
export const measuredRolesMax = 1_000

/** The top-level roles that metrics speak of. */
export const topLevelRoles = (state: MasterState): ReadonlyArray<string> => {
  const roles = new Set<string>()
  for (const { info } of state.frameworks.values()) {
    for (const role of info.roles) roles.add(role.split("/")[0]!)
  }
  return [...roles].sort().slice(0, measuredRolesMax)
}
