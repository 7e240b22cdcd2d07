/** A node of the naive fair tree. `node` is its number in the tree that is tested. */
export interface NaiveNode {
  readonly node: number
  readonly name: string
  readonly isClient: boolean
  readonly isVirtual: boolean
  parent: NaiveNode | null
  weight: number
  readonly priority: number
  grants: number
  isActive: boolean
  /** What a client holds, by column; counts for all that it is below. */
  readonly own: Array<number>
  /** How much it holds of what has no column. */
  others: number
  /** What was booked for this node alone (shared resources), by column. */
  readonly alone: Array<number>
}

/**
 * The fair tree the obvious way: a list of nodes, nothing kept in order, every amount summed up and every order sorted when somebody
 * asks.
 */
export class NaiveFairTree {
  readonly root: NaiveNode = newNode({ node: 0, name: "", parent: null })
  nodes: Array<NaiveNode> = []
  readonly totals: Array<number> = []
  readonly excluded = new Set<number>()
  granted = new Set<number>()
  /** The most nodes at a time so far. */
  peak = 0

  add(fields: Partial<NaiveNode> & Pick<NaiveNode, "node" | "name" | "parent">): NaiveNode {
    const node = newNode(fields)
    this.nodes.push(node)
    this.peak = Math.max(this.peak, this.nodes.length)
    return node
  }

  insertBelow(above: NaiveNode, node: number, name: string): NaiveNode {
    const below = this.childrenOf(above)
    const virtual = this.add({ node, name, parent: above, isVirtual: true, grants: above.grants })
    virtual.alone.push(...above.alone)
    for (const child of below) child.parent = virtual
    return virtual
  }

  removeBetween(virtual: NaiveNode): void {
    for (const child of this.childrenOf(virtual)) child.parent = virtual.parent
    this.remove(virtual)
  }

  remove(gone: NaiveNode): void {
    this.nodes = this.nodes.filter((node) => node !== gone)
    this.granted.delete(gone.node)
  }

  childrenOf(parent: NaiveNode): ReadonlyArray<NaiveNode> {
    return this.nodes.filter((node) => node.parent === parent)
  }

  /** The node and what it is below, without the root. */
  pathOf(node: NaiveNode): ReadonlyArray<NaiveNode> {
    return node.parent === null ? [] : [node, ...this.pathOf(node.parent)]
  }

  grant(client: NaiveNode): void {
    for (const node of this.pathOf(client)) {
      node.grants++
      this.granted.add(node.node)
    }
  }

  held(node: NaiveNode, column: number): number {
    return this.clientsBelow(node).reduce((sum, { own }) => sum + (own[column] ?? 0), node.alone[column] ?? 0)
  }

  holdsNothing(node: NaiveNode): boolean {
    if (this.clientsBelow(node).some(({ others }) => others > 0)) return false
    const rows = [node.alone, ...this.clientsBelow(node).map(({ own }) => own)]
    const columns = Math.max(...rows.map((row) => row.length))
    return Array.from({ length: columns }, (_, column) => this.held(node, column)).every((sum) => sum === 0)
  }

  shareOf(node: NaiveNode): number {
    const shares = this.totals.map((total, column) =>
      total > 0 && !this.excluded.has(column) ? this.held(node, column) / total : 0,
    )
    return Math.max(0, ...shares) / node.weight
  }

  clientsBelow(node: NaiveNode): ReadonlyArray<NaiveNode> {
    if (node.isClient) return [node]
    return this.childrenOf(node).flatMap((child) => this.clientsBelow(child))
  }

  activeBelow(node: NaiveNode): number {
    return this.clientsBelow(node).filter(({ isActive }) => isActive).length
  }

  /** Numbers of the children with somebody active below, in fair order. */
  orderOf(parent: NaiveNode): ReadonlyArray<number> {
    return this.childrenOf(parent)
      .filter((child) => this.activeBelow(child) > 0)
      .map((child) => ({ child, share: this.shareOf(child) }))
      .sort(
        (left, right) =>
          right.child.priority - left.child.priority ||
          left.share - right.share ||
          left.child.grants - right.child.grants ||
          (left.child.name < right.child.name ? -1 : 1),
      )
      .map(({ child }) => child.node)
  }
}

const newNode = (fields: Partial<NaiveNode> & Pick<NaiveNode, "node" | "name" | "parent">): NaiveNode => ({
  isClient: false,
  isVirtual: false,
  weight: 1,
  priority: 0,
  grants: 0,
  isActive: false,
  own: [],
  others: 0,
  alone: [],
  ...fields,
})
