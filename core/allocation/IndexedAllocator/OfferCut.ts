import { lowestItems } from "../../resources/ItemSet.ts"
import { lowestOfRanges, type Ranges } from "../../resources/Ranges.ts"
import {
  isAllocatableTo,
  isFreeScalar,
  isIndivisible,
  isReservedFor,
  isUnreserved,
  type Resource,
  type ResourceKind,
  resourceOf,
} from "../../resources/Resource.ts"
import { noResources, type Resources } from "../../resources/Resources.ts"
import { sizeOf } from "../../resources/ResourceValue.ts"
import { isStripped } from "../Gates.ts"
import { type Bundle, bundleOfRow, isNothing } from "./Bundle.ts"
import type { ClientBook } from "./ClientBook.ts"
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
  /** By column: what of the cap on a name plain scalars left over. */
  private left: Float64Array
  /** By place in the rest: what stage 1 took of it towards the guarantee. */
  private readonly firstParts: Array<number> = []
  private firstCount = 0
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
    this.left = new Float64Array(names.width)
    names.onWiden((_, after) => {
      this.row = new Float64Array(after)
      this.left = new Float64Array(after)
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
    this.firstCount = 0
    if (stage === 1) {
      if (!this.cutToGuarantee(client, slot, whole, top)) return NOTHING
    } else this.cutToQuota(top, base, parts)
    this.rest = this.restFor(client, slot, whole, stage, parts, gone)
    if (this.rest === whole && this.isAllPlain(base)) return WHOLE
    return this.isEmpty() ? NOTHING : PART
  }

  build(): Bundle {
    return bundleOfRow(this.names, this.row, 0, this.rest)
  }

  /** Stage 1, step 5: what reaches the guarantee, and as much on top as limit and surplus leave. */
  private cutToGuarantee(client: number, slot: number, whole: Resources, top: TopRole): boolean {
    const { quotas, row, left, names } = this
    const { available } = this.hosts
    const base = slot * names.width
    const { missing } = top
    let reaches = false
    for (let column = 0; column < names.names.length; column++) {
      const unsatisfied = column < missing.length ? missing[column]! : 0
      row[column] = Math.min(available[base + column]!, unsatisfied)
      left[column] = unsatisfied - row[column]!
      if (row[column]! > 0) reaches = true
    }
    if (this.takeFirstParts(client, slot, whole)) reaches = true
    // What is more than that goes only along with it.
    if (!reaches) return false
    for (let column = 0; column < names.names.length; column++) {
      const guaranteed = (column < missing.length ? missing[column]! : 0) - left[column]!
      const milli = available[base + column]! - row[column]!
      const cap = Math.min(quotas.roomBelowLimit(top, column) - guaranteed, this.surplus(column))
      const burst = Math.max(0, Math.min(milli, cap))
      row[column] = row[column]! + burst
      left[column] = Math.max(0, cap) - burst
      if (burst < milli) this.isHeldBack = true
    }
    return true
  }

  /** Of unreserved disks and the like, which count towards guarantees as plain scalars do. */
  private takeFirstParts(client: number, slot: number, whole: Resources): boolean {
    if ((this.hosts.flags[slot]! & SPECIAL) === 0) return false
    let reaches = false
    this.firstCount = whole.length
    for (let index = 0; index < whole.length; index++) {
      const { kind, value } = whole[index]!
      const isWanted = isFreeScalar(kind) && !isStripped(kind, this.clients.stripped[client]!)
      this.firstParts[index] = isWanted ? this.takeLeft(kind, value as number) : 0
      if (this.firstParts[index]! > 0) reaches = true
    }
    return reaches
  }

  private cutToQuota(top: TopRole, base: number, parts: number): void {
    const { quotas, row, left } = this
    const { available, total } = this.hosts
    for (let column = 0; column < this.names.names.length; column++) {
      const milli = available[base + column]!
      const cap = Math.max(0, Math.min(quotas.roomBelowLimit(top, column), this.surplus(column)))
      if (cap < milli) this.isHeldBack = true
      const part = parts === 1 ? cap : Math.min(cap, Math.ceil(total[base + column]! / parts))
      row[column] = Math.min(milli, part)
      left[column] = part - row[column]!
    }
  }

  /** Takes a free scalar out of what is left of its name's cap: indivisible ones as a whole or not at all. */
  private takeLeft(kind: ResourceKind, milli: number): number {
    const column = this.names.numberOf(kind.name)
    const left = this.left[column]!
    const part = isIndivisible(kind) && milli > left ? 0 : Math.min(milli, left)
    this.left[column] = left - part
    return part
  }

  private surplus(column: number): number {
    return this.quotas.surplusOf(column, this.hosts.activeAvailable[column] || 0)
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
      const piece = this.pieceOf(slot, index, resource, parts)
      if (piece !== undefined) offered.push(piece)
    }
    if (offered.length === rest.length && offered.every((resource, index) => resource === rest[index])) {
      return rest
    }
    return offered.length === 0 ? noResources : offered
  }

  private pieceOf(slot: number, index: number, resource: Resource, parts: number): Resource | undefined {
    const { kind } = resource
    if (isFreeScalar(kind)) return this.scalarPiece(index, resource)
    const isDivided = parts > 1 && kind.type !== "scalar" && isUnreserved(kind) && !kind.revocable
    return isDivided ? this.partOf(slot, resource, parts) : resource
  }

  private scalarPiece(index: number, resource: Resource): Resource | undefined {
    const { kind } = resource
    const milli = resource.value as number
    const first = index < this.firstCount ? this.firstParts[index]! : 0
    const piece = first + this.takeLeft(kind, milli - first)
    if (piece === milli) return resource
    this.isHeldBack = true
    return piece === 0 ? undefined : resourceOf(kind, piece)
  }

  /** The lowest numbers or items that are left, as many as make up one part of the host's. */
  private partOf(slot: number, resource: Resource, parts: number): Resource {
    const { kind, value } = resource
    const total = this.hosts.rests.total[slot]!.find((other) => other.kind.key === kind.key)
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

  private isAllPlain(base: number): boolean {
    const { available } = this.hosts
    for (let column = 0; column < this.names.names.length; column++) {
      if (this.row[column]! !== available[base + column]!) return false
    }
    return true
  }

  private isEmpty(): boolean {
    for (let column = 0; column < this.names.names.length; column++) if (this.row[column]! > 0) return false
    return isNothing(this.rest)
  }
}

const hasCopy = (resources: Resources, resource: Resource): boolean =>
  resources.some(({ kind, value }) => kind.key === resource.kind.key && value === resource.value)
