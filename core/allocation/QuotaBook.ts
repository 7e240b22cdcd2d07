import { type Quantities, toQuantities } from "../resources/Quantities.ts"
import type { ResourceNames } from "./ResourceNames.ts"
import type { Quota } from "./Settings.ts"

/** A top-level role: quotas are set for these, and consumed by all of their subtree (spec/mesos.md §1.10). Rows by column. */
export interface TopRole {
  readonly role: string
  /** Plain scalars that its subtree holds, offers included. */
  readonly held: Array<number>
  /** Scalars of all hosts that are reserved for its subtree, held or not. */
  readonly reserved: Array<number>
  quota: Quota | null
  /** Compiled from `quota`; a missing limit is infinite. */
  guarantees: ReadonlyArray<number>
  limits: ReadonlyArray<number>
  /** Whether some guarantee is not reached. */
  isUnsatisfied: boolean
  /** Whether its limits leave room for nothing at all. */
  isExhausted: boolean
}

/**
 * Quotas and what is consumed of them. `required` and `surplus` are the headroom of spec/mesos.md §1.3, steps 3 and 4: what must stay
 * free for the guarantees of all roles, and what may be given to anybody.
 */
export class QuotaBook {
  private readonly tops = new Map<string, TopRole>()
  /** Those with a quota, by role. */
  private limited: Array<TopRole> = []
  /** By column: Σ max(0, guarantee − consumed). Brought up to date by `begin`, then kept by `hold`. */
  readonly required: Array<number> = []
  hasGuarantees = false

  constructor(private readonly names: ResourceNames) {}

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
      held: [],
      reserved: [],
      quota: null,
      guarantees: [],
      limits: [],
      isUnsatisfied: false,
      isExhausted: false,
    }
    this.tops.set(name, top)
    return top
  }

  /** Forgets a top-level role that counts nothing any more. */
  forget(top: TopRole): void {
    const isZero = (milli: number) => milli === 0
    if (top.quota === null && top.held.every(isZero) && top.reserved.every(isZero)) this.tops.delete(top.role)
  }

  setQuota(role: string, quota: Quota | null): void {
    const top = this.topOf(role)
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
    if (quota === null) this.forget(top)
  }

  /** Scalars of a host reserved for a role come (`sign` 1) or go (−1). */
  reserve(role: string, name: string, milli: number, sign: number): void {
    const top = this.topOf(role)
    const column = this.names.numberOf(name)
    setAt(top.reserved, column, (top.reserved[column] || 0) + sign * milli, 0)
    if (sign < 0) this.forget(top)
  }

  /** What a role and its ancestors hold of plain scalars grows or shrinks. */
  hold(top: TopRole, plain: ReadonlyArray<number>, sign: number): void {
    const { held } = top
    while (held.length < plain.length) held.push(0)
    if (top.quota !== null && this.hasGuarantees) this.countRequired(top, -1)
    for (let column = 0; column < plain.length; column++) held[column] = held[column]! + sign * plain[column]!
    if (top.quota === null) return
    if (this.hasGuarantees) this.countRequired(top, 1)
    this.judge(top)
  }

  /** As {@link hold} of one row of a table of amounts. */
  holdRow(top: TopRole, rows: Float64Array, base: number, columns: number): void {
    const { held } = top
    while (held.length < columns) held.push(0)
    if (top.quota !== null && this.hasGuarantees) this.countRequired(top, -1)
    for (let column = 0; column < columns; column++) held[column] = held[column]! + rows[base + column]!
    if (top.quota === null) return
    if (this.hasGuarantees) this.countRequired(top, 1)
    this.judge(top)
  }

  /** Before a cycle: counts the required headroom anew. */
  begin(): void {
    for (let column = 0; column < this.names.names.length; column++) this.required[column] = 0
    for (const top of this.limited) {
      this.countRequired(top, 1)
      this.judge(top)
    }
  }

  consumed(top: TopRole, column: number): number {
    return (top.held[column] || 0) + (top.reserved[column] || 0)
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

  private countRequired(top: TopRole, sign: number): void {
    for (let column = 0; column < top.guarantees.length; column++) {
      this.required[column] = (this.required[column] || 0) + sign * this.unsatisfied(top, column)
    }
  }

  private judge(top: TopRole): void {
    top.isUnsatisfied = false
    for (let column = 0; column < top.guarantees.length; column++) {
      if (this.unsatisfied(top, column) > 0) top.isUnsatisfied = true
    }
    top.isExhausted = true
    for (let column = 0; column < this.names.names.length; column++) {
      if (this.roomBelowLimit(top, column) > 0) top.isExhausted = false
    }
  }
}

const setAt = (row: Array<number>, column: number, milli: number, filler: number): void => {
  while (row.length <= column) row.push(filler)
  row[column] = milli
}
