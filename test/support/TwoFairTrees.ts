import { expect } from "vitest"
import type { Bundle } from "../../core/allocation/IndexedAllocator/Bundle.ts"
import { FairTree } from "../../core/allocation/IndexedAllocator/FairTree.ts"
import { ResourceNames } from "../../core/allocation/IndexedAllocator/ResourceNames.ts"
import { NaiveFairTree, type NaiveNode } from "./naive/NaiveFairTree.ts"

/** Amounts by column and how much of other things; all that the tree reads of a bundle. */
export const bundleOf = (counted: ReadonlyArray<number>, others = 0): Bundle => ({
  resources: [],
  rest: [],
  plain: counted,
  free: counted,
  counted,
  others,
  hasShared: false,
})

export const orderIn = (tree: FairTree, node: number): ReadonlyArray<number> => {
  const { nodes, start, count } = tree.orderOf(node)
  return Array.from(nodes.subarray(start, start + count))
}

/** Both trees, led through the same life by numbers that fast-check draws. */
export class TwoFairTrees {
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

export const addRow = (own: Array<number>, amounts: ReadonlyArray<number>, sign: number): void => {
  for (const [column, milli] of amounts.entries()) own[column] = (own[column] ?? 0) + sign * milli
}
