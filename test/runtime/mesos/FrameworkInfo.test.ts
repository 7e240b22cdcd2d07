import { describe, expect, it } from "vitest"
import type {
  WireAttributeConstraint,
  WireFrameworkInfo,
  WireOfferFilters,
} from "../../../runtime/mesos/CallSchema.ts"
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

/** One of these sets of amounts must be in an offer. */
const minimum = (...sets: ReadonlyArray<Record<string, number>>): WireOfferFilters => ({
  min_allocatable_resources: {
    quantities: sets.map((amounts) => ({
      quantities: Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, { value }])),
    })),
  },
})

const infoOf = (wire: WireFrameworkInfo) => wireToFrameworkInfo({ framework_info: wire })
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
    ["'../../etc' contains invalid characters", info({ id: { value: "../../etc" } }), []],
    ["'..' is disallowed", info({ id: { value: ".." } }), []],
    [
      "'FrameworkInfo.offer_filters' name a role 'ads' not contained in the set of roles",
      info({ offer_filters: { "*": minimum({}), ads: minimum({}) } }),
      [],
    ],
    // Bounds (law L10).
    [
      "'FrameworkInfo.roles' has 1001 items: at most 1000 are taken",
      multiRole(Array.from({ length: 1001 }, (_, index) => `r${index}`)),
      [],
    ],
    [
      "'FrameworkInfo.offer_filters' for role '*': 65 sets: at most 64 are taken",
      info({ offer_filters: { "*": minimum(...Array.from({ length: 65 }, () => ({ cpus: 1 }))) } }),
      [],
    ],
    [
      "'FrameworkInfo.offer_filters' for role 'b': more than the 32 resource names that a framework may use",
      multiRole(["a", "b"], {
        offer_filters: Object.fromEntries(
          ["a", "b"].map((role) => [
            role,
            minimum(Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`${role}${index}`, 1]))),
          ]),
        ),
      }),
      [],
    ],
    [
      "'FrameworkInfo.offer_filters' for role '*': invalid quantity of 'cpus'",
      info({ offer_filters: { "*": minimum({ mem: 1 }, { cpus: -1 }) } }),
      [],
    ],
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
    ["with a filter that says nothing", info({ offer_filters: { "*": {} } })],
  ])("%s may subscribe", (_, wire) => {
    expect(problemOf(wire)).toBeUndefined()
  })

  it("has its own minima by role", () => {
    const wire = multiRole(["web", "ads", "free"], {
      offer_filters: { web: minimum({ cpus: 0.5, mem: 64 }, { gpus: 1 }), ads: {}, free: minimum() },
    })
    expect(infoOf(wire).minAllocatable).toEqual({
      web: [{ cpus: 500, mem: 64_000 }, { gpus: 1_000 }],
      free: [],
    })
  })

  describe("with constraints", () => {
    type Groups = ReadonlyArray<ReadonlyArray<WireAttributeConstraint>>
    const subscribing = (role: string, groups: Groups) => ({
      framework_info: info(),
      suppressed_roles: [],
      offer_constraints: {
        role_constraints: {
          [role]: { groups: groups.map((attribute_constraints) => ({ attribute_constraints })) },
        },
      },
    })
    const rack = { attribute_name: "rack" }

    it("has them by role, in the words of the allocator", () => {
      const wire = subscribing("*", [
        [
          { selector: rack, predicate: { exists: {} } },
          { selector: { pseudoattribute_type: "HOSTNAME" }, predicate: { text_equals: { value: "h" } } },
          { selector: { pseudoattribute_type: "REGION" }, predicate: { not_exists: {} } },
        ],
        [
          { selector: rack, predicate: { text_not_equals: { value: "r1" } } },
          { selector: { pseudoattribute_type: "ZONE" }, predicate: { text_matches: { regex: "z[12]" } } },
          { selector: rack, predicate: { text_not_matches: { regex: "r.*" } } },
        ],
      ])
      expect(frameworkProblem(wire)).toBeUndefined()
      const attribute = { type: "attribute", name: "rack" }
      expect(wireToFrameworkInfo(wire).constraints).toEqual({
        "*": [
          [
            { selector: attribute, predicate: { type: "exists" } },
            { selector: { type: "hostname" }, predicate: { type: "textEquals", value: "h" } },
            { selector: { type: "region" }, predicate: { type: "notExists" } },
          ],
          [
            { selector: attribute, predicate: { type: "textNotEquals", value: "r1" } },
            { selector: { type: "zone" }, predicate: { type: "textMatches", regex: "z[12]" } },
            { selector: attribute, predicate: { type: "textNotMatches", regex: "r.*" } },
          ],
        ],
      })
    })

    it.each<[string, Groups]>([
      ["there must be a group", []],
      ["group 1: there must be a constraint", [[]]],
      ["must have one selector", [[{ predicate: { exists: {} } }]]],
      [
        "must have one selector",
        [[{ selector: { ...rack, pseudoattribute_type: "ZONE" }, predicate: { exists: {} } }]],
      ],
      [
        "unknown pseudoattribute 'constructor'",
        [[{ selector: { pseudoattribute_type: "constructor" }, predicate: { exists: {} } }]],
      ],
      ["must have one predicate", [[{ selector: rack }]]],
      ["must have one predicate", [[{ selector: rack, predicate: { exists: {}, not_exists: {} } }]]],
      [
        "257 constraints: at most 256 are taken",
        [Array.from({ length: 257 }, () => ({ selector: rack, predicate: { exists: {} } }))],
      ],
      ['regex "a["', [[{ selector: rack, predicate: { text_matches: { regex: "a[" } } }]]],
    ])("that make no sense is refused: %s", (problem, groups) => {
      const told = frameworkProblem(subscribing("*", groups))
      expect(told).toContain("'offer_constraints' for role '*': ")
      expect(told).toContain(problem)
    })

    it("for no role at all asks for nothing", () => {
      const none = { framework_info: info(), suppressed_roles: [], offer_constraints: {} }
      expect(frameworkProblem(none)).toBeUndefined()
      expect(wireToFrameworkInfo(none).constraints).toEqual({})
    })
  })

  it("has the default role unless it says otherwise", () => {
    expect(infoOf(info()).roles).toEqual(["*"])
    expect(infoOf(info({ role: "web" })).roles).toEqual(["web"])
    expect(infoOf(multiRole([])).roles).toEqual([])
  })

  it.each([
    [-5, -5_000],
    [0.0015, 2],
    [60, 60_000],
    [Number.NaN, 0],
    [9e9, 10 * 365 * 24 * 3_600_000],
  ])("with a failover timeout of %d s has whole %d ms", (failover_timeout, ms) => {
    expect(infoOf(info({ failover_timeout })).failoverTimeoutMs).toBe(ms)
  })

  it.each([
    [1e11, "1e+11"],
    [-1e10, "-1e+10"],
    [Infinity, "inf"],
  ])("whose failover timeout of %d s is beyond what Mesos counts is refused", (failover_timeout, text) => {
    const problem = frameworkProblem({ framework_info: info({ failover_timeout }), suppressed_roles: [] })
    expect(problem).toBe(`The framework failover_timeout (${text}) is invalid`)
    const roleFirst = info({ failover_timeout, role: "a b" })
    expect(frameworkProblem({ framework_info: roleFirst, suppressed_roles: [] })).toContain(
      "FrameworkInfo.role",
    )
  })

  it("keeps names of capabilities, also unknown ones", () => {
    const wire = info({ capabilities: [{ type: "SHINY" }, {}] })
    expect(infoOf(wire).capabilities).toEqual(["SHINY"])
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
    `${"a/".repeat(127)}ab`,
  ])("may not be called %j", (role) => {
    expect(roleProblem(role)).toBeTypeOf("string")
  })
})
