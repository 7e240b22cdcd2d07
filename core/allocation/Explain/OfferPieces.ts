import { amountOf, type Quantities, shortages, toQuantities } from "../../resources/Quantities.ts"
import {
  isAllocatableTo,
  isPlain,
  isReservedFor,
  isUnreserved,
  type Resource,
} from "../../resources/Resource.ts"
import {
  addResources,
  pickResources,
  plainQuantities,
  quantitiesToResources,
  type Resources,
} from "../../resources/Resources.ts"
import type { AllocationView } from "./AllocationView.ts"
import { limitOf } from "./Asker.ts"

/**
 * What quotas leave to a role of a host (spec/mesos.md §1.3, steps 5 and 6), as the books stand now and before anything else
 * is offered. Read once for all hosts.
 */
export class QuotaRoom {
  private readonly consumed: Quantities
  private readonly unmet: Quantities
  private readonly required: Quantities
  private readonly available: Quantities

  constructor(
    private readonly view: AllocationView,
    readonly topRole: string,
  ) {
    this.consumed = view.consumedQuotaOf(topRole)
    this.unmet = unmetGuarantee(view, topRole)
    const { required, available } = view.headroom()
    this.required = required
    this.available = available
  }

  /** Stage 1: what the guarantee lacks and as much more as limit and headroom leave; undefined when it lacks nothing of this. */
  guaranteedPart(scalars: Quantities): Quantities | undefined {
    const reached = mapAmounts(scalars, (name, milli) => Math.min(milli, amountOf(this.unmet, name)))
    if (Object.keys(reached).length === 0) return undefined
    return mapAmounts(scalars, (name, milli) => {
      const part = amountOf(reached, name)
      return part + Math.max(0, Math.min(milli - part, this.belowLimit(name) - part, this.surplus(name)))
    })
  }

  /** Stage 1, and what stage 2 then adds: the part that reached a guarantee needs no headroom any more. */
  combinedPart(scalars: Quantities): Quantities {
    return mapAmounts(scalars, (name, milli) => {
      const part = Math.min(milli, amountOf(this.unmet, name))
      const isFree = amountOf(this.required, name) === part
      const surplus = isFree ? Number.POSITIVE_INFINITY : this.surplus(name)
      return part + Math.max(0, Math.min(milli - part, this.belowLimit(name) - part, surplus))
    })
  }

  /** Stage 2: what limit and headroom leave. */
  fairPart(scalars: Quantities): Quantities {
    return mapAmounts(scalars, (name, milli) => Math.min(milli, this.belowLimit(name), this.surplus(name)))
  }

  /** What the limit alone leaves. */
  limitedPart(scalars: Quantities): Quantities {
    return mapAmounts(scalars, (name, milli) => Math.min(milli, this.belowLimit(name)))
  }

  /** Whose guarantees keep some of these names; its own only if nobody else's does. */
  rolesKeeping(names: ReadonlyArray<string>): ReadonlyArray<string> {
    const roles = this.view.quotaRoles().filter((role) => {
      const unmet = unmetGuarantee(this.view, role)
      return names.some((name) => amountOf(unmet, name) > 0)
    })
    const others = roles.filter((role) => role !== this.topRole)
    return others.length > 0 ? others : roles
  }

  private belowLimit(name: string): number {
    return Math.max(0, limitOf(this.view, this.topRole, name) - amountOf(this.consumed, name))
  }

  private surplus(name: string): number {
    const required = amountOf(this.required, name)
    if (required === 0) return Number.POSITIVE_INFINITY
    return Math.max(0, amountOf(this.available, name) - required)
  }
}

const unmetGuarantee = (view: AllocationView, role: string): Quantities => {
  const quota = view.quotaOf(role)
  return quota === null ? {} : shortages(view.consumedQuotaOf(role), quota.guarantees)
}

/** What may be cut: quotas and headroom are about plain scalars, the rest of a host is offered whole. */
export const scalarsOf = (resources: Resources): Quantities => plainQuantities(resources)

export const withScalars = (resources: Resources, scalars: Quantities): Resources =>
  addResources(pickResources(resources, isNoPlainScalar), quantitiesToResources(scalars))

/** What goes with a guarantee in stage 1: only reservations of exactly the role. */
export const forGuarantee = (resources: Resources, role: string): Resources =>
  pickResources(resources, ({ kind }) => isUnreserved(kind) || isReservedFor(kind, role))

export const forRole = (resources: Resources, role: string): Resources =>
  pickResources(resources, ({ kind }) => isAllocatableTo(kind, role))

const isNoPlainScalar = ({ kind }: Resource): boolean => kind.type !== "scalar" || !isPlain(kind)

const mapAmounts = (amounts: Quantities, change: (name: string, milli: number) => number): Quantities =>
  toQuantities(Object.keys(amounts).map((name): [string, number] => [name, change(name, amounts[name]!)]))
