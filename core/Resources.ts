import { assert } from "./Assert.ts"
import { type NumberByName, numberOf } from "./NumberByName.ts"

/**
 * Amounts by resource name, in whole thousandths of Mesos's units: `cpus` in milli-cpus, `mem` and `disk` in
 * thousandths of MiB. In normal form: names sorted, every amount a positive safe integer (an absent name is zero), so
 * that equal resources are equal byte for byte. Whole numbers because Mesos compares at three decimals
 * (spec/mesos.md §1.7) and because sums of them never drift.
 */
export type Resources = NumberByName

export const emptyResources: Resources = {}

/** Builds the normal form; amounts of the same name add up. Asserts whole, non-negative amounts. */
export const toResources = (amounts: Iterable<readonly [name: string, milli: number]>): Resources => {
  const sums = new Map<string, number>()
  for (const [name, milli] of amounts) {
    assert(milli >= 0, `resource ${name}: negative amount ${milli}`)
    sums.set(name, checkWhole(name, (sums.get(name) || 0) + milli))
  }
  const result: { [name: string]: number } = {}
  for (const name of Array.from(sums.keys()).sort()) {
    const milli = sums.get(name)!
    if (milli > 0) result[name] = milli
  }
  return result
}

/** Whether a text may name a resource: kept narrow so that a name is safe as a key, a label and in a message. */
export const isResourceName = (name: string): boolean => /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(name)

export const amountOf = (resources: Resources, name: string): number => numberOf(resources, name, 0)

export const isEmptyResources = (resources: Resources): boolean => Object.keys(resources).length === 0

export const addResources = (left: Resources, right: Resources): Resources =>
  toResources(Object.entries(left).concat(Object.entries(right)))

/** `left − right`; the caller has checked that `left` contains `right`. */
export const subtractResources = (left: Resources, right: Resources): Resources => {
  assert(
    containsResources(left, right),
    `cannot take ${resourcesToText(right)} from ${resourcesToText(left)}`,
  )
  return toResources(
    Object.entries(left).map(([name, milli]): [string, number] => [name, milli - amountOf(right, name)]),
  )
}

/** Whether `left` has at least `right` of everything. */
export const containsResources = (left: Resources, right: Resources): boolean =>
  Object.entries(right).every(([name, milli]) => amountOf(left, name) >= milli)

/** Every resource of which `wanted` exceeds `available`, by how much: all of them, not only the first. */
export const shortages = (available: Resources, wanted: Resources): Resources =>
  toResources(
    Object.entries(wanted).map(([name, milli]): [string, number] => [
      name,
      Math.max(0, milli - amountOf(available, name)),
    ]),
  )

/** The smaller amount of each name. */
export const smallerResources = (left: Resources, right: Resources): Resources =>
  toResources(
    Object.entries(left).map(([name, milli]): [string, number] => [
      name,
      Math.min(milli, amountOf(right, name)),
    ]),
  )

/** Whether both have the same of everything; an amount of 0 is as good as none. */
export const sameResources = (left: Resources, right: Resources): boolean =>
  containsResources(left, right) && containsResources(right, left)

/** For people and messages: `cpus:0.5; mem:64`, in Mesos's units. */
export const resourcesToText = (resources: Resources): string => {
  const text = Object.entries(resources)
    .map(([name, milli]) => `${name}:${milli / 1000}`)
    .join("; ")
  return text === "" ? "{}" : text
}

const checkWhole = (name: string, milli: number): number => {
  assert(milli === Math.floor(milli), `resource ${name}: ${milli} is not a whole number of thousandths`)
  assert(milli <= Number.MAX_SAFE_INTEGER, `resource ${name}: ${milli} is beyond exact whole numbers`)
  return milli
}
