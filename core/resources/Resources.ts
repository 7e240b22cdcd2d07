import { assert } from "../Assert.ts"
import type { Quantities } from "./Quantities.ts"
import {
  isIndivisible,
  isPlain,
  plainScalar,
  type Resource,
  type ResourceKind,
  type ResourceValue,
  resourceOf,
} from "./Resource.ts"
import {
  addValues,
  containsValue,
  isNoValue,
  isValueOf,
  sizeOf,
  subtractValues,
  valueToText,
} from "./ResourceValue.ts"

/**
 * Resources of any kind in normal form: sorted by the key of their kind, no empty value, each kind once, unless it is indivisible:
 * then each piece or shared copy for itself, sorted by value, then by how it is used. Plain data. Functions are linear merges, and give back an
 * argument itself where nothing changes, since the allocator asks them for every offer.
 */
export type Resources = ReadonlyArray<Resource>

export const noResources: Resources = []

/** Builds the normal form of resources in any order; equal divisible kinds add up. Asserts values that fit their kind. */
export const toResources = (list: Iterable<Resource>): Resources => {
  const sorted: Array<Resource> = []
  for (const { kind, value } of list) {
    assert(
      isValueOf(kind.type, value),
      () => `resource ${kind.name}: ${JSON.stringify(value)} is no ${kind.type}`,
    )
    if (!isNoValue(value)) sorted.push(resourceOf(kind, value))
  }
  sorted.sort((left, right) => compareResources(left, right) || compareUses(left.kind, right.kind))
  const resources: Array<Resource> = []
  for (const resource of sorted) {
    const last = resources.length - 1
    if (last >= 0 && !isIndivisible(resource.kind) && isSameKind(resources[last]!.kind, resource.kind)) {
      resources[last] = addPair(resources[last]!, resource)
    } else resources.push(resource)
  }
  // A copy of the right length: arrays that were pushed to keep room for a dozen more, and these live as long as their host.
  return resources.length === 0 ? noResources : resources.slice()
}

/** Plain scalars of these amounts. */
export const quantitiesToResources = (quantities: Quantities): Resources => {
  const list: Array<Resource> = []
  for (const name of Object.keys(quantities)) list.push(resourceOf(plainScalar(name), quantities[name]!))
  return toResources(list)
}

/** The plain scalars by name; everything else is left out. */
export const plainQuantities = (resources: Resources): Quantities =>
  sumByName(resources, (kind) => kind.type === "scalar" && isPlain(kind))

/** All scalars by name: reserved and revocable ones and volumes too. A shared one counts once, however many copies there are. */
export const scalarQuantities = (resources: Resources): Quantities =>
  sumByName(resources, (kind) => kind.type === "scalar")

/** As {@link scalarQuantities}, and ranges and sets by their number of items × 1000 (spec/mesos.md §1.1,
 * `min_allocatable_resources`). */
export const quantitiesWithCounts = (resources: Resources): Quantities => sumByName(resources, () => true)

/** All of both. Ranges and sets unite: what stands in both stands in the sum once. */
export const addResources = (left: Resources, right: Resources): Resources => {
  if (right.length === 0) return left
  if (left.length === 0) return right
  const sum: Array<Resource> = []
  let i = 0
  let j = 0
  while (i < left.length && j < right.length) {
    const mine = left[i]!
    const other = right[j]!
    const order = compareResources(mine, other)
    const isBoth = order === 0 && isIndivisible(mine.kind)
    if (order < 0 || (isBoth && compareUses(mine.kind, other.kind) <= 0)) {
      sum.push(mine)
      i++
    } else if (order > 0 || isBoth) {
      sum.push(other)
      j++
    } else {
      sum.push(addPair(mine, other))
      i++
      j++
    }
  }
  while (i < left.length) sum.push(left[i++]!)
  while (j < right.length) sum.push(right[j++]!)
  return sum
}

/** `left` without `right`. Asserts that `left` contains it. */
export const subtractResources = (left: Resources, right: Resources): Resources => {
  if (right.length === 0) return left
  if (left === right) return noResources
  const rest: Array<Resource> = []
  let j = 0
  for (let i = 0; i < left.length; i++) {
    const mine = left[i]!
    const other = j < right.length ? right[j]! : null
    if (other === null || compareResources(mine, other) < 0) {
      rest.push(mine)
      continue
    }
    // From here on they are equal, or `other` stands in `left` nowhere.
    if (!containsPair(mine, other)) break
    const value = subtractValues(mine.kind.type, mine.value, other.value)
    if (!isNoValue(value)) rest.push(resourceOf(mine.kind, value))
    j++
  }
  if (j < right.length) {
    assert(false, `cannot take ${resourcesToText(right)} from ${resourcesToText(left)}`)
  }
  return rest.length === 0 ? noResources : rest
}

/**
 * Whether `left` has at least `right`, kind by kind: a reserved resource never satisfies an unreserved request
 * (spec/mesos.md §1.7). What is indivisible is there as a whole or not at all, in as many copies.
 */
export const containsResources = (left: Resources, right: Resources): boolean => {
  if (left === right) return true
  let i = 0
  for (let j = 0; j < right.length; j++) {
    const other = right[j]!
    while (i < left.length && compareResources(left[i]!, other) < 0) i++
    if (i >= left.length || !containsPair(left[i]!, other)) return false
    i++
  }
  return true
}

export const isNoResources = (resources: Resources): boolean => resources.length === 0

/** Whether both have the same of everything. */
export const sameResources = (left: Resources, right: Resources): boolean =>
  left === right ||
  (left.length === right.length && containsResources(left, right) && containsResources(right, left))

/** Those that are wanted; the predicate is asked for each in order. */
export const pickResources = (resources: Resources, isWanted: (resource: Resource) => boolean): Resources => {
  const picked: Array<Resource> = []
  for (let i = 0; i < resources.length; i++) {
    if (isWanted(resources[i]!)) picked.push(resources[i]!)
  }
  if (picked.length === resources.length) return resources
  return picked.length === 0 ? noResources : picked
}

/** For people and messages, in Mesos's units: `cpus:0.5; mem(reserved for ads):64; ports:[31000-32000]`. */
export const resourcesToText = (resources: Resources): string =>
  resources.length === 0
    ? "{}"
    : resources
        .map(({ kind, value }) => `${kind.name}${kindNotes(kind)}:${valueToText(kind.type, value)}`)
        .join("; ")

/** By key; pieces of an indivisible kind by value, so that equal copies meet in a merge and others pass by each other. */
const compareResources = (left: Resource, right: Resource): number => {
  if (left.kind !== right.kind) {
    const leftKey = left.kind.key
    const rightKey = right.kind.key
    if (leftKey < rightKey) return -1
    if (leftKey > rightKey) return 1
  }
  return isIndivisible(left.kind) ? (left.value as number) - (right.value as number) : 0
}

/** Orders equal volumes by what is not identity, so that the normal form does not depend on who came first. */
const compareUses = (left: ResourceKind, right: ResourceKind): number => {
  if (left === right) return 0
  const leftUse = JSON.stringify(left.disk)
  const rightUse = JSON.stringify(right.disk)
  return leftUse < rightUse ? -1 : leftUse > rightUse ? 1 : 0
}

const isSameKind = (left: ResourceKind, right: ResourceKind): boolean =>
  left === right || left.key === right.key

const containsPair = (left: Resource, right: Resource): boolean =>
  compareResources(left, right) === 0 && containsValue(left.kind.type, left.value, right.value)

const addPair = (left: Resource, right: Resource): Resource => {
  const value: ResourceValue = addValues(left.kind.type, left.value, right.value)
  return value === left.value ? left : resourceOf(left.kind, value)
}

/** Kinds of one name stand together, and equal copies of a shared kind beside each other. */
const sumByName = (resources: Resources, isCounted: (kind: ResourceKind) => boolean): Quantities => {
  const sums: { [name: string]: number } = {}
  let name = ""
  let sum = 0
  for (let i = 0; i < resources.length; i++) {
    const resource = resources[i]!
    const { kind, value } = resource
    if (!isCounted(kind)) continue
    if (kind.shared && i > 0 && compareResources(resources[i - 1]!, resource) === 0) continue
    if (kind.name !== name) {
      name = kind.name
      sum = 0
    }
    sum = Math.min(sum + sizeOf(kind.type, value), Number.MAX_SAFE_INTEGER)
    sums[name] = sum
  }
  return sums
}

const kindNotes = (kind: ResourceKind): string => {
  const notes: Array<string> = []
  for (const { type, role, principal, labels } of kind.reservations) {
    const owner = principal === null ? "" : ` by ${principal}`
    const marks = labels.map(({ key, value }) => ` ${key}=${value}`).join("")
    notes.push(`${type === "static" ? "set apart" : "reserved"} for ${role}${owner}${marks}`)
  }
  if (kind.disk !== null && kind.disk.persistence !== null) notes.push(`volume ${kind.disk.persistence.id}`)
  if (kind.disk !== null && kind.disk.source !== null) {
    const { type, root, id } = kind.disk.source
    notes.push(`${type}${root === null ? "" : ` ${root}`}${id === null ? "" : ` ${id}`}`)
  }
  if (kind.revocable) notes.push("revocable")
  if (kind.shared) notes.push("shared")
  if (kind.providerId !== null) notes.push(`of provider ${kind.providerId}`)
  return notes.length === 0 ? "" : `(${notes.join(", ")})`
}
