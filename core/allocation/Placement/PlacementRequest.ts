import type { Quantities } from "../../resources/Quantities.ts"
import { noResources } from "../../resources/Resources.ts"
import type { Bundle } from "../IndexedAllocator/Bundle.ts"
import type { ResourceNames } from "../IndexedAllocator/ResourceNames.ts"
import type { WantedAmounts } from "./HostTree.ts"

/**
 * What a task asks for, taken apart for the trees and the books. Used again for each task of a group, since these ask for the same names
 * as a rule: taking it apart anew would be a tenth of what placing a task costs.
 */
export class PlacementRequest implements WantedAmounts {
  readonly columns: Array<number> = []
  /** Infinite for a name that has no column: no host has anything of it. */
  readonly amounts: Array<number> = []
  private names: ReadonlyArray<string> = []
  private readonly plain: Array<number> = []
  /** Only to be booked: nobody asks for its `resources`. */
  readonly bundle: Bundle = {
    resources: noResources,
    plain: this.plain,
    rest: noResources,
    counted: this.plain,
    free: this.plain,
    others: 0,
    hasShared: false,
  }
  private readonly resourceNames: ResourceNames

  constructor(resourceNames: ResourceNames) {
    this.resourceNames = resourceNames
  }

  set(quantities: Quantities): void {
    const names = Object.keys(quantities)
    if (!this.hasNames(names)) this.setNames(names)
    const { columns, amounts, plain } = this
    for (let index = 0; index < names.length; index++) {
      if (amounts[index] === Number.POSITIVE_INFINITY) continue
      const milli = quantities[names[index]!]!
      amounts[index] = milli
      plain[columns[index]!] = milli
    }
  }

  /** False too while a name has no column: it may have got one. */
  private hasNames(names: ReadonlyArray<string>): boolean {
    if (names.length !== this.names.length) return false
    for (let index = 0; index < names.length; index++) {
      if (names[index] !== this.names[index] || this.amounts[index] === Number.POSITIVE_INFINITY) return false
    }
    return true
  }

  private setNames(names: ReadonlyArray<string>): void {
    const { columns, amounts, plain } = this
    this.names = names
    columns.length = 0
    amounts.length = 0
    plain.length = 0
    for (const name of names) {
      const column = this.resourceNames.columnOf(name)
      columns.push(Math.max(0, column))
      amounts.push(column < 0 ? Number.POSITIVE_INFINITY : 0)
      while (plain.length <= column) plain.push(0)
    }
  }
}
