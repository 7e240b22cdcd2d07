import { isIndivisible, type Resource, resourceOf } from "./Resource.ts"
import { noResources, type Resources } from "./Resources.ts"
import { containsValue, isNoValue, subtractValues } from "./ResourceValue.ts"

/**
 * What of `left` is not in `right`, kind by kind: as subtraction, but `right` may have more. Of pieces that are indivisible an equal
 * one goes away for each.
 */
export const resourcesBeyond = (left: Resources, right: Resources): Resources => {
  if (left.length === 0 || right.length === 0) return left
  const taken = right.map(() => false)
  const beyond: Array<Resource> = []
  for (const resource of left) {
    const rest = beyondOf(resource, right, taken)
    if (rest !== null) beyond.push(rest)
  }
  if (beyond.length === left.length && beyond.every((resource, index) => resource === left[index]))
    return left
  return beyond.length === 0 ? noResources : beyond
}

const beyondOf = (resource: Resource, right: Resources, taken: Array<boolean>): Resource | null => {
  const { kind, value } = resource
  const index = right.findIndex(
    (other, place) =>
      !taken[place] && other.kind.key === kind.key && (!isIndivisible(kind) || other.value === value),
  )
  if (index < 0) return resource
  taken[index] = true
  const other = right[index]!.value
  if (containsValue(kind.type, other, value)) return null
  const rest =
    kind.type === "scalar" ? (value as number) - (other as number) : subtractValues(kind.type, value, other)
  return isNoValue(rest) ? null : resourceOf(kind, rest)
}
