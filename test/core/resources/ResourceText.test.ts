import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { plainScalar, type Reservation, resourceOf, toKind } from "../../../core/resources/Resource.ts"
import {
  noResources,
  plainQuantities,
  type Resources,
  toResources,
} from "../../../core/resources/Resources.ts"
import { parseResources } from "../../../core/resources/ResourceText.ts"
import { anyItems, anyRanges } from "../../support/ResourceGenerators.ts"

const parsed = (text: string, defaultRole?: string): Resources => {
  const resources = parseResources(text, defaultRole)
  if (typeof resources === "string") throw new Error(resources)
  return resources
}

const reservedFor = (role: string): Reservation => ({ type: "static", role, principal: null, labels: [] })

describe("resources as an agent's flag", () => {
  it("read the example of the memo", () => {
    const text = "cpus:8;mem(roleA):1024;ports:[21000-24000,30000-34000];zones(b):{a,b}"
    expect(parsed(text)).toEqual(
      toResources([
        resourceOf(plainScalar("cpus"), 8000),
        resourceOf(toKind({ name: "mem", type: "scalar", reservations: [reservedFor("roleA")] }), 1_024_000),
        resourceOf(toKind({ name: "ports", type: "ranges" }), [21000, 24000, 30000, 34000]),
        resourceOf(toKind({ name: "zones", type: "set", reservations: [reservedFor("b")] }), ["a", "b"]),
      ]),
    )
  })

  it("do not mind spaces, order and empty entries", () => {
    const spaced = " ports : [ 5 - 6 , 1-2,3-3 ] ;; mem ( a/b ) : 1 ; zones:{ b , a, b };"
    expect(parsed(spaced)).toEqual(parsed("zones:{a,b};mem(a/b):1;ports:[1-3,5-6]"))
    expect(parsed("")).toBe(noResources)
    expect(parsed(" ; ")).toBe(noResources)
  })

  it("round to thousandths, half away from zero, and drop what is nothing", () => {
    expect(plainQuantities(parsed("cpus:0.1;cpus:0.2"))).toEqual({ cpus: 300 })
    expect(plainQuantities(parsed("cpus:1.0005"))).toEqual({ cpus: 1001 })
    expect(parsed("cpus:0.0004")).toBe(noResources)
    expect(parsed("mem:0;ports:[];zones:{}")).toBe(noResources)
    expect(parsed('[{"name":"cpus","type":"SCALAR","scalar":{"value":0.0004}}]')).toBe(noResources)
    expect(plainQuantities(parsed('[{"name":"cpus","type":"SCALAR","scalar":{"value":1.0005}}]'))).toEqual({
      cpus: 1001,
    })
  })

  it("give what names no role to the default role, and * to everybody", () => {
    expect(parsed("cpus:1;mem(*):2;disk(b):3", "a")).toEqual(parsed("cpus(a):1;mem:2;disk(b):3"))
    expect(parseResources("cpus:1", "a b")).toBe(
      "default role: role 'a b' contains whitespace or control characters",
    )
  })

  it("are what JSON says too", () => {
    fc.assert(
      fc.property(fc.nat(), anyRanges, anyItems, (milli, ranges, items) => {
        const pairs = ranges
          .filter((_, index) => index % 2 === 0)
          .map((begin, i) => [begin, ranges[2 * i + 1]!])
        const text = [
          `cpus:${milli / 1000}`,
          `ports:[${pairs.map(([begin, end]) => `${begin}-${end}`).join(",")}]`,
          `zones(a):{${items.join(",")}}`,
        ].join(";")
        const json = JSON.stringify([
          { name: "cpus", type: "SCALAR", scalar: { value: milli / 1000 } },
          { name: "ports", type: "RANGES", ranges: { range: pairs.map(([begin, end]) => ({ begin, end })) } },
          { name: "zones", type: "SET", set: { item: items }, role: "a" },
        ])
        expect(parsed(text)).toEqual(parsed(json))
      }),
    )
  })

  it.each([
    ["cpus", "resource 1 'cpus': there is no colon: write name:value"],
    ["cpus:8;mem", "resource 2 'mem': there is no colon"],
    ["mem(a:1", "resource 1 'mem(a:1': its parentheses do not fit: write name(role):value"],
    ["mem(a)b:1", "its parentheses do not fit"],
    ["mem():1", "an empty text is no role"],
    ["mem(a//b):1", "role 'a//b' starts, ends or doubles a slash"],
    [":1", "a name is a letter, then"],
    ["__proto__:1", "a name is a letter, then"],
    ["cpus:", "resource 1 'cpus:': there is no value"],
    ["os:linux", "'linux' is a text, which is no resource: make it an attribute"],
    ["cpus:1:2", "'1:2' is a text, which is no resource"],
    ["cpus:-1", "the amount must be from 0 to 9007199254740.99"],
    ["cpus:1e300", "the amount must be from 0 to"],
    ["cpus:NaN", "'NaN' is a text"],
    ["gpus:1.5", "there are no 1.5 gpus: give a whole number"],
    ["cpus:[1-2]", "cpus is an amount: write a number"],
    ["mem:{a}", "mem is an amount"],
    ["ports:5", "ports are ranges: write them as in [31000-32000]"],
    ["ports:[1-2", "'[1-2' begins with [ but does not end with ]"],
    ["ports:[5]", "'5' is no range of whole numbers: write 5-5"],
    ["ports:[2-1]", "'2-1' is no range of whole numbers: write begin-end"],
    ["ports:[1-9007199254740992]", "is no range"],
    ["ports:[1-2,]", "'' is no range"],
    ["zones:{a", "'{a' begins with { but does not end with }"],
    ["zones:{a,,b}", "'{a,,b}' has an empty item: remove a comma"],
    ["x:1;x:{a}", "resource 2 'x:{a}': x is of type scalar before and set here"],
    ["cpus:9007199254740.991;cpus(a):0.001", "all cpus together are more than 9007199254740.99: give less"],
  ])("refuse '%s'", (text, reason) => {
    expect(parseResources(text)).toContain(reason)
  })

  it("refuse text that is neither form, with the place in the JSON", () => {
    expect(parseResources('[{"name":"cpus"},')).toMatch(/^resources: .*not JSON/)
    expect(parseResources('{"cpus":1}')).toBe('resources: {"cpus":1} is no JSON array of resources')
    expect(parseResources("[1]")).toMatch(/^resources\[0\]: 1 is not an object with name, type/)
  })

  it("answer every text", () => {
    const piece = fc.constantFrom(
      "cpus",
      "mem",
      "(",
      ")",
      "a",
      "*",
      ":",
      ";",
      "[",
      "]",
      "{",
      "}",
      ",",
      "-",
      "1",
      ".",
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (text) => {
          const answer = parseResources(text)
          if (typeof answer === "string") expect(answer).not.toBe("")
          else expect(toResources(answer)).toEqual(answer)
        },
      ),
      { numRuns: 2000 },
    )
  })
})
