import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FairTree } from "../../../../core/allocation/IndexedAllocator/FairTree.ts"
import { QuotaOrder } from "../../../../core/allocation/IndexedAllocator/QuotaOrder.ts"
import type { SiblingOrder } from "../../../../core/allocation/IndexedAllocator/SiblingOrder.ts"
import type { Quota } from "../../../../core/allocation/Settings.ts"
import { quantitiesToResources } from "../../../../core/resources/Resources.ts"
import { AllocatorBooks } from "../../../support/AllocatorBooks.ts"
import { agentOf, frameworkOf } from "../../../support/allocation/Fixtures.ts"

const quotas: ReadonlyArray<Quota | null> = [
  null,
  { guarantees: { cpus: 3 }, limits: {} },
  { guarantees: {}, limits: { cpus: 2, mem: 4 } },
  { guarantees: { mem: 2 }, limits: { cpus: 0, mem: 5 } },
]
const minAllocatable = [{ cpus: 1 }, { mem: 2 }]

const numbersOf = ({ nodes, start, count }: SiblingOrder) => Array.from(nodes.subarray(start, start + count))

const booksOf = (roleQuotas: ReadonlyArray<Quota | null>) => {
  const books = new AllocatorBooks({ minAllocatable })
  const slot = books.putHost(agentOf("h", { cpus: 40, mem: 40 }))
  const clients = roleQuotas.flatMap((quota, index) => {
    const role = `r${index}`
    if (quota !== null) books.quotas.setQuota(role, quota)
    return books.putFramework(frameworkOf("f", index % 3 === 0 ? [role, `${role}/sub`] : [role]))
  })
  return { books, slot, clients }
}

describe("QuotaOrder", () => {
  it("has of all roles in fair order those that lack something, and those that have room, after every visit", () => {
    const bookings = fc.array(
      fc.tuple(fc.nat(99), fc.constantFrom({ cpus: 1 }, { mem: 1 }, { cpus: 2, mem: 3 })),
      {
        maxLength: 3,
      },
    )
    const anyQuotas = fc.array(fc.constantFrom(...quotas), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(anyQuotas, fc.array(bookings, { maxLength: 15 }), (roleQuotas, visits) => {
        const { books, slot, clients } = booksOf(roleQuotas)
        const order = new QuotaOrder(books.tree, books.quotas)
        const check = () => {
          books.tree.refresh() // Has nothing to do, if the orders are up to date.
          const all = numbersOf(books.tree.orderOf(FairTree.root))
          const topOf = (node: number) => books.quotas.topOfNode(node)
          expect([numbersOf(order.needy), numbersOf(order.open)]).toEqual([
            all.filter((node) => topOf(node).isUnsatisfied),
            all.filter((node) => !topOf(node).isExhausted),
          ])
        }
        // Two cycles: the second finds what the first has left.
        for (const cycle of [visits.slice(0, 8), visits.slice(8)]) {
          books.tree.refresh()
          books.quotas.refresh()
          order.begin()
          check()
          for (const visit of cycle) {
            for (const [who, amounts] of visit) {
              const client = clients[who % clients.length]!
              const before = [numbersOf(order.needy), numbersOf(order.open)]
              order.touch(books.clients.tops[client]!)
              books.hold(client, slot, quantitiesToResources(amounts), 1, true)
              // While the host is visited the orders stay as they are.
              expect([numbersOf(order.needy), numbersOf(order.open)]).toEqual(before)
            }
            order.refresh()
            check()
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  it("lets a role out once it has its guarantee, or no room left", () => {
    const { books, slot, clients } = booksOf([quotas[1]!, quotas[3]!])
    const order = new QuotaOrder(books.tree, books.quotas)
    const names = () =>
      [order.needy, order.open].map((some) => numbersOf(some).map((node) => books.tree.nameOf(node)))
    books.tree.refresh()
    books.quotas.refresh()
    order.begin()
    expect(names()).toEqual([
      ["r0", "r1"],
      ["r0", "r1"],
    ])
    for (const client of [clients[0]!, clients[2]!]) {
      order.touch(books.clients.tops[client]!)
      books.hold(client, slot, quantitiesToResources({ cpus: 3, mem: 4 }), 1, true)
    }
    order.refresh()
    expect(names()).toEqual([[], ["r0"]])
  })
})
