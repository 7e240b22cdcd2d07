import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { clientKey, filterKey } from "../../../../core/allocation/Allocator.ts"
import {
  containsResources,
  quantitiesToResources,
  type Resources,
} from "../../../../core/resources/Resources.ts"
import { AllocatorBooks } from "../../../support/AllocatorBooks.ts"
import {
  agentOf,
  exampleSettings,
  frameworkOf,
  ports,
  scopeOf,
} from "../../../support/allocation/Fixtures.ts"

const some: ReadonlyArray<Resources> = [
  quantitiesToResources({ cpus: 1 }),
  quantitiesToResources({ cpus: 2, mem: 1 }),
  ports(3, 4),
]
const frameworkIds = ["f", "g"]
const roles = ["a", "a/b"]
const agentIds = ["h", "i", "j"]

interface NaiveFilter {
  readonly frameworkId: string
  readonly role: string
  readonly agentId: string
  readonly resources: Resources
  readonly expiresAtMs: number
  readonly backoffMs: number
}

const covers = (wide: NaiveFilter, narrow: NaiveFilter): boolean =>
  filterKey(wide) === filterKey(narrow) &&
  wide.expiresAtMs >= narrow.expiresAtMs &&
  containsResources(wide.resources, narrow.resources)

class TwoBooks {
  readonly books = new AllocatorBooks({ backoffMsMax: 20_000 })
  private list: ReadonlyArray<NaiveFilter> = []
  private readonly rounds = new Map<string, { declined: number; atMs: number }>()
  /** Hosts of filters that went, rows of filters that changed, since both were last taken. */
  private changedHosts = new Set<string>()
  private changedRows = new Set<string>()
  /** Clients whose rounds changed. */
  private changedClients = new Set<string>()
  nowMs = 0

  constructor() {
    for (const agentId of agentIds) this.books.putHost(agentOf(agentId, { cpus: 4_000 }))
    for (const frameworkId of frameworkIds) this.books.putFramework(frameworkOf(frameworkId, roles))
    this.books.candidates.take("all", false)
    this.books.rows.takeChanged()
  }

  private roundsOf(frameworkId: string, role: string) {
    const rounds = this.rounds.get(`${frameworkId} ${role}`) ?? { declined: 0, atMs: -1 }
    this.rounds.set(`${frameworkId} ${role}`, rounds)
    return rounds
  }

  private endRounds(frameworkId: string, role: string): void {
    const rounds = this.roundsOf(frameworkId, role)
    if (rounds.declined > 0) this.changedClients.add(clientKey(frameworkId, role))
    rounds.declined = 0
  }

  private dropIf(isDropped: (filter: NaiveFilter) => boolean): void {
    for (const filter of this.list.filter(isDropped)) {
      this.changedHosts.add(filter.agentId)
      this.changedRows.add(filterKey(filter))
    }
    this.list = this.list.filter((filter) => !isDropped(filter))
  }

  readonly operations = {
    refuse: (who: number, where: number, what: number, ageMs: number) => {
      const frameworkId = frameworkIds[who % 2]!
      const role = roles[(who >> 1) % 2]!
      const agentId = agentIds[where % 3]!
      const resources = some[what % 3]!
      const refuseMs = [null, 0, 3_000, 40_000][where % 4]!
      const isDecline = what % 4 > 0
      const offeredAtMs = Math.max(0, this.nowMs - ageMs * 500)
      const requested = refuseMs ?? 5_000
      const rounds = this.roundsOf(frameworkId, role)
      if (isDecline && offeredAtMs > rounds.atMs) {
        rounds.declined++
        rounds.atMs = this.nowMs
        this.changedClients.add(clientKey(frameworkId, role))
      }
      const doubled = isDecline ? requested * 2 ** Math.max(0, rounds.declined - 1) : requested
      const lastMs = Math.max(requested, Math.min(20_000, doubled))
      const scope = scopeOf(frameworkId, role, agentId)
      this.books.filterBook.refuse(scope, resources, { refuseMs, isDecline, offeredAtMs, nowMs: this.nowMs })
      if (lastMs === 0) return
      const added = { ...scope, resources, expiresAtMs: this.nowMs + lastMs, backoffMs: lastMs - requested }
      if (this.list.some((other) => covers(other, added))) return
      this.list = this.list.filter((other) => !covers(added, other)).concat(added)
      this.changedRows.add(filterKey(scope))
    },
    revive: (who: number, which: number) => {
      const frameworkId = frameworkIds[who % 2]!
      const revived = [null, ["a"], ["a/b"], ["a", "nobody"], []][which % 5]!
      this.books.filterBook.revive(frameworkId, revived)
      for (const role of revived ?? roles) {
        this.dropIf((filter) => filter.frameworkId === frameworkId && filter.role === role)
        this.endRounds(frameworkId, role)
      }
    },
    accept: (who: number) => {
      const [frameworkId, role] = [frameworkIds[who % 2]!, roles[(who >> 1) % 2]!]
      this.books.filterBook.noteAccepted(frameworkId, role)
      this.endRounds(frameworkId, role)
    },
    wake: (who: number) => {
      const frameworkId = frameworkIds[who % 2]!
      this.books.filterBook.wake(frameworkId, this.nowMs)
      for (const role of roles) this.endRounds(frameworkId, role)
      const isLong = (filter: NaiveFilter) => filter.frameworkId === frameworkId && filter.backoffMs > 0
      this.dropIf((filter) => isLong(filter) && filter.expiresAtMs - filter.backoffMs <= this.nowMs)
      for (const filter of this.list.filter(isLong)) this.changedRows.add(filterKey(filter))
      this.list = this.list.map((filter) => {
        const { expiresAtMs, backoffMs } = filter
        return isLong(filter) ? { ...filter, expiresAtMs: expiresAtMs - backoffMs, backoffMs: 0 } : filter
      })
      // What was cut may be covered now; of two equal ones one stays.
      this.list = this.list.filter(
        (filter, index) =>
          !this.list.some(
            (other, place) =>
              place !== index && covers(other, filter) && (!covers(filter, other) || place < index),
          ),
      )
    },
    wait: (who: number, where: number) => {
      this.nowMs += (1 + who) * (1 + where) * 100
    },
    expire: () => {
      this.books.filterBook.expire(this.nowMs)
      this.dropIf(({ expiresAtMs }) => expiresAtMs <= this.nowMs)
    },
    dropOfHost: (_: number, where: number) => {
      const agentId = agentIds[where % 3]!
      this.books.filterBook.dropOfHost(this.books.hosts.slotOf(agentId)!)
      this.dropIf((filter) => filter.agentId === agentId)
    },
    dropOfClient: (who: number) => {
      const [frameworkId, role] = [frameworkIds[who % 2]!, roles[(who >> 1) % 2]!]
      this.books.filterBook.dropOfClient(this.books.clients.nodeOf(frameworkId, role))
      this.dropIf((filter) => filter.frameworkId === frameworkId && filter.role === role)
    },
    check: () => {
      const { books } = this
      expect(books.filters.size).toBe(this.list.length)
      const expiries = this.list.map(({ expiresAtMs }) => expiresAtMs)
      expect(books.filterBook.nextExpiryMs()).toBe(expiries.length === 0 ? null : Math.min(...expiries))
      const filters: Array<NaiveFilter> = []
      for (const frameworkId of frameworkIds) {
        for (const role of roles) {
          const client = books.clients.nodeOf(frameworkId, role)
          const { declined, atMs } = this.roundsOf(frameworkId, role)
          expect([books.clients.declinedRounds[client], books.clients.roundAtMs[client]]).toEqual([
            declined,
            atMs,
          ])
          let filter = books.filters.firstOfClient(client)
          for (; filter !== -1; filter = books.filters.nextOfClient(filter)) {
            filters.push({
              ...scopeOf(frameworkId, role, books.hosts.ids[books.filters.hostOf(filter)]!),
              resources: books.filters.refusedResources(books.filters.refusedOf(filter)),
              expiresAtMs: books.filters.expiresAtMs(filter),
              backoffMs: books.filters.backoffMs(filter),
            })
          }
        }
      }
      const texts = (list: ReadonlyArray<NaiveFilter>) => list.map((filter) => JSON.stringify(filter)).sort()
      expect(texts(filters)).toEqual(texts(this.list))
      const count = books.candidates.take("changed", false)
      const taken = Array.from(books.candidates.slots.subarray(0, count), (slot) => books.hosts.ids[slot]!)
      expect(taken.sort()).toEqual([...this.changedHosts].sort())
      const touched = books.rows.takeChanged()
      const keys = (wanted: string) => touched.filter(({ kind }) => kind === wanted).map(({ key }) => key)
      expect([keys("filter"), keys("client")]).toEqual([
        [...this.changedRows].sort(),
        [...this.changedClients].sort(),
      ])
      this.changedHosts = new Set()
      this.changedRows = new Set()
      this.changedClients = new Set()
    },
  }
}

type Operation = keyof TwoBooks["operations"]

describe("FilterBook", () => {
  it("keeps the filters, rounds, candidates and rows that follow from what frameworks said", () => {
    const operation = fc.oneof(
      { weight: 10, arbitrary: fc.constant<Operation>("refuse") },
      { weight: 3, arbitrary: fc.constantFrom<Operation>("wait", "expire") },
      { weight: 1, arbitrary: fc.constantFrom<Operation>("revive", "accept") },
      { weight: 3, arbitrary: fc.constantFrom<Operation>("wake", "check") },
      { weight: 1, arbitrary: fc.constantFrom<Operation>("dropOfHost", "dropOfClient") },
    )
    const step = fc.tuple(operation, fc.nat(19), fc.nat(19), fc.nat(19), fc.nat(9))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const two = new TwoBooks()
        for (const [name, who, where, what, ageMs] of steps) two.operations[name](who, where, what, ageMs)
        two.operations.check()
      }),
      { numRuns: 100 },
    )
  })

  const refusal = { refuseMs: null, offeredAtMs: 0, nowMs: 1_000, isDecline: true }

  it("takes no filter of nothing, of a client or a host that is not there, or for no time", () => {
    const books = new AllocatorBooks(exampleSettings)
    books.putHost(agentOf("h", { cpus: 1 }))
    books.putFramework(frameworkOf("f", ["a"]))
    books.filterBook.refuse(scopeOf("f", "a", "h"), [], refusal)
    books.filterBook.refuse(scopeOf("f", "b", "h"), some[0]!, refusal)
    books.filterBook.refuse(scopeOf("g", "a", "h"), some[0]!, refusal)
    books.filterBook.refuse(scopeOf("f", "a", "i"), some[0]!, refusal)
    books.filterBook.refuse(scopeOf("f", "a", "h"), some[0]!, { ...refusal, refuseMs: 0 })
    expect([books.filters.size, books.filterBook.nextExpiryMs()]).toEqual([0, null])
    books.filterBook.refuse(scopeOf("f", "a", "h"), some[0]!, refusal)
    expect([books.filters.size, books.filterBook.nextExpiryMs()]).toEqual([1, 6_000])
  })

  const clientThatBacksOff = () => {
    const books = new AllocatorBooks({ ...exampleSettings, backoffMsMax: 30_000 })
    books.putHost(agentOf("h", { cpus: 2 }))
    books.putFramework(frameworkOf("f", ["a"]))
    const filters = () => books.rows.row({ kind: "filter", key: filterKey(scopeOf("f", "a", "h")) })
    const decline = (resources: Resources, refuseMs: number, nowMs: number) =>
      books.filterBook.refuse(scopeOf("f", "a", "h"), resources, {
        refuseMs,
        isDecline: true,
        offeredAtMs: nowMs,
        nowMs,
      })
    return { books, filters, decline }
  }

  it("cuts all lengthened filters of who wakes before it asks which of them another covers", () => {
    const { books, filters, decline } = clientThatBacksOff()
    const two = quantitiesToResources({ cpus: 2 })
    for (const nowMs of [1, 2, 3]) decline(two, 2_000, nowMs)
    decline(some[0]!, 5_000, 4)
    expect(filters()).toEqual([
      { resources: { cpus: 2 }, expiresAtMs: 8_003, backoffMs: 6_000 },
      { resources: { cpus: 1 }, expiresAtMs: 30_004, backoffMs: 25_000 },
    ])
    books.filterBook.wake("f", 10)
    expect(filters()).toEqual([
      { resources: { cpus: 2 }, expiresAtMs: 2_003, backoffMs: 0 },
      { resources: { cpus: 1 }, expiresAtMs: 5_004, backoffMs: 0 },
    ])
  })

  it("drops a filter that would have ended by itself when its framework wakes", () => {
    for (const [nowMs, isLeft] of [
      [3_001, true],
      [3_002, false],
    ] as const) {
      const { books, filters, decline } = clientThatBacksOff()
      decline(some[0]!, 1_000, 1)
      decline(some[0]!, 3_000, 2)
      books.rows.takeChanged()
      books.candidates.take("all", false)
      books.filterBook.wake("f", nowMs)
      // Either way it is another row; only who is not filtered any more is a reason to look at the host.
      expect(books.rows.takeChanged().map(({ kind }) => kind)).toEqual(["client", "filter"])
      expect(books.candidates.take("changed", false)).toBe(isLeft ? 0 : 1)
      expect(filters() !== undefined).toBe(isLeft)
    }
  })

  it("puts stored filters in place before anything is made of filters, once clients and hosts are there", () => {
    const row = [{ resources: { cpus: 1 }, expiresAtMs: 500, backoffMs: 100 }]
    const scopes = [scopeOf("f", "a", "h"), scopeOf("f", "gone", "h"), scopeOf("f", "a", "gone")]
    const stored = scopes.map((scope) => ({ kind: "filter", key: filterKey(scope), value: row }))
    const uses: ReadonlyArray<(books: AllocatorBooks) => void> = [
      ({ filterBook }) => filterBook.settle(),
      ({ filterBook }) => filterBook.nextExpiryMs(),
      ({ filterBook }) => filterBook.revive("nobody", null),
      ({ filterBook }) => filterBook.wake("nobody", 0),
      ({ filterBook }) => filterBook.refuse(scopeOf("f", "a", "h"), some[0]!, { ...refusal, nowMs: -10_000 }),
    ]
    for (const use of uses) {
      const books = new AllocatorBooks({}, stored)
      books.putHost(agentOf("h", { cpus: 1 }))
      books.putFramework(frameworkOf("f", ["a"]))
      expect(books.filters.size).toBe(0)
      use(books)
      expect(books.filters.expiresAtMs(books.filters.first())).toBe(500)
      expect([books.filters.size, books.filterBook.nextExpiryMs()]).toEqual([1, 500])
      books.filterBook.dropOfHost(0)
      books.filterBook.settle()
      expect(books.filters.size).toBe(0)
    }
  })
})
