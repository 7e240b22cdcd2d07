import { plainScalar, type ResourceKind } from "../../resources/Resource.ts"

/**
 * Numbers the names of scalars, so that amounts can lie in rows of a typed array: number of the name = column. A row is
 * `width` long; when a name more comes along than fits, whoever keeps rows widens them. The last column belongs to no name:
 * where somebody holds or has resources that are no scalars, it counts them.
 */
export class ResourceNames {
  readonly names: Array<string> = []
  /** The plain scalars of these names. */
  readonly kinds: Array<ResourceKind> = []
  /** The columns in the order of their kinds' keys. */
  columnsInOrder: ReadonlyArray<number> = []
  private readonly numbers = new Map<string, number>()
  private readonly widenings: Array<(before: number, after: number) => void> = []
  width = 4

  constructor() {
    for (const name of ["cpus", "mem", "disk"]) this.numberOf(name)
  }

  /** The column of a name, a new one if it has none yet. */
  numberOf(name: string): number {
    const known = this.numbers.get(name)
    if (known !== undefined) return known
    const column = this.names.length
    this.names.push(name)
    this.kinds.push(plainScalar(name))
    this.numbers.set(name, column)
    this.columnsInOrder = this.names
      .map((_, index) => index)
      .sort((left, right) => (this.names[left]! < this.names[right]! ? -1 : 1))
    if (this.names.length >= this.width) {
      const before = this.width
      this.width = before * 2
      for (const widen of this.widenings) widen(before, this.width)
    }
    return column
  }

  /** -1 = it has none. */
  columnOf(name: string): number {
    const column = this.numbers.get(name)
    return column === undefined ? -1 : column
  }

  onWiden(widen: (before: number, after: number) => void): void {
    this.widenings.push(widen)
  }
}
