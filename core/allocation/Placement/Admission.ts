import type { PlacementRule, Topology } from "../Placement.ts"
import { type DomainBook, type Domains, NOWHERE } from "./Domains.ts"
import type { DomainCounts, TaskCounts } from "./TaskCounts.ts"

/** Whose tasks a rule is about, by group id; undefined = there is no such group. */
export type CountsOf = (groupId: string) => TaskCounts | undefined

/** Closes a domain that has more tasks than so many. */
export interface Ban {
  readonly domains: Domains
  readonly counted: DomainCounts
  readonly most: number
}

/** A rule about domains of many hosts, or about how domains compare. */
export interface Condition {
  readonly domains: Domains
  /** Once before domains are asked for; `inUse`: those in which hosts meet the group's constraints. */
  readonly begin: (inUse: ReadonlyArray<number>) => void
  readonly admits: (domain: number) => boolean
}

/** A rule of another group that keeps the tasks of this one away from its own. */
export interface Avoidance {
  readonly topology: Topology
  readonly by: string
}

/**
 * What rules say of hosts, taken apart: bans on hosts one by one, which an order of hosts can take up as they come and go, and conditions on
 * whole domains, which are asked for each task.
 */
export interface Admission {
  readonly bans: ReadonlyArray<Ban>
  readonly conditions: ReadonlyArray<Condition>
}

export const admissionOf = (
  groupId: string,
  rules: ReadonlyArray<PlacementRule>,
  avoidances: ReadonlyArray<Avoidance>,
  domainBook: DomainBook,
  countsOf: CountsOf,
): Admission => {
  const bans: Array<Ban> = []
  const conditions: Array<Condition> = []
  const ban = (topology: Topology, otherId: string, most: number): void => {
    const counts = countsOf(otherId)
    if (counts === undefined) return
    const domains = domainBook.domainsOf(topology)
    const one: Ban = { domains, counted: counts.by(domains), most }
    if (topology.type === "hostname") bans.push(one)
    else conditions.push(conditionOfBan(one))
  }
  for (const rule of rules) {
    if (rule.type === "apart") for (const otherId of rule.of) ban(rule.topology, otherId, 0)
    else if (rule.type === "atMost") ban(rule.topology, groupId, rule.count - 1)
    else {
      const domains = domainBook.domainsOf(rule.topology)
      const countedOf = (id: string): ReadonlyArray<DomainCounts> => {
        const counts = countsOf(id)
        return counts === undefined ? [] : [counts.by(domains)]
      }
      conditions.push(
        rule.type === "near"
          ? near(domains, flatten(rule.of.map(countedOf)), rule.of.includes(groupId))
          : spread(domains, countedOf(groupId)[0]!, rule.maxSkew),
      )
    }
  }
  for (const { topology, by } of avoidances) ban(topology, by, 0)
  return { bans, conditions }
}

export const isBanned = ({ domains, counted, most }: Ban, slot: number): boolean => {
  const domain = domains.numbers[slot]!
  return domain !== NOWHERE && counted.counts[domain]! > most
}

const conditionOfBan = ({ domains, counted, most }: Ban): Condition => ({
  domains,
  begin: () => {},
  admits: (domain) => domain === NOWHERE || counted.counts[domain]! <= most,
})

const near = (domains: Domains, counted: ReadonlyArray<DomainCounts>, isOwnMeant: boolean): Condition => {
  let isFirst = false
  return {
    domains,
    begin: () => {
      isFirst = isOwnMeant
      for (let index = 0; index < counted.length; index++) if (counted[index]!.sum > 0) isFirst = false
    },
    admits: (domain) => {
      if (domain === NOWHERE || isFirst) return domain !== NOWHERE
      for (let index = 0; index < counted.length; index++)
        if (counted[index]!.counts[domain]! > 0) return true
      return false
    },
  }
}

const spread = (domains: Domains, { counts }: DomainCounts, maxSkew: number): Condition => {
  let fewest = 0
  return {
    domains,
    begin: (inUse) => {
      fewest = Number.POSITIVE_INFINITY
      for (let index = 0; index < inUse.length; index++) {
        const domain = inUse[index]!
        if (domain !== NOWHERE && counts[domain]! < fewest) fewest = counts[domain]!
      }
    },
    admits: (domain) => domain !== NOWHERE && counts[domain]! + 1 - fewest <= maxSkew,
  }
}

const flatten = <A>(lists: ReadonlyArray<ReadonlyArray<A>>): ReadonlyArray<A> =>
  ([] as ReadonlyArray<A>).concat(...lists)
