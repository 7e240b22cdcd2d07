import { describe, expect, it } from "vitest"
import {
  type AttributeConstraint,
  type ConstrainedHost,
  compileConstraints,
  type OfferConstraints,
} from "../../../core/allocation/Constraints.ts"

const host: ConstrainedHost = {
  hostname: "web-07",
  region: "eu",
  zone: null,
  attributes: [
    { name: "rack", type: "text", value: "r1" },
    { name: "cores", type: "scalar", value: 8 },
    { name: "vlans", type: "ranges", value: [1, 4] },
    { name: "rack", type: "text", value: "r2" },
  ],
}

const holds = (constraints: OfferConstraints): boolean => {
  const compiled = compileConstraints(constraints)
  if (typeof compiled === "string") throw new Error(compiled)
  return compiled(host)
}

type Predicate = AttributeConstraint["predicate"]
const attribute = (name: string, predicate: Predicate): AttributeConstraint => ({
  selector: { type: "attribute", name },
  predicate,
})
const place = (type: "hostname" | "region" | "zone", predicate: Predicate): AttributeConstraint => ({
  selector: { type },
  predicate,
})
const textEquals = (value: string): Predicate => ({ type: "textEquals", value })
const textNotEquals = (value: string): Predicate => ({ type: "textNotEquals", value })
const textMatches = (regex: string): Predicate => ({ type: "textMatches", regex })
const textNotMatches = (regex: string): Predicate => ({ type: "textNotMatches", regex })
const exists: Predicate = { type: "exists" }
const notExists: Predicate = { type: "notExists" }

const wrong = attribute("rack", textEquals("r9"))
const right = attribute("rack", textEquals("r1"))

describe("Constraints", () => {
  it.each<[string, AttributeConstraint, boolean]>([
    ["exists, present", attribute("rack", exists), true],
    ["exists, not text", attribute("cores", exists), true],
    ["exists, absent", attribute("gone", exists), false],
    ["notExists, present", attribute("rack", notExists), false],
    ["notExists, not text", attribute("vlans", notExists), false],
    ["notExists, absent", attribute("gone", notExists), true],
    ["textEquals, equal", attribute("rack", textEquals("r1")), true],
    ["textEquals, part", attribute("rack", textEquals("r")), false],
    ["textEquals, not text", attribute("cores", textEquals("9")), true],
    ["textEquals, absent", attribute("gone", textEquals("")), false],
    ["textNotEquals, equal", attribute("rack", textNotEquals("r1")), false],
    ["textNotEquals, other", attribute("rack", textNotEquals("r3")), true],
    ["textNotEquals, not text", attribute("cores", textNotEquals("8")), true],
    ["textNotEquals, absent", attribute("gone", textNotEquals("r1")), true],
    ["textMatches, whole", attribute("rack", textMatches("r[0-9]")), true],
    ["textMatches, part", attribute("rack", textMatches("r")), false],
    ["textMatches, not text", attribute("vlans", textMatches("no")), true],
    ["textMatches, absent", attribute("gone", textMatches(".*")), false],
    ["textNotMatches, whole", attribute("rack", textNotMatches("r[0-9]")), false],
    ["textNotMatches, part", attribute("rack", textNotMatches("r")), true],
    ["textNotMatches, not text", attribute("vlans", textNotMatches(".*")), true],
    ["textNotMatches, absent", attribute("gone", textNotMatches(".*")), true],
    ["the first of a name counts", attribute("rack", textEquals("r2")), false],
    ["hostname", place("hostname", textMatches("web-\\d+")), true],
    ["other hostname", place("hostname", textEquals("web")), false],
    ["region", place("region", textEquals("eu")), true],
    ["region exists", place("region", exists), true],
    ["no zone", place("zone", exists), false],
    ["no zone is not a", place("zone", textNotEquals("a")), true],
    ["no zone is a", place("zone", textMatches(".*")), false],
    ["a name that objects inherit", attribute("constructor", exists), false],
  ])("%s", (_, constraint, expected) => {
    expect(holds([[constraint]])).toBe(expected)
  })

  it("hold when all of some group holds", () => {
    expect(holds([[right, wrong]])).toBe(false)
    expect(holds([[right, right]])).toBe(true)
    expect(holds([[right, wrong], [right]])).toBe(true)
    expect(holds([[wrong], [wrong]])).toBe(false)
  })

  it("are refused with the place of what is wrong", () => {
    expect(compileConstraints([])).toBe("there must be a group")
    expect(compileConstraints([[right], []])).toBe("group 2: there must be a constraint")
    expect(compileConstraints([[right, attribute("rack", textMatches("r("))]])).toBe(
      'group 1, constraint 2: regex "r(": character 2: this group is not closed',
    )
    expect(compileConstraints([[attribute("rack", textNotMatches("r{100}"))]])).toBe(
      'group 1, constraint 1: regex "r{100}": it needs more than the 100 instructions allowed',
    )
    expect(compileConstraints([[attribute("rack", textMatches(`${" ".repeat(4097)}`))]])).toBe(
      `group 1, constraint 1: regex "${" ".repeat(79)}…": 4097 bytes are more than the 4096 allowed`,
    )
  })
})
