import { isFreeScalar, isPlain, type Resource, resourceOf } from "../../resources/Resource.ts"
import { noResources, type Resources } from "../../resources/Resources.ts"
import { sizeOf } from "../../resources/ResourceValue.ts"
import type { ResourceNames } from "./ResourceNames.ts"

/**
 * Resources taken apart once for the books, which meet them several times: when they are offered, refused, given back. What is
 * plain (unreserved, not revocable scalars) can be cut to any amount; the rest stays as it is.
 */
export interface Bundle {
  readonly resources: Resources
  /** Plain scalars by column; shorter than a row where the last names are missing. */
  readonly plain: ReadonlyArray<number>
  readonly rest: Resources
  /** All scalars by column that count for shares, reserved and revocable ones too, without shared ones. The same array as
   * `plain` where there are no others. */
  readonly counted: ReadonlyArray<number>
  /** Unreserved scalars that are not revocable, by column: what quotas count. The same array as `plain` where these are all. */
  readonly free: ReadonlyArray<number>
  /** Numbers in ranges, items in sets and copies of shared resources: what is held besides `counted`. */
  readonly others: number
  /** Whether there are shared resources, which count by rules of their own. */
  readonly hasShared: boolean
}

export const toBundle = (names: ResourceNames, resources: Resources): Bundle => {
  const plain: Array<number> = []
  let rest: Resources = resources
  let plains = 0
  for (const { kind, value } of resources) {
    if (!isPlain(kind) || kind.type !== "scalar") continue
    setAt(plain, names.numberOf(kind.name), value as number)
    plains++
  }
  if (plains === resources.length) rest = noResources
  else if (plains > 0) {
    // A copy of the right length: it lives as long as its host.
    rest = resources.filter(({ kind }) => !(isPlain(kind) && kind.type === "scalar")).slice()
  }
  return withRest(names, resources, plain, rest)
}

/** The bundle of plain amounts (a row from `from` on) and a rest. */
export const bundleOfRow = (
  names: ResourceNames,
  row: Float64Array,
  from: number,
  rest: Resources,
): Bundle => {
  const { kinds, columnsInOrder } = names
  const plain: Array<number> = []
  for (let column = 0; column < kinds.length; column++) plain.push(row[from + column]!)
  const resources: Array<Resource> = []
  // Both in the order of their keys, and no key in both, since what is plain is not in the rest.
  let next = 0
  for (let index = 0; index < columnsInOrder.length; index++) {
    const column = columnsInOrder[index]!
    const milli = plain[column]!
    if (milli === 0) continue
    const kind = kinds[column]!
    while (next < rest.length && rest[next]!.kind.key < kind.key) resources.push(rest[next++]!)
    resources.push(resourceOf(kind, milli))
  }
  while (next < rest.length) resources.push(rest[next++]!)
  return withRest(names, resources, plain, rest)
}

const withRest = (
  names: ResourceNames,
  resources: Resources,
  plain: ReadonlyArray<number>,
  rest: Resources,
): Bundle => {
  let counted = plain
  let free = plain
  let others = 0
  let hasShared = false
  for (const { kind, value } of rest) {
    if (kind.shared) {
      hasShared = true
      others++
    } else if (kind.type === "scalar") {
      const column = names.numberOf(kind.name)
      counted = plus(counted, plain, column, value as number)
      if (isFreeScalar(kind)) free = plus(free, plain, column, value as number)
    } else others += sizeOf(kind.type, value)
  }
  return { resources, plain, rest, counted, free, others, hasShared }
}

/** Nothing but shared resources, which alone are no offer. */
export const isNothing = (rest: Resources): boolean => {
  for (let index = 0; index < rest.length; index++) if (!rest[index]!.kind.shared) return false
  return true
}

const setAt = (row: Array<number>, column: number, milli: number): void => {
  while (row.length <= column) row.push(0)
  row[column] = milli
}

/** Adds to sums that are a copy of `plain` from the first addition on. */
const plus = (
  sums: ReadonlyArray<number>,
  plain: ReadonlyArray<number>,
  column: number,
  milli: number,
): ReadonlyArray<number> => {
  const copy = sums === plain ? plain.slice() : (sums as Array<number>)
  setAt(copy, column, (column < copy.length ? copy[column]! : 0) + milli)
  return copy
}

/** Free scalars of a rest by column, undefined if there are none: unreserved disks of a source. */
export const freeInRest = (names: ResourceNames, rest: Resources): ReadonlyArray<number> | undefined => {
  let row: Array<number> | undefined
  for (const { kind, value } of rest) {
    if (!isFreeScalar(kind)) continue
    if (row === undefined) row = []
    const column = names.numberOf(kind.name)
    setAt(row, column, (column < row.length ? row[column]! : 0) + (value as number))
  }
  return row
}
