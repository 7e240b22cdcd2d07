import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { toBundle } from "../../../../core/allocation/IndexedAllocator/Bundle.ts"
import {
  ACTIVE,
  BARE,
  HostTable,
  SMALL,
  SPECIAL,
  TAKEN,
} from "../../../../core/allocation/IndexedAllocator/HostTable.ts"
import { compileMinimum } from "../../../../core/allocation/IndexedAllocator/Minimum.ts"
import { ResourceNames } from "../../../../core/allocation/IndexedAllocator/ResourceNames.ts"
import { hostHash } from "../../../../core/allocation/VisitOrder.ts"
import { containsQuantities, type Quantities, toQuantities } from "../../../../core/resources/Quantities.ts"
import { type Resource, toKind } from "../../../../core/resources/Resource.ts"
import {
  addResources,
  noResources,
  quantitiesToResources,
  quantitiesWithCounts,
  type Resources,
  subtractResources,
  toResources,
} from "../../../../core/resources/Resources.ts"
import {
  mountDisk,
  ports,
  reservationFor,
  reserved,
  revocable,
  volume,
} from "../../../support/allocation/Fixtures.ts"
import { NaiveHosts, plainOf } from "../../../support/naive/NaiveHosts.ts"
import { atomsOf, atomsToList } from "../../../support/ResourceAtoms.ts"

const plain = quantitiesToResources
const all = (...lists: ReadonlyArray<Resources>): Resources => lists.reduce(addResources, noResources)
const sharedVolume = volume("s", 900, "a", true)

const minimumSets: ReadonlyArray<Quantities> = [{ cpus: 1_000 }, { mem: 2_000, ports: 2_000 }]

const totals: ReadonlyArray<Resources> = [
  noResources,
  plain({ cpus: 4_000, mem: 8_000 }),
  plain({ cpus: 500, licences: 3 }),
  all(plain({ cpus: 4_000, mem: 4_000 }), ports(1, 9)),
  all(plain({ mem: 2_000 }), ports(5, 6, 20, 22)),
  all(plain({ cpus: 2_000, disk: 1_000 }), mountDisk("/m", 700), reserved({ cpus: 1_000 }, "a")),
  all(plain({ cpus: 1_000, tokens: 8 }), volume("v", 300, "a"), sharedVolume, revocable({ cpus: 2_000 })),
  all(sharedVolume, mountDisk("/m", 700)),
  all(plain({ cpus: 1_000 }), mountDisk("/m", 700)),
  toResources([
    { kind: toKind({ name: "zones", type: "set", reservations: [reservationFor("a")] }), value: ["x"] },
  ]),
  toResources([{ kind: toKind({ name: "ports", type: "ranges", revocable: true }), value: [1, 3] }]),
]
const reserves: ReadonlyArray<Quantities> = [
  {},
  { cpus: 500 },
  { cpus: 9_000, mem: 1_000 },
  { seats: 3, a1: 1, a2: 1, a3: 1, a4: 1 },
]
const adoptions: ReadonlyArray<Resources> = [
  plain({ cpus: 3_000 }),
  plain({ mem: 500, beyond: 2 }),
  reserved({ cpus: 600 }, "a"),
  volume("v", 300, "a"),
  all(sharedVolume, revocable({ cpus: 100 })),
  all(plain({ cpus: 1 }), mountDisk("/m", 700)),
  ports(1, 4),
  ports(3, 6, 20, 20),
]

/** The table and its twin, led through the same life. */
class TwoTables {
  readonly names = new ResourceNames()
  private readonly table = new HostTable(this.names, compileMinimum(this.names, minimumSets))
  private readonly naive = new NaiveHosts()
  private peak = 0

  private pick(draw: number) {
    const hosts = [...this.naive.hosts.values()]
    return hosts[draw % Math.max(1, hosts.length)]
  }

  readonly operations = {
    add: (which: number, what: number, how: number) => {
      const agentId = `agent-${which % 5}`
      if (this.naive.hosts.has(agentId)) return
      const slot = this.table.add(agentId)
      const total = totals[what % totals.length]!
      const isActive = how % 4 > 0
      this.naive.hosts.set(agentId, { agentId, slot, total, reserve: {}, isActive, holdings: [] })
      this.table.setTotal(slot, total)
      this.table.setActive(slot, isActive)
      this.peak = Math.max(this.peak, this.naive.hosts.size)
      expect([this.table.slotOf(agentId), this.table.ids[slot]]).toEqual([slot, agentId])
      expect([this.table.hashes[slot], this.table.bound]).toEqual([hostHash(agentId), this.peak])
    },
    remove: (which: number) => {
      const host = this.pick(which)
      if (host === undefined) return
      for (const holding of host.holdings) this.giveBack(host.slot, holding)
      this.table.remove(host.slot)
      this.naive.hosts.delete(host.agentId)
      expect(this.table.slotOf(host.agentId)).toBe(undefined)
    },
    setActive: (which: number, how: number) => {
      const host = this.pick(which)
      if (host === undefined) return
      host.isActive = how % 2 > 0
      this.table.setActive(host.slot, host.isActive)
    },
    setTotal: (which: number, what: number) => {
      const host = this.pick(which)
      if (host === undefined) return
      host.total = totals[what % totals.length]!
      this.table.setTotal(host.slot, host.total)
    },
    setReserve: (which: number, what: number) => {
      const host = this.pick(which)
      if (host === undefined) return
      host.reserve = reserves[what % reserves.length]!
      this.table.setReserve(host.slot, host.reserve)
    },
    takeWhole: (which: number) => {
      const host = this.pick(which)
      if (host === undefined || (this.table.flags[host.slot]! & (TAKEN | BARE | SPECIAL)) !== 0) return
      const resources = this.table.wholeOf(host.slot)
      const { plain: amounts, others } = toBundle(this.names, resources)
      expect(atomsToList(atomsOf(resources))).toEqual(this.naive.availableOn(host, this.names.names))
      // What whoever gets it holds.
      const row = Array.from(this.rowOf(host.slot))
      expect([row.slice(0, amounts.length), row[row.length - 1]]).toEqual([amounts, others])
      this.table.takeWhole(host.slot)
      host.holdings = [...host.holdings, resources]
    },
    takePart: (which: number, share: number) => {
      const host = this.pick(which)
      if (host === undefined) return
      const part = partOf(this.table.availableOn(host.slot), share)
      const bundle = toBundle(this.names, part)
      expect(this.table.canTake(host.slot, bundle)).toBe(true)
      this.table.takePart(host.slot, bundle)
      host.holdings = [...host.holdings, part]
    },
    adopt: (which: number, what: number) => {
      const host = this.pick(which)
      if (host === undefined) return
      const resources = adoptions[what % adoptions.length]!
      this.table.takeAnyway(host.slot, toBundle(this.names, resources))
      host.holdings = [...host.holdings, resources]
    },
    giveBack: (which: number, what: number) => {
      const host = this.pick(which)
      const index = what % Math.max(1, host?.holdings.length ?? 0)
      const holding = host?.holdings[index]
      if (host === undefined || holding === undefined) return
      host.holdings = host.holdings.filter((_, place) => place !== index)
      this.giveBack(host.slot, what % 5 > 0 ? holding : toResources(holding))
    },
    giveBackPart: (which: number, what: number) => {
      const host = this.pick(which)
      const index = what % Math.max(1, host?.holdings.length ?? 0)
      const holding = host?.holdings[index]
      if (host === undefined || holding === undefined) return
      const part = partOf(holding, what)
      const left = subtractResources(holding, part)
      host.holdings = host.holdings.map((other, place) => (place === index ? left : other))
      this.giveBack(host.slot, part)
    },
    read: () => {
      for (const host of this.naive.hosts.values()) this.compare(host.slot)
    },
    canTake: (which: number, what: number, how: number) => {
      const host = this.pick(which)
      if (host === undefined) return
      const wanted = toResources(
        [totals, adoptions]
          .flat()
          [what % (totals.length + adoptions.length)]!.filter(
            ({ kind }, index) => !kind.shared && (how >> index) % 2 > 0,
          ),
      )
      const available = new Map(this.naive.availableOn(host, this.names.names))
      const isThere = [...atomsOf(wanted)].every(([atom, count]) => (available.get(atom) ?? 0) >= count)
      expect(this.table.canTake(host.slot, toBundle(this.names, wanted))).toBe(isThere)
    },
    addName: (which: number) => {
      this.names.numberOf(`name${which % 30}`)
    },
  }

  private giveBack(slot: number, resources: Resources): void {
    const isTaken = (this.table.flags[slot]! & TAKEN) !== 0
    const bundle = toBundle(this.names, resources)
    if (!this.table.giveBackWhole(slot, resources)) return this.table.giveBack(slot, bundle)
    expect(isTaken).toBe(true)
    const row = this.rowOf(slot)
    expect([bundle.plain, bundle.others]).toEqual([
      Array.from(row.slice(0, bundle.plain.length)),
      row[row.length - 1],
    ])
  }

  private rowOf(slot: number): Float64Array {
    const { width } = this.names
    return this.table.available.slice(slot * width, (slot + 1) * width)
  }

  private amounts(amountOf: (name: string) => number): Quantities {
    return toQuantities(this.names.names.map((name): [string, number] => [name, amountOf(name)]))
  }

  private compare(slot: number): void {
    const { table, naive } = this
    const host = [...naive.hosts.values()].find((other) => other.slot === slot)!
    const available = table.availableOn(slot)
    expect({
      available: atomsToList(atomsOf(available)),
      allocated: atomsToList(atomsOf(table.allocatedOn(slot, sharedVolume))),
      heldRest: atomsToList(atomsOf(table.heldRestOf(slot))),
      holdsNothing: table.holdsNothing(slot),
      heldReserve: table.heldReserve(slot),
      missingReserve: table.missingReserve(slot),
      total: table.quantities((column) => table.totalAt(slot, column)),
      flags: table.flags[slot],
    }).toEqual({
      available: naive.availableOn(host, this.names.names),
      allocated: atomsToList(
        new Map([
          ...atomsOf(plain(this.amounts((name) => naive.allocated(host, name)))),
          ...naive.heldRest(host),
          ...atomsOf(sharedVolume),
        ]),
      ),
      heldRest: naive.heldRest(host),
      holdsNothing: host.holdings.flat().every(({ kind }) => kind.shared),
      heldReserve: this.amounts((name) => naive.heldReserve(host, name)),
      missingReserve: this.amounts((name) => naive.missingReserve(host, name)),
      total: this.amounts((name) => plainOf(host.total, name)),
      flags: flagsOf(host.isActive, host.total, available),
    })
    expect(available).toEqual(toResources(available))
    expect(
      addResources(plain(table.quantities((at) => table.totalAt(slot, at))), table.rests.total[slot]!),
    ).toEqual(host.total)
  }

  /** What is known of all hosts at any time, also of those that were taken whole. */
  checkSums(): void {
    const { table, naive } = this
    const hosts = [...naive.hosts.values()]
    expect(table.activeCount).toBe(hosts.filter(({ isActive }) => isActive).length)
    expect(table.quantities((column) => table.activeAvailable[column] ?? 0)).toEqual(
      this.amounts((name) => naive.activeAvailable(name)),
    )
  }
}

/** Some of it: of each divisible resource a share, of the others this one or that. */
const partOf = (resources: Resources, share: number): Resources =>
  toResources(
    resources.flatMap(({ kind, value }, index): ReadonlyArray<Resource> => {
      if ((share >> index) % 3 === 0) return []
      if (kind.type !== "scalar" || kind.disk !== null) return [{ kind, value }]
      return [{ kind, value: Math.ceil((value as number) / (1 + (share % 2))) }]
    }),
  )

const flagsOf = (isActive: boolean, total: Resources, available: Resources): number => {
  const isOdd = ({ kind }: Resource) => kind.reservations.length > 0 || kind.revocable || kind.shared
  const isSpecial = total.some((resource) => isOdd(resource) || resource.kind.disk !== null)
  const isBare = available.every(({ kind }) => kind.shared)
  const amounts = quantitiesWithCounts(available)
  const isSmall = isBare || !minimumSets.some((set) => containsQuantities(amounts, set))
  return (isActive ? ACTIVE : 0) | (isSpecial ? SPECIAL : 0) | (isBare ? BARE : 0) | (isSmall ? SMALL : 0)
}

type Operation = keyof TwoTables["operations"]
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
        const two = new TwoTables()
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
      ports(1, 2),
      all(plain({ cpus: 3 }), ports(1, 2)),
      noResources,
      { cpus: 1 },
      {},
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
