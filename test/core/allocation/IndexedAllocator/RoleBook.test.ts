import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FairTree } from "../../../../core/allocation/IndexedAllocator/FairTree.ts"
import { isVirtual } from "../../../../core/allocation/IndexedAllocator/RoleBook.ts"
import { quantitiesToResources } from "../../../../core/resources/Resources.ts"
import { AllocatorBooks } from "../../../support/AllocatorBooks.ts"
import { agentOf } from "../../../support/allocation/Fixtures.ts"

const roles = ["a", "a/b", "a/b/c", "a/d", "ab", "ab/b", "e/f/g"]
const frameworkIds = ["f", "g"]

/** The nodes that there must be, and what each hangs below, from the roles that have clients. */
const nodesOf = (clients: ReadonlyArray<readonly [frameworkId: string, role: string]>) => {
  const parents = new Map<string, string>()
  for (const [, role] of clients) {
    const parts = role.split("/")
    for (let depth = 1; depth <= parts.length; depth++) {
      parents.set(parts.slice(0, depth).join("/"), parts.slice(0, depth - 1).join("/"))
    }
  }
  for (const [, role] of clients) {
    const hasSubRoles = [...parents.keys()].some((path) => path.startsWith(`${role}/`) && !isVirtual(path))
    if (hasSubRoles) parents.set(`${role}/.`, role)
  }
  return parents
}

class TwoBooks {
  readonly books = new AllocatorBooks({
    weights: { a: 2, "a/b": 0.5 },
    priorities: { ab: 1 },
  })
  clients: ReadonlyArray<readonly [frameworkId: string, role: string]> = []
  private readonly weights = new Map(Object.entries(this.books.settings.weights))
  private nodes: ReadonlyMap<string, string> = new Map()

  private has = (frameworkId: string, role: string) =>
    this.clients.some(([id, path]) => id === frameworkId && path === role)

  readonly operations = {
    ensure: (frameworkId: string, role: string) => {
      this.books.ensure(frameworkId, role)
      if (!this.has(frameworkId, role)) this.clients = [...this.clients, [frameworkId, role]]
    },
    remove: (frameworkId: string, role: string) => {
      if (!this.has(frameworkId, role)) return
      this.books.removeClient(frameworkId, role)
      this.clients = this.clients.filter(([id, path]) => id !== frameworkId || path !== role)
    },
    setWeight: (frameworkId: string, role: string) => {
      this.weights.set(role, frameworkId === "f" ? 3 : 4)
      this.books.roles.setWeight(role, frameworkId === "f" ? 3 : 4)
    },
    setActive: (frameworkId: string, role: string) => {
      if (!this.has(frameworkId, role)) return
      const client = this.books.clients.nodeOf(frameworkId, role)
      this.books.tree.setClientActive(client, !this.books.tree.isActive(client))
    },
  }

  check(): void {
    const { books } = this
    const { tree, roles: book } = books
    const nodes = nodesOf(this.clients)
    expect(book.paths()).toEqual([...nodes.keys()].sort())
    const paths = [...nodes].map(([path, parent]) => [
      path,
      parent === "" ? FairTree.root : book.nodeOf(parent),
    ])
    expect(
      paths.map(([path]) => [tree.nameOf(book.nodeOf(`${path}`)), tree.parentOf(book.nodeOf(`${path}`))]),
    ).toEqual(paths)
    const others = [...roles, ...roles.map((role) => `${role}/.`), "nobody", "e"]
    expect(others.filter((path) => !nodes.has(path) && book.nodeOf(path) !== -1)).toEqual([])
    const leafOf = (role: string) => book.nodeOf(nodes.has(`${role}/.`) ? `${role}/.` : role)
    expect(this.clients.map(([id, role]) => tree.parentOf(books.clients.nodeOf(id, role)))).toEqual(
      this.clients.map(([, role]) => leafOf(role)),
    )
    expect(roles.map((role) => book.weightOf(role))).toEqual(roles.map((role) => this.weights.get(role) ?? 1))
    const tops = ["a", "ab", "e"]
    expect(tops.map((top) => books.quotas.topOf(top).node)).toEqual(tops.map((top) => book.nodeOf(top)))
    const touched = books.rows.takeChanged().filter(({ kind }) => kind === "role")
    // A role that is gone may have had a row, a virtual leaf always has one.
    const gone = [...this.nodes.keys()].filter((path) => !nodes.has(path))
    const made = [...nodes.keys()].filter((path) => isVirtual(path) && !this.nodes.has(path))
    expect(touched.map(({ key }) => key)).toEqual([...gone, ...made].sort())
    this.nodes = nodes
  }
}

describe("RoleBook", () => {
  it("has the nodes that roles with clients need and no others, with a virtual leaf where clients have sub-roles beside them", () => {
    const operation = fc.constantFrom(
      "ensure",
      "ensure",
      "ensure",
      "remove",
      "remove",
      "setWeight",
      "setActive",
    )
    const step = fc.tuple(operation, fc.constantFrom(...frameworkIds), fc.constantFrom(...roles))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
        const two = new TwoBooks()
        for (const [name, frameworkId, role] of steps) {
          two.operations[name as keyof TwoBooks["operations"]](frameworkId, role)
          two.check()
        }
        for (const [frameworkId, role] of two.clients) two.operations.remove(frameworkId, role)
        two.check()
        expect(two.books.roles.paths()).toEqual([])
      }),
      { numRuns: 30 },
    )
  })

  it("gives roles their weights, of the settings or set since, also before they appear, and virtual leaves none", () => {
    const books = new AllocatorBooks({ weights: { a: 2 } })
    const slot = books.putHost(agentOf("h", { cpus: 100 }))
    books.roles.setWeight("a/b", 4)
    for (const role of ["a", "a/b"])
      books.hold(books.ensure("f", role), slot, quantitiesToResources({ cpus: 8 }), 1)
    const share = (path: string) => books.tree.currentShare(books.roles.nodeOf(path))
    expect([share("a"), share("a/b"), share("a/.")]).toEqual([0.08, 0.02, 0.08])
    books.roles.setWeight("a", 1)
    expect(share("a")).toBe(0.16)
    expect([books.roles.weightOf("constructor"), books.roles.weightOf("a/b")]).toEqual([1, 4])
  })

  it("serves roles of higher priority first", () => {
    const books = new AllocatorBooks({ priorities: { z: 1, y: -1 } })
    for (const role of ["x", "y", "z"]) books.tree.setClientActive(books.ensure("f", role), true)
    const { nodes, start } = books.tree.orderOf(FairTree.root)
    const names = [0, 1, 2].map((place) => books.tree.nameOf(nodes[start + place]!))
    expect(names).toEqual(["z", "x", "y"])
  })

  it("lets a role take up its stored grants when it appears, a virtual leaf its own instead of its role's", () => {
    const row = (key: string, grants: number) => ({ kind: "role", key, value: { grants } })
    const books = new AllocatorBooks({}, [row("a", 7), row("a/.", 3), row("a/b", 4), row("gone", 9)])
    const grants = (path: string) => books.tree.grantsOf(books.roles.nodeOf(path))
    books.ensure("f", "a")
    expect(grants("a")).toBe(7)
    books.ensure("f", "a/b")
    expect(["a", "a/.", "a/b"].map(grants)).toEqual([7, 3, 4])
    // Taken up once: a role that comes back begins anew.
    books.removeClient("f", "a/b")
    books.ensure("f", "a/b")
    expect(["a", "a/.", "a/b"].map(grants)).toEqual([7, 7, 0])
  })

  it("lets a virtual leaf that is made after its sub-roles take up its stored grants too", () => {
    const row = (key: string, grants: number) => ({ kind: "role", key, value: { grants } })
    const books = new AllocatorBooks({}, [row("a", 7), row("a/.", 3)])
    books.ensure("f", "a/b")
    books.ensure("f", "a")
    expect(books.tree.grantsOf(books.roles.nodeOf("a/."))).toBe(3)
  })
})
