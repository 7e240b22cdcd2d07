import { isIndivisible, type Resource, type ResourceValue } from "../../core/resources/Resource.ts"

/** How much of what: a thousandth of a scalar, one number of ranges, one item, one piece or copy of what is indivisible. */
export type Atoms = ReadonlyMap<string, number>

/** Resources atom by atom, all copies counted; the list need not be in normal form. */
export const atomsOf = (list: Iterable<Resource>): Atoms => {
  const atoms = new Map<string, number>()
  for (const { kind, value } of list) {
    const put = (what: unknown, count: number) => {
      const atom = JSON.stringify([kind.key, what])
      if (count > 0) atoms.set(atom, (atoms.get(atom) ?? 0) + count)
    }
    if (kind.type === "set") for (const item of value as ReadonlyArray<string>) put(item, 1)
    else if (kind.type === "ranges") for (const port of numbersOf(value)) put(port, 1)
    else if (isIndivisible(kind)) put(value, (value as number) > 0 ? 1 : 0)
    else put("milli", value as number)
  }
  return atoms
}

export const withoutAtoms = (left: Atoms, right: Atoms): Atoms =>
  new Map(
    [...left]
      .map(([atom, count]): [string, number] => [atom, count - (right.get(atom) ?? 0)])
      .filter(([, count]) => count > 0),
  )

/** In one order, for comparing. */
export const atomsToList = (atoms: Atoms): ReadonlyArray<readonly [string, number]> =>
  [...atoms].sort(([left], [right]) => (left < right ? -1 : 1))

const numbersOf = (value: ResourceValue): ReadonlyArray<number> => {
  const ranges = value as ReadonlyArray<number>
  const numbers: Array<number> = []
  for (let index = 0; index < ranges.length; index += 2) {
    for (let number = ranges[index]!; number <= ranges[index + 1]!; number++) numbers.push(number)
  }
  return numbers
}
