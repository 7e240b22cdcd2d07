import { grownFloat64, widenedRows } from "./Growable.ts"
import type { ResourceNames } from "./ResourceNames.ts"

/** What the subtree of each node of the fair tree holds, in rows (`ResourceNames`), and what share of the cluster that is. */
export class NodeHoldings {
  private held: Float64Array
  /** Total of the cluster by column; 0 for a name that does not count. */
  private total: Float64Array
  private readonly excluded: Array<number> = []
  private width: number
  private readonly names: ResourceNames

  constructor(names: ResourceNames) {
    this.names = names
    this.width = names.width
    this.held = new Float64Array(16 * this.width)
    this.total = new Float64Array(this.width)
    names.onWiden((before, after) => {
      this.held = widenedRows(this.held, before, after)
      this.total = widenedRows(this.total, before, after)
      this.width = after
    })
  }

  /** A node that holds nothing. */
  init(node: number): void {
    this.held = grownFloat64(this.held, (node + 1) * this.width)
    this.held.fill(0, node * this.width, (node + 1) * this.width)
  }

  copy(from: number, to: number): void {
    this.held.copyWithin(to * this.width, from * this.width, (from + 1) * this.width)
  }

  /** Adds scalars by column, and the number of other things. */
  add(node: number, amounts: ReadonlyArray<number>, others: number, sign: number): void {
    const { held } = this
    const base = node * this.width
    for (let column = 0; column < amounts.length; column++) {
      held[base + column] = held[base + column]! + sign * amounts[column]!
    }
    this.addOne(node, this.width - 1, sign * others)
  }

  /** Adds one row of a table. */
  addRow(node: number, rows: Float64Array, from: number, sign: number): void {
    const { held, width } = this
    const base = node * width
    for (let column = 0; column < width; column++) {
      held[base + column] = held[base + column]! + sign * rows[from + column]!
    }
  }

  addOne(node: number, column: number, milli: number): void {
    const at = node * this.width + column
    this.held[at] = this.held[at]! + milli
  }

  at(node: number, column: number): number {
    return this.held[node * this.width + column]!
  }

  isNothing(node: number): boolean {
    for (let column = 0; column < this.width; column++) if (this.at(node, column) !== 0) return false
    return true
  }

  /** Sets a denominator of all shares; false: nothing changed. */
  setTotal(column: number, milli: number): boolean {
    if (this.excluded.includes(column) || this.total[column] === milli) return false
    this.total[column] = milli
    return true
  }

  /** From now on no share counts this name. */
  exclude(column: number): void {
    this.excluded.push(column)
  }

  /** Dominant share (Ghodsi et al., "Dominant Resource Fairness", NSDI 2011, §4). */
  shareOf(node: number): number {
    const { held, total } = this
    const base = node * this.width
    const columns = this.names.names.length
    let largest = 0
    for (let column = 0; column < columns; column++) {
      const milli = held[base + column]!
      const whole = total[column]!
      if (milli > 0 && whole > 0) {
        const share = milli / whole
        if (share > largest) largest = share
      }
    }
    return largest
  }
}
