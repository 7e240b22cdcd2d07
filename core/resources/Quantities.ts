import { assert } from "../Assert.ts"
import { type NumberByName, numberOf } from "../NumberByName.ts"

/**
 * Amounts by resource name, in whole thousandths of Mesos's units: `cpus` in milli-cpus, `mem` and `disk` in
 * thousandths of MiB. In normal form: names sorted, every amount a positive safe integer (an absent name is zero), so
 * that equal resources are equal byte for byte. Whole numbers because Mesos compares at three decimals
 * (spec/mesos.md §1.7) and because sums of them never drift.
 */
export type Quantities = NumberByName

export const noQuantities: Quantities = {}

/** Builds the normal form; amounts of the same name add up. Asserts whole, non-negative amounts. */
export const toQuantities = (amounts: Iterable<readonly [name: string, milli: number]>): Quantities => {
  const sums = new Map<string, number>()
  for (const [name, milli] of amounts) {
    assert(milli >= 0, () => `resource ${name}: negative amount ${milli}`)
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

export const amountOf = (resources: Quantities, name: string): number => numberOf(resources, name, 0)

export const isNoQuantities = (resources: Quantities): boolean => Object.keys(resources).length === 0

export const addQuantities = (left: Quantities, right: Quantities): Quantities =>
  toQuantities(Object.entries(left).concat(Object.entries(right)))

/**
 * Of many. Large ones may be more together than a number counts exactly, as two quotas of the largest size are: such a sum stays at the
 * largest number that does, which is more than there is anywhere.
 */
export const sumOfQuantities = (all: Iterable<Quantities>): Quantities => {
  const sums = new Map<string, number>()
  for (const quantities of Array.from(all)) {
    for (const [name, milli] of Object.entries(quantities)) {
      sums.set(name, Math.min((sums.get(name) || 0) + milli, Number.MAX_SAFE_INTEGER))
    }
  }
  return toQuantities(Array.from(sums))
}

/** `left − right`; the caller has checked that `left` contains `right`. */
export const subtractQuantities = (left: Quantities, right: Quantities): Quantities => {
  assert(
    containsQuantities(left, right),
    () => `cannot take ${quantitiesToText(right)} from ${quantitiesToText(left)}`,
  )
  return toQuantities(
    Object.entries(left).map(([name, milli]): [string, number] => [name, milli - amountOf(right, name)]),
  )
}

/** Whether `left` has at least `right` of everything. */
export const containsQuantities = (left: Quantities, right: Quantities): boolean =>
  Object.entries(right).every(([name, milli]) => amountOf(left, name) >= milli)

/** Every resource of which `wanted` exceeds `available`, by how much: all of them, not only the first. */
export const shortages = (available: Quantities, wanted: Quantities): Quantities =>
  toQuantities(
    Object.entries(wanted).map(([name, milli]): [string, number] => [
      name,
      Math.max(0, milli - amountOf(available, name)),
    ]),
  )

/** The smaller amount of each name. */
export const smallerQuantities = (left: Quantities, right: Quantities): Quantities =>
  toQuantities(
    Object.entries(left).map(([name, milli]): [string, number] => [
      name,
      Math.min(milli, amountOf(right, name)),
    ]),
  )

/** Whether both have the same of everything; an amount of 0 is as good as none. */
export const sameQuantities = (left: Quantities, right: Quantities): boolean =>
  containsQuantities(left, right) && containsQuantities(right, left)

/** For people and messages: `cpus:0.5; mem:64`, in Mesos's units. */
export const quantitiesToText = (resources: Quantities): string => {
  const text = Object.entries(resources)
    .map(([name, milli]) => `${name}:${milli / 1000}`)
    .join("; ")
  return text === "" ? "{}" : text
}

const checkWhole = (name: string, milli: number): number => {
  assert(milli === Math.floor(milli), () => `resource ${name}: ${milli} is not a whole number of thousandths`)
  assert(milli <= Number.MAX_SAFE_INTEGER, () => `resource ${name}: ${milli} is beyond exact whole numbers`)
  return milli
}
