import { describe, expect, it } from "vitest"
import { makeAuthorizer, type Rule } from "../../../runtime/access/Authorizer.ts"
import type { Caller } from "../../../runtime/access/Caller.ts"
import { seenRoles } from "../../../runtime/access/SeenRoles.ts"

const callerWith = (rules: {
  readonly view_roles?: ReadonlyArray<Rule>
  readonly get_quotas?: ReadonlyArray<Rule>
}): Caller => {
  const { isAllowed } = makeAuthorizer({ isPermissive: false, rules })
  return {
    principal: "alice",
    isAdministrator: false,
    isAllowed: (action, object) => isAllowed("alice", action, object),
  }
}
const forAlice = (objects: Rule["objects"]): ReadonlyArray<Rule> => [{ principals: ["alice"], objects }]

const roles = { roles: [{ name: "web" }, { name: "ads" }] }
const quotas = {
  infos: [{ role: "web" }, { role: "ads" }],
  configs: [{ role: "web", limits: {} }, { role: "ads" }],
}

describe("what is told of roles", () => {
  it("is shown by the right to see them, and quotas by the right to read those", () => {
    const caller = callerWith({ view_roles: forAlice("ANY"), get_quotas: forAlice(["ads"]) })
    expect(seenRoles(roles, caller)).toEqual(roles)
    expect(seenRoles(quotas, caller)).toEqual({ infos: [{ role: "ads" }], configs: [{ role: "ads" }] })
    const other = callerWith({ view_roles: forAlice(["web"]), get_quotas: forAlice("ANY") })
    expect(seenRoles(roles, other)).toEqual({ roles: [{ name: "web" }] })
    expect(seenRoles(quotas, other)).toEqual(quotas)
  })
})
