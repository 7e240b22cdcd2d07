import { assert } from "../Assert.ts"
import { grownFloat64, grownInt32, grownUint8, widenedRows } from "./Growable.ts"
import type { ResourceNames } from "./ResourceNames.ts"
import { sortNodes } from "./SortNodes.ts"

const NONE = -1

/** The children of a node. Both lists grow as needed; `order` holds only those with somebody active below. */
interface Children {
  /** All of them by name; the place is the node's rank. */
  readonly byName: Array<number>
  order: Int32Array
  active: number
  /** Those whose key may have changed since they were put in their place: the first `staleCount`. */
  stale: Int32Array
  staleCount: number
}

/**
 * The tree of the fair order (spec/mesos.md §1.4): the root, roles by path component, and below each role that frameworks are in its
 * clients. A node knows what its subtree holds, so its share; siblings are kept in order of (priority, share, grants, name).
 *
 * Holdings count at once; the place among siblings follows in `refresh`, so that an order stays as it is while a host is visited.
 * Moving a node costs a binary search and one move of memory; many at once, a sort.
 */
export class FairTree {
  static readonly root = 0
  private readonly names: Array<string> = [""]
  private readonly children: Array<Children | undefined> = [newChildren()]
  private parents: Int32Array = new Int32Array(16).fill(NONE)
  private ranks: Int32Array = new Int32Array(16)
  /** Active clients in the subtree; a client counts itself. */
  private activeBelow: Int32Array = new Int32Array(16)
  private weights: Float64Array = new Float64Array(16).fill(1)
  private priorities: Float64Array = new Float64Array(16)
  private grantCounts: Float64Array = new Float64Array(16)
  /** The key by which the node stands in its order; behind `share` and `grants` until `refresh`. */
  private keyShares: Float64Array = new Float64Array(16)
  private keyGrants: Float64Array = new Float64Array(16)
  private grantFlags: Uint8Array = new Uint8Array(16)
  private granted: Array<number> = []
  private clientFlags: Uint8Array = new Uint8Array(16)
  private staleFlags: Uint8Array = new Uint8Array(16)
  private held: Float64Array
  private readonly free: Array<number> = []
  private used = 1
  private staleParents: Int32Array = new Int32Array(16)
  private staleParentCount = 0
  private allStale = false
  /** Total of the cluster by column, and which columns count. */
  private total: Float64Array
  private counts: Uint8Array
  private width: number

  constructor(readonly resourceNames: ResourceNames) {
    this.width = resourceNames.width
    this.held = new Float64Array(16 * this.width)
    this.total = new Float64Array(this.width)
    this.counts = new Uint8Array(this.width).fill(1)
    resourceNames.onWiden((before, after) => {
      this.held = widenedRows(this.held, before, after)
      this.total = widenedRows(this.total, before, after)
      const counts = new Uint8Array(after).fill(1)
      counts.set(this.counts)
      this.counts = counts
      this.width = after
    })
  }

  /** Nodes are numbered below this. */
  get bound(): number {
    return this.used
  }

  // --- structure ---

  addRole(parent: number, path: string, weight: number, priority: number): number {
    const node = this.newNode(path, weight, priority)
    this.attach(node, parent)
    return node
  }

  addClient(leaf: number, frameworkId: string): number {
    const node = this.newNode(frameworkId, 1, 0)
    this.clientFlags[node] = 1
    this.attach(node, leaf)
    return node
  }

  isClient(node: number): boolean {
    return this.clientFlags[node] === 1
  }

  /** Removes a node without children that holds nothing. */
  remove(node: number): void {
    assert(this.activeBelow[node] === 0, `node ${this.names[node]} is active`)
    assert(this.childCount(node) === 0, `node ${this.names[node]} has children`)
    this.detach(node)
    this.forget(node)
  }

  private newNode(name: string, weight: number, priority: number): number {
    const node = this.free.length > 0 ? this.free.pop()! : this.used++
    this.makeRoom(node + 1)
    this.names[node] = name
    this.children[node] = undefined
    this.weights[node] = weight
    this.priorities[node] = priority
    this.activeBelow[node] = 0
    this.grantCounts[node] = 0
    this.keyShares[node] = 0
    this.keyGrants[node] = 0
    this.staleFlags[node] = 0
    this.clientFlags[node] = 0
    this.held.fill(0, node * this.width, (node + 1) * this.width)
    return node
  }

  private forget(node: number): void {
    this.names[node] = ""
    this.children[node] = undefined
    this.parents[node] = NONE
    this.activeBelow[node] = 0
    this.staleFlags[node] = 0
    this.grantFlags[node] = 0
    this.free.push(node)
  }

  /** Puts a node between another and all its children: the virtual leaf `a/.` of a role that becomes an inner node. It counts
   * what the other counts so far. */
  insertBelow(node: number, name: string): number {
    const virtual = this.newNode(name, 1, 0)
    this.moveChildren(node, virtual)
    this.grantCounts[virtual] = this.grantCounts[node]!
    this.activeBelow[virtual] = this.activeBelow[node]!
    for (let column = 0; column < this.width; column++) {
      this.held[virtual * this.width + column] = this.held[node * this.width + column]!
    }
    this.attach(virtual, node)
    if (this.isActive(virtual)) this.enter(virtual)
    return virtual
  }

  /** The reverse, when the virtual leaf is an only child. */
  removeBetween(virtual: number): void {
    const node = this.parents[virtual]!
    assert(this.childCount(node) === 1, `node ${this.names[virtual]} has siblings`)
    this.detach(virtual)
    this.moveChildren(virtual, node)
    this.forget(virtual)
  }

  private moveChildren(from: number, to: number): void {
    const moved = this.children[from]
    this.children[to] = moved
    this.children[from] = undefined
    if (moved === undefined) return
    for (const child of moved.byName) this.parents[child] = to
    if (moved.staleCount > 0) this.noteStaleParent(to)
  }

  nameOf(node: number): string {
    return this.names[node]!
  }

  parentOf(node: number): number {
    return this.parents[node]!
  }

  childCount(node: number): number {
    const children = this.children[node]
    return children === undefined ? 0 : children.byName.length
  }

  // --- activity ---

  isActive(node: number): boolean {
    return this.activeBelow[node]! > 0
  }

  activeClients(): number {
    return this.activeBelow[FairTree.root]!
  }

  /** Lists a client, or takes it out of its order and those of ancestors that have nobody else. */
  setClientActive(client: number, isActive: boolean): void {
    if (this.isActive(client) === isActive) return
    this.addActive(client, isActive ? 1 : -1)
  }

  private addActive(from: number, change: number): void {
    for (let node = from; node !== NONE; node = this.parents[node]!) {
      const before = this.activeBelow[node]!
      this.activeBelow[node] = before + change
      if (node === FairTree.root) return
      if (before === 0) this.enter(node)
      else if (before + change === 0) this.leave(node)
    }
  }

  private enter(node: number): void {
    const siblings = this.childrenOf(this.parents[node]!)
    this.keyShares[node] = this.currentShare(node)
    this.keyGrants[node] = this.grantCounts[node]!
    siblings.order = grownInt32(siblings.order, siblings.active + 1)
    const place = this.placeFor(node, siblings, 0, siblings.active)
    siblings.order.copyWithin(place + 1, place, siblings.active)
    siblings.order[place] = node
    siblings.active++
  }

  private leave(node: number): void {
    const siblings = this.childrenOf(this.parents[node]!)
    const place = this.placeOf(node, siblings)
    siblings.order.copyWithin(place, place + 1, siblings.active)
    siblings.active--
  }

  // --- holdings and shares ---

  /** Adds (`sign` 1) or takes away (−1) what a client holds, in it and all its ancestors but the root; a booking of a
   * cycle is a grant besides. */
  hold(client: number, counted: ReadonlyArray<number>, sign: number, grants: number): void {
    const { held, width, parents } = this
    const columns = counted.length
    for (let node = client; node !== FairTree.root; node = parents[node]!) {
      const base = node * width
      for (let column = 0; column < columns; column++) {
        held[base + column] = held[base + column]! + sign * counted[column]!
      }
      if (grants > 0) this.grant(node)
      this.markStale(node)
    }
  }

  /** A grant of one row of a table of amounts. */
  grantRow(client: number, rows: Float64Array, from: number, columns: number): void {
    const { held, width, parents } = this
    for (let node = client; node !== FairTree.root; node = parents[node]!) {
      const base = node * width
      for (let column = 0; column < columns; column++) {
        held[base + column] = held[base + column]! + rows[from + column]!
      }
      this.grant(node)
      this.markStale(node)
    }
  }

  private grant(node: number): void {
    this.grantCounts[node] = this.grantCounts[node]! + 1
    if (this.grantFlags[node] === 1) return
    this.grantFlags[node] = 1
    this.granted.push(node)
  }

  /** Nodes whose grants changed since the last call. */
  takeGranted(): ReadonlyArray<number> {
    const nodes = this.granted.splice(0).filter((node) => this.grantFlags[node] === 1)
    for (const node of nodes) this.grantFlags[node] = 0
    return nodes
  }

  /** The same for one column of one node: shared resources count once a node. */
  holdOne(node: number, column: number, milli: number): void {
    const at = node * this.width + column
    this.held[at] = this.held[at]! + milli
    this.markStale(node)
  }

  holdsNothing(node: number): boolean {
    for (let column = 0; column < this.width; column++) {
      if (this.held[node * this.width + column] !== 0) return false
    }
    return true
  }

  heldBy(node: number, column: number): number {
    return this.held[node * this.width + column]!
  }

  grantsOf(node: number): number {
    return this.grantCounts[node]!
  }

  setGrants(node: number, grants: number): void {
    this.grantCounts[node] = grants
    this.markStale(node)
  }

  setWeight(node: number, weight: number): void {
    this.weights[node] = weight
    this.markStale(node)
  }

  /** The denominators of all shares; 0 = the name does not count. */
  setTotal(column: number, milli: number): void {
    if (this.total[column] === milli) return
    this.total[column] = milli
    this.allStale = true
  }

  totalOf(column: number): number {
    return this.total[column]!
  }

  exclude(column: number): void {
    this.counts[column] = 0
    this.allStale = true
  }

  /** Dominant share over weight (Ghodsi et al., "Dominant Resource Fairness", NSDI 2011, §4; weights §4.3). */
  currentShare(node: number): number {
    const { held, total, width } = this
    const base = node * width
    let largest = 0
    for (let column = 0; column < width; column++) {
      const milli = held[base + column]!
      if (milli > 0 && total[column]! > 0 && this.counts[column] === 1) {
        const share = milli / total[column]!
        if (share > largest) largest = share
      }
    }
    return largest / this.weights[node]!
  }

  // --- order ---

  /** Children with somebody active below, in fair order; the first {@link activeCount} of the array. Valid until the next
   * change of the tree. */
  orderOf(node: number): Int32Array {
    return this.children[node]!.order
  }

  activeCount(node: number): number {
    const children = this.children[node]
    return children === undefined ? 0 : children.active
  }

  /** Puts every node whose key changed in its place. */
  refresh(): void {
    if (this.allStale) {
      this.refreshAll()
      return
    }
    for (let index = 0; index < this.staleParentCount; index++) {
      const siblings = this.children[this.staleParents[index]!]
      if (siblings !== undefined) this.refreshChildren(siblings)
    }
    this.staleParentCount = 0
  }

  private refreshChildren(siblings: Children): void {
    const { stale, staleCount } = siblings
    if (staleCount > 8 && staleCount > siblings.active >> 3) this.resort(siblings)
    else for (let place = 0; place < staleCount; place++) this.reposition(stale[place]!, siblings)
    for (let place = 0; place < staleCount; place++) this.staleFlags[stale[place]!] = 0
    siblings.staleCount = 0
  }

  private refreshAll(): void {
    this.allStale = false
    this.staleParentCount = 0
    for (let node = 0; node < this.used; node++) {
      const siblings = this.children[node]
      this.staleFlags[node] = 0
      if (siblings === undefined) continue
      siblings.staleCount = 0
      this.resort(siblings)
    }
  }

  private resort(siblings: Children): void {
    const { order, active } = siblings
    for (let place = 0; place < active; place++) {
      const node = order[place]!
      this.keyShares[node] = this.currentShare(node)
      this.keyGrants[node] = this.grantCounts[node]!
    }
    sortNodes(order, active, this.isBefore)
  }

  private reposition(node: number, siblings: Children): void {
    if (this.parents[node] === NONE || this.activeBelow[node] === 0) return
    if (siblings.active === 1) {
      this.keyShares[node] = this.currentShare(node)
      this.keyGrants[node] = this.grantCounts[node]!
      return
    }
    const { order, active } = siblings
    const old = order[0] === node ? 0 : this.placeOf(node, siblings)
    this.keyShares[node] = this.currentShare(node)
    this.keyGrants[node] = this.grantCounts[node]!
    if (old + 1 < active && this.isBefore(order[old + 1]!, node)) {
      const place = this.placeFor(node, siblings, old + 1, active) - 1
      shift(order, old, old + 1, place)
      order[place] = node
    } else if (old > 0 && this.isBefore(node, order[old - 1]!)) {
      const place = this.placeFor(node, siblings, 0, old)
      order.copyWithin(place + 1, place, old)
      order[place] = node
    }
  }

  private markStale(node: number): void {
    if (this.staleFlags[node] === 1) return
    this.staleFlags[node] = 1
    const parent = this.parents[node]!
    const siblings = this.childrenOf(parent)
    if (siblings.staleCount === 0) this.noteStaleParent(parent)
    siblings.stale = grownInt32(siblings.stale, siblings.staleCount + 1)
    siblings.stale[siblings.staleCount++] = node
  }

  private noteStaleParent(parent: number): void {
    this.staleParents = grownInt32(this.staleParents, this.staleParentCount + 1)
    this.staleParents[this.staleParentCount++] = parent
  }

  private readonly isBefore = (left: number, right: number): boolean => {
    const priority = this.priorities[left]! - this.priorities[right]!
    if (priority !== 0) return priority > 0
    const share = this.keyShares[left]! - this.keyShares[right]!
    if (share !== 0) return share < 0
    const grants = this.keyGrants[left]! - this.keyGrants[right]!
    if (grants !== 0) return grants < 0
    return this.ranks[left]! < this.ranks[right]!
  }

  /** Where a node stands, found by the key with which it was put there. */
  private placeOf(node: number, siblings: Children): number {
    const place = this.placeFor(node, siblings, 0, siblings.active)
    assert(siblings.order[place] === node, `node ${this.names[node]} is not in its place`)
    return place
  }

  /** The first place in `[from, to)` that is not before the node; `to` if all are. */
  private placeFor(node: number, { order }: Children, from: number, to: number): number {
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.isBefore(order[middle]!, node)) low = middle + 1
      else high = middle
    }
    return low
  }

  // --- storage ---

  private attach(node: number, parent: number): void {
    this.parents[node] = parent
    const siblings = this.childrenOf(parent)
    const place = this.placeByName(siblings.byName, this.names[node]!)
    siblings.byName.splice(place, 0, node)
    this.rankFrom(siblings.byName, place)
  }

  private detach(node: number): void {
    const siblings = this.childrenOf(this.parents[node]!)
    const staleAt = siblings.stale.subarray(0, siblings.staleCount).indexOf(node)
    if (staleAt >= 0) siblings.stale[staleAt] = siblings.stale[--siblings.staleCount]!
    siblings.byName.splice(this.ranks[node]!, 1)
    this.rankFrom(siblings.byName, this.ranks[node]!)
  }

  private placeByName(byName: ReadonlyArray<number>, name: string): number {
    let low = 0
    let high = byName.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.names[byName[middle]!]! < name) low = middle + 1
      else high = middle
    }
    return low
  }

  private rankFrom(byName: ReadonlyArray<number>, from: number): void {
    for (let rank = from; rank < byName.length; rank++) this.ranks[byName[rank]!] = rank
  }

  private childrenOf(node: number): Children {
    const children = this.children[node]
    if (children !== undefined) return children
    const made = newChildren()
    this.children[node] = made
    return made
  }

  private makeRoom(count: number): void {
    this.parents = grownInt32(this.parents, count)
    this.ranks = grownInt32(this.ranks, count)
    this.activeBelow = grownInt32(this.activeBelow, count)
    this.weights = grownFloat64(this.weights, count)
    this.priorities = grownFloat64(this.priorities, count)
    this.grantCounts = grownFloat64(this.grantCounts, count)
    this.keyShares = grownFloat64(this.keyShares, count)
    this.keyGrants = grownFloat64(this.keyGrants, count)
    this.staleFlags = grownUint8(this.staleFlags, count)
    this.grantFlags = grownUint8(this.grantFlags, count)
    this.clientFlags = grownUint8(this.clientFlags, count)
    this.held = grownFloat64(this.held, count * this.width)
  }
}

const newChildren = (): Children => ({
  byName: [],
  order: new Int32Array(4),
  active: 0,
  stale: new Int32Array(4),
  staleCount: 0,
})

/** Moves `array[from..to]` one to the left. Short moves by hand: the call costs more than they do. */
const shift = (array: Int32Array, target: number, from: number, to: number): void => {
  if (to - from > 48) {
    array.copyWithin(target, from, to + 1)
    return
  }
  for (let index = from; index <= to; index++) array[index - 1] = array[index]!
}
