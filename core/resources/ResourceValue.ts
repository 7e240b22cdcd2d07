import { assert } from "../Assert.ts"
import { addItems, containsItems, type ItemSet, isNormalItems, subtractItems } from "./ItemSet.ts"
import {
  addRanges,
  containsRanges,
  countOfRanges,
  isNormalRanges,
  type Ranges,
  rangesToText,
  subtractRanges,
} from "./Ranges.ts"
import type { ResourceKind, ResourceValue } from "./Resource.ts"

// Arithmetic of values by the type of their kind; both values are always of the same kind.

export type ValueType = ResourceKind["type"]

/** The sum of scalars; the union of ranges and of sets. Asserts sums that stay exact. */
export const addValues = (type: ValueType, left: ResourceValue, right: ResourceValue): ResourceValue => {
  if (type === "scalar") {
    const sum = (left as number) + (right as number)
    assert(sum <= Number.MAX_SAFE_INTEGER, () => `${left} + ${right} is beyond exact whole numbers`)
    return sum
  }
  return type === "ranges"
    ? addRanges(left as Ranges, right as Ranges)
    : addItems(left as ItemSet, right as ItemSet)
}

/** `left` without `right`, which it contains. */
export const subtractValues = (type: ValueType, left: ResourceValue, right: ResourceValue): ResourceValue => {
  if (type === "scalar") return (left as number) - (right as number)
  return type === "ranges"
    ? subtractRanges(left as Ranges, right as Ranges)
    : subtractItems(left as ItemSet, right as ItemSet)
}

export const containsValue = (type: ValueType, left: ResourceValue, right: ResourceValue): boolean => {
  if (type === "scalar") return (left as number) >= (right as number)
  return type === "ranges"
    ? containsRanges(left as Ranges, right as Ranges)
    : containsItems(left as ItemSet, right as ItemSet)
}

export const isNoValue = (value: ResourceValue): boolean =>
  typeof value === "number" ? value === 0 : value.length === 0

/** Whether a value is of this type, in normal form: a whole number of thousandths, normal ranges, normal items. */
export const isValueOf = (type: ValueType, value: unknown): value is ResourceValue => {
  if (type === "scalar") return Number.isSafeInteger(value as number) && (value as number) >= 0
  if (!Array.isArray(value)) return false
  return type === "ranges"
    ? isNormalRanges(value)
    : value.every((item) => typeof item === "string") && isNormalItems(value)
}

/** Thousandths of a scalar; of ranges and sets the number of items × 1000, at most what is exact. */
export const sizeOf = (type: ValueType, value: ResourceValue): number => {
  if (type === "scalar") return value as number
  const count = type === "ranges" ? countOfRanges(value as Ranges) : (value as ItemSet).length
  return Math.min(count * 1000, Number.MAX_SAFE_INTEGER)
}

/** In Mesos's units: `0.5`, `[31000-32000]`, `{a, b}`. */
export const valueToText = (type: ValueType, value: ResourceValue): string => {
  if (type === "scalar") return String((value as number) / 1000)
  return type === "ranges" ? rangesToText(value as Ranges) : `{${(value as ItemSet).join(", ")}}`
}
