import { intersectItems } from "../../resources/ItemSet.ts"
import { amountOf, type Quantities } from "../../resources/Quantities.ts"
import { intersectRanges, type Ranges } from "../../resources/Ranges.ts"
import {
  isAllocatableTo,
  isIndivisible,
  isPlain,
  type Resource,
  type ResourceValue,
} from "../../resources/Resource.ts"
import type { Resources } from "../../resources/Resources.ts"
import { sizeOf } from "../../resources/ResourceValue.ts"

/**
 * One thing that a request wants of a host, in milli-units or 1000 for each item. What tasks give back of it comes in two
 * sorts: plain scalars pay what the host's reserve is owed first, anything else does not.
 */
interface Want {
  readonly wanted: number
  readonly owed: number
  readonly plain: number
  readonly other: number
}

/** What stopping a task gives back of each want, plain and other in turn: `[plain, other, plain, other, …]`. */
export type Yield = ReadonlyArray<number>

/**
 * When a request fits on a host: everything it wants is there, with what stopped tasks give back. It fits with more
 * whenever it fits with less.
 */
export class Demand {
  constructor(
    private readonly wants: ReadonlyArray<Want>,
    /** What stopping something that holds these resources gives back. */
    readonly yieldOf: (resources: Resources) => Yield,
  ) {}

  /** Numbers in a {@link Yield}: two a want. */
  get width(): number {
    return 2 * this.wants.length
  }

  fits(given: Yield): boolean {
    for (let index = 0; index < this.wants.length; index++) {
      if (this.missing(index, given) > 0) return false
    }
    return true
  }

  /** How much is still missing: Σ missing ÷ wanted. */
  distance(given: Yield): number {
    let sum = 0
    for (let index = 0; index < this.wants.length; index++) {
      sum += this.missing(index, given) / this.wants[index]!.wanted
    }
    return sum
  }

  /** How much of a want is missing still; not counting what the reserve is owed. */
  missing(index: number, given: Yield): number {
    const { wanted, owed, plain, other } = this.wants[index]!
    const afterReserve = Math.max(0, plain + given[2 * index]! - owed)
    return Math.max(0, wanted - afterReserve - other - given[2 * index + 1]!)
  }

  /** What the reserve is owed still and takes first of what is plain. */
  owed(index: number, given: Yield): number {
    const { owed, plain } = this.wants[index]!
    return Math.max(0, owed - plain - given[2 * index]!)
  }
}

/**
 * Amounts by name; ranges and sets by number of items × 1000. They may come from anything that an offer to the role could hold
 * and a task can use up: unreserved or reserved for the role or an ancestor, not revocable, not shared, no volume and no whole disk.
 */
export const demandOfAmounts = (
  wanted: Quantities,
  role: string,
  available: Resources,
  owed: Quantities,
): Demand => {
  const names = Object.keys(wanted)
  const yieldOf = (resources: Resources): Yield => {
    const sums = new Array<number>(2 * names.length).fill(0)
    for (const { kind, value } of resources) {
      const index = names.indexOf(kind.name)
      if (index < 0 || kind.revocable || isIndivisible(kind) || !isAllocatableTo(kind, role)) continue
      const at = 2 * index + (isPlain(kind) && kind.type === "scalar" ? 0 : 1)
      sums[at] = sums[at]! + sizeOf(kind.type, value)
    }
    return sums
  }
  const there = yieldOf(available)
  const wants = names.map((name, index) => ({
    wanted: amountOf(wanted, name),
    owed: amountOf(owed, name),
    plain: there[2 * index]!,
    other: there[2 * index + 1]!,
  }))
  return new Demand(wants, yieldOf)
}

/** Exactly these resources: kind by kind, these very ports, this very volume. */
export const demandOfResources = (wanted: Resources, available: Resources, owed: Quantities): Demand => {
  const yieldOf = (resources: Resources): Yield => {
    const sums: Array<number> = []
    for (const part of wanted) {
      const common = sumOf(resources, part)
      if (paysReserve(part)) sums.push(common, 0)
      else sums.push(0, common)
    }
    return sums
  }
  const there = yieldOf(available)
  const wants = wanted.map((part, index) => ({
    wanted: isIndivisible(part.kind) ? 1 : sizeOf(part.kind.type, part.value),
    owed: paysReserve(part) ? amountOf(owed, part.kind.name) : 0,
    plain: there[2 * index]!,
    other: there[2 * index + 1]!,
  }))
  return new Demand(wants, yieldOf)
}

const paysReserve = ({ kind }: Resource): boolean => isPlain(kind) && kind.type === "scalar"

/** How much of what is wanted is among these; an indivisible one counts 1. */
const sumOf = (resources: Resources, wanted: Resource): number => {
  let sum = 0
  for (const { kind, value } of resources) {
    if (kind.key !== wanted.kind.key) continue
    if (isIndivisible(kind)) sum += value === wanted.value ? 1 : 0
    else sum += sizeOf(kind.type, commonValue(kind.type, value, wanted.value))
  }
  return sum
}

/** Of scalars all counts: what one wants can come from several. */
const commonValue = (
  type: "scalar" | "ranges" | "set",
  value: ResourceValue,
  wanted: ResourceValue,
): ResourceValue => {
  if (type === "scalar") return value
  if (type === "ranges") return intersectRanges(value as Ranges, wanted as Ranges)
  return intersectItems(value as ReadonlyArray<string>, wanted as ReadonlyArray<string>)
}
