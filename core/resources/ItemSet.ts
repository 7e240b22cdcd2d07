/**
 * The items of a set resource (spec/mesos.md §1.7), sorted by code units, each once. Functions are linear and give back an
 * argument itself where nothing changes.
 */
export type ItemSet = ReadonlyArray<string>

export const noItems: ItemSet = []

/** Builds the normal form of items in any order. */
export const toItems = (items: Iterable<string>): ItemSet => {
  const sorted = Array.from(new Set(items)).sort()
  return sorted.length === 0 ? noItems : sorted
}

/** Whether a list is in normal form. */
export const isNormalItems = (items: ReadonlyArray<string>): boolean =>
  items.every((item, index) => index === 0 || items[index - 1]! < item)

/** The union. */
export const addItems = (left: ItemSet, right: ItemSet): ItemSet => {
  if (right.length === 0 || left === right) return left
  if (left.length === 0) return right
  const union: Array<string> = []
  let i = 0
  let j = 0
  while (i < left.length && j < right.length) {
    const isSame = left[i] === right[j]
    if (isSame || left[i]! < right[j]!) union.push(left[i++]!)
    else union.push(right[j++]!)
    if (isSame) j++
  }
  while (i < left.length) union.push(left[i++]!)
  while (j < right.length) union.push(right[j++]!)
  return union
}

/** What of `left` is not in `right`; they need not overlap. */
export const subtractItems = (left: ItemSet, right: ItemSet): ItemSet => {
  if (left.length === 0 || right.length === 0) return left
  const rest: Array<string> = []
  let j = 0
  for (const item of left) {
    while (j < right.length && right[j]! < item) j++
    if (j >= right.length || right[j] !== item) rest.push(item)
  }
  if (rest.length === left.length) return left
  return rest.length === 0 ? noItems : rest
}

/** What is in both. */
export const intersectItems = (left: ItemSet, right: ItemSet): ItemSet => {
  const common: Array<string> = []
  let j = 0
  for (const item of left) {
    while (j < right.length && right[j]! < item) j++
    if (j < right.length && right[j] === item) common.push(item)
  }
  if (common.length === left.length) return left
  return common.length === 0 ? noItems : common
}

/** Whether all of `right` is in `left`. */
export const containsItems = (left: ItemSet, right: ItemSet): boolean => {
  if (left === right) return true
  let i = 0
  for (const item of right) {
    while (i < left.length && left[i]! < item) i++
    if (i >= left.length || left[i] !== item) return false
  }
  return true
}

/** The `count` first items, or all if there are no more. */
export const lowestItems = (items: ItemSet, count: number): ItemSet => {
  if (count >= items.length) return items
  return count <= 0 ? noItems : items.slice(0, count)
}
