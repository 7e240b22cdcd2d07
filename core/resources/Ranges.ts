import { assert } from "../Assert.ts"

/**
 * Whole numbers from 0 to 2^53 − 1, as inclusive ranges in one flat list: `[begin, end, begin, end, …]`. In normal form: sorted,
 * neither overlapping nor adjacent (spec/mesos.md §1.7), so equal sets of numbers are equal lists. Functions are linear and give back
 * an argument itself where nothing changes.
 */
export type Ranges = ReadonlyArray<number>

export const noRanges: Ranges = []

/** Builds the normal form of ranges in any order; what overlaps or touches becomes one. Asserts whole numbers, begin ≤ end. */
export const toRanges = (pairs: Iterable<readonly [begin: number, end: number]>): Ranges => {
  const sorted = Array.from(pairs)
  for (const [begin, end] of sorted) {
    assert(isRange(begin, end), () => `${begin}-${end} is no range of whole numbers`)
  }
  sorted.sort((left, right) => left[0] - right[0] || left[1] - right[1])
  const ranges: Array<number> = []
  for (const [begin, end] of sorted) append(ranges, begin, end)
  return ranges.length === 0 ? noRanges : ranges
}

/** Whether both are whole numbers that {@link Ranges} can hold, in order. */
export const isRange = (begin: number, end: number): boolean =>
  Number.isSafeInteger(begin) && Number.isSafeInteger(end) && 0 <= begin && begin <= end

/** Whether a list of numbers is in normal form. */
export const isNormalRanges = (ranges: ReadonlyArray<number>): boolean => {
  if (ranges.length % 2 !== 0) return false
  for (let i = 0; i < ranges.length; i += 2) {
    if (!isRange(ranges[i]!, ranges[i + 1]!)) return false
    if (i > 0 && ranges[i]! <= ranges[i - 1]! + 1) return false
  }
  return true
}

/** The union. */
export const addRanges = (left: Ranges, right: Ranges): Ranges => {
  if (right.length === 0 || left === right) return left
  if (left.length === 0) return right
  const union: Array<number> = []
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    if (j >= right.length || (i < left.length && left[i]! <= right[j]!)) {
      append(union, left[i]!, left[i + 1]!)
      i += 2
    } else {
      append(union, right[j]!, right[j + 1]!)
      j += 2
    }
  }
  return union
}

/** What of `left` is not in `right`; they need not overlap. */
export const subtractRanges = (left: Ranges, right: Ranges): Ranges => {
  if (left.length === 0 || right.length === 0) return left
  const rest: Array<number> = []
  let isCut = false
  let j = 0
  for (let i = 0; i < left.length; i += 2) {
    let begin = left[i]!
    const end = left[i + 1]!
    while (j < right.length && right[j + 1]! < begin) j += 2
    for (let k = j; k < right.length && right[k]! <= end; k += 2) {
      isCut = true
      if (right[k]! > begin) rest.push(begin, right[k]! - 1)
      begin = right[k + 1]! + 1
    }
    if (begin <= end) rest.push(begin, end)
  }
  if (!isCut) return left
  return rest.length === 0 ? noRanges : rest
}

/** What is in both. */
export const intersectRanges = (left: Ranges, right: Ranges): Ranges => {
  if (left === right) return left
  const common: Array<number> = []
  let i = 0
  let j = 0
  while (i < left.length && j < right.length) {
    const begin = Math.max(left[i]!, right[j]!)
    const end = Math.min(left[i + 1]!, right[j + 1]!)
    if (begin <= end) common.push(begin, end)
    if (left[i + 1]! < right[j + 1]!) i += 2
    else j += 2
  }
  return common.length === 0 ? noRanges : common
}

/** Whether all of `right` is in `left`: each range of it lies in one of `left`, since those do not touch. */
export const containsRanges = (left: Ranges, right: Ranges): boolean => {
  if (left === right) return true
  let i = 0
  for (let j = 0; j < right.length; j += 2) {
    while (i < left.length && left[i + 1]! < right[j + 1]!) i += 2
    if (i >= left.length || left[i]! > right[j]!) return false
  }
  return true
}

/** How many numbers there are, Σ(end − begin + 1); exact up to 2^53. */
export const countOfRanges = (ranges: Ranges): number => {
  let count = 0
  for (let i = 0; i < ranges.length; i += 2) count += ranges[i + 1]! - ranges[i]! + 1
  return count
}

/** The `count` lowest numbers, or all if there are no more. */
export const lowestOfRanges = (ranges: Ranges, count: number): Ranges => {
  const lowest: Array<number> = []
  let wanted = count
  for (let i = 0; i < ranges.length; i += 2) {
    if (wanted <= 0) return lowest.length === 0 ? noRanges : lowest
    const begin = ranges[i]!
    const end = Math.min(ranges[i + 1]!, begin + wanted - 1)
    lowest.push(begin, end)
    if (end < ranges[i + 1]!) return lowest
    wanted -= end - begin + 1
  }
  return ranges
}

/** As Mesos writes them in `/state`: `[31000-32000, 33000-33000]`. */
export const rangesToText = (ranges: Ranges): string => {
  const texts: Array<string> = []
  for (let i = 0; i < ranges.length; i += 2) texts.push(`${ranges[i]}-${ranges[i + 1]}`)
  return `[${texts.join(", ")}]`
}

/** Adds a range that begins no earlier than those before it. */
const append = (ranges: Array<number>, begin: number, end: number): void => {
  const last = ranges.length - 1
  if (last < 0 || begin > ranges[last]! + 1) ranges.push(begin, end)
  else if (end > ranges[last]!) ranges[last] = end
}
