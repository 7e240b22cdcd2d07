import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { FairTree } from "../../../../core/allocation/IndexedAllocator/FairTree.ts"
import { ResourceNames } from "../../../../core/allocation/IndexedAllocator/ResourceNames.ts"
import { NaiveFairTree } from "../../../support/naive/NaiveFairTree.ts"
import { addRow, bundleOf, orderIn, TwoFairTrees } from "../../../support/TwoFairTrees.ts"

type Operation = keyof TwoFairTrees["operations"]

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("addRole", "addClient", "hold", "holdRow", "refresh") },
  { weight: 2, arbitrary: fc.constantFrom("activate", "release", "insertBelow", "setTotal", "remove") },
  { weight: 1, arbitrary: fc.constantFrom("removeBetween", "holdOne", "setGrants", "setWeight") },
  { weight: 1, arbitrary: fc.constantFrom("checkBooks", "addName") },
)

describe("FairTree", () => {
  it("keeps siblings as a sort by priority, share, grants and name would, whatever happens to it", () => {
    const steps = fc.array(fc.tuple(anyOperation, fc.nat(99), fc.nat(99), fc.nat(99)), {
      minLength: 20,
      maxLength: 80,
      size: "max",
    })
    const excluded = fc.constantFrom([], [], [1], [0])
    fc.assert(
      fc.property(steps, excluded, (lives, columns) => {
        const two = new TwoFairTrees(columns)
        // Something to begin with: a role with clients, one with a sub-role.
        for (const where of [0, 1, 1]) two.operations.addRole(where, where, 0)
        for (const where of [0, 1, 0, 1]) two.operations.addClient(where, where, 1)
        two.operations.setTotal(0, 20)
        for (const [name, first, second, third] of lives) two.operations[name](first, second, third)
        two.operations.refresh()
        two.operations.checkBooks()
      }),
      { numRuns: 80 },
    )
  })

  it("puts few and many in their places among hundreds of siblings", () => {
    const batch = fc.record({
      share: fc.constantFrom(0.005, 0.02, 0.2, 1),
      seed: fc.nat(0xffff),
      milli: fc.constantFrom(1, 2, 50),
      isReleased: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.array(batch, { maxLength: 12 }), (count, batches) => {
        const two = new NaiveFairTree()
        const tree = new FairTree(new ResourceNames())
        two.totals.push(1_000)
        tree.setTotal(0, 1_000)
        const role = two.add({ node: tree.addRole(0, "r", 1, 0), name: "r", parent: two.root })
        for (let index = 0; index < count; index++) {
          const name = `f${(index * 7919) % 10_007}`
          const node = tree.addClient(role.node, name)
          two.add({ node, name, parent: role, isClient: true, isActive: true })
          tree.setClientActive(node, true)
        }
        for (const { share, seed, milli, isReleased } of batches) {
          for (const client of two.nodes.slice(1)) {
            if (((client.node * 2_654_435_761 + seed * 40_503) >>> 0) / 2 ** 32 >= share) continue
            const amount = isReleased ? -(client.own[0] ?? 0) : milli
            tree.hold(client.node, bundleOf([amount]), 1, !isReleased)
            addRow(client.own, [amount], 1)
            if (!isReleased) two.grant(client)
          }
          tree.refresh()
          expect(orderIn(tree, role.node)).toEqual(two.orderOf(role))
        }
      }),
      { numRuns: 25 },
    )
  })

  it("lets the first go behind the others again and again, as a cycle does", () => {
    const tree = new FairTree(new ResourceNames())
    tree.setTotal(0, 1_000_000)
    const role = tree.addRole(FairTree.root, "r", 1, 0)
    const clients = Array.from({ length: 70 }, (_, index) => tree.addClient(role, `f${100 + index}`))
    for (const client of clients) tree.setClientActive(client, true)
    const served: Array<number> = []
    for (let visit = 0; visit < 5 * clients.length; visit++) {
      served.push(orderIn(tree, role)[0]!)
      tree.hold(served[visit]!, bundleOf([10]), 1, true)
      tree.refresh()
    }
    expect(served).toEqual([1, 2, 3, 4, 5].flatMap(() => clients))
  })

  it("follows weights", () => {
    const tree = new FairTree(new ResourceNames())
    tree.setTotal(0, 100)
    const roles = ["a", "b"].map((name) => tree.addRole(FairTree.root, name, 1, 0))
    for (const role of roles) {
      const client = tree.addClient(role, "f")
      tree.setClientActive(client, true)
      tree.hold(client, bundleOf([10]), 1, false)
    }
    tree.refresh()
    expect(orderIn(tree, FairTree.root)).toEqual(roles)
    tree.setWeight(roles[1]!, 2)
    tree.refresh()
    expect(orderIn(tree, FairTree.root)).toEqual([roles[1], roles[0]])
    expect(roles.map((role) => tree.currentShare(role))).toEqual([0.1, 0.05])
  })

  it("puts who becomes active where what it holds puts it, and follows what is booked for a role alone", () => {
    const tree = new FairTree(new ResourceNames())
    tree.setTotal(0, 100)
    const roles = ["a", "b", "c"].map((name) => tree.addRole(FairTree.root, name, 1, 0))
    const clients = roles.map((role) => tree.addClient(role, "f"))
    tree.hold(clients[0]!, bundleOf([10]), 1, false)
    tree.refresh()
    for (const client of clients) tree.setClientActive(client, true)
    expect(orderIn(tree, FairTree.root)).toEqual([roles[1], roles[2], roles[0]])
    tree.holdOne(roles[1]!, 0, 20)
    tree.refresh()
    expect(orderIn(tree, FairTree.root)).toEqual([roles[2], roles[0], roles[1]])
  })

  it("brings an only child to its place when it gets a sibling", () => {
    const tree = new FairTree(new ResourceNames())
    tree.setTotal(0, 100)
    const role = tree.addRole(FairTree.root, "r", 1, 0)
    const [first, second] = [tree.addClient(role, "a"), tree.addClient(role, "b")]
    tree.setClientActive(first, true)
    tree.hold(first, bundleOf([10]), 1, false)
    tree.refresh()
    tree.setClientActive(second, true)
    tree.refresh()
    expect(orderIn(tree, role)).toEqual([second, first])
  })

  it("lets a virtual leaf count what its role counted so far, and compete as one of the sub-roles (spec §1.4)", () => {
    const tree = new FairTree(new ResourceNames())
    tree.setTotal(0, 100)
    const role = tree.addRole(FairTree.root, "a", 1, 0)
    const client = tree.addClient(role, "f")
    tree.setClientActive(client, true)
    tree.hold(client, bundleOf([10]), 1, true)
    const virtual = tree.insertBelow(role, "a/.")
    const sub = tree.addRole(role, "a/b", 1, 0)
    const other = tree.addClient(sub, "g")
    tree.setClientActive(other, true)
    tree.refresh()
    expect(orderIn(tree, role)).toEqual([sub, virtual])
    expect([tree.grantsOf(virtual), tree.currentShare(virtual)]).toEqual([1, 0.1])
    expect([tree.parentOf(client), orderIn(tree, virtual)]).toEqual([virtual, [client]])
  })

  it("counts priority before share, share before grants, grants before the name", () => {
    const tree = new FairTree(new ResourceNames())
    tree.setTotal(0, 100)
    const roles = ["z", "y", "x", "w", "v"].map((name) =>
      tree.addRole(FairTree.root, name, 1, name === "z" ? 1 : 0),
    )
    const clients = roles.map((role) => tree.addClient(role, "f"))
    for (const client of clients) tree.setClientActive(client, true)
    tree.hold(clients[0]!, bundleOf([50]), 1, true)
    tree.hold(clients[1]!, bundleOf([10]), 1, false)
    tree.setGrants(roles[2]!, 3)
    tree.refresh()
    expect(orderIn(tree, FairTree.root).map((node) => tree.nameOf(node))).toEqual(["z", "v", "w", "x", "y"])
  })

  it("asserts that what is removed is inactive and has no children, and that a virtual leaf is alone", () => {
    const tree = new FairTree(new ResourceNames())
    const role = tree.addRole(FairTree.root, "a", 1, 0)
    const client = tree.addClient(role, "f")
    expect(() => tree.remove(role)).toThrow("has children")
    tree.setClientActive(client, true)
    expect(() => tree.remove(client)).toThrow("is active")
    const virtual = tree.insertBelow(role, "a/.")
    tree.addRole(role, "a/b", 1, 0)
    expect(() => tree.removeBetween(virtual)).toThrow("has siblings")
  })
})
