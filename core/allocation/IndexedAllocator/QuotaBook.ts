import { type Quantities, toQuantities } from "../../resources/Quantities.ts"
import type { Quota } from "../Settings.ts"
import type { Bundle } from "./Bundle.ts"
import type { FairTree } from "./FairTree.ts"
import type { Minimum } from "./Minimum.ts"
import type { ResourceNames } from "./ResourceNames.ts"

/** A top-level role: quotas are set for these, and consumed by all of their subtree (spec/mesos.md §1.10). Rows by column. */
export interface TopRole {
  readonly role: string
  /** Its node in the fair tree, which knows what its subtree holds; -1 = it has none, so holds nothing. */
  node: number
  /** Scalars that its subtree holds which quotas do not count as such: reserved and revocable ones. */
  readonly special: Array<number>
  /** Scalars of all hosts that are reserved for its subtree, held or not. */
  readonly reserved: Array<number>
  quota: Quota | null
  /** Compiled from `quota`; a missing limit is infinite. */
  guarantees: ReadonlyArray<number>
  limits: ReadonlyArray<number>
  /** Whether some guarantee is not reached. */
  isUnsatisfied: boolean
  /** Whether its limits leave no room for an offer of plain scalars that reaches the minimum. */
  isExhausted: boolean
  /** What it contributes to `required`, by column. */
  readonly missing: Array<number>
}

/**
 * Quotas and what is consumed of them. `required` is the headroom of spec/mesos.md §1.3, step 3: what must stay free for the guarantees
 * of all roles, whether or not somebody is in them.
 */
export class QuotaBook {
  private readonly tops = new Map<string, TopRole>()
  private readonly byNode: Array<TopRole | undefined> = []
  /** Those with a quota. */
  private limited: Array<TopRole> = []
  /** By name how many quotas have a limit on it. */
  private readonly limitedNames = new Map<string, number>()
  /** By column: Σ max(0, guarantee − consumed). Brought up to date by `refresh`, then kept by `noteHeld`. */
  readonly required: Array<number> = []
  hasGuarantees = false
  /** Something changed that `noteHeld` does not follow. */
  private isStale = true

  constructor(
    private readonly names: ResourceNames,
    private readonly tree: FairTree,
    private readonly minimum: Minimum,
  ) {}

  get hasQuotas(): boolean {
    return this.limited.length > 0
  }

  topOf(role: string): TopRole {
    const slash = role.indexOf("/")
    const name = slash < 0 ? role : role.slice(0, slash)
    const known = this.tops.get(name)
    if (known !== undefined) return known
    const top: TopRole = {
      role: name,
      node: -1,
      special: [],
      reserved: [],
      quota: null,
      guarantees: [],
      limits: [],
      isUnsatisfied: false,
      isExhausted: false,
      missing: [],
    }
    this.tops.set(name, top)
    return top
  }

  /** The top-level role that a child of the root stands for. */
  topOfNode(node: number): TopRole {
    return this.byNode[node]!
  }

  /** Forgets a top-level role that counts nothing any more. */
  forget(top: TopRole): void {
    const isZero = (milli: number) => milli === 0
    if (top.quota === null && top.node < 0 && top.reserved.every(isZero)) this.tops.delete(top.role)
  }

  setQuota(role: string, quota: Quota | null): void {
    const top = this.topOf(role)
    if (top.quota !== null) this.countLimits(top.quota, -1)
    if (quota !== null) this.countLimits(quota, 1)
    top.quota = quota
    const limits: Array<number> = []
    const guarantees: Array<number> = []
    if (quota !== null) {
      for (const name of Object.keys(quota.guarantees)) {
        setAt(guarantees, this.names.numberOf(name), quota.guarantees[name]!, 0)
      }
      for (const name of Object.keys(quota.limits)) {
        setAt(limits, this.names.numberOf(name), quota.limits[name]!, Number.POSITIVE_INFINITY)
      }
    }
    top.guarantees = guarantees
    top.limits = limits
    this.limited = this.limited.filter((other) => other !== top).concat(quota === null ? [] : [top])
    this.hasGuarantees = this.limited.some((other) => other.guarantees.some((milli) => milli > 0))
    top.isUnsatisfied = false
    top.isExhausted = false
    this.isStale = true
    if (quota === null) this.forget(top)
  }

  private countLimits({ limits }: Quota, change: number): void {
    for (const name of Object.keys(limits)) {
      this.limitedNames.set(name, (this.limitedNames.get(name) || 0) + change)
    }
  }

  quotaOf(role: string): Quota | null {
    const top = this.tops.get(role)
    return top === undefined ? null : top.quota
  }

  limitsName(name: string): boolean {
    const count = this.limitedNames.get(name)
    return count !== undefined && count > 0
  }

  /** Sorted. */
  quotaRoles(): ReadonlyArray<string> {
    return this.limited.map(({ role }) => role).sort()
  }

  /** Scalars of a host reserved for a role come (`sign` 1) or go (−1). */
  reserve(role: string, name: string, milli: number, sign: number): void {
    const top = this.topOf(role)
    const column = this.names.numberOf(name)
    setAt(top.reserved, column, (top.reserved[column] || 0) + sign * milli, 0)
    this.isStale = true
    if (sign < 0) this.forget(top)
  }

  /** Its node was made, or is gone (-1). */
  setNode(role: string, node: number): void {
    const top = this.topOf(role)
    if (node >= 0) this.byNode[node] = top
    else this.byNode[top.node] = undefined
    top.node = node
    if (node < 0) this.forget(top)
  }

  /** Its subtree holds more (`sign` 1) or less (−1), after the tree knows it. */
  hold(top: TopRole, { counted, free }: Bundle, sign: number): void {
    if (counted !== free) {
      for (let column = 0; column < counted.length; column++) {
        const special = counted[column]! - (column < free.length ? free[column]! : 0)
        this.holdSpecial(top, column, sign * special)
      }
    }
    this.noteHeld(top)
  }

  holdSpecial(top: TopRole, column: number, milli: number): void {
    setAt(top.special, column, (top.special[column] || 0) + milli, 0)
  }

  /** Brings up to date what follows from the holdings of a role with a quota. */
  noteHeld(top: TopRole): void {
    if (top.quota === null) return
    if (this.hasGuarantees) this.countRequired(top)
    this.judge(top)
  }

  /** Before `required` and what is known of the roles is asked for: counts it anew where `noteHeld` does not follow. */
  refresh(): void {
    if (!this.isStale) return
    this.isStale = false
    for (let column = 0; column < this.names.names.length; column++) this.required[column] = 0
    for (const top of this.limited) {
      top.missing.fill(0)
      this.noteHeld(top)
    }
  }

  /** What of `availableMilli`, a name's sum over the active hosts, is for everybody: infinite for a name of which nothing is kept for
   * guarantees. */
  surplusOf(column: number, availableMilli: number): number {
    const required = this.required[column] || 0
    return required > 0 ? availableMilli - required : Number.POSITIVE_INFINITY
  }

  consumed(top: TopRole, column: number): number {
    const held = top.node < 0 ? 0 : this.tree.holdings.at(top.node, column) - (top.special[column] || 0)
    return held + (top.reserved[column] || 0)
  }

  unsatisfied(top: TopRole, column: number): number {
    return Math.max(0, (top.guarantees[column] || 0) - this.consumed(top, column))
  }

  /** How much more of a plain scalar the role may hold; infinite without a limit. */
  roomBelowLimit(top: TopRole, column: number): number {
    const limit = column < top.limits.length ? top.limits[column]! : Number.POSITIVE_INFINITY
    return Math.max(0, limit - this.consumed(top, column))
  }

  consumedQuantities(role: string): Quantities {
    const slash = role.indexOf("/")
    const top = this.tops.get(slash < 0 ? role : role.slice(0, slash))
    if (top === undefined) return {}
    return toQuantities(
      this.names.names.map((name, column): [string, number] => [name, this.consumed(top, column)]),
    )
  }

  private countRequired(top: TopRole): void {
    const { missing } = top
    for (let column = 0; column < top.guarantees.length; column++) {
      const now = this.unsatisfied(top, column)
      this.required[column] = (this.required[column] || 0) + now - (missing[column] || 0)
      setAt(missing, column, now, 0)
    }
  }

  private judge(top: TopRole): void {
    top.isUnsatisfied = false
    for (let column = 0; column < top.guarantees.length; column++) {
      if (this.unsatisfied(top, column) > 0) top.isUnsatisfied = true
    }
    top.isExhausted = !this.hasRoomForMinimum(top)
  }

  private hasRoomForMinimum(top: TopRole): boolean {
    const { sets } = this.minimum
    // Without a minimum ports alone are an offer, and no limit counts those.
    if (sets.length === 0) return true
    for (let index = 0; index < sets.length; index++) {
      const { columns, amounts } = sets[index]!
      let fits = true
      for (let place = 0; place < columns.length; place++) {
        if (this.roomBelowLimit(top, columns[place]!) < amounts[place]!) fits = false
      }
      if (fits) return true
    }
    return false
  }
}

const setAt = (row: Array<number>, column: number, milli: number, filler: number): void => {
  while (row.length <= column) row.push(filler)
  row[column] = milli
}
