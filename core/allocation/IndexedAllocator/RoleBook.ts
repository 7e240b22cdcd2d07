import { numberOf } from "../../NumberByName.ts"
import type { AllocatorSettings } from "../Settings.ts"
import { FairTree } from "./FairTree.ts"
import type { QuotaBook } from "./QuotaBook.ts"

/** What stands below a role's node. */
type Below = "nothing" | "clients" | "roles"

interface RoleNode {
  readonly path: string
  readonly node: number
  below: Below
  /** Node that its own clients hang below: itself, or the virtual leaf `a/.` beside its sub-roles; -1 = none. */
  leaf: number
}

/**
 * The roles of the tree by path. A role is there while it has clients or sub-roles. One that has both keeps its clients below
 * a virtual leaf, which competes with the sub-roles as one of them (spec/mesos.md §1.4).
 */
export class RoleBook {
  private readonly roles = new Map<string, RoleNode>()
  private readonly weights = new Map<string, number>()
  private readonly settings: AllocatorSettings
  private readonly tree: FairTree
  private readonly quotas: QuotaBook
  /** Grants of a path as it was stored; taken up when the path appears. */
  private readonly stored: Map<string, number>
  /** A row appears or goes: that of a role that is gone, or of a virtual leaf. */
  private readonly onChanged: (path: string) => void

  constructor(
    settings: AllocatorSettings,
    tree: FairTree,
    quotas: QuotaBook,
    stored: Map<string, number>,
    onChanged: (path: string) => void,
  ) {
    this.settings = settings
    this.tree = tree
    this.quotas = quotas
    this.stored = stored
    this.onChanged = onChanged
  }

  /** The node of a role path or of a virtual leaf; -1 when there is none. */
  nodeOf(path: string): number {
    if (isVirtual(path)) {
      const role = this.roles.get(path.slice(0, -2))
      return role === undefined || role.leaf === role.node ? -1 : role.leaf
    }
    const role = this.roles.get(path)
    return role === undefined ? -1 : role.node
  }

  /** Every path that has a node, virtual leaves too, sorted. */
  paths(): ReadonlyArray<string> {
    const paths: Array<string> = []
    this.roles.forEach(({ path, node, leaf }) => {
      paths.push(path)
      if (leaf !== -1 && leaf !== node) paths.push(virtualPath(path))
    })
    return paths.sort()
  }

  setWeight(path: string, weight: number): void {
    this.weights.set(path, weight)
    const role = this.roles.get(path)
    if (role !== undefined) this.tree.setWeight(role.node, weight)
  }

  weightOf(path: string): number {
    const weight = this.weights.get(path)
    return weight === undefined ? numberOf(this.settings.weights, path, 1) : weight
  }

  /** The node below which clients of the role hang; makes what is missing on the way. */
  leafOf(path: string): number {
    const role = this.roleOf(path)
    if (role.below === "nothing") {
      role.below = "clients"
      role.leaf = role.node
    } else if (role.leaf === -1) {
      role.leaf = this.tree.addRole(role.node, virtualPath(path), 1, 0)
      this.takeUp(virtualPath(path), role.leaf)
      this.onChanged(virtualPath(path))
    }
    return role.leaf
  }

  /** After a client is gone: forgets what of the role's branch has nobody left. */
  prune(path: string): void {
    const role = this.roles.get(path)
    if (role === undefined) return
    if (role.leaf !== -1 && role.leaf !== role.node && this.tree.childCount(role.leaf) === 0) {
      this.tree.remove(role.leaf)
      this.onChanged(virtualPath(path))
      role.leaf = -1
    }
    if (this.tree.childCount(role.node) === 0) this.remove(role)
  }

  private remove(role: RoleNode): void {
    this.tree.remove(role.node)
    this.roles.delete(role.path)
    this.onChanged(role.path)
    const slash = role.path.lastIndexOf("/")
    if (slash < 0) {
      this.quotas.setNode(role.path, -1)
      return
    }
    const parent = this.roles.get(role.path.slice(0, slash))!
    if (parent.leaf !== -1 && this.tree.childCount(parent.node) === 1) this.join(parent)
    else if (this.tree.childCount(parent.node) === 0) this.remove(parent)
  }

  private join(role: RoleNode): void {
    this.tree.removeBetween(role.leaf)
    this.onChanged(virtualPath(role.path))
    role.leaf = role.node
    role.below = "clients"
  }

  private roleOf(path: string): RoleNode {
    const known = this.roles.get(path)
    if (known !== undefined) return known
    const slash = path.lastIndexOf("/")
    const parent = slash < 0 ? FairTree.root : this.innerNodeOf(path.slice(0, slash))
    const node = this.tree.addRole(
      parent,
      path,
      this.weightOf(path),
      numberOf(this.settings.priorities, path, 0),
    )
    const role: RoleNode = { path, node, below: "nothing", leaf: -1 }
    this.roles.set(path, role)
    this.takeUp(path, node)
    if (slash < 0) this.quotas.setNode(path, node)
    return role
  }

  private innerNodeOf(path: string): number {
    const role = this.roleOf(path)
    if (role.below === "clients") {
      role.leaf = this.tree.insertBelow(role.node, virtualPath(path))
      this.takeUp(virtualPath(path), role.leaf)
      this.onChanged(virtualPath(path))
    }
    role.below = "roles"
    return role.node
  }

  private takeUp(path: string, node: number): void {
    const grants = this.stored.get(path)
    if (grants === undefined) return
    this.stored.delete(path)
    this.tree.setGrants(node, grants)
  }
}

const virtualPath = (path: string): string => `${path}/.`

/** Its row is stored even without grants: a virtual leaf that is made again would start from its role's. */
export const isVirtual = (path: string): boolean => path.endsWith("/.")
