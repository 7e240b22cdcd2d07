import { hostHash } from "../../core/allocation/VisitOrder.ts"
import { agentIdOf, agentOf } from "../allocation/Workload.ts"
import { wrongResult } from "../allocation/WrongResult.ts"
import type { WorkloadName } from "./Recorded.ts"
import type { Amounts, PlacementWorkload } from "./Workload.ts"

export type GroupName = "before" | "measured"

/**
 * Books of its own, kept from the answers alone, and which answer is the right one: it shares nothing with the placer but the hash by
 * which equal hosts are ordered. Looks at all hosts for each placement instead of keeping an order.
 */
export class Ledger {
  private readonly workload: PlacementWorkload
  private readonly cpus: Float64Array
  private readonly mem: Float64Array
  private readonly usedCpus: Float64Array
  private readonly usedMem: Float64Array
  private readonly uses: Float64Array
  /** Hosts by hash of their id, then id: of equal ones the first wins. */
  private readonly order: Int32Array
  private readonly tasks: Readonly<Record<GroupName, Float64Array>>
  private readonly zones: ReadonlyArray<number>
  /** Tasks by zone; the hosts without one are no zone. */
  private readonly tasksInZones: Readonly<Record<GroupName, Float64Array>>

  constructor(workload: PlacementWorkload) {
    const count = workload.hosts.length
    this.workload = workload
    this.cpus = Float64Array.from(workload.hosts, ({ cpus }) => cpus)
    this.mem = Float64Array.from(workload.hosts, ({ mem }) => mem)
    this.usedCpus = new Float64Array(count)
    this.usedMem = new Float64Array(count)
    this.uses = new Float64Array(count)
    const hashes = workload.hosts.map((_, host) => hostHash(agentIdOf(host)))
    this.order = Int32Array.from(workload.hosts, (_, host) => host).sort(
      (left, right) => hashes[left]! - hashes[right]! || (agentIdOf(left) < agentIdOf(right) ? -1 : 1),
    )
    const names = Array.from(new Set(workload.hosts.map((_, host) => workload.zoneOf(host))))
    const zoneNames = names.filter((zone) => zone !== null)
    this.zones = workload.hosts.map((_, host) => zoneNames.indexOf(workload.zoneOf(host)!))
    this.tasks = { before: new Float64Array(count), measured: new Float64Array(count) }
    const zoneCount = zoneNames.length
    this.tasksInZones = { before: new Float64Array(zoneCount), measured: new Float64Array(zoneCount) }
  }

  /** Checks that this host was the right answer, and books it. */
  take(group: GroupName, agentId: string, amounts: Amounts): void {
    const host = agentOf(agentId, this.cpus.length)
    if (!this.hasLeft(host, amounts))
      wrongResult(`${agentId} has ${this.leftText(host)} left, and was given ${textOf(amounts)}`)
    const problem = this.ruleProblem(group, host)
    if (problem !== null) wrongResult(`${agentId}: ${problem}`)
    const best = this.bestHost(group, amounts)
    if (best !== host)
      wrongResult(
        `${agentId}, used to ${this.uses[host]}, was chosen although ${agentIdOf(best)}, used to ${this.uses[best]}, comes before it`,
      )
    this.book(group, host, amounts)
  }

  private book(group: GroupName, host: number, { cpus, mem }: Amounts): void {
    this.usedCpus[host]! += cpus
    this.usedMem[host]! += mem
    this.uses[host] = Math.max(this.usedCpus[host]! / this.cpus[host]!, this.usedMem[host]! / this.mem[host]!)
    this.tasks[group][host]!++
    if (this.zones[host]! >= 0) this.tasksInZones[group][this.zones[host]!]!++
  }

  /** The least used of the hosts that may have it, of equal ones the first in the order; −1 = there is none. */
  bestHost(group: GroupName, amounts: Amounts): number {
    let best = -1
    let least = Number.POSITIVE_INFINITY
    const { order, uses } = this
    for (let place = 0; place < order.length; place++) {
      const host = order[place]!
      if (uses[host]! >= least || !this.hasLeft(host, amounts) || this.ruleProblem(group, host) !== null)
        continue
      best = host
      least = uses[host]!
    }
    return best
  }

  private hasLeft(host: number, { cpus, mem }: Amounts): boolean {
    return this.usedCpus[host]! + cpus <= this.cpus[host]! && this.usedMem[host]! + mem <= this.mem[host]!
  }

  /** What speaks against a further task of the group there; null = nothing. */
  private ruleProblem(group: GroupName, host: number): string | null {
    return ruleChecks[this.workload.name]?.({ ledger: this, group, host }) ?? null
  }

  /** Tasks of these groups on a host. */
  tasksOn(host: number, ...groups: ReadonlyArray<GroupName>): number {
    return groups.reduce((sum, group) => sum + this.tasks[group][host]!, 0)
  }

  /** Tasks of a group in the zone of a host. */
  tasksBeside(host: number, group: GroupName): number {
    return this.tasksInZones[group][this.zones[host]!]!
  }

  leastInZones(group: GroupName): number {
    return Math.min(...this.tasksInZones[group])
  }

  zoneOf(host: number): string | null {
    return this.workload.zoneOf(host)
  }

  usedOn(host: number): Amounts {
    return { cpus: this.usedCpus[host]!, mem: this.usedMem[host]! }
  }

  private leftText(host: number): string {
    return textOf({
      cpus: this.cpus[host]! - this.usedCpus[host]!,
      mem: this.mem[host]! - this.usedMem[host]!,
    })
  }
}

const textOf = ({ cpus, mem }: Amounts): string => `cpus:${cpus / 1_000}; mem:${mem / 1_000}`

interface Candidate {
  readonly ledger: Ledger
  readonly group: GroupName
  readonly host: number
}

type RuleCheck = (candidate: Candidate) => string | null

/** The rule of each workload in its own words, not in those of `PlacementRule`. */
const ruleChecks: Readonly<Partial<Record<WorkloadName, RuleCheck>>> = {
  "node-affinity": ({ ledger, group, host }) => {
    const zone = ledger.zoneOf(host)
    return group === "before" || zone === "zone1" || zone === "zone2" ? null : `it is in ${zone}`
  },
  "pod-anti-affinity": ({ ledger, host }) =>
    ledger.tasksOn(host, "before", "measured") === 0 ? null : "it has a task, and all keep apart",
  "pod-matching-anti-affinity": ({ ledger, group, host }) => {
    const isFree =
      group === "before"
        ? ledger.tasksOn(host, "before", "measured") === 0
        : ledger.tasksOn(host, "before") === 0
    return isFree ? null : "it has a task, and those before keep apart from all"
  },
  "pod-affinity": ({ ledger, host }) => (ledger.zoneOf(host) === "zone1" ? null : "it is not where all are"),
  "topology-spreading": ({ ledger, group, host }) => {
    if (group === "before") return null
    const skew = ledger.tasksBeside(host, "measured") + 1 - ledger.leastInZones("measured")
    return skew <= 5 ? null : `its zone would have ${skew} more than another`
  },
}
