import type { Entity, EntityRef } from "../../Machine.ts"
import { plainToResources, resourcesToPlain } from "../../resources/PlainForm.ts"
import {
  type AllocationScope,
  type ClientRow,
  clientKey,
  type FilterRow,
  filterKey,
  type RoleRow,
} from "../Allocator.ts"
import type { ClientBook } from "./ClientBook.ts"
import type { FairTree } from "./FairTree.ts"
import type { FilterTable } from "./FilterTable.ts"
import type { HostTable } from "./HostTable.ts"
import { isVirtual, type RoleBook } from "./RoleBook.ts"

/** What was stored of an allocator, to be taken up as roles, clients and hosts appear. */
export interface StoredRows {
  readonly grantsByRole: Map<string, number>
  readonly clients: Map<string, ClientRow>
  readonly filters: ReadonlyArray<{ readonly scope: AllocationScope; readonly row: FilterRow }>
}

export const readRows = (rows: ReadonlyArray<Entity>): StoredRows => {
  const grantsByRole = new Map<string, number>()
  const clients = new Map<string, ClientRow>()
  const filters: Array<{ scope: AllocationScope; row: FilterRow }> = []
  for (const { kind, key, value } of rows) {
    if (kind === "role") grantsByRole.set(key, (value as RoleRow).grants)
    else if (kind === "client") clients.set(key, value as ClientRow)
    else if (kind === "filter") {
      const [frameworkId, role, agentId] = JSON.parse(key) as [string, string, string]
      filters.push({ scope: { frameworkId, role, agentId }, row: value as FilterRow })
    }
  }
  return { grantsByRole, clients, filters }
}

export interface RowBooks {
  readonly tree: FairTree
  readonly roles: RoleBook
  readonly clients: ClientBook
  readonly hosts: HostTable
  readonly filters: FilterTable
}

/** The allocator's own facts as rows, and which of them changed. */
export class AllocatorRows {
  private readonly changed = new Map<string, EntityRef>()
  /** Pairs (client, slot) whose filters changed; named when somebody asks, since a name costs more than the change. */
  private readonly filterScopes: Array<number> = []
  private readonly books: RowBooks

  constructor(books: RowBooks) {
    this.books = books
  }

  touch(kind: string, key: string): void {
    this.changed.set(`${kind} ${key}`, { kind, key })
  }

  touchClient(client: number): void {
    this.touch("client", this.keyOfClient(client))
  }

  touchFilter(client: number, slot: number): void {
    this.filterScopes.push(client, slot)
  }

  /** Names what has changed so far: before a number is given to another client or host. */
  name(): void {
    const { filterScopes } = this
    for (let index = 0; index < filterScopes.length; index += 2) {
      this.touch("filter", filterKey(this.scopeOf(filterScopes[index]!, filterScopes[index + 1]!)))
    }
    filterScopes.length = 0
    const { tree } = this.books
    for (const node of tree.takeGranted()) {
      if (tree.isClient(node)) this.touchClient(node)
      else this.touch("role", tree.nameOf(node))
    }
  }

  takeChanged(): ReadonlyArray<EntityRef> {
    this.name()
    const refs = Array.from(this.changed.values()).sort(compareRefs)
    this.changed.clear()
    return refs
  }

  row({ kind, key }: EntityRef): unknown {
    switch (kind) {
      case "role":
        return this.roleRow(key)
      case "client": {
        const [frameworkId, role] = JSON.parse(key) as [string, string]
        return this.clientRow(this.books.clients.nodeOf(frameworkId, role))
      }
      default: {
        const [frameworkId, role, agentId] = JSON.parse(key) as [string, string, string]
        const slot = this.books.hosts.slotOf(agentId)
        return slot === undefined
          ? undefined
          : this.filterRow(this.books.clients.nodeOf(frameworkId, role), slot)
      }
    }
  }

  snapshot(): ReadonlyArray<Entity> {
    const refs: Array<EntityRef> = this.books.roles.paths().map((key) => ({ kind: "role", key }))
    const { clients, filters } = this.books
    for (const frameworkId of clients.frameworkIds()) {
      for (const role of clients.rolesOf(frameworkId)) {
        refs.push({ kind: "client", key: clientKey(frameworkId, role) })
        const keys = new Set<string>()
        let filter = filters.firstOfClient(clients.nodeOf(frameworkId, role))
        for (; filter !== -1; filter = filters.nextOfClient(filter)) {
          keys.add(filterKey(this.scopeOf(filters.clientOf(filter), filters.hostOf(filter))))
        }
        keys.forEach((key) => {
          refs.push({ kind: "filter", key })
        })
      }
    }
    const entities: Array<Entity> = []
    for (const ref of refs.sort(compareRefs)) {
      const value = this.row(ref)
      if (value !== undefined) entities.push({ ...ref, value })
    }
    return entities
  }

  /** Puts stored filters in place whose client and host are there; the others have no meaning any more. */
  takeUpFilters(stored: StoredRows["filters"]): void {
    const { clients, hosts, filters } = this.books
    for (const { scope, row } of stored) {
      const client = clients.nodeOf(scope.frameworkId, scope.role)
      const slot = hosts.slotOf(scope.agentId)
      if (client < 0 || slot === undefined) continue
      for (const { resources, expiresAtMs, backoffMs } of row) {
        filters.add(client, slot, plainToResources(resources), expiresAtMs, backoffMs)
      }
    }
  }

  private roleRow(path: string): RoleRow | undefined {
    const node = this.books.roles.nodeOf(path)
    if (node < 0) return undefined
    const grants = this.books.tree.grantsOf(node)
    return grants === 0 && !isVirtual(path) ? undefined : { grants }
  }

  private clientRow(client: number): ClientRow | undefined {
    if (client < 0) return undefined
    const { tree, clients } = this.books
    const grants = tree.grantsOf(client)
    const declinedRounds = clients.declinedRounds[client]!
    const roundAtMs = clients.roundAtMs[client]!
    return grants === 0 && declinedRounds === 0 && roundAtMs < 0
      ? undefined
      : { grants, declinedRounds, roundAtMs }
  }

  private filterRow(client: number, slot: number): FilterRow | undefined {
    if (client < 0) return undefined
    const { filters } = this.books
    const list: Array<FilterRow[number]> = []
    for (const filter of filters.ofHost(slot)) {
      if (filters.clientOf(filter) !== client) continue
      list.push({
        resources: resourcesToPlain(filters.refusedResources(filters.refusedOf(filter))),
        expiresAtMs: filters.expiresAtMs(filter),
        backoffMs: filters.backoffMs(filter),
      })
    }
    return list.length === 0 ? undefined : list.sort(compareFilters)
  }

  private scopeOf(client: number, slot: number): AllocationScope {
    const { tree, clients, hosts } = this.books
    return {
      frameworkId: tree.nameOf(client),
      role: clients.roles[client]!,
      agentId: hosts.ids[slot]!,
    }
  }

  private keyOfClient(client: number): string {
    return clientKey(this.books.tree.nameOf(client), this.books.clients.roles[client]!)
  }
}

const compareTexts = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

const compareRefs = (left: EntityRef, right: EntityRef): number =>
  compareTexts(left.kind, right.kind) || compareTexts(left.key, right.key)

const compareFilters = (left: FilterRow[number], right: FilterRow[number]): number =>
  left.expiresAtMs - right.expiresAtMs ||
  compareTexts(JSON.stringify(left.resources), JSON.stringify(right.resources))
