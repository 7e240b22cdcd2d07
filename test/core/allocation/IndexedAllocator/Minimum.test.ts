import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { toBundle } from "../../../../core/allocation/IndexedAllocator/Bundle.ts"
import {
  compileMinimum,
  compileOwnMinimum,
  reachesMinimum,
} from "../../../../core/allocation/IndexedAllocator/Minimum.ts"
import { ResourceNames } from "../../../../core/allocation/IndexedAllocator/ResourceNames.ts"
import { containsQuantities, type Quantities, toQuantities } from "../../../../core/resources/Quantities.ts"
import {
  addResources,
  quantitiesToResources,
  quantitiesWithCounts,
  type Resources,
  toResources,
} from "../../../../core/resources/Resources.ts"
import { mountDisk, ports, reserved, revocable, volume } from "../../../support/allocation/Fixtures.ts"
import { anyResources } from "../../../support/ResourceGenerators.ts"

const reaches = (
  sets: ReadonlyArray<Quantities>,
  resources: Resources,
  compile: typeof compileMinimum = compileMinimum,
): boolean => {
  const names = new ResourceNames()
  const minimum = compile(names, sets)
  const { plain, rest } = toBundle(names, resources)
  const base = 3
  const row = new Float64Array(base + names.width + 2).fill(99_999)
  for (let column = 0; column < names.names.length; column++) row[base + column] = plain[column] ?? 0
  return reachesMinimum(minimum, row, base, rest)
}

describe("reachesMinimum", () => {
  it("asks for one of the sets in all that there is, ranges and sets by their number of items (spec §1.1)", () => {
    const amount = fc.constantFrom(0, 0, 1, 2, 4, 1_000, 3_000)
    const anySet = fc
      .record({ cpus: amount, mem: amount, disk: amount, ports: amount, zones: amount, gpus: amount })
      .map((amounts) => toQuantities(Object.entries(amounts)))
    const plain = fc.record({ cpus: fc.nat(2), mem: fc.nat(3), ports: fc.nat(1_000) })
    // A volume stands on a host once, if in several copies.
    const anyRest = anyResources.map((all) =>
      all.filter(({ kind, value }) => {
        const first = all.find((other) => other.kind.key === kind.key)!
        return !kind.shared || first.value === value
      }),
    )
    fc.assert(
      fc.property(fc.array(anySet, { maxLength: 3 }), anyRest, plain, (sets, rest, more) => {
        const all = addResources(rest, quantitiesToResources(toQuantities(Object.entries(more))))
        const isEnough =
          sets.length === 0 || sets.some((set) => containsQuantities(quantitiesWithCounts(all), set))
        // A framework's own is compiled before or after somebody has what it names.
        expect([reaches(sets, all), reaches(sets, all, compileOwnMinimum)]).toEqual([isEnough, isEnough])
      }),
      { numRuns: 250 },
    )
  })

  it("is reached by anything when there is no set, or an empty one", () => {
    expect([reaches([], []), reaches([{}], []), reaches([{ cpus: 1 }], [])]).toEqual([true, true, false])
  })

  it("is reached by exactly as much, not by less, and not by a part of a set", () => {
    const four = quantitiesToResources({ cpus: 4, mem: 2 })
    expect([4, 5].map((cpus) => reaches([{ cpus }], four))).toEqual([true, false])
    expect(
      [
        { cpus: 4, mem: 2 },
        { cpus: 4, mem: 3 },
      ].map((set) => reaches([set], four)),
    ).toEqual([true, false])
    expect(reaches([{ mem: 3 }, { cpus: 4 }], four)).toBe(true)
  })

  it("counts kinds of one name together: plain, reserved, revocable, of a disk", () => {
    const cpus = toResources([
      ...quantitiesToResources({ cpus: 4 }),
      ...reserved({ cpus: 3 }, "a"),
      ...revocable({ cpus: 2 }),
    ])
    expect([reaches([{ cpus: 9 }], cpus), reaches([{ cpus: 10 }], cpus)]).toEqual([true, false])
    expect(reaches([{ disk: 5 }], mountDisk("/m", 5))).toBe(true)
  })

  it("counts a shared resource once, however many copies there are", () => {
    const copy = volume("v", 5, "a", true)
    const copies = addResources(copy, copy)
    expect([reaches([{ disk: 5 }], copies), reaches([{ disk: 6 }], copies)]).toEqual([true, false])
  })

  it("counts each piece of what is indivisible, also of equal ones", () => {
    const pieces = addResources(mountDisk("/m", 5), mountDisk("/m", 5))
    expect([reaches([{ disk: 10 }], pieces), reaches([{ disk: 11 }], pieces)]).toEqual([true, false])
  })

  it("counts ports as whole units", () => {
    expect([2_000, 2_001].map((milli) => reaches([{ ports: milli }], ports(5, 6)))).toEqual([true, false])
  })
})

describe("compileOwnMinimum", () => {
  it("gives no columns to names that strangers bring along", () => {
    const names = new ResourceNames()
    const before = names.width
    for (let name = 0; name < 100; name++) compileOwnMinimum(names, [{ [`x${name}`]: 1, cpus: 1 }])
    expect(names.width).toBe(before)
  })

  it("finds a name that gets its column later", () => {
    const names = new ResourceNames()
    const minimum = compileOwnMinimum(names, [{ cpus: 1, fpgas: 5 }])
    const isReached = (fpgas: number) => {
      const row = new Float64Array(names.width)
      row[0] = 1
      if (names.columnOf("fpgas") !== -1) row[names.columnOf("fpgas")] = fpgas
      return reachesMinimum(minimum, row, 0, [])
    }
    expect(isReached(5)).toBe(false)
    names.numberOf("other")
    names.numberOf("fpgas")
    expect([isReached(4), isReached(5)]).toEqual([false, true])
  })
})
