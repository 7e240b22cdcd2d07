import { describe, expect, it } from "vitest"
import type { WireFrameworkInfo } from "../../../runtime/mesos/CallSchema.ts"
import { frameworkProblem, roleProblem, wireToFrameworkInfo } from "../../../runtime/mesos/FrameworkInfo.ts"

const info = (change: Partial<WireFrameworkInfo> = {}): WireFrameworkInfo => ({
  user: "root",
  name: "x",
  failover_timeout: 0,
  checkpoint: false,
  roles: [],
  capabilities: [],
  ...change,
})
const multiRole = (roles: ReadonlyArray<string>, change: Partial<WireFrameworkInfo> = {}) =>
  info({ roles, capabilities: [{ type: "MULTI_ROLE" }], ...change })

const problemOf = (wire: WireFrameworkInfo, suppressed: ReadonlyArray<string> = []) =>
  frameworkProblem({ framework_info: wire, suppressed_roles: suppressed })

describe("a framework", () => {
  // Texts up to the line from the transcripts scheduler/err_subscribe_*.
  it.each<[string, WireFrameworkInfo, ReadonlyArray<string>]>([
    [
      "'FrameworkInfo.roles' contains invalid role: Role component 'a b' is invalid because it contains backspace or whitespace",
      multiRole(["a b"]),
      [],
    ],
    ["'FrameworkInfo.roles' contains duplicate items: { b }", multiRole(["b", "a", "b"]), []],
    [
      "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable",
      multiRole(["b"], { role: "a" }),
      [],
    ],
    [
      "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable",
      info({ roles: ["b"] }),
      [],
    ],
    ["Suppressed roles { zzz } are not contained in the set of roles", multiRole(["b"]), ["b", "zzz"]],
    // ---
    [
      "'FrameworkInfo.role' is not a valid role: Role component '-a' is invalid because it begins with a dash",
      info({ role: "-a" }),
      [],
    ],
    [
      "'FrameworkInfo.id' is invalid: '../../etc' contains invalid characters",
      info({ id: { value: "../../etc" } }),
      [],
    ],
    ["'FrameworkInfo.id' is invalid: '..' is disallowed", info({ id: { value: ".." } }), []],
    ["'FrameworkInfo.offer_filters' are not supported yet", info({ offer_filters: { "*": {} } }), []],
  ])("is refused: %s", (problem, wire, suppressed) => {
    expect(problemOf(wire, suppressed)).toBe(problem)
  })

  it.each([
    ["without a role", info()],
    ["of one role", info({ role: "web" })],
    ["of several", multiRole(["web", "web/api"])],
    ["of none, though it could have several", multiRole([])],
    ["of a former master", info({ id: { value: "nope-0000" } })],
    ["with an empty id", info({ id: { value: "" } })],
    ["with filters for no role", info({ offer_filters: {} })],
  ])("%s may subscribe", (_, wire) => {
    expect(problemOf(wire)).toBeUndefined()
  })

  it("is refused when it constrains its offers, which would be ignored", () => {
    const subscribing = { framework_info: info(), suppressed_roles: [] }
    const constraints = (role_constraints: object) => ({ offer_constraints: { role_constraints } })
    expect(frameworkProblem({ ...subscribing, ...constraints({ "*": {} }) })).toBe(
      "'offer_constraints' are not supported yet",
    )
    expect(frameworkProblem({ ...subscribing, ...constraints({}) })).toBeUndefined()
    expect(frameworkProblem({ ...subscribing, offer_constraints: {} })).toBeUndefined()
  })

  it("has the default role unless it says otherwise", () => {
    expect(wireToFrameworkInfo(info()).roles).toEqual(["*"])
    expect(wireToFrameworkInfo(info({ role: "web" })).roles).toEqual(["web"])
    expect(wireToFrameworkInfo(multiRole([])).roles).toEqual([])
  })

  it.each([
    [-5, 0],
    [0.0015, 2],
    [60, 60_000],
    [Number.NaN, 0],
    [Infinity, 10 * 365 * 24 * 3_600_000],
  ])("with a failover timeout of %d s has whole %d ms", (failover_timeout, ms) => {
    expect(wireToFrameworkInfo(info({ failover_timeout })).failoverTimeoutMs).toBe(ms)
  })

  it("keeps names of capabilities, also unknown ones", () => {
    const wire = info({ capabilities: [{ type: "SHINY" }, {}] })
    expect(wireToFrameworkInfo(wire).capabilities).toEqual(["SHINY"])
  })
})

describe("a role", () => {
  it.each(["*", "web", "a/b/c", "a-b", "ünï", "a.b", "..."])("may be called %s", (role) => {
    expect(roleProblem(role)).toBeUndefined()
  })

  it.each([
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "a/..",
    "a/*",
    "-a",
    "a/-b",
    "a\tb",
    "a\x7fb",
    "a\x08b",
    "a\nb",
  ])("may not be called %j", (role) => {
    expect(roleProblem(role)).toBeTypeOf("string")
  })
})
