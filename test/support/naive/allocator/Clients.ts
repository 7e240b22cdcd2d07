import { type AllocationScope, type ClientRow, clientKey } from "../../../../core/allocation/Allocator.ts"
import { numberOf } from "../../../../core/NumberByName.ts"
import { type Books, pathsTo } from "./Books.ts"

/** A framework in one of its roles. */
export interface NaiveClient extends ClientRow {
  readonly frameworkId: string
  readonly role: string
}

export type ClientName = Pick<NaiveClient, "frameworkId" | "role">

/** A place in the role tree where frameworks are: the leaf of a role, as a path; `a/.` beside `a/b`. */
interface Child {
  readonly path: string
  readonly priority: number
  readonly share: number
  readonly grants: number
}

/** Who takes part, with the counters that only grow, and in which order (spec/mesos.md §1.4). */
export class Clients {
  list: ReadonlyArray<NaiveClient> = []
  /** Bookings by role path, in the subtree. Beside `a/b` also for `a/.`, the clients of `a` itself. */
  readonly roleGrants = new Map<string, number>()
  /** Counters out of rows, until those whom they belong to appear again. */
  readonly storedClients = new Map<string, ClientRow>()
  readonly storedRoleGrants = new Map<string, number>()
  private readonly books: Books

  constructor(books: Books) {
    this.books = books
  }

  find({ frameworkId, role }: ClientName): NaiveClient | undefined {
    return this.list.find((client) => client.frameworkId === frameworkId && client.role === role)
  }

  /** Adds it where it is new. */
  change(name: ClientName, changes: Partial<ClientRow>): void {
    const { frameworkId, role } = name
    const fresh = this.storedClients.get(keyOfClient(name)) ?? { grants: 0, declinedRounds: 0, roundAtMs: -1 }
    this.storedClients.delete(keyOfClient(name))
    const before = this.find(name) ?? { frameworkId, role, ...fresh }
    this.list = [...this.list.filter((client) => client !== before), { ...before, ...changes }]
  }

  noteGrant(scope: AllocationScope): void {
    this.change(scope, { grants: (this.find(scope)?.grants ?? 0) + 1 })
    for (const path of [...pathsTo(scope.role), virtualLeaf(scope.role)]) {
      const grants = this.roleGrants.get(path)
      if (grants !== undefined) this.roleGrants.set(path, grants + 1)
    }
  }

  /** Everybody who is subscribed or holds something is a client; the others are forgotten, and roles without clients too. */
  bringUpToDate(): void {
    const membersBefore = new Set(this.list.map(({ role }) => role))
    for (const { frameworkId, roles } of this.books.frameworks.values()) {
      for (const role of roles) this.change({ frameworkId, role }, {})
    }
    for (const holding of this.books.holdings) this.change(holding, {})
    this.list = this.list.filter((client) => this.isSubscribed(client) || this.isHolding(client))
    const paths = new Set(this.list.flatMap(({ role }) => pathsTo(role)))
    for (const path of paths) if (!this.roleGrants.has(path)) this.startCounting(path, 0)
    // As in Mesos, what becomes the virtual leaf of a role takes over what the role has counted, if that was a leaf till now.
    for (const path of paths) {
      const wasLeaf = membersBefore.has(path)
      const isVirtual = this.hasMembers(path) && this.hasSubRoles(path)
      if (!isVirtual) this.roleGrants.delete(virtualLeaf(path))
      else if (!this.roleGrants.has(virtualLeaf(path))) {
        this.startCounting(virtualLeaf(path), wasLeaf ? this.roleGrants.get(path)! : 0)
      }
    }
    for (const path of Array.from(this.roleGrants.keys())) {
      if (!paths.has(path.replace(/\/\.$/, ""))) this.roleGrants.delete(path)
    }
  }

  private startCounting(path: string, otherwise: number): void {
    this.roleGrants.set(path, this.storedRoleGrants.get(path) ?? otherwise)
    this.storedRoleGrants.delete(path)
  }

  private hasMembers(path: string): boolean {
    return this.list.some(({ role }) => role === path)
  }

  private hasSubRoles(path: string): boolean {
    return this.list.some(({ role }) => role.startsWith(`${path}/`))
  }

  private isSubscribed({ frameworkId, role }: ClientName): boolean {
    return this.books.frameworks.get(frameworkId)?.roles.includes(role) === true
  }

  private isHolding(client: ClientName): boolean {
    return this.books.holdings.some(
      ({ frameworkId, role }) => frameworkId === client.frameworkId && role === client.role,
    )
  }

  /** Whether it wants offers: subscribed, connected, not suppressed. */
  isActive({ frameworkId, role }: ClientName): boolean {
    const framework = this.books.frameworks.get(frameworkId)
    if (framework === undefined || !framework.isActive) return false
    return framework.roles.includes(role) && !framework.suppressedRoles.includes(role)
  }

  /** All active clients in fair order, as it is now. */
  inFairOrder(): ReadonlyArray<NaiveClient> {
    return this.rolesInOrder("").flatMap((role) => this.frameworksInOrder(role))
  }

  /** The roles below a path (pre-order), each of which may have clients of its own. */
  private rolesInOrder(path: string): ReadonlyArray<string> {
    return this.childrenOf(path)
      .sort(compareChildren)
      .flatMap((child) => {
        if (child.path.endsWith("/.")) return [path]
        return this.childrenOf(child.path).length === 0 ? [child.path] : this.rolesInOrder(child.path)
      })
  }

  private childrenOf(path: string): Array<Child> {
    const prefix = path === "" ? "" : `${path}/`
    const { priorities } = this.books.settings
    return Array.from(this.roleGrants.keys())
      .filter((child) => child.startsWith(prefix) && !child.slice(prefix.length).includes("/"))
      .map((child) => ({
        path: child,
        priority: numberOf(priorities, child, 0),
        share: child === virtualLeaf(path) ? this.shareOfMembers(path) : this.books.shareOf(child),
        grants: this.roleGrants.get(child)!,
      }))
  }

  /** That of a virtual leaf, whose weight is 1. */
  private shareOfMembers(role: string): number {
    return this.books.weighted(
      this.books.scalarsHeld((holding) => holding.role === role),
      1,
    )
  }

  private frameworksInOrder(role: string): ReadonlyArray<NaiveClient> {
    const members = this.list.filter((client) => client.role === role && this.isActive(client))
    return members
      .map((client) => ({
        client,
        priority: 0,
        share: this.books.weighted(this.heldBy(client), 1),
        grants: client.grants,
        path: client.frameworkId,
      }))
      .sort(compareChildren)
      .map(({ client }) => client)
  }

  heldBy({ frameworkId, role }: ClientName) {
    return this.books.scalarsHeld((holding) => holding.frameworkId === frameworkId && holding.role === role)
  }
}

const virtualLeaf = (role: string): string => `${role}/.`

export const keyOfClient = ({ frameworkId, role }: ClientName): string => clientKey(frameworkId, role)

const compareChildren = (left: Child, right: Child): number =>
  right.priority - left.priority ||
  left.share - right.share ||
  left.grants - right.grants ||
  (left.path < right.path ? -1 : left.path > right.path ? 1 : 0)
