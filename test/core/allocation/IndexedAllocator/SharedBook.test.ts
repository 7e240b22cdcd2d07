import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { addResources, noResources, type Resources } from "../../../../core/resources/Resources.ts"
import { AllocatorBooks } from "../../../support/AllocatorBooks.ts"
import { agentOf, frameworkOf, reserved, volume } from "../../../support/allocation/Fixtures.ts"

const diskColumn = 2
const volumes: ReadonlyArray<Resources> = [volume("s", 500, "a", true), volume("t", 70, "a", true)]
const frameworkIds = ["f", "g"]
const roles = ["a", "a/b", "a/b/c", "d"]

/** Who holds a copy of which volume on which host, as a list. */
interface Copy {
  readonly frameworkId: string
  readonly role: string
  readonly slot: number
  readonly volume: number
}

class TwoBooks {
  private readonly books = new AllocatorBooks()
  private copies: ReadonlyArray<Copy> = []

  constructor() {
    // Ten more, so that one slot's number is another's beginning.
    for (let slot = 0; slot < 12; slot++) this.books.putHost(agentOf(`h${slot}`, volumes[0]!))
  }

  readonly operations = {
    /** Roles come with their clients, so virtual leaves too. */
    take: (who: number, where: number, what: number) => {
      const copy = {
        frameworkId: frameworkIds[who % 2]!,
        role: roles[(who >> 1) % roles.length]!,
        slot: [0, 1, 11][where % 3]!,
        volume: what % 2,
      }
      this.copies = [...this.copies, copy]
      this.book(copy, 1)
    },
    giveBack: (_: number, __: number, which: number) => {
      const copy = this.copies[which % Math.max(1, this.copies.length)]
      if (copy === undefined) return
      this.copies = this.copies.filter((other) => other !== copy)
      this.book(copy, -1)
    },
    removeClient: (who: number) => {
      const [frameworkId, role] = [frameworkIds[who % 2]!, roles[(who >> 1) % roles.length]!]
      const isHolder = (copy: Copy) => copy.frameworkId === frameworkId && copy.role === role
      if (this.books.clients.nodeOf(frameworkId, role) < 0 || this.copies.some(isHolder)) return
      this.books.removeClient(frameworkId, role)
    },
  }

  private book({ frameworkId, role, slot, volume: which }: Copy, sign: 1 | -1): void {
    const { books } = this
    books.hold(books.ensure(frameworkId, role), slot, volumes[which]!, sign)
  }

  /** Each volume of each host once. */
  private sumOf(isWanted: (copy: Copy) => boolean): number {
    const held = new Set(this.copies.filter(isWanted).map((copy) => `${copy.slot} ${copy.volume}`))
    return [...held].reduce((sum, name) => sum + (name.endsWith("0") ? 500 : 70), 0)
  }

  check(): void {
    const { books } = this
    const isBelow = (role: string, path: string) => role === path || role.startsWith(`${path}/`)
    const heldBy = (node: number) => books.tree.holdings.at(node, diskColumn)
    const paths = books.roles.paths()
    expect(paths.map((path) => [path, heldBy(books.roles.nodeOf(path))])).toEqual(
      paths.map((path) => [
        path,
        this.sumOf(({ role }) => (path.endsWith("/.") ? `${role}/.` === path : isBelow(role, path))),
      ]),
    )
    for (const role of roles) {
      for (const frameworkId of frameworkIds) {
        const client = books.clients.nodeOf(frameworkId, role)
        if (client < 0) continue
        const isOwn = (copy: Copy) => copy.frameworkId === frameworkId && copy.role === role
        const own = this.sumOf(isOwn)
        expect([heldBy(client), books.clients.holdsNothing(client)]).toEqual([own, own === 0])
      }
    }
    // Quotas count the reservation that a shared volume is of, and not that somebody holds it.
    for (const role of ["a", "d"]) {
      expect(books.quotas.consumed(books.quotas.topOf(role), diskColumn)).toBe(role === "a" ? 12 * 500 : 0)
    }
    for (const slot of [0, 1, 11]) {
      const copies = this.copies.filter((copy) => copy.slot === slot).map((copy) => volumes[copy.volume]!)
      expect(books.shared.heldOn(slot)).toEqual(copies.reduce(addResources, noResources))
    }
  }
}

type Operation = keyof TwoBooks["operations"]

describe("SharedBook", () => {
  it("counts a shared resource once a host for each node that holds any copy of it (spec §1.4), while roles change", () => {
    const operation = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom<Operation>("take", "giveBack") },
      { weight: 2, arbitrary: fc.constant<Operation>("removeClient") },
    )
    const step = fc.tuple(operation, fc.nat(29), fc.nat(9), fc.nat(9))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
        const two = new TwoBooks()
        for (const [name, who, where, what] of steps) {
          two.operations[name](who, where, what)
          two.check()
        }
      }),
      { numRuns: 30 },
    )
  })

  it("takes it away with the last copy below a node, and none before", () => {
    const books = new AllocatorBooks()
    const slot = books.putHost(agentOf("h", volumes[0]!))
    const [first] = books.putFramework(frameworkOf("f", ["a"]))
    const [second] = books.putFramework(frameworkOf("g", ["a"]))
    const role = books.roles.nodeOf("a")
    const held = () => [first!, second!, role].map((node) => books.tree.holdings.at(node, diskColumn))
    books.hold(first!, slot, volumes[0]!, 1)
    books.hold(first!, slot, volumes[0]!, 1)
    books.hold(second!, slot, volumes[0]!, 1)
    expect(held()).toEqual([500, 500, 500])
    books.hold(first!, slot, volumes[0]!, -1)
    expect(held()).toEqual([500, 500, 500])
    books.hold(first!, slot, volumes[0]!, -1)
    expect(held()).toEqual([0, 500, 500])
    books.hold(second!, slot, volumes[0]!, -1)
    expect(held()).toEqual([0, 0, 0])
  })

  it("leaves alone what is not shared", () => {
    const books = new AllocatorBooks()
    const mixed = addResources(volumes[0]!, reserved({ cpus: 3 }, "a"))
    const slot = books.putHost(agentOf("h", mixed))
    const [client] = books.putFramework(frameworkOf("f", ["a"]))
    books.hold(client!, slot, mixed, 1)
    expect([0, diskColumn].map((column) => books.tree.holdings.at(client!, column))).toEqual([3, 500])
    expect([books.shared.heldOn(slot), books.hosts.heldRestOf(slot)]).toEqual([
      volumes[0],
      reserved({ cpus: 3 }, "a"),
    ])
  })
})
