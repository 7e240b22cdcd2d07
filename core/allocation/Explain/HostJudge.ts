import { plainToResources } from "../../resources/PlainForm.ts"
import {
  amountOf,
  containsQuantities,
  isNoQuantities,
  type Quantities,
  shortages,
} from "../../resources/Quantities.ts"
import { isAllocatableTo, isIndivisible, reservationRole } from "../../resources/Resource.ts"
import {
  addResources,
  containsResources,
  noResources,
  pickResources,
  quantitiesToResources,
  quantitiesWithCounts,
  type Resources,
  subtractResources,
} from "../../resources/Resources.ts"
import { type AllocatorAgent, type FilterRow, filterKey } from "../Allocator.ts"
import { demandName, demandsOf, HIERARCHICAL_ROLE, isStripped, MULTI_ROLE } from "../Gates.ts"
import type { HostVerdict } from "../HostVerdict.ts"
import type { AllocationView, Holding, HoldingsOn } from "./AllocationView.ts"
import type { Asker } from "./Asker.ts"
import { topLevelOf } from "./Asker.ts"
import { fairPiece, forRole, freeAmounts, guaranteedPiece, limitedPiece, QuotaRoom } from "./OfferPieces.ts"

/**
 * Asks hosts on behalf of one client: goes through the stages of a cycle until one refuses. The resources of the host shrink from stage
 * to stage; the first after which they no longer suffice is the one that refused. Everything stands still while it asks, so what
 * it says of each host holds if that host comes first in the cycle.
 */
export class HostJudge {
  private readonly room: QuotaRoom

  constructor(
    private readonly view: AllocationView,
    private readonly asker: Asker,
    /** What a task wants; nothing = any offer. */
    private readonly wanted: Quantities,
    private readonly nowMs: number,
    private readonly holdingsOn: HoldingsOn | null,
  ) {
    this.room = QuotaRoom.of(view, topLevelOf(asker.role))
  }

  /** Never `behind`: who else wants it is not asked here. */
  judge(agent: AllocatorAgent): HostVerdict {
    const refusal = this.judgeHost(agent)
    if (refusal !== null) return refusal
    const { agentId } = agent
    const available = this.view.availableOn(agentId)
    const seen = pickResources(available, ({ kind }) => !isStripped(kind, this.asker.stripped))
    const shown = forRole(seen, this.asker.role)
    // The last is the smallest: when it suffices, so do the others.
    if (!this.suffices(shown)) {
      return this.judgeFree(agentId, available, shown) || this.judgeShown(available, seen, shown)
    }
    return this.judgeOffer(agentId, shown)
  }

  /** The host itself, whatever is free of it. */
  private judgeHost(agent: AllocatorAgent): HostVerdict | null {
    if (!agent.isActive) return { stage: "inactive" }
    const unmet = demandsOf(agent, this.view.settings) & this.asker.unfit
    if (unmet !== 0) {
      const bit = unmet & -unmet
      const missingAt = bit === MULTI_ROLE || bit === HIERARCHICAL_ROLE ? "agent" : "framework"
      return { stage: "capability", capability: demandName(bit), missingAt }
    }
    if (this.asker.satisfies !== null && !this.asker.satisfies(agent)) return { stage: "constraints" }
    if (isNoQuantities(this.wanted)) return null
    const missing = shortages(usable(agent.total), this.wanted)
    return isNoQuantities(missing) ? null : { stage: "tooSmall", missing }
  }

  /** What is not allocated. */
  private judgeFree(agentId: string, available: Resources, shown: Resources): HostVerdict | null {
    const free = addResources(available, quantitiesToResources(this.view.heldOn(agentId)))
    if (this.suffices(free)) return null
    const holdings = this.holdingsOn === null ? [] : this.holdingsOn(agentId)
    const isOwn = ({ frameworkId }: Holding) => frameworkId === this.asker.frameworkId
    const isOffer = ({ by }: Holding) => by === "offer"
    if (
      this.suffices(
        plus(
          free,
          holdings.filter((holding) => isOffer(holding) && isOwn(holding)),
        ),
      )
    ) {
      return { stage: "ownOffer" }
    }
    const amounts = quantitiesWithCounts(free)
    if (this.namesOfInterest().some((name) => amountOf(amounts, name) > 0)) {
      if (containsQuantities(usable(free), this.wanted)) return { stage: "belowMinimum", free: amounts }
      return { stage: "short", missing: shortages(usable(shown), this.wanted) }
    }
    if (holdings.length === 0) return { stage: "taken", by: "unknown", holders: [] }
    const offers = holdings.filter(isOffer)
    if (this.suffices(plus(free, offers))) return taken("offers", offers)
    const tasks = holdings.filter((holding) => !isOffer(holding))
    return taken(tasks.every(isOwn) ? "ownTasks" : "tasks", tasks)
  }

  /** What may be shown to the client, which is not enough. */
  private judgeShown(available: Resources, seen: Resources, shown: Resources): HostVerdict {
    const missing = (resources: Resources) => shortages(usable(resources), this.wanted)
    if (!this.suffices(available)) return { stage: "reserve", missing: missing(available) }
    if (!this.suffices(seen)) {
      const hidden = pickResources(available, ({ kind }) => isStripped(kind, this.asker.stripped))
      return { stage: "stripped", capabilities: capabilitiesFor(hidden) }
    }
    const others = pickResources(seen, ({ kind }) => !isAllocatableTo(kind, this.asker.role))
    const roles = sortedUnique(others.map(({ kind }) => reservationRole(kind)!))
    return { stage: "reserved", roles, missing: missing(shown) }
  }

  /** What a cycle would make of it, and whether the client refused that lately. */
  private judgeOffer(agentId: string, shown: Resources): HostVerdict {
    const first = guaranteedPiece(shown, this.asker.role, this.room) || noResources
    const firstFilter = this.filterOn(agentId, first)
    if (this.isWorthOffering(first) && firstFilter === null) {
      const offer = addResources(first, this.restAfter(agentId, shown, first))
      return this.suffices(offer) ? { stage: "offered", resources: offer } : this.heldBack(shown, offer)
    }
    const offer = fairPiece(shown, this.room)
    if (this.suffices(offer)) return this.filterOn(agentId, offer) || { stage: "offered", resources: offer }
    return firstFilter !== null && this.suffices(first) ? firstFilter : this.heldBack(shown, offer)
  }

  /** What stage 2 adds to an offer of stage 1, which is an offer of its own to minima and filters. */
  private restAfter(agentId: string, shown: Resources, first: Resources): Resources {
    const rest = fairPiece(subtractResources(shown, first), this.room.after(freeAmounts(first)))
    return this.isWorthOffering(rest) && this.filterOn(agentId, rest) === null ? rest : noResources
  }

  private heldBack(shown: Resources, offer: Resources): HostVerdict {
    const limited = limitedPiece(shown, this.room)
    if (!this.suffices(limited)) {
      return { stage: "limit", role: this.room.topRole, names: namesLost(shown, limited) }
    }
    const names = namesLost(limited, offer)
    return { stage: "headroom", roles: this.room.rolesKeeping(names), names }
  }

  /** The filter in force that covers an offer and lasts longest. */
  private filterOn(agentId: string, offer: Resources): (HostVerdict & { readonly stage: "filtered" }) | null {
    const { frameworkId, role } = this.asker
    if (frameworkId === null) return null
    const row = this.view.row({ kind: "filter", key: filterKey({ frameworkId, role, agentId }) })
    let longest: FilterRow[number] | null = null
    for (const filter of row === undefined ? [] : (row as FilterRow)) {
      if (filter.expiresAtMs <= this.nowMs) continue
      if (longest !== null && filter.expiresAtMs <= longest.expiresAtMs) continue
      if (containsResources(plainToResources(filter.resources), offer)) longest = filter
    }
    if (longest === null) return null
    const forMs = longest.expiresAtMs - this.nowMs
    return {
      stage: "filtered",
      forMs,
      backoffMs: Math.min(forMs, longest.backoffMs),
      refused: plainToResources(longest.resources),
    }
  }

  /** Whether an offer of these would be made, as far as the amounts go, and the task would fit into it. */
  private suffices(resources: Resources): boolean {
    return this.isWorthOffering(resources) && containsQuantities(usable(resources), this.wanted)
  }

  private isWorthOffering(resources: Resources): boolean {
    if (resources.every(({ kind }) => kind.shared)) return false
    const { minima } = this.asker
    const amounts = quantitiesWithCounts(resources)
    return minima.length === 0 || minima.some((minimum) => containsQuantities(amounts, minimum))
  }

  private namesOfInterest(): ReadonlyArray<string> {
    const wanted = Object.keys(this.wanted)
    if (wanted.length > 0) return wanted
    return sortedUnique(
      this.asker.minima.reduce((names: Array<string>, set) => names.concat(Object.keys(set)), []),
    )
  }
}

/** What a task can use up and give back: no volume, no whole disk, nothing shared or revocable. */
const usable = (resources: Resources): Quantities =>
  quantitiesWithCounts(pickResources(resources, ({ kind }) => !kind.revocable && !isIndivisible(kind)))

const plus = (resources: Resources, holdings: ReadonlyArray<Holding>): Resources =>
  holdings.reduce((sum, holding) => addResources(sum, holding.resources), resources)

const taken = (by: "offers" | "tasks" | "ownTasks", holdings: ReadonlyArray<Holding>): HostVerdict => ({
  stage: "taken",
  by,
  holders: sortedUnique(holdings.map(({ frameworkId }) => frameworkId)),
})

const capabilitiesFor = (hidden: Resources): ReadonlyArray<string> =>
  sortedUnique(
    hidden.map(({ kind }) =>
      kind.revocable ? "REVOCABLE_RESOURCES" : kind.shared ? "SHARED_RESOURCES" : "RESERVATION_REFINEMENT",
    ),
  )

const namesLost = (before: Resources, after: Resources): ReadonlyArray<string> =>
  Object.keys(shortages(freeAmounts(after), freeAmounts(before)))

const sortedUnique = (texts: ReadonlyArray<string>): ReadonlyArray<string> =>
  Array.from(new Set(texts)).sort()
