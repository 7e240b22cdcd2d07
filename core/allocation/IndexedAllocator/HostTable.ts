import { assert } from "../../Assert.ts"
import { noQuantities, type Quantities, toQuantities } from "../../resources/Quantities.ts"
import {
  addResources,
  containsResources,
  isNoResources,
  noResources,
  type Resources,
} from "../../resources/Resources.ts"
import type { AllocatorAgent } from "../Allocator.ts"
import { hostHash } from "../VisitOrder.ts"
import { type Bundle, bundleOfRow, freeInRest, isNothing, toBundle } from "./Bundle.ts"
import { grownFloat64, grownUint8, grownUint32, widenedRows } from "./Growable.ts"
import { HostChanges } from "./HostChanges.ts"
import { HostRests } from "./HostRests.ts"
import { type Minimum, reachesMinimum } from "./Minimum.ts"
import type { ResourceNames } from "./ResourceNames.ts"

/** What a host is like, one bit each. */
export const ACTIVE = 1
/** Something of it changed since it was last a candidate. */
export const CHANGED = 2
/** A quota kept somebody from getting more of it when it was last visited. */
export const HELD_BACK = 4
/** It has more than plain scalars and unreserved ranges and sets: what a client gets of it depends on the client. */
export const SPECIAL = 8
/** Given away whole: what the rows and the bundle show as available is held by whoever got it. */
export const TAKEN = 16
/** Nothing is available but copies of shared resources. */
export const BARE = 32
/** What is available does not reach the minimum of an offer. */
export const SMALL = 64

/**
 * The hosts' books, numbered by slot. Plain scalars lie in rows of typed arrays; the rest (ports, reservations, volumes) in
 * immutable resources. What is available is kept ready to be offered. Giving a host away whole and getting it back whole, which
 * is most of what happens, sets and clears a bit; everything else first brings the books up to date (`untake`). A cycle visits
 * hosts in random order, so each array that it need not look at is a miss of the cache less.
 */
export class HostTable {
  readonly ids: Array<string> = []
  readonly agents: Array<AllocatorAgent | undefined> = []
  hashes: Uint32Array = new Uint32Array(16)
  flags: Uint8Array = new Uint8Array(16)
  /** What the host demands of clients: bits of `Gates.ts`. */
  demands: Uint8Array = new Uint8Array(16)
  /** Rows of plain scalars: `available = max(0, total − allocated − reserve)`. */
  total: Float64Array
  allocated: Float64Array
  reserve: Float64Array
  available: Float64Array
  readonly rests = new HostRests()
  private readonly totals: Array<Resources> = []
  /** All that is available, ready to be offered; undefined = {@link wholeOf} makes it. */
  readonly wholes: Array<Resources | undefined> = []
  /** Unreserved disks and the like in `rests.available`, by column. */
  private readonly freeInRest: Array<ReadonlyArray<number> | undefined> = []
  /** Sum of what is available and free (unreserved, not revocable) over the active hosts, by column. */
  readonly activeAvailable: Array<number> = []
  /** Hosts of which something was taken or given back, and more such. */
  readonly changes = new HostChanges()
  /** Another number whenever a host comes, goes or is described anew. */
  shape = 0
  private readonly removals: Array<(slot: number, agentId: string) => void> = []
  private activeHosts = 0
  private readonly slots = new Map<string, number>()
  private readonly free: Array<number> = []
  private width: number

  constructor(
    private readonly names: ResourceNames,
    private readonly minimum: Minimum,
  ) {
    this.width = names.width
    this.total = new Float64Array(16 * this.width)
    this.allocated = new Float64Array(16 * this.width)
    this.reserve = new Float64Array(16 * this.width)
    this.available = new Float64Array(16 * this.width)
    names.onWiden((before, after) => {
      this.total = widenedRows(this.total, before, after)
      this.allocated = widenedRows(this.allocated, before, after)
      this.reserve = widenedRows(this.reserve, before, after)
      this.available = widenedRows(this.available, before, after)
      this.width = after
    })
  }

  /** Slots are below this. */
  get bound(): number {
    return this.ids.length
  }

  get activeCount(): number {
    return this.activeHosts
  }

  slotOf(agentId: string): number | undefined {
    return this.slots.get(agentId)
  }

  add(agentId: string): number {
    const slot = this.free.length > 0 ? this.free.pop()! : this.ids.length
    this.makeRoom(slot + 1)
    this.slots.set(agentId, slot)
    this.ids[slot] = agentId
    this.hashes[slot] = hostHash(agentId)
    this.agents[slot] = undefined
    this.flags[slot] = 0
    this.rests.init(slot)
    this.totals[slot] = noResources
    this.freeInRest[slot] = undefined
    this.wholes[slot] = undefined
    for (const rows of [this.total, this.allocated, this.reserve, this.available]) {
      rows.fill(0, slot * this.width, (slot + 1) * this.width)
    }
    return slot
  }

  onRemove(listener: (slot: number, agentId: string) => void): void {
    this.removals.push(listener)
  }

  remove(slot: number): void {
    this.setActive(slot, false)
    this.shape++
    for (const onRemove of this.removals) onRemove(slot, this.ids[slot]!)
    this.slots.delete(this.ids[slot]!)
    this.ids[slot] = ""
    this.agents[slot] = undefined
    this.flags[slot] = 0
    this.wholes[slot] = undefined
    this.rests.init(slot)
    this.totals[slot] = noResources
    this.free.push(slot)
  }

  /** What the host is like, and what it demands of clients (`Gates.ts`). */
  describe(slot: number, agent: AllocatorAgent, demands: number): void {
    this.agents[slot] = agent
    this.demands[slot] = demands
    this.shape++
  }

  setActive(slot: number, isActive: boolean): void {
    if (((this.flags[slot]! & ACTIVE) !== 0) === isActive) return
    this.untake(slot)
    this.sumAvailable(slot, isActive ? 1 : -1)
    this.activeHosts += isActive ? 1 : -1
    this.flags[slot] = isActive ? this.flags[slot]! | ACTIVE : this.flags[slot]! & ~ACTIVE
  }

  /** What the host has in all; what is held of it stays held, whether or not it still fits. */
  setTotal(slot: number, total: Resources): void {
    this.untake(slot)
    const { plain, rest } = toBundle(this.names, total)
    const base = slot * this.width
    this.total.fill(0, base, base + this.width)
    for (let column = 0; column < plain.length; column++) this.total[base + column] = plain[column]!
    this.rests.setTotal(slot, rest)
    this.totals[slot] = total
    const isSpecial = rest.some(
      ({ kind }) => kind.reservations.length > 0 || kind.revocable || kind.shared || kind.type === "scalar",
    )
    this.flags[slot] = isSpecial ? this.flags[slot]! | SPECIAL : this.flags[slot]! & ~SPECIAL
    this.settle(slot)
  }

  setReserve(slot: number, reserve: Quantities): void {
    this.untake(slot)
    const names = Object.keys(reserve)
    for (const name of names) this.names.numberOf(name)
    this.reserve.fill(0, slot * this.width, (slot + 1) * this.width)
    for (const name of names) this.reserve[slot * this.width + this.names.numberOf(name)] = reserve[name]!
    this.settle(slot)
  }

  // --- taking and giving back ---

  /** All that can be offered of it, kept until something changes; not of a host that is {@link TAKEN}. */
  wholeOf(slot: number): Resources {
    const whole = this.wholes[slot]
    return whole === undefined ? this.buildWhole(slot) : whole
  }

  private buildWhole(slot: number): Resources {
    const bundle = this.bundleOf(slot)
    // Of a host of which nothing is held it is the very total: one copy less for each idle host.
    const resources = this.isUntouched(slot) ? this.totals[slot]! : bundle.resources.slice()
    this.wholes[slot] = resources
    this.available[(slot + 1) * this.width - 1] = bundle.others
    return resources
  }

  private isUntouched(slot: number): boolean {
    const base = slot * this.width
    for (let column = 0; column < this.names.names.length; column++) {
      if (this.available[base + column] !== this.total[base + column]) return false
    }
    return this.rests.available[slot] === this.rests.total[slot]
  }

  /** The same for the books, made anew each time: of a host that is {@link SPECIAL}. */
  bundleOf(slot: number): Bundle {
    return bundleOfRow(this.names, this.available, slot * this.width, this.rests.available[slot]!)
  }

  /** Takes all that is available, which {@link wholeOf} gives; not of a host that is {@link SPECIAL}. */
  takeWhole(slot: number): void {
    const flag = this.flags[slot]!
    this.flags[slot] = flag | TAKEN
    this.changes.note(slot)
    if ((flag & ACTIVE) !== 0) this.sumAvailable(slot, -1)
  }

  /** Gives all of it back, if these are the very resources that were taken whole; they are the row of `available` then. */
  giveBackWhole(slot: number, resources: Resources): boolean {
    const flag = this.flags[slot]!
    if ((flag & TAKEN) === 0 || this.wholes[slot] !== resources) return false
    this.flags[slot] = flag & ~TAKEN
    this.changes.note(slot)
    if ((flag & ACTIVE) !== 0) this.sumAvailable(slot, 1)
    return true
  }

  /** Brings the books of a host that was taken whole up to date. */
  private untake(slot: number): void {
    const flag = this.flags[slot]!
    if ((flag & TAKEN) === 0) return
    const base = slot * this.width
    for (let column = 0; column < this.names.names.length; column++) {
      this.allocated[base + column] = this.allocated[base + column]! + this.available[base + column]!
    }
    // Not available any more, so that `settle` does not take it from the sum a second time.
    this.available.fill(0, base, base + this.width)
    this.rests.takeAll(slot)
    this.flags[slot] = flag & ~TAKEN
    this.settle(slot)
  }

  /** Takes a part of what is available. */
  takePart(slot: number, { plain, rest }: Bundle): void {
    this.untake(slot)
    this.addAllocated(slot, plain, 1)
    this.rests.take(slot, rest)
    this.settle(slot)
  }

  /** Takes what is held already, available or not. */
  takeAnyway(slot: number, { plain, rest }: Bundle): void {
    this.untake(slot)
    this.addAllocated(slot, plain, 1)
    this.rests.takeAnyway(slot, rest)
    this.settle(slot)
  }

  giveBack(slot: number, { plain, rest }: Bundle): void {
    this.untake(slot)
    this.addAllocated(slot, plain, -1)
    this.rests.giveBack(slot, rest, this.ids[slot]!)
    this.settle(slot)
  }

  private addAllocated(slot: number, plain: ReadonlyArray<number>, sign: number): void {
    const base = slot * this.width
    for (let column = 0; column < plain.length; column++) {
      const milli = this.allocated[base + column]! + sign * plain[column]!
      assert(
        milli >= 0,
        () => `agent ${this.ids[slot]} got back more ${this.names.names[column]} than was held of it`,
      )
      this.allocated[base + column] = milli
    }
  }

  /** Brings `available` up to date, and what the flags say of it. */
  private settle(slot: number): void {
    const { total, allocated, reserve, available, activeAvailable } = this
    const base = slot * this.width
    this.changes.note(slot)
    const isActive = (this.flags[slot]! & ACTIVE) !== 0
    let isBare = true
    for (let column = 0; column < this.names.names.length; column++) {
      const at = base + column
      const milli = Math.max(0, total[at]! - allocated[at]! - reserve[at]!)
      if (isActive) activeAvailable[column] = (activeAvailable[column] || 0) + milli - available[at]!
      available[at] = milli
      if (milli > 0) isBare = false
    }
    this.settleRest(slot, isActive)
    this.wholes[slot] = undefined
    if (isBare) isBare = isNothing(this.rests.available[slot]!)
    const isSmall = isBare || !reachesMinimum(this.minimum, available, base, this.rests.available[slot]!)
    this.flags[slot] = (this.flags[slot]! & ~(BARE | SMALL)) | (isBare ? BARE : 0) | (isSmall ? SMALL : 0)
  }

  private settleRest(slot: number, isActive: boolean): void {
    const isSpecial = (this.flags[slot]! & SPECIAL) !== 0
    if (!isSpecial && this.freeInRest[slot] === undefined) return
    if (isActive) this.sumFreeInRest(slot, -1)
    this.freeInRest[slot] = isSpecial ? freeInRest(this.names, this.rests.available[slot]!) : undefined
    if (isActive) this.sumFreeInRest(slot, 1)
  }

  private sumAvailable(slot: number, sign: number): void {
    const { activeAvailable, available } = this
    const base = slot * this.width
    for (let column = 0; column < this.names.names.length; column++) {
      activeAvailable[column] = (activeAvailable[column] || 0) + sign * available[base + column]!
    }
    if ((this.flags[slot]! & SPECIAL) !== 0) this.sumFreeInRest(slot, sign)
  }

  private sumFreeInRest(slot: number, sign: number): void {
    const { activeAvailable } = this
    const free = this.freeInRest[slot]
    if (free === undefined) return
    for (let column = 0; column < free.length; column++) {
      activeAvailable[column] = (activeAvailable[column] || 0) + sign * free[column]!
    }
  }

  // --- reading ---

  canTake(slot: number, { plain, rest }: Bundle): boolean {
    this.untake(slot)
    const base = slot * this.width
    for (let column = 0; column < plain.length; column++) {
      if (plain[column]! > this.available[base + column]!) return false
    }
    return containsResources(this.rests.available[slot]!, rest)
  }

  /** Held of it besides plain and shared resources. */
  heldRestOf(slot: number): Resources {
    this.untake(slot)
    return this.rests.heldOn(slot)
  }

  holdsNothing(slot: number): boolean {
    this.untake(slot)
    const base = slot * this.width
    for (let column = 0; column < this.names.names.length; column++) {
      if (this.allocated[base + column] !== 0) return false
    }
    return isNoResources(this.heldRestOf(slot))
  }

  /** The part of the reserve that is taken: `min(reserve, total − allocated)`. */
  heldReserve(slot: number): Quantities {
    this.untake(slot)
    return this.quantities((column) => {
      const at = slot * this.width + column
      return Math.max(0, Math.min(this.reserve[at]!, this.total[at]! - this.allocated[at]!))
    })
  }

  /** What the reserve lacks, as far as the host has it at all. */
  missingReserve(slot: number): Quantities {
    this.untake(slot)
    return this.quantities((column) => {
      const at = slot * this.width + column
      const free = Math.max(0, this.total[at]! - this.allocated[at]!)
      return Math.max(0, Math.min(this.reserve[at]!, this.total[at]!) - free)
    })
  }

  totalAt(slot: number, column: number): number {
    return this.total[slot * this.width + column]!
  }

  /** All that could be offered of it to somebody. */
  availableOn(slot: number): Resources {
    this.untake(slot)
    return this.wholeOf(slot)
  }

  allocatedOn(slot: number, shared: Resources): Resources {
    const rest = addResources(this.heldRestOf(slot), shared)
    return bundleOfRow(this.names, this.allocated, slot * this.width, rest).resources
  }

  /** Amounts by name of what a column says. */
  quantities(amountAt: (column: number) => number): Quantities {
    const { names } = this.names
    if (names.length === 0) return noQuantities
    return toQuantities(names.map((name, column): [string, number] => [name, amountAt(column)]))
  }

  private makeRoom(count: number): void {
    this.hashes = grownUint32(this.hashes, count)
    this.flags = grownUint8(this.flags, count)
    this.demands = grownUint8(this.demands, count)
    const words = count * this.width
    this.total = grownFloat64(this.total, words)
    this.allocated = grownFloat64(this.allocated, words)
    this.reserve = grownFloat64(this.reserve, words)
    this.available = grownFloat64(this.available, words)
  }
}
