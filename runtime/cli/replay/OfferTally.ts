import type { MasterAction } from "../../../core/master/Action.ts"
import type { MasterEvent } from "../../../core/master/Event.ts"
import { isTerminal } from "../../../core/Task.ts"

/** Offers of one framework in one role. */
export interface OfferCount {
  readonly framework: string
  readonly frameworkId: string
  readonly role: string
  readonly offers: number
}

export interface Waits {
  readonly count: number
  readonly medianMs: number | null
  readonly p90Ms: number | null
  readonly maxMs: number | null
  /** Hosts on which a task has ended and that nobody was offered since. */
  readonly stillWaiting: number
}

/** How long waits are remembered one by one; of more, every later one takes the place of an earlier one. */
const waitsMax = 1_000_000

/** What a master offered, and how long a host waited for its next offer after a task of it had ended. */
export class OfferTally {
  private readonly counts = new Map<string, { -readonly [Key in keyof OfferCount]: OfferCount[Key] }>()
  private readonly freeSinceMs = new Map<string, number>()
  private readonly waits: Array<number> = []
  private seen = 0
  offers = 0

  take(event: MasterEvent, actions: ReadonlyArray<MasterAction>): void {
    if (event.type === "StatusReported" && isTerminal(event.latestState)) {
      if (!this.freeSinceMs.has(event.agentId)) this.freeSinceMs.set(event.agentId, event.nowMs)
    }
    for (const action of actions) {
      if (action.type !== "OfferResources") continue
      const { framework } = action
      for (const { offer } of action.offers) {
        this.offers++
        this.countFor(framework.id, framework.info.name, offer.role).offers++
        const sinceMs = this.freeSinceMs.get(offer.agentId)
        if (sinceMs === undefined) continue
        this.freeSinceMs.delete(offer.agentId)
        this.waits[this.seen++ % waitsMax] = event.nowMs - sinceMs
      }
    }
  }

  private countFor(frameworkId: string, framework: string, role: string) {
    const key = `${frameworkId} ${role}`
    const count = this.counts.get(key) ?? { framework, frameworkId, role, offers: 0 }
    this.counts.set(key, count)
    return count
  }

  byFramework(): ReadonlyMap<string, OfferCount> {
    return this.counts
  }

  waitsSummary(): Waits {
    const sorted = this.waits.slice().sort((one, other) => one - other)
    const at = (share: number) =>
      sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
    return {
      ...{ count: this.seen, medianMs: at(0.5), p90Ms: at(0.9), maxMs: at(1) },
      stillWaiting: this.freeSinceMs.size,
    }
  }
}
