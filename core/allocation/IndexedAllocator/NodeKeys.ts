import { grownFloat64, grownInt32 } from "./Growable.ts"

/**
 * By what the nodes of the fair tree stand in order among their siblings: higher priority first, then the lower share, the fewer
 * grants, the name (spec/mesos.md §1.4). A total order, since siblings have different names.
 */
export class NodeKeys {
  private priorities: Float64Array = new Float64Array(16)
  private shares: Float64Array = new Float64Array(16)
  private grants: Float64Array = new Float64Array(16)
  /** Place of the name among the siblings' names. */
  ranks: Int32Array = new Int32Array(16)

  init(node: number, priority: number): void {
    this.priorities = grownFloat64(this.priorities, node + 1)
    this.shares = grownFloat64(this.shares, node + 1)
    this.grants = grownFloat64(this.grants, node + 1)
    this.ranks = grownInt32(this.ranks, node + 1)
    this.priorities[node] = priority
    this.set(node, 0, 0)
  }

  set(node: number, share: number, grants: number): void {
    this.shares[node] = share
    this.grants[node] = grants
  }

  isBefore(left: number, right: number): boolean {
    const priority = this.priorities[left]! - this.priorities[right]!
    if (priority !== 0) return priority > 0
    const share = this.shares[left]! - this.shares[right]!
    if (share !== 0) return share < 0
    const grants = this.grants[left]! - this.grants[right]!
    if (grants !== 0) return grants < 0
    return this.ranks[left]! < this.ranks[right]!
  }
}
