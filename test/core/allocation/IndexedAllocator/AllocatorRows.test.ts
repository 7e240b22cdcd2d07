import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Entity } from "../../../../core/Machine.ts"
import { quantitiesToResources, type Resources } from "../../../../core/resources/Resources.ts"
import { AllocatorBooks } from "../../../support/AllocatorBooks.ts"
import { agentOf, frameworkOf, ports, scopeOf } from "../../../support/allocation/Fixtures.ts"

const frameworkIds = ["f", "g"]
const roles = ["a", "a/b", "d"]
const agentIds = ["h", "i", "j"]
const refusals: ReadonlyArray<Resources> = [
  quantitiesToResources({ cpus: 1 }),
  quantitiesToResources({ cpus: 2, mem: 1 }),
  ports(3, 4),
]

const rowsOf = (entities: ReadonlyArray<Entity>) =>
  new Map(entities.map(({ kind, key, value }) => [`${kind} ${key}`, JSON.stringify(value)]))

/** Books in the midst of life: frameworks and hosts come and go, get something, refuse something. */
class Life {
  readonly books = new AllocatorBooks({ backoffMsMax: 20_000 })
  private readonly clients = new Set<string>()
  private nowMs = 1

  private clientOf(who: number) {
    const [frameworkId, role] = [frameworkIds[who % 2]!, roles[(who >> 1) % 3]!]
    return { frameworkId, role, name: `${frameworkId} ${role}` }
  }

  readonly operations = {
    putHost: (which: number) => {
      this.books.putHost(agentOf(agentIds[which % 3]!, quantitiesToResources({ cpus: 1_000 })))
    },
    removeHost: (which: number) => {
      const agentId = agentIds[which % 3]!
      if (this.books.hosts.slotOf(agentId) !== undefined) this.books.removeHost(agentId)
    },
    put: (who: number) => {
      const { frameworkId, role, name } = this.clientOf(who)
      this.books.putFramework(frameworkOf(frameworkId, [role]))
      this.clients.add(name)
    },
    remove: (who: number) => {
      const { frameworkId, role, name } = this.clientOf(who)
      if (this.clients.delete(name)) this.books.removeClient(frameworkId, role)
    },
    /** A booking of a cycle, given back at once: what stays are the grants. */
    grant: (who: number) => {
      const { frameworkId, role, name } = this.clientOf(who)
      if (!this.clients.has(name) || this.books.hosts.slotOf("h") === undefined) return
      const client = this.books.clients.nodeOf(frameworkId, role)
      const slot = this.books.hosts.slotOf("h")!
      this.books.hold(client, slot, refusals[0]!, 1, true)
      this.books.hold(client, slot, refusals[0]!, -1)
    },
    refuse: (who: number, where: number, what: number) => {
      const { frameworkId, role } = this.clientOf(who)
      const scope = scopeOf(frameworkId, role, agentIds[where % 3]!)
      const refusal = { refuseMs: 1_000 * (what % 5), isDecline: what % 4 > 0, offeredAtMs: this.nowMs }
      this.books.filterBook.refuse(scope, refusals[what % 3]!, { ...refusal, nowMs: this.nowMs })
      this.nowMs += what * 10
    },
    revive: (who: number) => this.books.filterBook.revive(frameworkIds[who % 2]!, null),
    wake: (who: number) => this.books.filterBook.wake(frameworkIds[who % 2]!, this.nowMs),
    accept: (who: number) => {
      const { frameworkId, role } = this.clientOf(who)
      this.books.filterBook.noteAccepted(frameworkId, role)
    },
    expire: () => {
      this.nowMs += 2_000
      this.books.filterBook.expire(this.nowMs)
    },
  }

  /** The same frameworks and hosts in new books, made of rows. */
  restored(isReversed: boolean): AllocatorBooks {
    const { books } = this
    const made = new AllocatorBooks(books.settings, books.rows.snapshot())
    for (const agentId of agentIds) {
      const slot = books.hosts.slotOf(agentId)
      if (slot !== undefined) made.putHost(books.hosts.agents[slot]!)
    }
    const names = [...this.clients].sort()
    for (const name of isReversed ? names.reverse() : names) {
      const [frameworkId, role] = name.split(" ")
      made.putFramework(frameworkOf(frameworkId!, [role!]))
    }
    made.filterBook.settle()
    return made
  }
}

type Operation = keyof Life["operations"]
const anyStep = fc.tuple(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Operation>("put", "grant", "refuse", "refuse") },
    { weight: 3, arbitrary: fc.constantFrom<Operation>("putHost", "remove") },
    { weight: 1, arbitrary: fc.constantFrom<Operation>("removeHost", "revive", "wake", "accept", "expire") },
  ),
  fc.nat(19),
  fc.nat(19),
  fc.nat(19),
)
const anySteps = fc.array(anyStep, { maxLength: 60, size: "max" })

describe("AllocatorRows", () => {
  it("names each row that changed, appeared or went, once and in order, however rarely it is asked", () => {
    fc.assert(
      fc.property(anySteps, fc.integer({ min: 1, max: 9 }), (steps, pause) => {
        const { books, operations } = new Life()
        operations.putHost(0)
        books.rows.takeChanged()
        let before = rowsOf(books.rows.snapshot())
        for (const [index, [name, who, where, what]] of steps.entries()) {
          operations[name](who, where, what)
          if (index % pause > 0) continue
          const snapshot = books.rows.snapshot()
          const after = rowsOf(snapshot)
          const changed = books.rows.takeChanged()
          const names = changed.map(({ kind, key }) => `${kind} ${key}`)
          expect(names).toEqual([...new Set(names)].sort())
          const different = [...new Set([...before.keys(), ...after.keys()])].filter(
            (key) => before.get(key) !== after.get(key),
          )
          expect(different.filter((key) => !names.includes(key))).toEqual([])
          // What a shell stores one by one is the snapshot.
          expect(changed.map((ref) => JSON.stringify(books.rows.row(ref)))).toEqual(
            names.map((key) => after.get(key)),
          )
          expect([...after.keys()]).toEqual([...after.keys()].sort())
          expect(books.rows.takeChanged()).toEqual([])
          before = after
        }
      }),
      { numRuns: 60 },
    )
  })

  it("are all that new books need to be the same, whoever comes back first", () => {
    fc.assert(
      fc.property(anySteps, (steps) => {
        const life = new Life()
        for (const [name, who, where, what] of steps) life.operations[name](who, where, what)
        const snapshot = life.books.rows.snapshot()
        expect(life.restored(false).rows.snapshot()).toEqual(snapshot)
        expect(life.restored(true).rows.snapshot()).toEqual(snapshot)
      }),
      { numRuns: 40 },
    )
  })

  it("leave out who has nothing to tell", () => {
    const { books, operations } = new Life()
    operations.putHost(0)
    operations.put(0)
    expect(books.rows.snapshot()).toEqual([])
    expect(books.rows.row({ kind: "role", key: "nobody" })).toBe(undefined)
    expect(books.rows.row({ kind: "client", key: '["nobody","a"]' })).toBe(undefined)
    expect(books.rows.row({ kind: "filter", key: '["f","a","nowhere"]' })).toBe(undefined)
    expect(books.rows.row({ kind: "filter", key: '["nobody","a","h"]' })).toBe(undefined)
  })

  const orders: ReadonlyArray<ReadonlyArray<readonly [what: number, nowMs: number]>> = [
    [
      [2, 5],
      [0, 5],
      [1, 4],
    ],
    [
      [0, 5],
      [1, 4],
      [2, 5],
    ],
  ]
  it.each(orders)(
    "tell grants, rounds and filters, those by expiry and then by what they refuse",
    (...order) => {
      const { books, operations } = new Life()
      operations.putHost(0)
      operations.put(0)
      operations.grant(0)
      for (const [what, nowMs] of order) {
        const refusal = { refuseMs: 5_000, isDecline: true, offeredAtMs: 0, nowMs }
        books.filterBook.refuse(scopeOf("f", "a", "h"), refusals[what]!, refusal)
      }
      expect(books.rows.snapshot()).toEqual([
        { kind: "client", key: '["f","a"]', value: { grants: 1, declinedRounds: 1, roundAtMs: 5 } },
        {
          kind: "filter",
          key: '["f","a","h"]',
          value: [
            { resources: { cpus: 2, mem: 1 }, expiresAtMs: 5_004, backoffMs: 0 },
            { resources: expect.anything(), expiresAtMs: 5_005, backoffMs: 0 },
            { resources: { cpus: 1 }, expiresAtMs: 5_005, backoffMs: 0 },
          ],
        },
        { kind: "role", key: "a", value: { grants: 1 } },
      ])
    },
  )

  it("tell of a client also what is left without grants: rounds, and when the last of them was", () => {
    const { books, operations } = new Life()
    operations.putHost(0)
    operations.put(0)
    const row = () => books.rows.row({ kind: "client", key: '["f","a"]' })
    const refusal = { refuseMs: 5_000, isDecline: true, offeredAtMs: 0, nowMs: 7 }
    books.filterBook.refuse(scopeOf("f", "a", "h"), refusals[0]!, refusal)
    expect(row()).toEqual({ grants: 0, declinedRounds: 1, roundAtMs: 7 })
    books.filterBook.noteAccepted("f", "a")
    expect(row()).toEqual({ grants: 0, declinedRounds: 0, roundAtMs: 7 })
  })

  it("tell of a virtual leaf also that it has no grants, since one that is made again begins with its role's", () => {
    const { books, operations } = new Life()
    operations.putHost(0)
    operations.put(2)
    operations.grant(2)
    operations.put(0)
    const roleRows = books.rows.snapshot().filter(({ kind }) => kind === "role")
    expect(roleRows.map(({ key, value }) => [key, value])).toEqual([
      ["a", { grants: 1 }],
      ["a/.", { grants: 0 }],
      ["a/b", { grants: 1 }],
    ])
  })
})
