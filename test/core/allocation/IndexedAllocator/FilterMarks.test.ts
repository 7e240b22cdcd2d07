import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FilterMarks } from "../../../../core/allocation/IndexedAllocator/FilterMarks.ts"
import { FilterTable } from "../../../../core/allocation/IndexedAllocator/FilterTable.ts"
import {
  containsResources,
  quantitiesToResources,
  type Resources,
} from "../../../../core/resources/Resources.ts"
import { ports, reserved } from "../../../support/allocation/Fixtures.ts"

const some: ReadonlyArray<Resources> = [
  quantitiesToResources({ cpus: 1 }),
  quantitiesToResources({ cpus: 2 }),
  quantitiesToResources({ cpus: 2, mem: 1 }),
  quantitiesToResources({ mem: 3 }),
  reserved({ cpus: 2 }, "a"),
  ports(3, 4),
]
const [hostCount, clientCount] = [3, 6]

const marksOf = (clients: number) => {
  const table = new FilterTable()
  table.reserveHosts(hostCount)
  table.reserveClients(clients)
  const marks = new FilterMarks(table)
  marks.reserveClients(clients)
  return { table, marks }
}

describe("FilterMarks", () => {
  it("say of each client what a look through all filters would say (spec §1.5: refused ⊇ offered)", () => {
    const index = fc.nat(some.length - 1)
    const visit = fc.record({
      added: fc.array(fc.tuple(fc.nat(clientCount - 1), fc.nat(hostCount - 1), index, fc.nat(3)), {
        maxLength: 8,
      }),
      isCleared: fc.nat(5).map((draw) => draw === 0),
      host: fc.nat(hostCount - 1),
      // Often the same question again, as a cycle asks for each client.
      asked: fc.array(fc.tuple(fc.nat(clientCount - 1), index), { maxLength: 12 }),
    })
    fc.assert(
      fc.property(fc.array(visit, { maxLength: 8 }), (visits) => {
        const { table, marks } = marksOf(clientCount)
        for (const { added, isCleared, host, asked } of visits) {
          while (isCleared && table.first() !== -1) table.remove(table.first())
          for (const [client, on, what, atMs] of added) table.add(client, on, some[what]!, atMs, 0)
          marks.mark(host)
          for (const [client, what] of asked) {
            let isRefused = false
            let filter = table.firstOfClient(client)
            for (; filter !== -1; filter = table.nextOfClient(filter)) {
              const refused = table.refusedResources(table.refusedOf(filter))
              if (table.hostOf(filter) === host && containsResources(refused, some[what]!)) isRefused = true
            }
            expect(marks.isFiltered(client, some[what]!)).toBe(isRefused)
          }
        }
      }),
    )
  })

  it("forget the host before, also when the next has no filters", () => {
    const { table, marks } = marksOf(2)
    table.add(0, 0, some[1]!, 100, 0)
    marks.mark(0)
    expect([marks.isFiltered(0, some[0]!), marks.isFiltered(1, some[0]!)]).toEqual([true, false])
    marks.mark(1)
    expect(marks.isFiltered(0, some[0]!)).toBe(false)
    marks.mark(0)
    expect(marks.isFiltered(0, some[0]!)).toBe(true)
  })

  it("look through all filters of a client that has several on the host", () => {
    const { table, marks } = marksOf(1)
    table.add(0, 0, some[1]!, 100, 0)
    table.add(0, 0, some[3]!, 100, 0)
    marks.mark(0)
    expect(some.map((resources) => marks.isFiltered(0, resources))).toEqual([
      true,
      true,
      false,
      true,
      false,
      false,
    ])
  })

  it("do not take the answer for other resources, or a number that was used for other resources before", () => {
    const { table, marks } = marksOf(1)
    table.add(0, 0, some[0]!, 100, 0)
    marks.mark(0)
    expect(marks.isFiltered(0, some[1]!)).toBe(false)
    table.remove(table.firstOfClient(0))
    table.add(0, 0, some[1]!, 100, 0)
    marks.mark(0)
    expect(marks.isFiltered(0, some[1]!)).toBe(true)
  })

  it("have room for clients that come later", () => {
    const { table, marks } = marksOf(1)
    table.reserveClients(5_000)
    marks.reserveClients(5_000)
    table.add(4_999, 2, some[1]!, 100, 0)
    marks.mark(2)
    expect([marks.isFiltered(4_999, some[1]!), marks.isFiltered(4_998, some[1]!)]).toEqual([true, false])
  })
})
