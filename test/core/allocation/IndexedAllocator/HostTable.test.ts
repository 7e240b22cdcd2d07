import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { toBundle } from "../../../../core/allocation/IndexedAllocator/Bundle.ts"
import {
  ACTIVE,
  BARE,
  HostTable,
  SMALL,
  SPECIAL,
} from "../../../../core/allocation/IndexedAllocator/HostTable.ts"
import { compileMinimum } from "../../../../core/allocation/IndexedAllocator/Minimum.ts"
import { ResourceNames } from "../../../../core/allocation/IndexedAllocator/ResourceNames.ts"
import { noResources, type Resources } from "../../../../core/resources/Resources.ts"
import { ports, reserved, volume } from "../../../support/allocation/Fixtures.ts"
import { all, plain, sharedVolume, TwoHostTables } from "../../../support/TwoHostTables.ts"

type Operation = keyof TwoHostTables["operations"]
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("takeWhole", "giveBack", "takePart") },
  { weight: 2, arbitrary: fc.constantFrom("add", "setTotal", "setReserve", "adopt", "giveBackPart") },
  { weight: 1, arbitrary: fc.constantFrom("remove", "setActive", "read", "canTake", "addName") },
)

describe("HostTable", () => {
  it("says of each host what a list of who holds what would say, whatever happens to it", () => {
    const step = fc.tuple(anyOperation, fc.nat(99), fc.nat(99), fc.nat(99))
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 50, size: "max" }), (steps) => {
        const two = new TwoHostTables()
        two.operations.add(0, 1, 1)
        two.operations.add(1, 3, 1)
        for (const [name, first, second, third] of steps) {
          two.operations[name](first, second, third)
          two.checkSums()
        }
        two.operations.read()
      }),
      { numRuns: 60 },
    )
  })

  const tableOf = (total: Resources, isActive = true) => {
    const names = new ResourceNames()
    const table = new HostTable(names, compileMinimum(names, []))
    const slot = table.add("h")
    table.setTotal(slot, total)
    table.setActive(slot, isActive)
    return { table, slot, bundle: (resources: Resources) => toBundle(names, resources) }
  }

  it("gives back whole only the very resources that were taken whole", () => {
    const { table, slot } = tableOf(plain({ cpus: 1 }))
    const resources = table.wholeOf(slot)
    expect(table.giveBackWhole(slot, resources)).toBe(false)
    table.takeWhole(slot)
    expect(table.giveBackWhole(slot, plain({ cpus: 1 }))).toBe(false)
    expect(table.giveBackWhole(slot, resources)).toBe(true)
    expect([table.giveBackWhole(slot, resources), table.wholeOf(slot)]).toEqual([false, resources])
    table.takeWhole(slot)
    expect(table.allocatedOn(slot, noResources)).toEqual(plain({ cpus: 1 })) // Reading brings the books up to date.
    expect(table.giveBackWhole(slot, resources)).toBe(false)
  })

  it("offers the very total of a host of which nothing is held or reserved, and only then", () => {
    const total = all(plain({ cpus: 4 }), ports(1, 2))
    const { table, slot, bundle } = tableOf(total)
    expect(table.wholeOf(slot)).toBe(total)
    table.setReserve(slot, { cpus: 1 })
    expect(table.wholeOf(slot)).toEqual(all(plain({ cpus: 3 }), ports(1, 2)))
    table.setReserve(slot, {})
    table.takePart(slot, bundle(ports(1, 1)))
    expect(table.wholeOf(slot)).toEqual(all(plain({ cpus: 4 }), ports(2, 2)))
    table.giveBack(slot, bundle(ports(1, 1)))
    expect(table.wholeOf(slot)).toEqual(total)
    table.remove(slot)
    expect(table.availableOn(table.add("other"))).toEqual([])
  })

  it("knows that a host that was taken whole is held, whatever is asked first", () => {
    const taken = () => {
      const made = tableOf(all(plain({ cpus: 4 }), ports(1, 2)))
      made.table.setReserve(made.slot, { cpus: 1 })
      made.table.wholeOf(made.slot)
      made.table.takeWhole(made.slot)
      return made
    }
    const asks: ReadonlyArray<(made: ReturnType<typeof taken>) => unknown> = [
      ({ table, slot, bundle }) => table.canTake(slot, bundle(plain({ cpus: 1 }))),
      ({ table, slot, bundle }) => table.canTake(slot, bundle(ports(1, 1))),
      ({ table, slot }) => table.holdsNothing(slot),
      () => {
        const { table, slot } = tableOf(plain({ cpus: 4 }))
        table.wholeOf(slot)
        table.takeWhole(slot)
        return table.holdsNothing(slot)
      },
      ({ table, slot }) => table.heldRestOf(slot),
      ({ table, slot }) => table.allocatedOn(slot, noResources),
      ({ table, slot }) => table.availableOn(slot),
      ({ table, slot }) => table.heldReserve(slot),
      ({ table, slot }) => table.missingReserve(slot),
    ]
    expect(asks.map((ask) => ask(taken()))).toEqual([
      false,
      false,
      false,
      false,
      ports(1, 2),
      all(plain({ cpus: 3 }), ports(1, 2)),
      noResources,
      { cpus: 1 },
      {},
    ])
  })

  it("holds a reserve of names that nobody had before, and keeps all books when rows become wider", () => {
    const names = new ResourceNames()
    const table = new HostTable(names, compileMinimum(names, []))
    const [other, slot] = [table.add("g"), table.add("h")]
    table.setReserve(slot, { cpus: 1, licences: 2 })
    table.setTotal(slot, plain({ cpus: 9, licences: 3 }))
    table.setActive(slot, true)
    table.takePart(slot, toBundle(names, plain({ cpus: 3 })))
    for (let more = 0; more < 20; more++) names.numberOf(`more${more}`)
    table.takePart(slot, toBundle(names, plain({ cpus: 1 })))
    expect(table.availableOn(slot)).toEqual(plain({ cpus: 4, licences: 1 }))
    expect(table.allocatedOn(slot, noResources)).toEqual(plain({ cpus: 4 }))
    expect([table.heldReserve(slot), table.holdsNothing(slot)]).toEqual([{ cpus: 1, licences: 2 }, false])
    expect([table.availableOn(other), table.heldReserve(other), table.holdsNothing(other)]).toEqual([
      [],
      {},
      true,
    ])
  })

  it("lets nothing be visited of which only a shared resource is left, though there be no minimum", () => {
    const { table, slot } = tableOf(sharedVolume)
    expect(table.flags[slot]).toBe(ACTIVE | SPECIAL | BARE | SMALL)
  })

  it("keeps ready what can be offered, until something changes", () => {
    const { table, slot } = tableOf(all(plain({ cpus: 4 }), ports(1, 2)))
    const before = table.wholeOf(slot)
    expect(table.wholeOf(slot)).toBe(before)
    table.setReserve(slot, { cpus: 1 })
    expect(table.wholeOf(slot)).toEqual(all(plain({ cpus: 3 }), ports(1, 2)))
  })

  it("asserts that nobody gives back more than was held (L1)", () => {
    const { table, slot, bundle } = tableOf(all(plain({ cpus: 4 }), ports(1, 9)))
    table.takePart(slot, bundle(all(plain({ cpus: 2 }), ports(1, 2))))
    expect(() => table.giveBack(slot, bundle(plain({ cpus: 3 })))).toThrow("agent h got back more cpus")
    expect(() => table.giveBack(slot, bundle(ports(10, 10)))).toThrow("agent h got back more than was held")
  })

  it("begins with nothing in a slot that another host had", () => {
    const { table, slot } = tableOf(all(plain({ cpus: 4 }), volume("v", 5, "a")))
    table.setReserve(slot, { cpus: 1 })
    table.remove(slot)
    expect(table.add("other")).toBe(slot)
    table.setTotal(slot, plain({ cpus: 3 }))
    expect(table.availableOn(slot)).toEqual(plain({ cpus: 3 }))
    expect([table.flags[slot], table.activeCount, table.activeAvailable[0]]).toEqual([0, 0, 0])
  })

  it("lets the excess of a host that came back smaller be given back before anything of it is free", () => {
    const { table, slot, bundle } = tableOf(reserved({ cpus: 4 }, "a"))
    table.takePart(slot, bundle(reserved({ cpus: 4 }, "a")))
    table.setTotal(slot, reserved({ cpus: 3 }, "a"))
    table.giveBack(slot, bundle(reserved({ cpus: 1 }, "a")))
    expect(table.availableOn(slot)).toEqual([])
    table.giveBack(slot, bundle(reserved({ cpus: 1 }, "a")))
    expect(table.availableOn(slot)).toEqual(reserved({ cpus: 1 }, "a"))
  })
})
