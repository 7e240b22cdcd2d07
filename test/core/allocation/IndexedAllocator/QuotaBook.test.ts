import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Quota } from "../../../../core/allocation/Settings.ts"
import { containsQuantities, type Quantities, toQuantities } from "../../../../core/resources/Quantities.ts"
import { type Resource, reservationRole } from "../../../../core/resources/Resource.ts"
import {
  addResources,
  noResources,
  quantitiesToResources,
  type Resources,
} from "../../../../core/resources/Resources.ts"
import { AllocatorBooks } from "../../../support/AllocatorBooks.ts"
import {
  agentOf,
  mountDisk,
  ports,
  reserved,
  revocable,
  volume,
} from "../../../support/allocation/Fixtures.ts"

const all = (...lists: ReadonlyArray<Resources>): Resources => lists.reduce(addResources, noResources)

const totals: ReadonlyArray<Resources> = [
  quantitiesToResources({ cpus: 8_000, mem: 8_000 }),
  all(
    quantitiesToResources({ cpus: 4_000 }),
    reserved({ cpus: 1_000, mem: 500 }, "a"),
    reserved({ cpus: 70 }, "a/b"),
  ),
  all(reserved({ cpus: 2_000, licences: 3 }, "d"), volume("v", 300, "a"), volume("s", 900, "d", true)),
  all(mountDisk("/m", 700), reserved({ mem: 100 }, "d", "d/e"), ports(1, 9)),
]
const holdings: ReadonlyArray<Resources> = [
  quantitiesToResources({ cpus: 1_000 }),
  quantitiesToResources({ mem: 700, licences: 1 }),
  all(quantitiesToResources({ cpus: 10 }), mountDisk("/m", 700), ports(1, 3)),
  all(reserved({ cpus: 300 }, "a"), revocable({ cpus: 500, mem: 20 })),
  all(quantitiesToResources({ disk: 40 }), volume("v", 300, "a"), volume("s", 900, "d", true)),
  revocable({ gpus: 2 }),
]
const quotas: ReadonlyArray<Quota | null> = [
  null,
  { guarantees: { cpus: 2_000 }, limits: {} },
  { guarantees: { cpus: 1_000, mem: 3_000 }, limits: { cpus: 3_000, mem: 3_000 } },
  { guarantees: { disk: 900, licences: 2 }, limits: { licences: 4, disk: 1_000 } },
  { guarantees: {}, limits: { cpus: 1_500, mem: 0, gpus: 0 } },
  { guarantees: { cpus: 0 }, limits: { mem: 9_000 } },
  { guarantees: { fpgas: 5, cpus: 0 }, limits: { fpgas: 5, more1: 0, more2: 0, more3: 7 } },
]
const minAllocatable: ReadonlyArray<Quantities> = [{ cpus: 500 }, { mem: 100, disk: 50 }]
const tops = ["a", "d", "e"]
const clientRoles = ["a", "a/b", "d", "d/e"]

const isFree = ({ kind }: Resource) =>
  kind.type === "scalar" && kind.reservations.length === 0 && !kind.revocable

class TwoBooks {
  private readonly books = new AllocatorBooks({ minAllocatable })
  private readonly totals = new Map<string, Resources>()
  private held: ReadonlyArray<{ readonly role: string; readonly resources: Resources }> = []
  private readonly quotaByRole = new Map<string, Quota>()
  /** Whether what follows from quotas is kept up to date: from `refresh` until quotas or hosts change. */
  private isCounted = false

  constructor() {
    this.operations.putHost(0, 0)
  }

  readonly operations = {
    putHost: (which: number, what: number) => {
      const total = totals[what % totals.length]!
      this.books.putHost(agentOf(`h${which % 2}`, total))
      this.totals.set(`h${which % 2}`, total)
      this.isCounted = false
    },
    hold: (who: number, what: number) => {
      const role = clientRoles[who % clientRoles.length]!
      const resources = holdings[what % holdings.length]!
      this.books.hold(this.books.ensure("f", role), 0, resources, 1)
      this.held = [...this.held, { role, resources }]
    },
    release: (which: number) => {
      const place = which % Math.max(1, this.held.length)
      const holding = this.held[place]
      if (holding === undefined) return
      this.books.hold(this.books.clients.nodeOf("f", holding.role), 0, holding.resources, -1)
      this.held = this.held.filter((_, index) => index !== place)
    },
    removeClient: (who: number) => {
      const role = clientRoles[who % clientRoles.length]!
      const client = this.books.clients.nodeOf("f", role)
      if (client >= 0 && this.books.clients.holdsNothing(client)) this.books.removeClient("f", role)
    },
    setQuota: (which: number, what: number) => {
      const [role, quota] = [tops[which % tops.length]!, quotas[what % quotas.length]!]
      this.books.quotas.setQuota(role, quota)
      if (quota === null) this.quotaByRole.delete(role)
      else this.quotaByRole.set(role, quota)
      this.isCounted = false
    },
    refresh: () => {
      this.books.quotas.refresh()
      this.isCounted = true
    },
  }

  /** Reservations for the subtree, taken or not, and what it holds that is neither reserved nor revocable. */
  private consumed(top: string): Quantities {
    const isBelow = (role: string | null) => role === top || role?.startsWith(`${top}/`) === true
    const reservations = [...this.totals.values()]
      .flat()
      .filter(({ kind }) => kind.type === "scalar" && isBelow(reservationRole(kind)))
    const held = this.held
      .filter(({ role }) => isBelow(role))
      .flatMap(({ resources }) => resources.filter(isFree))
    return toQuantities(
      [...reservations, ...held].map(({ kind, value }) => [kind.name, value as number] as const),
    )
  }

  private roomOf(top: string, name: string): number {
    const limit = this.quotaByRole.get(top)?.limits[name] ?? Number.POSITIVE_INFINITY
    return Math.max(0, limit - (this.consumed(top)[name] ?? 0))
  }

  private missingOf(top: string, name: string): number {
    const guarantee = this.quotaByRole.get(top)?.guarantees[name] ?? 0
    return Math.max(0, guarantee - (this.consumed(top)[name] ?? 0))
  }

  check(): void {
    const { quotas: book, names } = this.books
    expect(tops.map((top) => book.consumedQuantities(top))).toEqual(tops.map((top) => this.consumed(top)))
    const limited = [...this.quotaByRole.keys()].sort()
    expect([book.quotaRoles(), book.hasQuotas]).toEqual([limited, limited.length > 0])
    expect(tops.map((top) => book.quotaOf(top))).toEqual(tops.map((top) => this.quotaByRole.get(top) ?? null))
    const hasGuarantees = [...this.quotaByRole.values()].some(({ guarantees }) =>
      Object.values(guarantees).some((milli) => milli > 0),
    )
    expect(book.hasGuarantees).toBe(hasGuarantees)
    const figures = (read: (top: string, name: string, column: number) => number) =>
      limited.map((top) => names.names.map((name, column) => read(top, name, column)))
    expect(figures((top, _, column) => book.unsatisfied(book.topOf(top), column))).toEqual(
      figures((top, name) => this.missingOf(top, name)),
    )
    expect(figures((top, _, column) => book.roomBelowLimit(book.topOf(top), column))).toEqual(
      figures((top, name) => this.roomOf(top, name)),
    )
    if (this.isCounted) this.checkCounted(limited)
  }

  private checkCounted(limited: ReadonlyArray<string>): void {
    const { quotas: book, names } = this.books
    const required = names.names.map((name, column) => [name, book.required[column] ?? 0])
    expect(required).toEqual(
      names.names.map((name) => [name, tops.reduce((sum, top) => sum + this.missingOf(top, name), 0)]),
    )
    const judged = limited.map((top) => [book.topOf(top).isUnsatisfied, book.topOf(top).isExhausted])
    expect(judged).toEqual(
      limited.map((top) => {
        const room = Object.fromEntries(names.names.map((name) => [name, this.roomOf(top, name)]))
        return [
          names.names.some((name) => this.missingOf(top, name) > 0),
          !minAllocatable.some((set) => containsQuantities(room, set)),
        ]
      }),
    )
  }
}

type Operation = keyof TwoBooks["operations"]

describe("QuotaBook", () => {
  it("counts what a recount of all hosts and holdings would say, and keeps it up to date during a cycle", () => {
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom<Operation>("hold", "release", "setQuota", "refresh") },
      { weight: 1, arbitrary: fc.constantFrom<Operation>("putHost", "removeClient") },
    )
    const step = fc.tuple(operation, fc.nat(99), fc.nat(99))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50, size: "max" }), (steps) => {
        const two = new TwoBooks()
        for (const [name, which, what] of steps) {
          two.operations[name](which, what)
          two.check()
        }
      }),
      { numRuns: 35 },
    )
  })

  it("counts a sub-role's holdings and reservations for its top-level role, which alone has a quota", () => {
    const { quotas: book } = new AllocatorBooks()
    expect([book.topOf("a/b/c") === book.topOf("a"), book.topOf("ab") === book.topOf("a")]).toEqual([
      true,
      false,
    ])
    book.reserve("a/b", "cpus", 5, 1)
    expect([
      book.consumedQuantities("a"),
      book.consumedQuantities("a/b"),
      book.consumedQuantities("b"),
    ]).toEqual([{ cpus: 5 }, { cpus: 5 }, {}])
  })

  it("forgets a role that counts nothing any more, whatever goes last, and only such a one", () => {
    const ends = ["quota", "reservation", "client"] as const
    for (const last of ends) {
      const books = new AllocatorBooks()
      const { quotas: book } = books
      book.setQuota("a", { guarantees: { cpus: 1 }, limits: {} })
      book.reserve("a", "cpus", 5, 1)
      books.ensure("f", "a/b")
      const isForgotten = [...ends.filter((end) => end !== last), last].map((end) => {
        const top = book.topOf("a")
        if (end === "quota") book.setQuota("a", null)
        else if (end === "reservation") book.reserve("a", "cpus", 5, -1)
        else books.removeClient("f", "a/b")
        return book.topOf("a") !== top
      })
      expect([last, isForgotten]).toEqual([last, [false, false, true]])
    }
  })

  it("knows the role of each node below the root, also when a number is used again", () => {
    const books = new AllocatorBooks()
    books.ensure("f", "a")
    const node = books.roles.nodeOf("a")
    books.removeClient("f", "a")
    books.ensure("f", "z")
    books.ensure("f", "d")
    for (const role of ["z", "d"]) expect(books.quotas.topOfNode(books.roles.nodeOf(role)).role).toBe(role)
    expect([books.roles.nodeOf("z"), books.roles.nodeOf("d")]).toContain(node)
  })
})
