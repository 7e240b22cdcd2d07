import type { EntityRef } from "../../Machine.ts"
import type { Quantities } from "../../resources/Quantities.ts"
import type { Resources } from "../../resources/Resources.ts"
import type { Allocator, AllocatorAgent, AllocatorFramework } from "../Allocator.ts"
import type { AllocationClient, AllocationView, Headroom } from "../Explain/AllocationView.ts"
import type { AllocatorSettings, Quota } from "../Settings.ts"
import type { ClientBook } from "./ClientBook.ts"
import { FairTree } from "./FairTree.ts"
import type { HostTable } from "./HostTable.ts"
import type { QuotaBook } from "./QuotaBook.ts"
import type { ResourceNames } from "./ResourceNames.ts"

interface ViewBooks {
  readonly names: ResourceNames
  readonly tree: FairTree
  readonly hosts: HostTable
  readonly clients: ClientBook
  readonly quotas: QuotaBook
}

/** The allocator's books as explaining reads them: by name, in fixed orders, for few questions rather than fast. */
export class IndexedView implements AllocationView {
  readonly settings: AllocatorSettings
  private readonly allocator: Allocator
  private readonly books: ViewBooks

  constructor(allocator: Allocator, settings: AllocatorSettings, books: ViewBooks) {
    this.allocator = allocator
    this.settings = settings
    this.books = books
  }

  agentIds(): ReadonlyArray<string> {
    return this.books.hosts.ids.filter((_, slot) => this.books.hosts.agents[slot] !== undefined).sort()
  }

  agent(agentId: string): AllocatorAgent | undefined {
    const slot = this.books.hosts.slotOf(agentId)
    return slot === undefined ? undefined : this.books.hosts.agents[slot]
  }

  frameworkIds(): ReadonlyArray<string> {
    return this.books.clients.frameworkIds().filter((id) => this.framework(id) !== undefined)
  }

  framework(frameworkId: string): AllocatorFramework | undefined {
    return this.books.clients.frameworkOf(frameworkId) || undefined
  }

  quotaOf(role: string): Quota | null {
    return this.books.quotas.quotaOf(role)
  }

  quotaRoles(): ReadonlyArray<string> {
    return this.books.quotas.quotaRoles()
  }

  headroom(): Headroom {
    const { hosts, quotas } = this.books
    quotas.refresh()
    return {
      required: hosts.quantities((column) => quotas.required[column] || 0),
      available: hosts.quantities((column) => hosts.activeAvailable[column] || 0),
    }
  }

  fairOrder(): ReadonlyArray<AllocationClient> {
    this.books.tree.refresh()
    const clients: Array<AllocationClient> = []
    this.collect(FairTree.root, clients)
    return clients
  }

  private collect(node: number, collected: Array<AllocationClient>): void {
    const { tree, clients } = this.books
    const { nodes, start, count } = tree.orderOf(node)
    for (let place = start; place < start + count; place++) {
      const child = nodes[place]!
      if (tree.isClient(child)) {
        collected.push({ frameworkId: tree.nameOf(child), role: clients.roles[child]! })
      } else this.collect(child, collected)
    }
  }

  availableOn(agentId: string): Resources {
    return this.allocator.availableOn(agentId)
  }

  heldOn(agentId: string): Quantities {
    return this.allocator.heldOn(agentId)
  }

  consumedQuotaOf(role: string): Quantities {
    return this.allocator.consumedQuotaOf(role)
  }

  shareOf(role: string): number {
    return this.allocator.shareOf(role)
  }

  row(ref: EntityRef): unknown {
    return this.allocator.row(ref)
  }
}
