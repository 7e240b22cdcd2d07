import { expect } from "vitest"
import { toBundle } from "../../core/allocation/IndexedAllocator/Bundle.ts"
import {
  ACTIVE,
  BARE,
  HostTable,
  SMALL,
  SPECIAL,
  TAKEN,
} from "../../core/allocation/IndexedAllocator/HostTable.ts"
import { compileMinimum } from "../../core/allocation/IndexedAllocator/Minimum.ts"
import { ResourceNames } from "../../core/allocation/IndexedAllocator/ResourceNames.ts"
import { hostHash } from "../../core/allocation/VisitOrder.ts"
import { containsQuantities, type Quantities, toQuantities } from "../../core/resources/Quantities.ts"
import { type Resource, toKind } from "../../core/resources/Resource.ts"
import {
  addResources,
  noResources,
  quantitiesToResources,
  quantitiesWithCounts,
  type Resources,
  subtractResources,
  toResources,
} from "../../core/resources/Resources.ts"
import { mountDisk, ports, reservationFor, reserved, revocable, volume } from "./allocation/Fixtures.ts"
import { NaiveHosts, plainOf } from "./naive/NaiveHosts.ts"
import { atomsOf, atomsToList } from "./ResourceAtoms.ts"

export const plain = quantitiesToResources
export const all = (...lists: ReadonlyArray<Resources>): Resources => lists.reduce(addResources, noResources)
export const sharedVolume = volume("s", 900, "a", true)

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
  { seats: 3, a1: 1, a2: 1, a3: 1, licences: 2, tokens: 5 },
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

/** The hosts' books and their twin, led through the same life by numbers that fast-check draws. */
export class TwoHostTables {
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
