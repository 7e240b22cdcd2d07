import { type AllocationScope, type ClientRow, clientKey } from "../../../../core/allocation/Allocator.ts"
import { numberOf } from "../../../../core/NumberByName.ts"
import { type Books, isBelow, pathsTo } from "./Books.ts"

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
  /** By role path: bookings in the subtree. */
  readonly roleGrants = new Map<string, number>()
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
    const before = this.find(name) ?? { frameworkId, role, grants: 0, declinedRounds: 0, roundAtMs: -1 }
    this.list = [...this.list.filter((client) => client !== before), { ...before, ...changes }]
  }

  noteGrant(scope: AllocationScope): void {
    this.change(scope, { grants: (this.find(scope)?.grants ?? 0) + 1 })
    for (const path of pathsTo(scope.role)) this.roleGrants.set(path, (this.roleGrants.get(path) ?? 0) + 1)
  }

  /** Everybody who is subscribed or holds something is a client; the others are forgotten, and roles without clients too. */
  bringUpToDate(): void {
    for (const { frameworkId, roles } of this.books.frameworks.values()) {
      for (const role of roles) this.change({ frameworkId, role }, {})
    }
    for (const holding of this.books.holdings) this.change(holding, {})
    this.list = this.list.filter((client) => this.isSubscribed(client) || this.isHolding(client))
    for (const { role } of this.list) {
      for (const path of pathsTo(role)) this.roleGrants.set(path, this.roleGrants.get(path) ?? 0)
    }
    for (const path of Array.from(this.roleGrants.keys())) {
      if (!this.list.some(({ role }) => isBelow(role, path))) this.roleGrants.delete(path)
    }
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
    const children = Array.from(this.roleGrants.keys())
      .filter((child) => child.startsWith(prefix) && !child.slice(prefix.length).includes("/"))
      .map((child) => ({
        path: child,
        priority: numberOf(priorities, child, 0),
        share: this.books.shareOf(child),
        grants: this.roleGrants.get(child)!,
      }))
    const own = this.list.filter(({ role }) => role === path)
    return children.length > 0 && own.length > 0 ? [...children, this.virtualLeafOf(path, own)] : children
  }

  /** Reading: what it was granted is what its present clients were, since no row has a counter of its own for it. */
  private virtualLeafOf(role: string, own: ReadonlyArray<NaiveClient>): Child {
    const held = this.books.scalarsHeld((holding) => holding.role === role)
    const grants = own.reduce((sum, client) => sum + client.grants, 0)
    return { path: `${role}/.`, priority: 0, share: this.books.weighted(held, 1), grants }
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

export const keyOfClient = ({ frameworkId, role }: ClientName): string => clientKey(frameworkId, role)

const compareChildren = (left: Child, right: Child): number =>
  right.priority - left.priority ||
  left.share - right.share ||
  left.grants - right.grants ||
  (left.path < right.path ? -1 : left.path > right.path ? 1 : 0)
