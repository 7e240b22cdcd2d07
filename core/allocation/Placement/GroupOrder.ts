import { type HostTable, TAKEN } from "../IndexedAllocator/HostTable.ts"
import type { ResourceNames } from "../IndexedAllocator/ResourceNames.ts"
import { type Admission, type Condition, isBanned } from "./Admission.ts"
import { CLOSED, HostTree, type WantedAmounts } from "./HostTree.ts"

/** Hosts that are in the same domain under each condition. */
interface Segment {
  /** By condition. */
  readonly domains: ReadonlyArray<number>
  readonly slots: Array<number>
  tree: HostTree
}

/** No host may be used at all; none is admitted; none has enough. */
export const NO_HOST = -1
export const NONE_ADMITTED = -2
export const NONE_FITS = -3

/**
 * The hosts that a group may use, in the order in which it prefers them; kept up to date by what changes (`HostChanges`).
 * Bans are in the trees, conditions are asked for each segment before a task is placed. So a task costs a way from leaf to root, and as
 * many questions as there are combinations of domains.
 */
export class GroupOrder {
  private readonly segments: Array<Segment> = []
  private readonly segmentOf: Int32Array
  private readonly leafOf: Int32Array
  /** By condition: domains that occur. */
  private readonly inUse: ReadonlyArray<ReadonlyArray<number>>
  private readonly columns: number
  private read: number
  private readonly hosts: HostTable
  private readonly names: ResourceNames
  private readonly admission: Admission
  private readonly sign: 1 | -1
  /** What of the hosts and names it was made for. */
  private readonly shape: number

  /** @param slots the hosts that may be used, equals in the order in which they are preferred */
  constructor(
    hosts: HostTable,
    names: ResourceNames,
    slots: ReadonlyArray<number>,
    admission: Admission,
    prefer: "idle" | "busy",
  ) {
    this.hosts = hosts
    this.names = names
    this.admission = admission
    this.sign = prefer === "idle" ? 1 : -1
    this.shape = hosts.shape
    this.columns = names.names.length
    this.segmentOf = new Int32Array(hosts.bound).fill(-1)
    this.leafOf = new Int32Array(hosts.bound)
    this.divide(slots)
    this.inUse = admission.conditions.map((_, index) =>
      Array.from(new Set(this.segments.map(({ domains }) => domains[index]!))),
    )
    this.read = hosts.changes.count
    this.fill()
  }

  isCurrent(): boolean {
    return this.shape === this.hosts.shape && this.columns === this.names.names.length
  }

  private divide(slots: ReadonlyArray<number>): void {
    const { conditions } = this.admission
    const known = new Map<number | string, number>()
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index]!
      const key = domainsKey(conditions, slot)
      const at = known.get(key)
      const segment = at === undefined ? this.newSegment(slot) : this.segments[at]!
      if (at === undefined) known.set(key, this.segments.length - 1)
      this.segmentOf[slot] = at === undefined ? this.segments.length - 1 : at
      this.leafOf[slot] = segment.slots.length
      segment.slots.push(slot)
    }
    for (const segment of this.segments) segment.tree = new HostTree(segment.slots.length, this.columns)
  }

  private newSegment(slot: number): Segment {
    const domains = this.admission.conditions.map((condition) => condition.domains.numbers[slot]!)
    const segment: Segment = { domains, slots: [], tree: noTree }
    this.segments.push(segment)
    return segment
  }

  // --- keeping up ---

  private fill(): void {
    for (const { slots, tree } of this.segments) {
      for (let leaf = 0; leaf < slots.length; leaf++) this.put(tree, leaf, slots[leaf]!)
      tree.climbAll()
    }
  }

  private keepUp(): void {
    const { changes } = this.hosts
    const { count } = changes
    if (changes.reachesBackTo(this.read)) {
      for (let change = this.read; change < count; change++) this.follow(changes.at(change))
    } else this.fill()
    this.read = count
  }

  private follow(slot: number): void {
    const index = this.segmentOf[slot]!
    if (index < 0) return
    const { tree } = this.segments[index]!
    const leaf = this.leafOf[slot]!
    this.put(tree, leaf, slot)
    tree.climb(leaf)
  }

  private put(tree: HostTree, leaf: number, slot: number): void {
    const { hosts } = this
    if (this.isBanned(slot)) tree.putEmpty(leaf, CLOSED)
    // Its row shows what was available before.
    else if ((hosts.flags[slot]! & TAKEN) !== 0) tree.putEmpty(leaf, this.sign)
    else tree.put(leaf, this.sign * this.useOf(slot), hosts.available, slot * this.names.width)
  }

  private isBanned(slot: number): boolean {
    const { bans } = this.admission
    for (let index = 0; index < bans.length; index++) if (isBanned(bans[index]!, slot)) return true
    return false
  }

  private useOf(slot: number): number {
    const { total, available } = this.hosts
    const base = slot * this.names.width
    let largest = 0
    for (let column = 0; column < this.columns; column++) {
      const whole = total[base + column]!
      if (whole === 0) continue
      const share = (whole - available[base + column]!) / whole
      if (share > largest) largest = share
    }
    return largest
  }

  // --- choosing ---

  /** The preferred host that has the amounts. */
  find(wanted: WantedAmounts): number {
    this.keepUp()
    if (this.segments.length === 0) return NO_HOST
    const { conditions } = this.admission
    for (let index = 0; index < conditions.length; index++) conditions[index]!.begin(this.inUse[index]!)
    let found = -1
    let lowest = CLOSED
    let isSomeAdmitted = false
    for (let index = 0; index < this.segments.length; index++) {
      const segment = this.segments[index]!
      if (!this.isAdmitted(segment)) continue
      if (segment.tree.bestKey() < CLOSED) isSomeAdmitted = true
      const leaf = segment.tree.find(wanted, lowest)
      if (leaf < 0) continue
      const key = segment.tree.keyOf(leaf)
      const slot = segment.slots[leaf]!
      if (found < 0 || key < lowest || this.isBefore(slot, found)) {
        found = slot
        lowest = key
      }
    }
    return found >= 0 ? found : isSomeAdmitted ? NONE_FITS : NONE_ADMITTED
  }

  private isAdmitted({ domains }: Segment): boolean {
    const { conditions } = this.admission
    for (let index = 0; index < conditions.length; index++) {
      if (!conditions[index]!.admits(domains[index]!)) return false
    }
    return true
  }

  private isBefore(slot: number, other: number): boolean {
    const { hashes, ids } = this.hosts
    if (hashes[slot] !== hashes[other]) return hashes[slot]! < hashes[other]!
    return ids[slot]! < ids[other]!
  }
}

/** The same for hosts that are in the same domain under each condition; few have more than one. */
const domainsKey = (conditions: ReadonlyArray<Condition>, slot: number): number | string =>
  conditions.length === 0
    ? 0
    : conditions.length === 1
      ? conditions[0]!.domains.numbers[slot]!
      : conditions.map(({ domains }) => domains.numbers[slot]!).join()

const noTree = new HostTree(1, 0)
