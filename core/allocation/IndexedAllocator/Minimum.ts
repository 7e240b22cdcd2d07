import type { Quantities } from "../../resources/Quantities.ts"
import type { Resources } from "../../resources/Resources.ts"
import { sizeOf } from "../../resources/ResourceValue.ts"
import type { ResourceNames } from "./ResourceNames.ts"

/** One set of amounts, all of which must be there. */
interface MinimumSet {
  /** -1 = the name had none when it was last asked for. */
  readonly columns: Array<number>
  readonly names: ReadonlyArray<string>
  readonly amounts: ReadonlyArray<number>
}

/** `min_allocatable_resources` (spec/mesos.md §1.1): one of the sets must be contained in an offer. No sets: anything goes. */
export interface Minimum {
  readonly sets: ReadonlyArray<MinimumSet>
  readonly resourceNames: ResourceNames
}

/** The minimum of all, whose names are few and get columns. */
export const compileMinimum = (names: ResourceNames, sets: ReadonlyArray<Quantities>): Minimum =>
  compile(names, sets, (name) => names.numberOf(name))

/** The minimum that a framework brings along. A name that only strangers know gets no column, since every host and client would pay for
 * it for good; it is asked for again until it has one. */
export const compileOwnMinimum = (names: ResourceNames, sets: ReadonlyArray<Quantities>): Minimum =>
  compile(names, sets, (name) => names.columnOf(name))

const compile = (
  resourceNames: ResourceNames,
  sets: ReadonlyArray<Quantities>,
  columnOf: (name: string) => number,
): Minimum => ({
  resourceNames,
  sets: sets.map((set) => {
    const names = Object.keys(set)
    return { columns: names.map(columnOf), names, amounts: names.map((name) => set[name]!) }
  }),
})

/** Whether plain scalars (a row from `base` on) and a rest reach it. */
export const reachesMinimum = (
  minimum: Minimum,
  row: Float64Array,
  base: number,
  rest: Resources,
): boolean => {
  const { sets, resourceNames } = minimum
  if (sets.length === 0) return true
  for (let index = 0; index < sets.length; index++) {
    if (hasAll(sets[index]!, resourceNames, row, base, rest)) return true
  }
  return false
}

const hasAll = (
  { columns, names, amounts }: MinimumSet,
  resourceNames: ResourceNames,
  row: Float64Array,
  base: number,
  rest: Resources,
): boolean => {
  for (let index = 0; index < columns.length; index++) {
    if (columns[index] === -1) columns[index] = resourceNames.columnOf(names[index]!)
    const column = columns[index]!
    const plain = column === -1 ? 0 : row[base + column]!
    if (plain >= amounts[index]!) continue
    if (rest.length === 0 || plain + amountIn(rest, names[index]!) < amounts[index]!) return false
  }
  return true
}

/** Scalars, shared ones once, and items of ranges and sets × 1000. */
const amountIn = (rest: Resources, name: string): number => {
  let sum = 0
  for (let index = 0; index < rest.length; index++) {
    const { kind, value } = rest[index]!
    if (kind.name !== name) continue
    if (kind.shared && index > 0 && rest[index - 1]!.kind.key === kind.key) continue
    sum += sizeOf(kind.type, value)
  }
  return sum
}
