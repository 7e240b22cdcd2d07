import type { HostTable } from "../IndexedAllocator/HostTable.ts"
import { type Domains, NOWHERE } from "./Domains.ts"

/** The tasks of one group by domain. */
export interface DomainCounts {
  readonly counts: Int32Array
  sum: number
}

/**
 * The tasks of one group: by agent, whatever becomes of the hosts, and by domain as far as somebody asks. Tasks on an agent that is
 * not there are in no domain.
 */
export class TaskCounts {
  /** On agents that are there, by slot: numbers are found faster than texts. */
  private readonly bySlot = new Map<number, number>()
  /** On those that are not. */
  private readonly away = new Map<string, number>()
  private readonly byDomains: Array<{ readonly domains: Domains; readonly counted: DomainCounts }> = []
  private shape = -1
  private readonly hosts: HostTable

  constructor(hosts: HostTable) {
    this.hosts = hosts
  }

  on(agentId: string): number {
    this.keepUp()
    const slot = this.hosts.slotOf(agentId)
    const count = slot === undefined ? this.away.get(agentId) : this.bySlot.get(slot)
    return count === undefined ? 0 : count
  }

  /** The agent goes; another may get its slot. */
  leave(slot: number, agentId: string): void {
    const count = this.bySlot.get(slot)
    if (count === undefined) return
    this.bySlot.delete(slot)
    this.away.set(agentId, count)
  }

  /** @param slot undefined = the agent is not there */
  add(agentId: string, slot: number | undefined, change: 1 | -1): void {
    this.keepUp()
    if (slot === undefined) addTo(this.away, agentId, change)
    else {
      addTo(this.bySlot, slot, change)
      for (let index = 0; index < this.byDomains.length; index++) {
        const { domains, counted } = this.byDomains[index]!
        addToDomain(counted, domains.numbers[slot]!, change)
      }
    }
  }

  /** Kept up to date until the hosts' shape changes. */
  by(domains: Domains): DomainCounts {
    this.keepUp()
    const known = this.byDomains.find((one) => one.domains === domains)
    if (known !== undefined) return known.counted
    const counted: DomainCounts = { counts: new Int32Array(domains.count), sum: 0 }
    this.bySlot.forEach((count, slot) => {
      addToDomain(counted, domains.numbers[slot]!, count)
    })
    this.byDomains.push({ domains, counted })
    return counted
  }

  /** Agents may have come back. */
  private keepUp(): void {
    const { hosts } = this
    if (this.shape === hosts.shape) return
    this.shape = hosts.shape
    this.byDomains.length = 0
    this.away.forEach((count, agentId) => {
      const slot = hosts.slotOf(agentId)
      if (slot === undefined) return
      this.away.delete(agentId)
      this.bySlot.set(slot, count)
    })
  }
}

const addToDomain = (counted: DomainCounts, domain: number, change: number): void => {
  if (domain === NOWHERE) return
  counted.counts[domain] = counted.counts[domain]! + change
  counted.sum += change
}

const addTo = <Key>(map: Map<Key, number>, key: Key, change: 1 | -1): void => {
  const count = map.get(key)
  if (count === undefined) map.set(key, change)
  else if (count + change === 0) map.delete(key)
  else map.set(key, count + change)
}
