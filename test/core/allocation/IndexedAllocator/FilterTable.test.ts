import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FilterTable } from "../../../../core/allocation/IndexedAllocator/FilterTable.ts"
import {
  addResources,
  containsResources,
  quantitiesToResources,
  type Resources,
} from "../../../../core/resources/Resources.ts"
import { ports } from "../../../support/allocation/Fixtures.ts"

interface NaiveFilter {
  readonly client: number
  readonly host: number
  readonly resources: Resources
  readonly expiresAtMs: number
  readonly backoffMs: number
}

/** Some contain others; two are equal but not the same. */
const refusals: ReadonlyArray<Resources> = [
  quantitiesToResources({ cpus: 1 }),
  quantitiesToResources({ cpus: 2 }),
  quantitiesToResources({ cpus: 2 }),
  quantitiesToResources({ cpus: 2, mem: 1 }),
  quantitiesToResources({ mem: 3 }),
  addResources(quantitiesToResources({ cpus: 1 }), ports(1, 9)),
  ports(3, 4),
]
const hostCount = 4
const clientCount = 30

class TwoTables {
  private readonly table = new FilterTable()
  private list: ReadonlyArray<NaiveFilter> = []
  private peak = 0

  constructor() {
    this.table.reserveHosts(hostCount)
    this.table.reserveClients(clientCount)
  }

  /** Numbers of the filters in a list of the table. */
  private numbers(first: number, next: (filter: number) => number): ReadonlyArray<number> {
    const numbers: Array<number> = []
    for (let filter = first; filter !== -1; filter = next(filter)) numbers.push(filter)
    expect(new Set(numbers).size).toBe(numbers.length)
    return numbers
  }

  private ofHost = (host: number): ReadonlyArray<number> => {
    const numbers = this.table.ofHost(host)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers.includes(this.table.someOfHost(host))).toBe(numbers.length > 0)
    return numbers
  }
  private ofClient = (client: number) =>
    this.numbers(this.table.firstOfClient(client), (filter) => this.table.nextOfClient(filter))

  private filterOf(filter: number): NaiveFilter {
    const { table } = this
    return {
      client: table.clientOf(filter),
      host: table.hostOf(filter),
      resources: table.refusedResources(table.refusedOf(filter)),
      expiresAtMs: table.expiresAtMs(filter),
      backoffMs: table.backoffMs(filter),
    }
  }

  private drop(filter: NaiveFilter): void {
    const index = this.list.findIndex((other) => text(other) === text(filter))
    expect(index).toBeGreaterThanOrEqual(0)
    this.list = this.list.filter((_, place) => place !== index)
  }

  readonly operations = {
    add: (client: number, what: number, when: number) => {
      const host = what % hostCount
      const resources = refusals[what % refusals.length]!
      const added = { client, host, resources, expiresAtMs: when % 40, backoffMs: (what * when) % 20 }
      const isSameScope = (other: NaiveFilter) => other.client === client && other.host === host
      const covers = (wide: NaiveFilter, narrow: NaiveFilter) =>
        wide.expiresAtMs >= narrow.expiresAtMs && containsResources(wide.resources, narrow.resources)
      const isCovered = this.list.some((other) => isSameScope(other) && covers(other, added))
      if (!isCovered) {
        this.list = this.list.filter((other) => !isSameScope(other) || !covers(added, other)).concat(added)
      }
      const { expiresAtMs, backoffMs } = added
      expect(this.table.add(client, host, resources, expiresAtMs, backoffMs)).toBe(!isCovered)
      this.peak = Math.max(this.peak, this.list.length)
    },
    removeOfClient: (client: number) => {
      for (const filter of this.ofClient(client)) this.table.remove(filter)
      this.list = this.list.filter((other) => other.client !== client)
    },
    removeOne: (_: number, what: number, which: number) => {
      const numbers = this.ofHost(what % hostCount)
      if (numbers.length === 0) return
      const filter = numbers[which % numbers.length]!
      this.drop(this.filterOf(filter))
      this.table.remove(filter)
    },
    removeOfHost: (_: number, what: number) => {
      for (const filter of this.ofHost(what % hostCount)) this.table.remove(filter)
      this.list = this.list.filter(({ host }) => host !== what % hostCount)
    },
    expire: (_: number, __: number, nowMs: number) => {
      const { table } = this
      let beforeMs = Number.NEGATIVE_INFINITY
      for (let filter = table.first(); filter !== -1; filter = table.first()) {
        const atMs = table.expiresAtMs(filter)
        expect(atMs).toBeGreaterThanOrEqual(beforeMs)
        beforeMs = atMs
        if (atMs > nowMs) break
        this.drop(this.filterOf(filter))
        table.remove(filter)
      }
      expect(this.list.every(({ expiresAtMs }) => expiresAtMs > nowMs)).toBe(true)
    },
    check: () => {
      const { table, list } = this
      expect(table.size).toBe(list.length)
      expect(table.first() === -1 ? null : table.expiresAtMs(table.first())).toBe(
        list.length === 0 ? null : Math.min(...list.map(({ expiresAtMs }) => expiresAtMs)),
      )
      const used: Array<number> = []
      for (let host = 0; host < hostCount; host++) {
        const numbers = this.ofHost(host)
        used.push(...numbers)
        expect(texts(numbers.map((filter) => this.filterOf(filter)))).toEqual(
          texts(list.filter((filter) => filter.host === host)),
        )
        // Kept once for all who refused it.
        const kept = new Map(
          numbers.map((filter) => [table.refusedOf(filter), this.filterOf(filter).resources]),
        )
        expect(kept.size).toBe(new Set(kept.values()).size)
      }
      for (let client = 0; client < clientCount; client++) {
        expect(texts(this.ofClient(client).map((filter) => this.filterOf(filter)))).toEqual(
          texts(list.filter((filter) => filter.client === client)),
        )
      }
      // Numbers are used again, those of refused resources too.
      for (const numbers of [used, used.map((filter) => table.refusedOf(filter))]) {
        expect(Math.max(-1, ...numbers)).toBeLessThan(this.peak)
      }
    },
  }
}

const text = (filter: NaiveFilter) => JSON.stringify(Object.values(filter))
const texts = (filters: ReadonlyArray<NaiveFilter>) => filters.map(text).sort()

type Operation = keyof TwoTables["operations"]
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 12, arbitrary: fc.constant("add") },
  { weight: 1, arbitrary: fc.constantFrom("removeOfClient", "removeOfHost", "check") },
  { weight: 3, arbitrary: fc.constantFrom("removeOne", "expire") },
)

describe("FilterTable", () => {
  it("is an array of filters with a list by host, one by client and the first to expire", () => {
    const step = fc.tuple(anyOperation, fc.nat(clientCount - 1), fc.nat(99), fc.nat(45))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const two = new TwoTables()
        for (const [name, client, what, when] of steps) two.operations[name](client, what, when)
        two.operations.check()
        two.operations.expire(0, 0, Number.POSITIVE_INFINITY)
        two.operations.check()
      }),
      { numRuns: 50 },
    )
  })

  it("lets filters out in the order of their expiry, also after some were taken from the middle", () => {
    const anyFilters = fc.array(fc.tuple(fc.nat(200), fc.nat(100), fc.nat(3)), {
      maxLength: 100,
      size: "max",
    })
    fc.assert(
      fc.property(anyFilters, (filters) => {
        const table = new FilterTable()
        table.reserveHosts(1)
        table.reserveClients(filters.length)
        const expected: Array<number> = []
        for (const [client, [atMs, backoffMs, fate]] of filters.entries()) {
          table.add(client, 0, refusals[0]!, atMs, backoffMs)
          if (fate !== 1) expected.push(atMs)
        }
        for (const [client, [, , fate]] of filters.entries()) {
          if (fate === 1) table.remove(table.firstOfClient(client))
        }
        const order: Array<number> = []
        for (let filter = table.first(); filter !== -1; filter = table.first()) {
          order.push(table.expiresAtMs(filter))
          table.remove(filter)
        }
        expect(order).toEqual(expected.sort((left, right) => left - right))
      }),
    )
  })

  const single = () => {
    const table = new FilterTable()
    table.reserveHosts(2)
    table.reserveClients(2)
    return table
  }

  it("keeps a longer filter beside a wider, shorter one, and none that another covers", () => {
    const [one, two] = [refusals[0]!, refusals[1]!]
    const table = single()
    expect(table.add(0, 0, one, 100, 0)).toBe(true)
    expect(table.add(0, 0, two, 50, 0)).toBe(true)
    expect(table.add(0, 0, one, 100, 5)).toBe(false)
    expect(table.size).toBe(2)
    expect(table.add(0, 0, two, 100, 0)).toBe(true)
    expect([table.size, table.refusedResources(table.refusedOf(table.someOfHost(0)))]).toEqual([1, two])
  })

  it("does not let filters of other clients and other hosts cover each other", () => {
    const table = single()
    for (const [client, host] of [
      [0, 0],
      [1, 0],
      [0, 1],
    ] as const) {
      expect(table.add(client, host, refusals[1]!, 100, 0)).toBe(true)
      expect(table.add(client, host, refusals[0]!, 50, 0)).toBe(false)
    }
    expect(table.size).toBe(3)
  })

  it("keeps refused resources once for all clients of a host, and as long as one of them refuses them", () => {
    const table = single()
    table.add(0, 0, refusals[1]!, 100, 0)
    table.add(1, 0, refusals[1]!, 200, 0)
    const refused = table.refusedOf(table.firstOfClient(0))
    expect(table.refusedOf(table.firstOfClient(1))).toBe(refused)
    // The same for longer: what is replaced must not take the resources with it.
    table.add(0, 0, refusals[1]!, 300, 0)
    table.remove(table.firstOfClient(1))
    expect(table.refusedResources(table.refusedOf(table.firstOfClient(0)))).toBe(refusals[1])
    table.add(0, 0, refusals[1]!, 400, 0)
    expect(table.refusedResources(table.refusedOf(table.firstOfClient(0)))).toBe(refusals[1])
  })

  it("has room for hosts and clients that come later", () => {
    const table = single()
    table.add(1, 1, refusals[0]!, 100, 0)
    table.reserveHosts(1_000)
    table.reserveClients(1_000)
    expect([table.someOfHost(999), table.firstOfClient(999), table.someOfHost(0)]).toEqual([-1, -1, -1])
    expect(table.clientOf(table.someOfHost(1))).toBe(1)
  })
})
