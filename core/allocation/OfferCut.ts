import { lowestItems } from "../resources/ItemSet.ts"
import { lowestOfRanges, type Ranges } from "../resources/Ranges.ts"
import {
  isAllocatableTo,
  isPlain,
  isReservedFor,
  isUnreserved,
  type Resource,
  resourceOf,
} from "../resources/Resource.ts"
import { noResources, type Resources } from "../resources/Resources.ts"
import { sizeOf } from "../resources/ResourceValue.ts"
import { type Bundle, bundleOfRow, isNothing } from "./Bundle.ts"
import type { ClientBook } from "./ClientBook.ts"
import { isStripped } from "./Gates.ts"
import { type HostTable, SPECIAL } from "./HostTable.ts"
import type { QuotaBook, TopRole } from "./QuotaBook.ts"
import type { ResourceNames } from "./ResourceNames.ts"

/** There is nothing for the client; all of it; a part, which `build` makes. */
export const NOTHING = 0
export const WHOLE = 1
export const PART = 2

/**
 * What a client may be offered of a host (spec/mesos.md §1.3): of the rest only what its role and capabilities allow, of the plain
 * scalars what the quota of its role and the guarantees of others leave, in stage 1 what it needs to reach its own.
 */
export class OfferCut {
  /** Plain scalars of the last cut, by column. */
  row: Float64Array
  rest: Resources = noResources
  /** Whether a limit or others' guarantees took something away. */
  isHeldBack = false
  private readonly names: ResourceNames
  private readonly hosts: HostTable
  private readonly clients: ClientBook
  private readonly quotas: QuotaBook

  constructor(names: ResourceNames, hosts: HostTable, clients: ClientBook, quotas: QuotaBook) {
    this.names = names
    this.hosts = hosts
    this.clients = clients
    this.quotas = quotas
    this.row = new Float64Array(names.width)
    names.onWiden((_, after) => {
      this.row = new Float64Array(after)
    })
  }

  /**
   * Cuts what is available of a host to what a client may be offered of it. Says how much that is, and leaves it in `row` and `rest`;
   * most cuts come to nothing, so nothing is built.
   *
   * @param whole the rest of all that is available
   * @param stage 1 or 2
   * @param parts into how many the host is divided; 1 = not
   * @param gone shared resources of the host that were offered in this cycle already
   */
  cut(
    client: number,
    slot: number,
    whole: Resources,
    stage: 1 | 2,
    parts: number,
    gone: Resources,
  ): typeof NOTHING | typeof WHOLE | typeof PART {
    const base = slot * this.names.width
    const top = this.clients.tops[client]!
    this.isHeldBack = false
    if (stage === 1) {
      if (!this.cutToGuarantee(top, base)) return NOTHING
    } else this.cutToQuota(top, base)
    this.rest = this.restFor(client, slot, whole, stage, parts, gone)
    const isCut = this.cutToPart(base, parts)
    if (!isCut && !this.isHeldBack && this.rest === whole) return WHOLE
    return this.isEmpty() ? NOTHING : PART
  }

  build(): Bundle {
    return bundleOfRow(this.names, this.row, 0, this.rest)
  }

  /** Stage 1, step 5: what reaches the guarantee, and as much on top as limit and surplus leave. */
  private cutToGuarantee(top: TopRole, base: number): boolean {
    const { quotas, row } = this
    const { available } = this.hosts
    let reaches = false
    for (let column = 0; column < this.names.names.length; column++) {
      const milli = available[base + column]!
      const part = Math.min(milli, quotas.unsatisfied(top, column))
      if (part > 0) reaches = true
      const room = quotas.roomBelowLimit(top, column) - part
      const burst = Math.max(0, Math.min(milli - part, room, this.surplus(column)))
      row[column] = part + burst
      if (part + burst < milli) this.isHeldBack = true
    }
    return reaches
  }

  private cutToQuota(top: TopRole, base: number): void {
    const { quotas, row } = this
    const { available } = this.hosts
    const hasLimits = top.quota !== null
    for (let column = 0; column < this.names.names.length; column++) {
      const milli = available[base + column]!
      let left = milli
      if (hasLimits) left = Math.min(left, quotas.roomBelowLimit(top, column))
      if (quotas.hasGuarantees) left = Math.max(0, Math.min(left, this.surplus(column)))
      row[column] = left
      if (left < milli) this.isHeldBack = true
    }
  }

  /** Available to everybody: infinite for a name of which nothing is kept for guarantees. */
  private surplus(column: number): number {
    const required = this.quotas.required[column] || 0
    return required > 0 ? (this.hosts.activeAvailable[column] || 0) - required : Number.POSITIVE_INFINITY
  }

  private cutToPart(base: number, parts: number): boolean {
    if (parts === 1) return false
    let isCut = false
    for (let column = 0; column < this.names.names.length; column++) {
      const part = Math.ceil(this.hosts.total[base + column]! / parts)
      if (part < this.row[column]!) {
        this.row[column] = part
        isCut = true
      }
    }
    return isCut
  }

  private restFor(
    client: number,
    slot: number,
    rest: Resources,
    stage: 1 | 2,
    parts: number,
    gone: Resources,
  ): Resources {
    const isSpecial = (this.hosts.flags[slot]! & SPECIAL) !== 0
    if (rest.length === 0 || (!isSpecial && parts === 1)) return rest
    const role = this.clients.roles[client]!
    const stripped = this.clients.stripped[client]!
    const offered: Array<Resource> = []
    for (let index = 0; index < rest.length; index++) {
      const resource = rest[index]!
      const { kind } = resource
      const isAllowed =
        stage === 1 ? isUnreserved(kind) || isReservedFor(kind, role) : isAllocatableTo(kind, role)
      if (!isAllowed || isStripped(kind, stripped) || (kind.shared && hasCopy(gone, resource))) continue
      const isDivided = parts > 1 && isPlain(kind) && kind.type !== "scalar"
      offered.push(isDivided ? this.partOf(slot, resource, parts) : resource)
    }
    if (offered.length === rest.length && offered.every((resource, index) => resource === rest[index])) {
      return rest
    }
    return offered.length === 0 ? noResources : offered
  }

  /** The lowest numbers or items that are left, as many as make up one part of the host's. */
  private partOf(slot: number, resource: Resource, parts: number): Resource {
    const { kind, value } = resource
    const total = this.hosts.totalRestOf(slot).find((other) => other.kind.key === kind.key)
    const count = total === undefined ? 0 : sizeOf(kind.type, total.value) / 1000
    const part = Math.ceil(count / parts)
    if (sizeOf(kind.type, value) / 1000 <= part) return resource
    return resourceOf(
      kind,
      kind.type === "ranges"
        ? lowestOfRanges(value as Ranges, part)
        : lowestItems(value as ReadonlyArray<string>, part),
    )
  }

  private isEmpty(): boolean {
    for (let column = 0; column < this.names.names.length; column++) if (this.row[column]! > 0) return false
    return isNothing(this.rest)
  }
}

const hasCopy = (resources: Resources, resource: Resource): boolean =>
  resources.some(({ kind, value }) => kind.key === resource.kind.key && value === resource.value)
