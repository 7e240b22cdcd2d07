import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { resourcesBeyond } from "../../../core/resources/Difference.ts"
import { addResources, noResources, toResources } from "../../../core/resources/Resources.ts"
import { mountDisk, ports, reserved, revocable, volume } from "../../support/allocation/Fixtures.ts"
import { atomsOf, atomsToList, withoutAtoms } from "../../support/ResourceAtoms.ts"
import { anyTwoResources } from "../../support/ResourceGenerators.ts"

const cpus = (milli: number) => reserved({ cpus: milli })

describe("resourcesBeyond", () => {
  it("leaves what of the left is not in the right, atom by atom, in normal form", () => {
    fc.assert(
      fc.property(anyTwoResources, ([left, right]) => {
        const beyond = resourcesBeyond(left, right)
        expect(beyond).toEqual(toResources(beyond))
        expect(atomsToList(atomsOf(beyond))).toEqual(atomsToList(withoutAtoms(atomsOf(left), atomsOf(right))))
      }),
      { numRuns: 150 },
    )
  })

  it("gives back the left itself where the right has none of its kinds", () => {
    const all = addResources(cpus(5), ports(1, 9))
    for (const other of [noResources, reserved({ cpus: 5 }, "a"), volume("v", 5, "a")]) {
      expect(resourcesBeyond(all, other)).toBe(all)
    }
  })

  it("takes what is there of a scalar, and nothing from other kinds of the same name", () => {
    expect(resourcesBeyond(cpus(5), cpus(3))).toEqual(cpus(2))
    expect(resourcesBeyond(cpus(3), cpus(5))).toEqual([])
    expect(resourcesBeyond(cpus(5), reserved({ cpus: 3 }, "a"))).toEqual(cpus(5))
    expect(resourcesBeyond(revocable({ cpus: 5 }), cpus(3))).toEqual(revocable({ cpus: 5 }))
  })

  it("splits ranges", () => {
    expect(resourcesBeyond(ports(1, 9), ports(0, 2, 5, 5, 20, 30))).toEqual(ports(3, 4, 6, 9))
  })

  it("takes an indivisible piece as a whole or not at all, and one copy for each", () => {
    expect(resourcesBeyond(mountDisk("/m", 5), mountDisk("/m", 3))).toEqual(mountDisk("/m", 5))
    expect(resourcesBeyond(mountDisk("/m", 5), mountDisk("/m", 5))).toEqual([])
    const copy = volume("v", 5, "a", true)
    const copies = addResources(addResources(copy, copy), copy)
    expect(resourcesBeyond(copies, addResources(copy, copy))).toEqual(copy)
  })
})
