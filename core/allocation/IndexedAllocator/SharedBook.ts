import type { Resource } from "../../resources/Resource.ts"
import { type Resources, toResources } from "../../resources/Resources.ts"
import { FairTree } from "./FairTree.ts"
import type { ResourceNames } from "./ResourceNames.ts"

/**
 * Who holds copies of shared resources. A shared resource counts once per host in the share of each node that holds any copy of it
 * (spec/mesos.md §1.4), so the last copy below a node that goes takes it away, and none before.
 */
export class SharedBook {
  /** Copies by client, by slot and kind. */
  private readonly holders = new Map<string, Map<number, { readonly resource: Resource; copies: number }>>()
  private readonly tree: FairTree
  private readonly names: ResourceNames
  private readonly onTopRole: (client: number, column: number, milli: number) => void

  /** @param onTopRole is told what a client's top-level role holds more or less */
  constructor(
    tree: FairTree,
    names: ResourceNames,
    onTopRole: (client: number, column: number, milli: number) => void,
  ) {
    this.tree = tree
    this.names = names
    this.onTopRole = onTopRole
  }

  /** Books (`sign` 1) or releases (−1) each shared resource of the list for a client. */
  hold(client: number, slot: number, rest: Resources, sign: number): void {
    for (const resource of rest) if (resource.kind.shared) this.holdOne(client, slot, resource, sign)
  }

  heldOn(slot: number): Resources {
    const held: Array<Resource> = []
    this.holders.forEach((holders, key) => {
      if (!key.startsWith(`${slot} `)) return
      holders.forEach(({ resource, copies }) => {
        for (let copy = 0; copy < copies; copy++) held.push(resource)
      })
    })
    return toResources(held)
  }

  private holdOne(client: number, slot: number, resource: Resource, sign: number): void {
    const key = `${slot} ${resource.kind.key}`
    const holders = this.holders.get(key) || new Map()
    const column = this.names.numberOf(resource.kind.name)
    const before = this.holdingNodes(holders)
    const own = holders.get(client) || { resource, copies: 0 }
    own.copies += sign
    if (own.copies > 0) holders.set(client, own)
    else holders.delete(client)
    const after = this.holdingNodes(holders)
    const milli = resource.value as number
    after.forEach((node) => {
      if (!before.has(node)) this.count(client, node, column, milli)
    })
    before.forEach((node) => {
      if (!after.has(node)) this.count(client, node, column, -milli)
    })
    if (holders.size > 0) this.holders.set(key, holders)
    else this.holders.delete(key)
  }

  private count(client: number, node: number, column: number, milli: number): void {
    this.tree.holdOne(node, column, milli)
    if (this.tree.parentOf(node) === FairTree.root) this.onTopRole(client, column, milli)
  }

  private holdingNodes(holders: ReadonlyMap<number, unknown>): Set<number> {
    const nodes = new Set<number>()
    holders.forEach((_, client) => {
      for (let node = client; node !== FairTree.root; node = this.tree.parentOf(node)) nodes.add(node)
    })
    return nodes
  }
}
