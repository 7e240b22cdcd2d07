import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { BARE } from "../../../../core/allocation/IndexedAllocator/HostTable.ts"
import { NOTHING, OfferCut, PART, WHOLE } from "../../../../core/allocation/IndexedAllocator/OfferCut.ts"
import type { Quota } from "../../../../core/allocation/Settings.ts"
import { lowestItems } from "../../../../core/resources/ItemSet.ts"
import { lowestOfRanges, type Ranges } from "../../../../core/resources/Ranges.ts"
import {
  isAllocatableTo,
  isFreeScalar,
  isIndivisible,
  isPlain,
  isReservedFor,
  isUnreserved,
  type Resource,
  type ResourceKind,
  toKind,
} from "../../../../core/resources/Resource.ts"
import {
  addResources,
  noResources,
  quantitiesToResources,
  quantitiesWithCounts,
  type Resources,
  subtractResources,
  toResources,
} from "../../../../core/resources/Resources.ts"
import { AllocatorBooks } from "../../../support/AllocatorBooks.ts"
import {
  agentOf,
  everyFrameworkCapability,
  frameworkOf,
  mountDisk,
  ports,
  reservationFor,
  reserved,
  revocable,
  volume,
} from "../../../support/allocation/Fixtures.ts"

const plain = quantitiesToResources
const all = (...lists: ReadonlyArray<Resources>): Resources => lists.reduce(addResources, noResources)
const shared = volume("s", 900, "a", true)
const oddPorts = (fields: Partial<ResourceKind>, value: Ranges): Resources =>
  toResources([{ kind: toKind({ name: "ports", type: "ranges", ...fields }), value }])
const zones: Resources = [{ kind: toKind({ name: "zones", type: "set" }), value: ["x", "y", "z"] }]
const providerDisk = toResources([
  { kind: toKind({ name: "disk", type: "scalar", providerId: "p" }), value: 300 },
])

const totals: ReadonlyArray<Resources> = [
  plain({ cpus: 4_000, mem: 9_000 }),
  all(plain({ cpus: 4_001 }), ports(1, 5, 10, 10), zones),
  all(
    plain({ cpus: 1_000, disk: 100 }),
    mountDisk("/m", 700),
    mountDisk("/n", 400),
    providerDisk,
    ports(1, 2),
  ),
  all(
    reserved({ cpus: 500 }, "a"),
    reserved({ cpus: 70 }, "a", "a/b"),
    reserved({ mem: 30 }, "d"),
    revocable({ cpus: 9 }),
  ),
  all(plain({ cpus: 1_000, licences: 1 }), mountDisk("/m", 700)),
  all(plain({ licences: 3 }), shared),
  all(plain({ licences: 3 }), shared, volume("v", 300, "a"), revocable({ gpus: 1 })),
  all(
    plain({ cpus: 500 }),
    ports(1, 4),
    oddPorts({ reservations: [reservationFor("a")] }, [80, 83]),
    oddPorts({ revocable: true }, [90, 93]),
  ),
  shared,
]
const quotas: ReadonlyArray<Quota | null> = [
  null,
  { guarantees: { cpus: 1_500 }, limits: {} },
  { guarantees: { disk: 800, mem: 2_000 }, limits: { disk: 1_200 } },
  { guarantees: {}, limits: { cpus: 2_500, mem: 0, licences: 2, disk: 500 } },
  { guarantees: { disk: 800 }, limits: { cpus: 0, licences: 0 } },
  { guarantees: { cpus: 9_000, disk: 90 }, limits: { cpus: 9_000, disk: 90 } },
]

interface Case {
  readonly total: Resources
  readonly others: Resources
  readonly held: number
  readonly ownQuota: Quota | null
  readonly otherQuota: Quota | null
  readonly role: string
  readonly capabilities: ReadonlyArray<string>
  readonly stage: 1 | 2
  readonly earlierStage: 1 | 2
  readonly parts: number
  readonly isGone: boolean
}

const anyCase: fc.Arbitrary<Case> = fc.record({
  total: fc.constantFrom(...totals),
  others: fc.constantFrom(...totals),
  held: fc.constantFrom(0, 0, 500, 2_000),
  ownQuota: fc.constantFrom(...quotas),
  otherQuota: fc.constantFrom(...quotas),
  role: fc.constantFrom("a", "a/b", "d"),
  capabilities: fc.oneof(fc.constant(everyFrameworkCapability), fc.subarray(everyFrameworkCapability)),
  stage: fc.constantFrom(1, 2),
  earlierStage: fc.constantFrom(1, 2),
  parts: fc.constantFrom(1, 1, 2, 3),
  isGone: fc.boolean(),
})

/** Takes free scalars one after the other out of what may be taken of their name; what is indivisible whole or not at all. */
const chop = (scalars: Resources, cap: (name: string) => number): Resources => {
  const left = new Map<string, number>()
  return toResources(
    scalars.map(({ kind, value }) => {
      const room = Math.max(0, left.get(kind.name) ?? cap(kind.name))
      const milli = isIndivisible(kind) && (value as number) > room ? 0 : Math.min(room, value as number)
      left.set(kind.name, room - milli)
      return { kind, value: milli }
    }),
  )
}

class World {
  readonly books = new AllocatorBooks()
  readonly slot: number
  readonly client: number
  private readonly one: Case

  constructor(one: Case) {
    this.one = one
    const { books } = this
    this.slot = books.putHost(agentOf("h", one.total))
    books.putHost(agentOf("i", one.others))
    this.client = books.putFramework(frameworkOf("f", [one.role], { capabilities: one.capabilities }))[0]!
    const [other] = books.putFramework(frameworkOf("g", ["e"]))
    books.hold(this.client, this.slot, plain({ cpus: one.held, disk: one.held / 100 }), 1)
    books.hold(other!, this.slot, plain({ cpus: one.held / 2 }), 1)
    if (one.ownQuota !== null) books.quotas.setQuota(one.role.split("/")[0]!, one.ownQuota)
    if (one.otherQuota !== null) books.quotas.setQuota("e", one.otherQuota)
    books.quotas.refresh()
  }

  get gone(): Resources {
    return this.one.isGone ? shared : noResources
  }

  /** What of the host is free and may be shown to the client. */
  private visible(): Resources {
    const can = (name: string) => this.one.capabilities.includes(name)
    return this.books.hosts.availableOn(this.slot).filter(({ kind }) => {
      if (kind.shared && (this.one.isGone || !can("SHARED_RESOURCES"))) return false
      if (kind.revocable && !can("REVOCABLE_RESOURCES")) return false
      return kind.reservations.length < 2 || can("RESERVATION_REFINEMENT")
    })
  }

  private column = (name: string) => this.books.names.numberOf(name)
  private top = () => this.books.quotas.topOf(this.one.role)
  private limitLeft = (name: string) => this.books.quotas.roomBelowLimit(this.top(), this.column(name))
  private surplus = (name: string) => {
    const required = this.books.quotas.required[this.column(name)]!
    const available = this.books.hosts.activeAvailable[this.column(name)] ?? 0
    return required === 0 ? Number.POSITIVE_INFINITY : Math.max(0, available - required)
  }

  /** Stage 1: what is missing of the guarantee, and as much more as limit and others leave. */
  guaranteedPiece(): Resources {
    const visible = this.visible()
    const scalars = visible.filter(({ kind }) => isFreeScalar(kind))
    const guaranteed = chop(scalars, (name) => this.books.quotas.unsatisfied(this.top(), this.column(name)))
    if (guaranteed.length === 0) return noResources
    const amounts = quantitiesWithCounts(guaranteed)
    const more = chop(subtractResources(scalars, guaranteed), (name) =>
      Math.min(this.limitLeft(name) - (amounts[name] ?? 0), this.surplus(name)),
    )
    const others = visible.filter(
      ({ kind }) => !isFreeScalar(kind) && (isUnreserved(kind) || isReservedFor(kind, this.one.role)),
    )
    return all(guaranteed, more, others)
  }

  /** Stage 2: its reservations, the rest as far as quotas leave it and not more than a part. */
  fairPiece(parts: number): Resources {
    const visible = this.visible()
    const plainTotal = quantitiesWithCounts(
      this.one.total.filter(({ kind }) => kind.type === "scalar" && isPlain(kind)),
    )
    const scalars = chop(
      visible.filter(({ kind }) => isFreeScalar(kind)),
      (name) => {
        const part = parts === 1 ? Number.POSITIVE_INFINITY : Math.ceil((plainTotal[name] ?? 0) / parts)
        return Math.min(this.limitLeft(name), this.surplus(name), part)
      },
    )
    const others = visible
      .filter(({ kind }) => !isFreeScalar(kind) && isAllocatableTo(kind, this.one.role))
      .map((resource) => (parts === 1 ? resource : this.lowestPart(resource, parts)))
    return all(scalars, others)
  }

  private lowestPart(resource: Resource, parts: number): Resource {
    const { kind, value } = resource
    if (kind.type === "scalar" || !isUnreserved(kind) || kind.revocable) return resource
    const total = this.one.total.filter((other) => other.kind.key === kind.key)
    const count = Math.ceil(quantitiesWithCounts(total)[kind.name]! / 1000 / parts)
    return kind.type === "ranges"
      ? { kind, value: lowestOfRanges(value as Ranges, count) }
      : { kind, value: lowestItems(value as ReadonlyArray<string>, count) }
  }
}

describe("OfferCut", () => {
  it("is what the rules of the cycle leave of a host (spec §1.3, steps 5 and 6)", () => {
    fc.assert(
      fc.property(anyCase, (one) => {
        const world = new World(one)
        const { books, slot, client } = world
        if ((books.hosts.flags[slot]! & BARE) !== 0) return // Nobody asks.
        const stage = one.ownQuota === null ? 2 : one.stage
        const parts = stage === 1 ? 1 : one.parts
        const cut = new OfferCut(books.names, books.hosts, books.clients, books.quotas)
        const whole = books.hosts.availableOn(slot)
        // What was asked before must not matter.
        const other = books.hosts.slotOf("i")!
        cut.cut(client, other, books.hosts.rests.available[other]!, one.earlierStage, 1, noResources)
        const outcome = cut.cut(client, slot, books.hosts.rests.available[slot]!, stage, parts, world.gone)
        const offered = outcome === NOTHING ? noResources : outcome === WHOLE ? whole : cut.build().resources
        const piece = stage === 1 ? world.guaranteedPiece() : world.fairPiece(parts)
        expect(offered).toEqual(piece.every(({ kind }) => kind.shared) ? noResources : piece)
        expect(outcome === NOTHING).toBe(offered.length === 0)
        // All of it, in one or several pieces, is offered as it lies ready.
        if (outcome === PART) expect(offered).not.toEqual(whole)
        // Whoever is cut for a quota must hear of it when quotas loosen; to be told for nothing does no harm.
        if (stage === 2 && parts === 1) {
          const withoutQuotas = new World({ ...one, ownQuota: null, otherQuota: null }).fairPiece(1)
          const isMore = quantitiesWithCounts(withoutQuotas)
          if (JSON.stringify(isMore) !== JSON.stringify(quantitiesWithCounts(piece)))
            expect(cut.isHeldBack).toBe(true)
        }
        if (stage === 2 && parts === 1 && one.ownQuota === null && one.otherQuota === null) {
          expect(cut.isHeldBack).toBe(false)
        }
      }),
      { numRuns: 500 },
    )
  })

  /** What a framework in role a is offered of a host, in stage 2 unless told otherwise. */
  const offerOf = (total: Resources, quota: Quota | null, more: Partial<Case> = {}) => {
    const one: Case = {
      total,
      others: noResources,
      held: 0,
      ownQuota: quota,
      otherQuota: null,
      role: "a",
      capabilities: everyFrameworkCapability,
      stage: 2,
      earlierStage: 2,
      parts: 1,
      isGone: false,
      ...more,
    }
    const { books, slot, client } = new World(one)
    const cut = new OfferCut(books.names, books.hosts, books.clients, books.quotas)
    const rest = books.hosts.rests.available[slot]!
    const outcome = cut.cut(client, slot, rest, one.stage, one.parts, noResources)
    const offered = outcome === PART ? cut.build().resources : outcome === WHOLE ? total : noResources
    return { offered, isHeldBack: cut.isHeldBack }
  }

  it("cuts plain scalars and disks of a provider, and leaves out a MOUNT disk that does not fit (spec §1.3)", () => {
    const limit = (disk: number): Quota => ({ guarantees: {}, limits: { disk } })
    const total = all(plain({ disk: 100 }), mountDisk("/m", 700), providerDisk)
    expect(offerOf(total, limit(1_200))).toEqual({ offered: total, isHeldBack: false })
    expect(offerOf(total, limit(250))).toEqual({
      offered: all(plain({ disk: 100 }), toResources([{ kind: providerDisk[0]!.kind, value: 150 }])),
      isHeldBack: true,
    })
    expect(offerOf(mountDisk("/m", 700), limit(699))).toEqual({ offered: noResources, isHeldBack: true })
  })

  it("gives on top of what a guarantee lacks a MOUNT disk that is more than that, if the limit has room for it", () => {
    const total = all(plain({ cpus: 1_000 }), mountDisk("/m", 700))
    const inStage1 = { stage: 1, others: plain({ disk: 1_000 }) } as const
    const quota = (limit: number): Quota => ({
      guarantees: { cpus: 1_000, disk: 500 },
      limits: { disk: limit },
    })
    expect(offerOf(total, quota(700), inStage1).offered).toEqual(total)
    expect(offerOf(total, quota(699), inStage1).offered).toEqual(plain({ cpus: 1_000 }))
  })

  it("gives of a divided host the part rounded up, and the lowest ports that are left", () => {
    const { offered } = offerOf(all(plain({ cpus: 4_001 }), ports(1, 5, 10, 10)), null, { parts: 4 })
    expect(offered).toEqual(all(plain({ cpus: 1_001 }), ports(1, 2)))
  })
})
