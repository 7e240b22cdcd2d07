import type { Quantities } from "../../resources/Quantities.ts"
import type { Resources } from "../../resources/Resources.ts"
import { sizeOf } from "../../resources/ResourceValue.ts"
import type { ResourceNames } from "./ResourceNames.ts"

/** One set of amounts, all of which must be there. */
interface MinimumSet {
  readonly columns: ReadonlyArray<number>
  readonly names: ReadonlyArray<string>
  readonly amounts: ReadonlyArray<number>
}

/** `min_allocatable_resources` (spec/mesos.md §1.1): one of the sets must be contained in an offer. No sets: anything goes. */
export interface Minimum {
  readonly sets: ReadonlyArray<MinimumSet>
}

export const compileMinimum = (names: ResourceNames, sets: ReadonlyArray<Quantities>): Minimum => ({
  sets: sets.map((set) => {
    const keys = Object.keys(set)
    return {
      columns: keys.map((name) => names.numberOf(name)),
      names: keys,
      amounts: keys.map((name) => set[name]!),
    }
  }),
})

/** Whether plain scalars (a row from `base` on) and a rest reach it. */
export const reachesMinimum = (
  minimum: Minimum,
  row: Float64Array,
  base: number,
  rest: Resources,
): boolean => {
  const { sets } = minimum
  if (sets.length === 0) return true
  for (let index = 0; index < sets.length; index++) {
    if (hasAll(sets[index]!, row, base, rest)) return true
  }
  return false
}

const hasAll = (
  { columns, names, amounts }: MinimumSet,
  row: Float64Array,
  base: number,
  rest: Resources,
): boolean => {
  for (let index = 0; index < columns.length; index++) {
    const plain = row[base + columns[index]!]!
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
