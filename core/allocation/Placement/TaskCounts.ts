import type { HostTable } from "../IndexedAllocator/HostTable.ts"
import { type Domains, NOWHERE } from "./Domains.ts"

/** The tasks of one group by domain. */
export interface DomainCounts {
  readonly counts: Int32Array
  sum: number
}

/**
 * The tasks of one group: by agent, which outlasts whatever becomes of the hosts, and by domain as far as somebody asks. Tasks on an
 * agent that is not there are in no domain.
 */
export class TaskCounts {
  private readonly byAgent = new Map<string, number>()
  private readonly byDomains = new Map<Domains, DomainCounts>()
  private shape = -1

  constructor(private readonly hosts: HostTable) {}

  on(agentId: string): number {
    const count = this.byAgent.get(agentId)
    return count === undefined ? 0 : count
  }

  /** @param slot undefined = the agent is not there */
  add(agentId: string, slot: number | undefined, change: 1 | -1): void {
    const count = this.on(agentId) + change
    if (count === 0) this.byAgent.delete(agentId)
    else this.byAgent.set(agentId, count)
    if (slot === undefined || this.shape !== this.hosts.shape) return
    this.byDomains.forEach((counted, domains) => {
      const domain = domains.numbers[slot]!
      if (domain === NOWHERE) return
      counted.counts[domain] = counted.counts[domain]! + change
      counted.sum += change
    })
  }

  /** Kept up to date until the hosts' shape changes. */
  by(domains: Domains): DomainCounts {
    if (this.shape !== this.hosts.shape) {
      this.byDomains.clear()
      this.shape = this.hosts.shape
    }
    const known = this.byDomains.get(domains)
    if (known !== undefined) return known
    const counted: DomainCounts = { counts: new Int32Array(domains.count), sum: 0 }
    this.byAgent.forEach((count, agentId) => {
      const slot = this.hosts.slotOf(agentId)
      const domain = slot === undefined ? NOWHERE : domains.numbers[slot]!
      if (domain === NOWHERE) return
      counted.counts[domain] = counted.counts[domain]! + count
      counted.sum += count
    })
    this.byDomains.set(domains, counted)
    return counted
  }
}
