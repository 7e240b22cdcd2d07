/** A leaf that nobody may take. */
export const CLOSED = Number.POSITIVE_INFINITY

/** An amount that must be there, by place among the columns of the tree. */
export interface WantedAmounts {
  readonly columns: ReadonlyArray<number>
  readonly amounts: ReadonlyArray<number>
}

/**
 * A tournament over hosts: finds the one with the lowest key that has as much as is wanted. Each inner node knows the best leaf below
 * it, the left one of equals, and the largest amount of each column among the open leaves, so that whole branches in which nobody
 * has enough are left out. A change costs the way to the root.
 */
export class HostTree {
  private readonly leaves: number
  private readonly width: number
  private readonly keys: Float64Array
  /** Best leaf below a node; node 1 is the root, the leaves begin at `leaves`. */
  private readonly best: Int32Array
  /** Rows by node: what there is at most below it. */
  private readonly room: Float64Array
  private readonly path: Int32Array

  constructor(count: number, width: number) {
    let leaves = 1
    let depth = 1
    while (leaves < count) {
      leaves *= 2
      depth++
    }
    this.leaves = leaves
    this.width = width
    this.keys = new Float64Array(leaves).fill(CLOSED)
    this.best = new Int32Array(2 * leaves)
    this.room = new Float64Array(2 * leaves * width)
    this.path = new Int32Array(2 * depth)
    for (let leaf = 0; leaf < leaves; leaf++) this.best[leaves + leaf] = leaf
    for (let node = leaves - 1; node > 0; node--) this.best[node] = this.best[2 * node]!
  }

  /** Key of the best leaf; {@link CLOSED} if none is open. */
  bestKey(): number {
    return this.keys[this.best[1]!]!
  }

  keyOf(leaf: number): number {
    return this.keys[leaf]!
  }

  /** Sets a leaf's key and what there is. {@link climb} follows, or {@link climbAll} after many. */
  put(leaf: number, key: number, rows: Float64Array, from: number): void {
    const { width, room } = this
    this.keys[leaf] = key
    const base = (this.leaves + leaf) * width
    for (let column = 0; column < width; column++) room[base + column] = rows[from + column]!
  }

  /** The same for a leaf on which there is nothing. */
  putEmpty(leaf: number, key: number): void {
    const base = (this.leaves + leaf) * this.width
    this.keys[leaf] = key
    this.room.fill(0, base, base + this.width)
  }

  /** Brings up to date what is above a leaf. */
  climb(leaf: number): void {
    for (let node = (this.leaves + leaf) >> 1; node > 0; node >>= 1) this.settle(node)
  }

  climbAll(): void {
    for (let node = this.leaves - 1; node > 0; node--) this.settle(node)
  }

  private settle(node: number): void {
    const { width, room, best, keys } = this
    const left = 2 * node
    const leftBest = best[left]!
    const rightBest = best[left + 1]!
    const winner = keys[rightBest]! < keys[leftBest]! ? rightBest : leftBest
    best[node] = winner
    const base = node * width
    const leftBase = left * width
    for (let column = 0; column < width; column++) {
      const leftRoom = room[leftBase + column]!
      const rightRoom = room[leftBase + width + column]!
      room[base + column] = leftRoom > rightRoom ? leftRoom : rightRoom
    }
  }

  /** The open leaf with the lowest key, no higher than `limit`, that has the amounts; -1 = there is none. Of equal keys the leftmost. */
  find(wanted: WantedAmounts, limit: number): number {
    const first = this.best[1]!
    const key = this.keys[first]!
    if (key > limit || key === CLOSED) return -1
    if (this.hasRoom(this.leaves + first, wanted)) return first
    return this.search(wanted, limit)
  }

  /** Depth first, the better branch first; branches that cannot win are left out. */
  private search(wanted: WantedAmounts, limit: number): number {
    const { best, keys, leaves, path } = this
    let found = -1
    let lowest = limit
    let depth = 0
    path[depth++] = 1
    while (depth > 0) {
      const node = path[--depth]!
      const leaf = best[node]!
      const key = keys[leaf]!
      if (key > lowest || key === CLOSED || (key === lowest && found >= 0 && leaf > found)) continue
      if (!this.hasRoom(node, wanted)) continue
      if (node >= leaves) {
        found = leaf
        lowest = key
        continue
      }
      const left = 2 * node
      const isRightBetter = keys[best[left + 1]!]! < keys[best[left]!]!
      path[depth++] = isRightBetter ? left : left + 1
      path[depth++] = isRightBetter ? left + 1 : left
    }
    return found
  }

  private hasRoom(node: number, { columns, amounts }: WantedAmounts): boolean {
    const base = node * this.width
    for (let index = 0; index < columns.length; index++) {
      if (this.room[base + columns[index]!]! < amounts[index]!) return false
    }
    return true
  }
}
