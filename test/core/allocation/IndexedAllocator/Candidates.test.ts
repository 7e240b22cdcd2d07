import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Candidates } from "../../../../core/allocation/IndexedAllocator/Candidates.ts"
import { HostTable } from "../../../../core/allocation/IndexedAllocator/HostTable.ts"
import { compileMinimum } from "../../../../core/allocation/IndexedAllocator/Minimum.ts"
import { ResourceNames } from "../../../../core/allocation/IndexedAllocator/ResourceNames.ts"

class Hosts {
  private readonly names = new ResourceNames()
  readonly table = new HostTable(this.names, compileMinimum(this.names, []))
  readonly candidates = new Candidates(this.table)

  take(scope: "changed" | "all", hasQuotas = false): ReadonlyArray<number> {
    const count = this.candidates.take(scope, hasQuotas)
    return Array.from(this.candidates.slots.subarray(0, count))
  }
}

/** The rules with sets of slots. */
class Twin {
  readonly active = new Set<number>()
  changed = new Set<number>()
  heldBack = new Set<number>()
  /** Slots whose host was held back and is gone: who has the slot now may be taken once for nothing. */
  left = new Set<number>()
  isAllChanged = false
  isLoosened = false

  take(scope: "changed" | "all", hasQuotas: boolean): ReadonlySet<number> {
    const isAll = scope === "all" || this.isAllChanged
    const isFreed = hasQuotas && this.isLoosened
    const wanted = isAll ? this.active : new Set([...this.changed, ...(isFreed ? this.heldBack : [])])
    if (isAll || isFreed) this.heldBack = new Set()
    this.changed = new Set()
    this.isAllChanged = false
    this.isLoosened = false
    return new Set([...wanted].filter((slot) => this.active.has(slot)))
  }
}

const slotCount = 6

/** Candidates and their twin, led through the same life. */
class TwoBooks {
  private readonly hosts = new Hosts()
  private readonly twin = new Twin()

  constructor() {
    for (let slot = 0; slot < slotCount; slot++) this.hosts.table.add(`agent-${slot}`)
  }

  readonly operations = {
    change: (slot: number) => {
      this.hosts.candidates.noteChanged(slot)
      this.twin.changed.add(slot)
    },
    holdBack: (slot: number) => {
      this.hosts.candidates.noteHeldBack(slot)
      this.twin.heldBack.add(slot)
    },
    setActive: (slot: number, isActive: boolean) => {
      this.hosts.table.setActive(slot, isActive)
      if (isActive) this.twin.active.add(slot)
      else this.twin.active.delete(slot)
    },
    /** Another host takes the slot. */
    replace: (slot: number) => {
      const { twin } = this
      if (twin.heldBack.delete(slot)) twin.left.add(slot)
      twin.active.delete(slot)
      twin.changed.delete(slot)
      this.hosts.table.remove(slot)
      expect(this.hosts.table.add(`agent-${slot}`)).toBe(slot)
    },
    changeAll: () => {
      this.hosts.candidates.noteAllChanged()
      this.twin.isAllChanged = true
    },
    loosen: () => {
      this.hosts.candidates.noteLoosened()
      this.twin.isLoosened = true
    },
    take: (_: number, hasQuotas: boolean) => this.take("changed", hasQuotas),
    takeAll: (_: number, hasQuotas: boolean) => this.take("all", hasQuotas),
  }

  private take(scope: "changed" | "all", hasQuotas: boolean): void {
    const { hosts, twin } = this
    const hasAny = hosts.candidates.hasAny(hasQuotas)
    const isLeft = (slot: number) => hasQuotas && twin.left.has(slot)
    const wanted = twin.take(scope, hasQuotas)
    const taken = hosts.take(scope, hasQuotas)
    expect(taken.length).toBe(new Set(taken).size)
    expect(taken.filter((slot) => !isLeft(slot) || wanted.has(slot)).sort()).toEqual([...wanted].sort())
    expect(taken.every((slot) => twin.active.has(slot))).toBe(true)
    if (scope === "changed" && taken.length > 0) expect(hasAny).toBe(true)
  }
}

type Operation = keyof TwoBooks["operations"]

describe("Candidates", () => {
  it("are the active hosts on which something changed, or all, whoever came, went and was held back", () => {
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom<Operation>("change", "setActive", "holdBack", "take") },
      { weight: 1, arbitrary: fc.constantFrom<Operation>("replace", "changeAll", "loosen", "takeAll") },
    )
    const step = fc.tuple(operation, fc.nat(slotCount - 1), fc.boolean())
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const two = new TwoBooks()
        for (const [name, slot, flag] of steps) two.operations[name](slot, flag)
        two.operations.take(0, true)
      }),
      { numRuns: 120 },
    )
  })

  const hostsOf = (count: number): Hosts => {
    const hosts = new Hosts()
    for (let slot = 0; slot < count; slot++) hosts.table.setActive(hosts.table.add(`agent-${slot}`), true)
    return hosts
  }

  it("are taken once for each change", () => {
    const hosts = hostsOf(3)
    hosts.candidates.noteChanged(1)
    hosts.candidates.noteChanged(1)
    expect([hosts.take("changed"), hosts.take("changed")]).toEqual([[1], []])
    hosts.candidates.noteChanged(1)
    expect([hosts.take("all"), hosts.take("changed")]).toEqual([[0, 1, 2], []])
  })

  it("include a host that a quota held back when quotas loosen, not before and not twice", () => {
    const hosts = hostsOf(2)
    hosts.candidates.noteHeldBack(1)
    expect([hosts.candidates.hasAny(true), hosts.take("changed", true)]).toEqual([false, []])
    hosts.candidates.noteLoosened()
    expect([hosts.candidates.hasAny(true), hosts.take("changed", true)]).toEqual([true, [1]])
    hosts.candidates.noteLoosened()
    expect([hosts.candidates.hasAny(true), hosts.take("changed", true)]).toEqual([false, []])
    hosts.candidates.noteHeldBack(1)
    hosts.candidates.noteLoosened()
    expect([hosts.candidates.hasAny(false), hosts.take("changed", false)]).toEqual([false, []])
  })

  it("are none while nothing that changed is active", () => {
    const hosts = hostsOf(2)
    hosts.candidates.noteChanged(0)
    hosts.table.setActive(0, false)
    expect([hosts.candidates.hasAny(false), hosts.take("changed")]).toEqual([false, []])
    hosts.candidates.noteAllChanged()
    expect(hosts.candidates.hasAny(false)).toBe(true)
    hosts.table.setActive(1, false)
    expect(hosts.candidates.hasAny(false)).toBe(false)
  })

  it("know nothing of the host that had a slot before", () => {
    const hosts = hostsOf(1)
    hosts.candidates.noteChanged(0)
    hosts.table.remove(0)
    hosts.table.setActive(hosts.table.add("other"), true)
    expect([hosts.candidates.hasAny(false), hosts.take("changed")]).toEqual([false, []])
    hosts.candidates.noteChanged(0)
    expect([hosts.candidates.hasAny(false), hosts.take("changed")]).toEqual([true, [0]])
  })
})
