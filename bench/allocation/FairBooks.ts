import { type Amounts, frameworkIdOf, type Workload } from "./Workload.ts"
import { wrongResult } from "./WrongResult.ts"

/** Sums of several orders differ in the last bits; a host is far more than that. */
const tolerance = 1e-9

/**
 * Who holds how much, kept from the offers alone, and whose turn it is: of the roles the one with the lowest weighted dominant share, of
 * its frameworks the one with the lowest dominant share (spec/mesos.md §1.4). Looks at all of them each time instead of keeping an order.
 */
export class FairBooks {
  private readonly workload: Workload
  private readonly totals: Float64Array = new Float64Array(3)
  private readonly ofRoles: Float64Array
  private readonly ofFrameworks: Float64Array
  private readonly roleShares: Float64Array
  private readonly frameworkShares: Float64Array

  constructor(workload: Workload) {
    const { agents, frameworks, roles } = workload.shape
    this.workload = workload
    this.ofRoles = new Float64Array(3 * roles)
    this.ofFrameworks = new Float64Array(3 * frameworks)
    this.roleShares = new Float64Array(roles)
    this.frameworkShares = new Float64Array(frameworks)
    for (let agent = 0; agent < agents; agent++) this.addTotal(workload.totalOf(agent), 1)
    for (let agent = 0; agent < agents; agent++) {
      const used = workload.usedOf(agent)
      if (used !== null) this.book(agent % frameworks, used, 1)
    }
  }

  /** A host has another total than before. */
  changeTotal(before: Amounts, after: Amounts): void {
    this.addTotal(before, -1)
    this.addTotal(after, 1)
    for (let framework = 0; framework < this.frameworkShares.length; framework++) this.countShares(framework)
  }

  private addTotal({ cpus, mem, disk }: Amounts, sign: number): void {
    this.totals[0]! += sign * cpus
    this.totals[1]! += sign * mem
    this.totals[2]! += sign * disk
  }

  /** `sign` 1 = it takes, −1 = it gives back. */
  book(framework: number, { cpus, mem, disk }: Amounts, sign: number): void {
    const role = framework % this.workload.shape.roles
    for (const [sums, at] of [
      [this.ofRoles, role],
      [this.ofFrameworks, framework],
    ] as const) {
      sums[3 * at]! += sign * cpus
      sums[3 * at + 1]! += sign * mem
      sums[3 * at + 2]! += sign * disk
    }
    this.countShares(framework)
  }

  private countShares(framework: number): void {
    const role = framework % this.workload.shape.roles
    const weight = this.workload.weights[this.workload.roleOf(framework)] ?? 1
    this.roleShares[role] = this.shareIn(this.ofRoles, role) / weight
    this.frameworkShares[framework] = this.shareIn(this.ofFrameworks, framework)
  }

  private shareIn(sums: Float64Array, at: number): number {
    let share = 0
    for (let name = 0; name < 3; name++) share = Math.max(share, sums[3 * at + name]! / this.totals[name]!)
    return share
  }

  /** Throws unless it is the turn of this framework among those that may have it; with several roles all may. */
  checkTurn(framework: number, canHave: ((framework: number) => boolean) | null, place: string): void {
    const { frameworks, roles } = this.workload.shape
    const ownRole = framework % roles
    for (let role = 0; role < roles && role < frameworks; role++) {
      if (this.isAhead(this.roleShares, role, ownRole))
        wrongResult(
          `${place} went to ${this.workload.roleOf(framework)} although ${this.workload.roleOf(role)} has a lower share`,
        )
    }
    for (let other = ownRole; other < frameworks; other += roles) {
      if (this.isAhead(this.frameworkShares, other, framework) && (canHave === null || canHave(other)))
        wrongResult(
          `${place} went to ${frameworkIdOf(framework)} although ${frameworkIdOf(other)} has a lower share`,
        )
    }
  }

  private isAhead(shares: Float64Array, other: number, own: number): boolean {
    return shares[other]! < shares[own]! * (1 - tolerance)
  }
}
