import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { Bundle } from "../../../../core/allocation/IndexedAllocator/Bundle.ts"
import { FairTree } from "../../../../core/allocation/IndexedAllocator/FairTree.ts"
import { ResourceNames } from "../../../../core/allocation/IndexedAllocator/ResourceNames.ts"
import { NaiveFairTree, type NaiveNode } from "../../../support/naive/NaiveFairTree.ts"

/** Amounts by column and how much of other things; all that the tree reads of a bundle. */
const bundleOf = (counted: ReadonlyArray<number>, others = 0): Bundle => ({
  resources: [],
  rest: [],
  plain: counted,
  free: counted,
  counted,
  others,
  hasShared: false,
})

const orderIn = (tree: FairTree, node: number): ReadonlyArray<number> => {
  const { nodes, start, count } = tree.orderOf(node)
  return Array.from(nodes.subarray(start, start + count))
}

/** Both trees, led through the same life by numbers that fast-check draws. */
class TwoTrees {
  private readonly names = new ResourceNames()
  readonly tree = new FairTree(this.names)
  readonly naive = new NaiveFairTree()

  constructor(excluded: ReadonlyArray<number>) {
    for (const column of excluded) {
      this.tree.holdings.exclude(column)
      this.naive.excluded.add(column)
    }
  }

  private pick(wanted: (node: NaiveNode) => boolean, draw: number): NaiveNode | undefined {
    const nodes = [this.naive.root, ...this.naive.nodes].filter(wanted)
    return nodes[draw % Math.max(1, nodes.length)]
  }

  private hasClients = (node: NaiveNode) => this.naive.childrenOf(node).some(({ isClient }) => isClient)
  private isRole = (node: NaiveNode) => !node.isClient && node !== this.naive.root && !node.isVirtual
  private isClient = (node: NaiveNode) => node.isClient

  private freeName(parent: NaiveNode, draw: number): string {
    const taken = this.naive.childrenOf(parent).map(({ name }) => name)
    for (let number = draw % 12; ; number++) {
      const name = `${parent.name}${parent === this.naive.root ? "" : "/"}${"hcafbdg"[number % 7]}${number}`
      if (!taken.includes(name)) return name
    }
  }

  /** What may be done, by name; each takes three numbers at will. */
  readonly operations = {
    addRole: (where: number, which: number, how: number) => {
      const parent = this.pick((node) => !node.isClient && !node.isVirtual && !this.hasClients(node), where)!
      const name = this.freeName(parent, which)
      const [weight, priority] = [[1, 2, 0.5][how % 3]!, [0, 0, 0, 1, -1][how % 5]!]
      const node = this.tree.addRole(parent.node, name, weight, priority)
      this.naive.add({ node, name, parent, weight, priority })
    },
    addClient: (where: number, which: number, how: number) => {
      const hasRoles = (node: NaiveNode) => this.naive.childrenOf(node).some((child) => !child.isClient)
      const parent = this.pick((node) => (this.isRole(node) || node.isVirtual) && !hasRoles(node), where)
      if (parent === undefined) return
      const name = this.freeName(parent, which)
      const client = this.naive.add({
        node: this.tree.addClient(parent.node, name),
        name,
        parent,
        isClient: true,
      })
      this.setActive(client, how % 4 > 0)
    },
    insertBelow: (where: number) => {
      const above = this.pick((node) => this.isRole(node) && this.hasClients(node), where)
      if (above === undefined) return
      const name = `${above.name}/.`
      this.naive.insertBelow(above, this.tree.insertBelow(above.node, name), name)
    },
    removeBetween: (where: number) => {
      const virtual = this.pick(
        (node) => node.isVirtual && this.naive.childrenOf(node.parent!).length === 1,
        where,
      )
      if (virtual === undefined) return
      this.tree.removeBetween(virtual.node)
      this.naive.removeBetween(virtual)
    },
    remove: (which: number) => {
      const { naive } = this
      const gone = this.pick((node) => node !== naive.root && naive.childrenOf(node).length === 0, which)
      if (gone === undefined) return
      if (gone.isClient) {
        this.setActive(gone, false)
        this.hold(gone, gone.own.slice(), -1, false, gone.others)
      }
      for (const [column, milli] of gone.alone.entries()) this.tree.holdOne(gone.node, column, -milli)
      this.tree.remove(gone.node)
      naive.remove(gone)
    },
    activate: (which: number, how: number) => {
      const client = this.pick(this.isClient, which)
      if (client !== undefined) this.setActive(client, how % 2 > 0)
    },
    hold: (which: number, what: number, how: number) => {
      const client = this.pick(this.isClient, which)
      if (client !== undefined) this.hold(client, [what % 3, how % 3], 1, how % 2 > 0, what % 2)
    },
    holdRow: (which: number, what: number, how: number) => {
      const client = this.pick(this.isClient, which)
      if (client === undefined) return
      const isGrant = how % 2 > 0
      const sign = (client.own[0] ?? 0) > 0 && client.others > 0 && how % 5 === 0 ? -1 : 1
      const [cpus, others] = sign === 1 ? [what % 3, what % 4] : [client.own[0]!, client.others]
      const row = new Float64Array(1 + this.names.width)
      row.set([9, cpus], 0)
      row[this.names.width] = others
      this.tree.holdRow(client.node, row, 1, sign, isGrant)
      addRow(client.own, [cpus], sign)
      client.others += sign * others
      if (isGrant) this.naive.grant(client)
    },
    release: (which: number, what: number) => {
      const client = this.pick(({ own }) => own.some((milli) => milli > 0), which)
      if (client?.isClient !== true) return
      const part = 1 + (what % 3)
      this.hold(
        client,
        client.own.map((milli) => milli % part),
        -1,
        false,
      )
    },
    holdOne: (which: number, what: number, how: number) => {
      const node = this.pick((other) => other !== this.naive.root, which)
      if (node === undefined) return
      const column = what % 2
      const change = (node.alone[column] ?? 0) > 0 ? -1 : 1 + (how % 2)
      this.tree.holdOne(node.node, column, change)
      addRow(node.alone, column === 0 ? [change] : [0, change], 1)
    },
    setGrants: (which: number, grants: number) => {
      const node = this.pick((other) => other !== this.naive.root, which)
      if (node === undefined) return
      this.tree.setGrants(node.node, grants % 4)
      node.grants = grants % 4
    },
    setWeight: (which: number, how: number) => {
      const role = this.pick(this.isRole, which)
      if (role === undefined) return
      role.weight = [1, 2, 0.5, 3][how % 4]!
      this.tree.setWeight(role.node, role.weight)
    },
    setTotal: (which: number, milli: number) => {
      const column = which % 3
      while (this.naive.totals.length <= column) this.naive.totals.push(0)
      this.naive.totals[column] = milli % 40
      this.tree.setTotal(column, milli % 40)
    },
    addName: (which: number) => {
      this.names.numberOf(`name${which % 9}`)
    },
    refresh: () => {
      this.tree.refresh()
      for (const node of [this.naive.root, ...this.naive.nodes].filter(({ isClient }) => !isClient)) {
        expect(orderIn(this.tree, node.node).join()).toBe(this.naive.orderOf(node).join())
      }
    },
    checkBooks: () => this.checkBooks(),
  }

  private setActive(client: NaiveNode, isActive: boolean): void {
    client.isActive = isActive
    this.tree.setClientActive(client.node, isActive)
  }

  private hold(
    client: NaiveNode,
    amounts: ReadonlyArray<number>,
    sign: number,
    isGrant: boolean,
    others = 0,
  ): void {
    const before = this.orders()
    this.tree.hold(client.node, bundleOf(amounts, others), sign, isGrant)
    client.others += sign * others
    // While a host is visited the order stays as it is.
    expect(this.orders()).toBe(before)
    addRow(client.own, amounts, sign)
    if (isGrant) this.naive.grant(client)
  }

  private orders(): string {
    const parents = this.naive.nodes.filter(({ isClient }) => !isClient)
    return parents.map(({ node }) => orderIn(this.tree, node).join()).join("; ")
  }

  /** Everything but the order, which is right only after a refresh. */
  private checkBooks(): void {
    const { tree, naive } = this
    const columns = [0, 1, 2]
    const mine = naive.nodes.map(({ node }) => ({
      name: tree.nameOf(node),
      parent: tree.parentOf(node),
      isClient: tree.isClient(node),
      grants: tree.grantsOf(node),
      children: tree.childCount(node),
      isActive: tree.isActive(node),
      held: columns.map((column) => tree.holdings.at(node, column)),
      isNothing: tree.holdings.isNothing(node),
      share: tree.currentShare(node),
    }))
    const other = naive.nodes.map((node) => ({
      name: node.name,
      parent: node.parent!.node,
      isClient: node.isClient,
      grants: node.grants,
      children: naive.childrenOf(node).length,
      isActive: naive.activeBelow(node) > 0,
      held: columns.map((column) => naive.held(node, column)),
      isNothing: naive.holdsNothing(node),
      share: naive.shareOf(node),
    }))
    expect(mine).toEqual(other)
    expect(tree.activeClients()).toBe(naive.activeBelow(naive.root))
    expect(new Set(tree.takeGranted())).toEqual(naive.granted)
    naive.granted = new Set()
    expect(tree.bound).toBe(naive.peak + 1)
  }
}

const addRow = (own: Array<number>, amounts: ReadonlyArray<number>, sign: number): void => {
  for (const [column, milli] of amounts.entries()) own[column] = (own[column] ?? 0) + sign * milli
}

type Operation = keyof TwoTrees["operations"]

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
        const two = new TwoTrees(columns)
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
