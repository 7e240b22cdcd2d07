import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { clientKey } from "../../../../core/allocation/Allocator.ts"
import { strippedOf, unfitOf } from "../../../../core/allocation/Gates.ts"
import { quantitiesToResources } from "../../../../core/resources/Resources.ts"
import { AllocatorBooks } from "../../../support/AllocatorBooks.ts"
import {
  agentOf,
  everyFrameworkCapability,
  frameworkOf,
  ports,
  volume,
} from "../../../support/allocation/Fixtures.ts"

const frameworkIds = ["f", "g", "h"]
const roles = ["a", "a/b", "d"]

class TwoBooks {
  private readonly books = new AllocatorBooks()
  /** By framework: whether it is there, and its roles with whether they have a minimum of their own. */
  private readonly frameworks = new Map<string, { isThere: boolean; roles: Map<string, boolean> }>()

  private entryOf(frameworkId: string) {
    const entry = this.frameworks.get(frameworkId) ?? { isThere: false, roles: new Map<string, boolean>() }
    this.frameworks.set(frameworkId, entry)
    return entry
  }

  readonly operations = {
    put: (frameworkId: string, role: string, hasMinimum: boolean) => {
      const capabilities = hasMinimum ? everyFrameworkCapability : []
      const minAllocatable = hasMinimum ? { [role]: [{ cpus: 7 }] } : {}
      const [client] = this.books.putFramework(
        frameworkOf(frameworkId, [role], { capabilities, minAllocatable }),
      )
      const entry = this.entryOf(frameworkId)
      entry.isThere = true
      entry.roles.set(role, hasMinimum)
      const { clients } = this.books
      expect([clients.unfit[client!], clients.stripped[client!]]).toEqual([
        unfitOf(capabilities, role),
        strippedOf(capabilities),
      ])
      expect([clients.minimums[client!] !== undefined, clients.tops[client!]]).toEqual([
        hasMinimum,
        this.books.quotas.topOf(role),
      ])
    },
    /** As booking for a framework does that is not there (yet). */
    ensure: (frameworkId: string, role: string) => {
      const { clients } = this.books
      const known = clients.nodeOf(frameworkId, role)
      const client = this.books.ensure(frameworkId, role)
      if (known >= 0) expect(client).toBe(known)
      const entry = this.entryOf(frameworkId)
      if (!entry.roles.has(role)) {
        entry.roles.set(role, false)
        expect([
          clients.minimums[client],
          clients.predicates[client],
          clients.declinedRounds[client],
        ]).toEqual([undefined, undefined, 0])
        expect([clients.roundAtMs[client], clients.holdsNothing(client), clients.roles[client]]).toEqual([
          -1,
          true,
          role,
        ])
        clients.declinedRounds[client] = 3
        clients.roundAtMs[client] = 9
      }
    },
    remove: (frameworkId: string, role: string) => {
      const entry = this.frameworks.get(frameworkId)
      if (entry?.roles.delete(role) !== true) return
      this.books.removeClient(frameworkId, role)
      if (!entry.isThere && entry.roles.size === 0) this.frameworks.delete(frameworkId)
    },
    leave: (frameworkId: string) => {
      const { clients } = this.books
      clients.setFramework(frameworkId, null)
      clients.forgetIfGone(frameworkId)
      const entry = this.entryOf(frameworkId)
      entry.isThere = false
      if (entry.roles.size === 0) this.frameworks.delete(frameworkId)
    },
  }

  check(): void {
    const { clients, tree } = this.books
    expect(clients.frameworkIds()).toEqual([...this.frameworks.keys()].sort())
    for (const frameworkId of frameworkIds) {
      const entry = this.frameworks.get(frameworkId)
      const own = [...(entry?.roles.keys() ?? [])].sort()
      expect(clients.rolesOf(frameworkId)).toEqual(own)
      expect(clients.frameworkOf(frameworkId)?.frameworkId).toBe(
        entry?.isThere === true ? frameworkId : undefined,
      )
      const named = roles.map((role) => {
        const node = clients.nodeOf(frameworkId, role)
        return node < 0 ? null : [tree.nameOf(node), clients.roles[node]]
      })
      expect(named).toEqual(roles.map((role) => (own.includes(role) ? [frameworkId, role] : null)))
    }
    const all = [...this.frameworks.values()].flatMap((entry) => [...entry.roles.values()])
    expect(clients.ownMinimums).toBe(all.filter((hasMinimum) => hasMinimum).length)
  }
}

describe("ClientBook", () => {
  it("has a client for each framework and role as long as either wants it, and forgets all of it then", () => {
    const operation = fc.constantFrom("put", "put", "ensure", "ensure", "remove", "remove", "leave")
    const step = fc.tuple(
      operation,
      fc.constantFrom(...frameworkIds),
      fc.constantFrom(...roles),
      fc.boolean(),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
        const two = new TwoBooks()
        for (const [name, frameworkId, role, flag] of steps) {
          two.operations[name as keyof TwoBooks["operations"]](frameworkId, role, flag)
          two.check()
        }
      }),
      { numRuns: 35 },
    )
  })

  it("keeps apart what many clients are like", () => {
    const books = new AllocatorBooks()
    const ids = Array.from({ length: 50 }, (_, index) => `f${index}`)
    const capabilitiesOf = (index: number) =>
      everyFrameworkCapability.filter((_, place) => (index >> place) % 2 > 0)
    const clients = ids.map(
      (id, index) => books.putFramework(frameworkOf(id, ["a"], { capabilities: capabilitiesOf(index) }))[0]!,
    )
    expect(clients.map((client) => [books.clients.unfit[client], books.clients.stripped[client]])).toEqual(
      ids.map((_, index) => [unfitOf(capabilitiesOf(index), "a"), strippedOf(capabilitiesOf(index))]),
    )
  })

  it("lets a client take up its stored row once", () => {
    const value = { grants: 4, declinedRounds: 2, roundAtMs: 70 }
    const books = new AllocatorBooks({}, [{ kind: "client", key: clientKey("f", "a"), value }])
    const read = (client: number) => [
      books.tree.grantsOf(client),
      books.clients.declinedRounds[client],
      books.clients.roundAtMs[client],
    ]
    expect(read(books.ensure("f", "d"))).toEqual([0, 0, -1])
    expect(read(books.ensure("f", "a"))).toEqual([4, 2, 70])
    books.removeClient("f", "a")
    expect(read(books.ensure("f", "a"))).toEqual([0, 0, -1])
  })

  it("knows that who holds ports or copies of a shared volume alone holds something", () => {
    const books = new AllocatorBooks()
    const shared = volume("s", 5, "a", true)
    const slot = books.putHost(agentOf("h", ports(1, 9)))
    for (const held of [ports(1, 1), shared, quantitiesToResources({ cpus: 1 })]) {
      const client = books.ensure("f", "a")
      books.hold(client, slot, held, 1)
      expect(books.clients.holdsNothing(client)).toBe(false)
      books.hold(client, slot, held, -1)
      expect(books.clients.holdsNothing(client)).toBe(true)
    }
  })
})
