import { assert } from "../../Assert.ts"
import { ownValue } from "../../NumberByName.ts"
import type { AllocatorFramework, ClientRow } from "../Allocator.ts"
import { clientKey } from "../Allocator.ts"
import { compileConstraints, type HostPredicate } from "../Constraints.ts"
import { strippedOf, unfitOf } from "../Gates.ts"
import type { FairTree } from "./FairTree.ts"
import { grownUint8 } from "./Growable.ts"
import { compileOwnMinimum, type Minimum } from "./Minimum.ts"
import type { QuotaBook, TopRole } from "./QuotaBook.ts"
import type { ResourceNames } from "./ResourceNames.ts"
import type { RoleBook } from "./RoleBook.ts"

interface FrameworkEntry {
  /** Null: it is gone, but holds something still. */
  framework: AllocatorFramework | null
  readonly nodes: Map<string, number>
}

/**
 * The clients by framework and role, numbered by their node in the tree. A client is there while its framework is in the role or
 * holds something in it.
 */
export class ClientBook {
  private readonly frameworks = new Map<string, FrameworkEntry>()
  readonly roles: Array<string> = []
  readonly tops: Array<TopRole | undefined> = []
  readonly minimums: Array<Minimum | undefined> = []
  /** How many clients have a minimum of their own. */
  ownMinimums = 0
  readonly predicates: Array<HostPredicate | undefined> = []
  readonly declinedRounds: Array<number> = []
  readonly roundAtMs: Array<number> = []
  /** Bits of `Gates.ts`: hosts it is unfit for, resources it must not see. */
  unfit: Uint8Array = new Uint8Array(16)
  stripped: Uint8Array = new Uint8Array(16)
  private readonly tree: FairTree
  private readonly roleBook: RoleBook
  private readonly quotas: QuotaBook
  private readonly stored: Map<string, ClientRow>

  constructor(tree: FairTree, roleBook: RoleBook, quotas: QuotaBook, stored: Map<string, ClientRow>) {
    this.tree = tree
    this.roleBook = roleBook
    this.quotas = quotas
    this.stored = stored
  }

  /** -1 = there is no such client. */
  nodeOf(frameworkId: string, role: string): number {
    const entry = this.frameworks.get(frameworkId)
    const node = entry === undefined ? undefined : entry.nodes.get(role)
    return node === undefined ? -1 : node
  }

  frameworkOf(frameworkId: string): AllocatorFramework | null {
    const entry = this.frameworks.get(frameworkId)
    return entry === undefined ? null : entry.framework
  }

  frameworkIds(): ReadonlyArray<string> {
    return Array.from(this.frameworks.keys()).sort()
  }

  rolesOf(frameworkId: string): ReadonlyArray<string> {
    const entry = this.frameworks.get(frameworkId)
    return entry === undefined ? [] : Array.from(entry.nodes.keys()).sort()
  }

  setFramework(frameworkId: string, framework: AllocatorFramework | null): void {
    this.entryOf(frameworkId).framework = framework
  }

  /** The client, a new one if there is none yet. */
  ensure(frameworkId: string, role: string): number {
    const known = this.nodeOf(frameworkId, role)
    if (known >= 0) return known
    const node = this.tree.addClient(this.roleBook.leafOf(role), frameworkId)
    this.entryOf(frameworkId).nodes.set(role, node)
    this.roles[node] = role
    this.tops[node] = this.quotas.topOf(role)
    this.minimums[node] = undefined
    this.predicates[node] = undefined
    this.unfit = grownUint8(this.unfit, node + 1)
    this.stripped = grownUint8(this.stripped, node + 1)
    const row = this.stored.get(clientKey(frameworkId, role))
    this.stored.delete(clientKey(frameworkId, role))
    this.declinedRounds[node] = row === undefined ? 0 : row.declinedRounds
    this.roundAtMs[node] = row === undefined ? -1 : row.roundAtMs
    if (row !== undefined) this.tree.setGrants(node, row.grants)
    return node
  }

  /** What the client's framework is like now. */
  describe(names: ResourceNames, node: number, framework: AllocatorFramework): void {
    const role = this.roles[node]!
    const constraints = ownValue(framework.constraints, role)
    const predicate = constraints === undefined ? undefined : compileConstraints(constraints)
    assert(typeof predicate !== "string", `constraints of framework ${framework.frameworkId}: ${predicate}`)
    this.predicates[node] = predicate
    this.unfit[node] = unfitOf(framework.capabilities, role)
    this.stripped[node] = strippedOf(framework.capabilities)
    const own = ownValue(framework.minAllocatable, role)
    this.setMinimum(node, own === undefined ? undefined : compileOwnMinimum(names, own))
  }

  private setMinimum(node: number, minimum: Minimum | undefined): void {
    if (this.minimums[node] !== undefined) this.ownMinimums--
    if (minimum !== undefined) this.ownMinimums++
    this.minimums[node] = minimum
  }

  holdsNothing(node: number): boolean {
    return this.tree.holdings.isNothing(node)
  }

  /** Forgets an inactive client without filters that holds nothing, and what of its role has nobody left. */
  remove(frameworkId: string, role: string): void {
    const entry = this.frameworks.get(frameworkId)!
    const node = entry.nodes.get(role)!
    entry.nodes.delete(role)
    this.tree.remove(node)
    this.tops[node] = undefined
    this.setMinimum(node, undefined)
    this.predicates[node] = undefined
    this.roleBook.prune(role)
    this.forgetIfGone(frameworkId)
  }

  forgetIfGone(frameworkId: string): void {
    const entry = this.frameworks.get(frameworkId)
    if (entry !== undefined && entry.framework === null && entry.nodes.size === 0) {
      this.frameworks.delete(frameworkId)
    }
  }

  private entryOf(frameworkId: string): FrameworkEntry {
    const known = this.frameworks.get(frameworkId)
    if (known !== undefined) return known
    const entry: FrameworkEntry = { framework: null, nodes: new Map() }
    this.frameworks.set(frameworkId, entry)
    return entry
  }
}
