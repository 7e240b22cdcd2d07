import { assert } from "../../Assert.ts"
import type { Bundle } from "./Bundle.ts"
import { grownFloat64, grownInt32, grownUint8 } from "./Growable.ts"
import { NodeHoldings } from "./NodeHoldings.ts"
import { NodeKeys } from "./NodeKeys.ts"
import type { ResourceNames } from "./ResourceNames.ts"
import { SiblingOrder } from "./SiblingOrder.ts"

const NONE = -1

/** The children of a node. */
interface Children {
  /** All of them by name; the place is the node's rank. */
  readonly byName: Array<number>
  /** Those with somebody active below. */
  readonly order: SiblingOrder
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
  private readonly children: Array<Children | undefined> = []
  private parents: Int32Array = new Int32Array(16).fill(NONE)
  /** Active clients in the subtree; a client counts itself. */
  private activeBelow: Int32Array = new Int32Array(16)
  private weights: Float64Array = new Float64Array(16).fill(1)
  private grantCounts: Float64Array = new Float64Array(16)
  /** By what nodes stand in their places; behind what they hold until `refresh`. */
  private readonly keys = new NodeKeys()
  private grantFlags: Uint8Array = new Uint8Array(16)
  private granted: Array<number> = []
  private clientFlags: Uint8Array = new Uint8Array(16)
  private staleFlags: Uint8Array = new Uint8Array(16)
  readonly holdings: NodeHoldings
  private readonly free: Array<number> = []
  private used = 1
  private staleParents: Int32Array = new Int32Array(16)
  private staleParentCount = 0
  private allStale = false

  constructor(names: ResourceNames) {
    this.holdings = new NodeHoldings(names)
    this.keys.init(FairTree.root, 0)
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
    assert(this.activeBelow[node] === 0, () => `node ${this.names[node]} is active`)
    assert(this.childCount(node) === 0, () => `node ${this.names[node]} has children`)
    this.detach(node)
    this.forget(node)
  }

  private newNode(name: string, weight: number, priority: number): number {
    const node = this.free.length > 0 ? this.free.pop()! : this.used++
    this.makeRoom(node + 1)
    this.names[node] = name
    this.children[node] = undefined
    this.keys.init(node, priority)
    this.weights[node] = weight
    this.activeBelow[node] = 0
    this.grantCounts[node] = 0
    this.staleFlags[node] = 0
    this.clientFlags[node] = 0
    this.holdings.init(node)
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
    this.holdings.copy(node, virtual)
    this.attach(virtual, node)
    if (this.isActive(virtual)) this.enter(virtual)
    return virtual
  }

  /** The reverse, when the virtual leaf is an only child. */
  removeBetween(virtual: number): void {
    const node = this.parents[virtual]!
    assert(this.childCount(node) === 1, () => `node ${this.names[virtual]} has siblings`)
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
    const parent = this.parents[node]!
    const siblings = this.childrenOf(parent)
    this.updateKey(node)
    siblings.order.enter(node)
    if (siblings.staleCount > 0) this.noteStaleParent(parent)
  }

  private leave(node: number): void {
    this.childrenOf(this.parents[node]!).order.leave(node)
  }

  // --- holdings and shares ---

  /** Adds (`sign` 1) or takes away (−1) what a client holds, in it and all its ancestors but the root; a booking of a
   * cycle is a grant besides. */
  hold(client: number, { counted, others }: Bundle, sign: number, isGrant: boolean): void {
    for (let node = client; node !== FairTree.root; node = this.parents[node]!) {
      this.holdings.add(node, counted, others, sign)
      if (isGrant) this.grant(node)
      this.markStale(node)
    }
  }

  /** The same for one row of a table. */
  holdRow(client: number, rows: Float64Array, from: number, sign: number, isGrant: boolean): void {
    const { holdings, parents } = this
    for (let node = client; node !== FairTree.root; node = parents[node]!) {
      holdings.addRow(node, rows, from, sign)
      if (isGrant) this.grant(node)
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

  /** One column of one node: shared resources count once a node. */
  holdOne(node: number, column: number, milli: number): void {
    this.holdings.addOne(node, column, milli)
    this.markStale(node)
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

  /** The denominators of all shares. */
  setTotal(column: number, milli: number): void {
    if (this.holdings.setTotal(column, milli)) this.allStale = true
  }

  /** Dominant share over weight (Ghodsi et al., NSDI 2011, §4.3). */
  currentShare(node: number): number {
    return this.holdings.shareOf(node) / this.weights[node]!
  }

  // --- order ---

  /** Children with somebody active below, in fair order; valid until the next change of the tree. */
  orderOf(node: number): SiblingOrder {
    return this.childrenOf(node).order
  }

  /** An order by the same keys, for some children of a node that somebody else picks. */
  newOrder(): SiblingOrder {
    return new SiblingOrder(this.keys)
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
    // An only child is in its place; it stays stale until it has siblings.
    if (siblings.order.count === 1 && staleCount === 1) return
    if (staleCount > 8 && staleCount > siblings.order.count >> 3) this.resort(siblings)
    else for (let index = 0; index < staleCount; index++) this.reposition(stale[index]!, siblings)
    for (let index = 0; index < staleCount; index++) this.staleFlags[stale[index]!] = 0
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

  private resort({ order }: Children): void {
    for (let place = order.start; place < order.start + order.count; place++) {
      this.updateKey(order.nodes[place]!)
    }
    order.resort()
  }

  private reposition(node: number, { order }: Children): void {
    if (this.activeBelow[node]! > 0) order.move(node, this.currentShare(node), this.grantCounts[node]!)
  }

  private updateKey(node: number): void {
    this.keys.set(node, this.currentShare(node), this.grantCounts[node]!)
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
    siblings.byName.splice(this.keys.ranks[node]!, 1)
    this.rankFrom(siblings.byName, this.keys.ranks[node]!)
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
    for (let rank = from; rank < byName.length; rank++) this.keys.ranks[byName[rank]!] = rank
  }

  private childrenOf(node: number): Children {
    const children = this.children[node]
    if (children !== undefined) return children
    const made: Children = {
      byName: [],
      order: new SiblingOrder(this.keys),
      stale: new Int32Array(4),
      staleCount: 0,
    }
    this.children[node] = made
    return made
  }

  private makeRoom(count: number): void {
    this.parents = grownInt32(this.parents, count)
    this.activeBelow = grownInt32(this.activeBelow, count)
    this.weights = grownFloat64(this.weights, count)
    this.grantCounts = grownFloat64(this.grantCounts, count)
    this.staleFlags = grownUint8(this.staleFlags, count)
    this.grantFlags = grownUint8(this.grantFlags, count)
    this.clientFlags = grownUint8(this.clientFlags, count)
  }
}
