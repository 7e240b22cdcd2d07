import {
  addQuantities,
  amountOf,
  type Quantities,
  shortages,
  toQuantities,
} from "../../resources/Quantities.ts"
import {
  isAllocatableTo,
  isFreeScalar,
  isIndivisible,
  isReservedFor,
  isUnreserved,
  type Resource,
  resourceOf,
} from "../../resources/Resource.ts"
import {
  addResources,
  pickResources,
  type Resources,
  scalarQuantities,
  subtractResources,
  toResources,
} from "../../resources/Resources.ts"
import type { AllocationView } from "./AllocationView.ts"
import { limitOf } from "./Asker.ts"

/**
 * What quotas leave to a role of a host (spec/mesos.md §1.3, steps 5 and 6), by name of free scalars. Read once for all
 * hosts.
 */
export class QuotaRoom {
  private constructor(
    private readonly view: AllocationView,
    readonly topRole: string,
    private readonly consumed: Quantities,
    private readonly required: Quantities,
    private readonly available: Quantities,
  ) {}

  /** As the books stand now. */
  static of(view: AllocationView, topRole: string): QuotaRoom {
    const { required, available } = view.headroom()
    return new QuotaRoom(view, topRole, view.consumedQuotaOf(topRole), required, available)
  }

  /** As they would stand once the role had been offered this. */
  after(offered: Quantities): QuotaRoom {
    const consumed = addQuantities(this.consumed, offered)
    const met = shortages(this.unmetWith(consumed), this.unmetWith(this.consumed))
    const required = shortages(met, this.required)
    return new QuotaRoom(this.view, this.topRole, consumed, required, shortages(offered, this.available))
  }

  /** What is missing of its guarantee. */
  unmet(name: string): number {
    return amountOf(this.unmetWith(this.consumed), name)
  }

  belowLimit(name: string): number {
    return Math.max(0, limitOf(this.view, this.topRole, name) - amountOf(this.consumed, name))
  }

  /** What may be given to anybody without eating a guarantee; infinite where none is open. */
  surplus(name: string): number {
    const required = amountOf(this.required, name)
    if (required === 0) return Number.POSITIVE_INFINITY
    return Math.max(0, amountOf(this.available, name) - required)
  }

  /** Whose guarantees keep some of these names; its own only if nobody else's does. */
  rolesKeeping(names: ReadonlyArray<string>): ReadonlyArray<string> {
    const roles = this.view.quotaRoles().filter((role) => {
      const unmet = unmetGuarantee(this.view, role, this.view.consumedQuotaOf(role))
      return names.some((name) => amountOf(unmet, name) > 0)
    })
    const others = roles.filter((role) => role !== this.topRole)
    return others.length > 0 ? others : roles
  }

  private unmetWith(consumed: Quantities): Quantities {
    return unmetGuarantee(this.view, this.topRole, consumed)
  }
}

const unmetGuarantee = (view: AllocationView, role: string, consumed: Quantities): Quantities => {
  const quota = view.quotaOf(role)
  return quota === null ? {} : shortages(consumed, quota.guarantees)
}

/** Stage 1: what the guarantee lacks, as much more as limit and headroom leave, and what always goes with it; undefined when the
 * guarantee lacks nothing of this. */
export const guaranteedPiece = (shown: Resources, role: string, room: QuotaRoom): Resources | undefined => {
  const scalars = pickResources(shown, isFree)
  const reached = chop(scalars, (name) => room.unmet(name))
  if (reached.length === 0) return undefined
  const amounts = scalarQuantities(reached)
  const more = chop(subtractResources(scalars, reached), (name) =>
    Math.min(room.belowLimit(name) - amountOf(amounts, name), room.surplus(name)),
  )
  const others = pickResources(shown, ({ kind }) => isUnreserved(kind) || isReservedFor(kind, role))
  return [reached, more].reduce(addResources, pickResources(others, isNotFree))
}

/** Stage 2: what limit and headroom leave, and all the rest. */
export const fairPiece = (shown: Resources, room: QuotaRoom): Resources =>
  cutPiece(shown, (name) => Math.min(room.belowLimit(name), room.surplus(name)))

/** What the limit alone leaves. */
export const limitedPiece = (shown: Resources, room: QuotaRoom): Resources =>
  cutPiece(shown, (name) => room.belowLimit(name))

export const forRole = (resources: Resources, role: string): Resources =>
  pickResources(resources, ({ kind }) => isAllocatableTo(kind, role))

/** What quotas count. */
export const freeAmounts = (resources: Resources): Quantities =>
  scalarQuantities(pickResources(resources, isFree))

const isFree = ({ kind }: Resource): boolean => isFreeScalar(kind)
const isNotFree = ({ kind }: Resource): boolean => !isFreeScalar(kind)

const cutPiece = (shown: Resources, cap: (name: string) => number): Resources =>
  addResources(chop(pickResources(shown, isFree), cap), pickResources(shown, isNotFree))

/** Takes scalars up to a cap by name, in the order of their kinds; of what is indivisible all or nothing. */
const chop = (scalars: Resources, cap: (name: string) => number): Resources => {
  let taken: Quantities = {}
  const parts: Array<Resource> = []
  for (const { kind, value } of scalars) {
    const milli = value as number
    const left = Math.max(0, cap(kind.name) - amountOf(taken, kind.name))
    const part = isIndivisible(kind) && milli > left ? 0 : Math.min(milli, left)
    if (part === 0) continue
    taken = addQuantities(taken, toQuantities([[kind.name, part]]))
    parts.push(resourceOf(kind, part))
  }
  return toResources(parts)
}
