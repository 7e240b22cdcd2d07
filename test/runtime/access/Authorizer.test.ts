import { describe, expect, it } from "vitest"
import { type Acls, makeAuthorizer, noAcls } from "../../../runtime/access/Authorizer.ts"

const judge = (acls: Acls) => (principal: string, role: string | null) =>
  makeAuthorizer(acls).isAllowed(principal, "reserve_resources", role)

describe("rules", () => {
  it.each([true, false])("leave to `permissive: %s` what none of them is about", (isPermissive) => {
    const may = judge({
      isPermissive,
      rules: { reserve_resources: [{ principals: ["alice"], objects: ["web"] }] },
    })
    expect(may("alice", "web")).toBe(true)
    expect(may("alice", "db")).toBe(isPermissive)
    expect(may("alice", null)).toBe(isPermissive)
    expect(may("bob", "web")).toBe(isPermissive)
    const other = makeAuthorizer({ isPermissive, rules: {} })
    expect(other.isAllowed("alice", "view_roles", "web")).toBe(isPermissive)
  })

  it("are asked in order, and the first that is about it decides", () => {
    const may = judge({
      isPermissive: true,
      rules: {
        reserve_resources: [
          { principals: ["alice"], objects: ["web"] },
          { principals: ["alice"], objects: "NONE" },
          { principals: "NONE", objects: ["db"] },
          { principals: "ANY", objects: ["db", "logs"] },
          { principals: ["admin"], objects: "ANY" },
        ],
      },
    })
    expect([may("alice", "web"), may("alice", "db"), may("alice", "x"), may("alice", null)]).toEqual([
      ...[true, false, false, false],
    ])
    // Nobody may db, whatever a later rule says; and so nobody may all of them.
    expect([may("bob", "db"), may("bob", "logs"), may("bob", "web")]).toEqual([false, true, true])
    expect([may("admin", "anything"), may("admin", null)]).toEqual([true, false])
  })

  it("of ANY are about all, named or not", () => {
    const may = judge({
      isPermissive: false,
      rules: { reserve_resources: [{ principals: ["admin"], objects: "ANY" }] },
    })
    expect([may("admin", "web"), may("admin", null), may("alice", "web")]).toEqual([true, true, false])
  })

  it("reach all below a role by web/%, and not the role itself", () => {
    const may = judge({
      isPermissive: false,
      rules: { reserve_resources: [{ principals: ["alice"], objects: ["web/%", "db"] }] },
    })
    const roles = ["web/a", "web/a/b", "db", "web", "web/", "webs/a", "db/a", "other/web/a", "web/%"]
    expect(roles.map((role) => may("alice", role))).toEqual([
      ...[true, true, true, false, true, false, false, false, true],
    ])
    // Only of roles: a user called a/% is that user.
    const users = makeAuthorizer({
      isPermissive: false,
      rules: { run_tasks: [{ principals: "ANY", objects: ["a/%"] }] },
    })
    expect([users.isAllowed("x", "run_tasks", "a/b"), users.isAllowed("x", "run_tasks", "a/%")]).toEqual([
      ...[false, true],
    ])
  })

  it("must say so when somebody may register agents: they get other people's tasks", () => {
    expect(makeAuthorizer(noAcls).isAllowed("alice", "view_tasks", "root")).toBe(true)
    expect(makeAuthorizer(noAcls).isAllowed("alice", "register_agents", null)).toBe(false)
    const acls: Acls = {
      isPermissive: true,
      rules: { register_agents: [{ principals: ["host"], objects: "ANY" }] },
    }
    expect(makeAuthorizer(acls).isAllowed("host", "register_agents", null)).toBe(true)
    expect(makeAuthorizer(acls).isAllowed("alice", "register_agents", null)).toBe(false)
  })
})
