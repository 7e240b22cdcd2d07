import { FairTree } from "./FairTree.ts"
import type { QuotaBook, TopRole } from "./QuotaBook.ts"
import type { SiblingOrder } from "./SiblingOrder.ts"

/**
 * The top-level roles that a cycle with quotas need ask about a host, in fair order: in stage 1 those that lack something of their
 * guarantee, in stage 2 those whose limits leave room. With 3,000 roles on 3,000 hosts nearly all are neither, and going
 * through them at each host is most of such a cycle.
 */
export class QuotaOrder {
  /** Unsatisfied roles. */
  readonly needy: SiblingOrder
  /** Roles that are not exhausted. */
  readonly open: SiblingOrder
  private readonly tree: FairTree
  private readonly quotas: QuotaBook
  /** Those that got something on the host being visited, and whether they stand in the orders. */
  private readonly touched: Array<{
    readonly top: TopRole
    readonly isNeedy: boolean
    readonly isOpen: boolean
  }> = []

  constructor(tree: FairTree, quotas: QuotaBook) {
    this.tree = tree
    this.quotas = quotas
    this.needy = tree.newOrder()
    this.open = tree.newOrder()
  }

  /** Before a cycle, when tree and quotas are up to date. */
  begin(): void {
    this.needy.clear()
    this.open.clear()
    const { nodes, start, count } = this.tree.orderOf(FairTree.root)
    for (let place = start; place < start + count; place++) {
      const node = nodes[place]!
      const top = this.quotas.topOfNode(node)
      if (top.isUnsatisfied) this.needy.append(node)
      if (!top.isExhausted) this.open.append(node)
    }
  }

  /** A role is about to get something, so its place may change: but only when the visit of the host is over. */
  touch(top: TopRole): void {
    for (const other of this.touched) if (other.top === top) return
    this.touched.push({ top, isNeedy: top.isUnsatisfied, isOpen: !top.isExhausted })
  }

  /** Brings the tree and these orders up to date after a visit. */
  refresh(): void {
    const { touched, needy, open } = this
    for (const { top, isNeedy, isOpen } of touched) {
      if (isNeedy) needy.leave(top.node)
      if (isOpen) open.leave(top.node)
    }
    this.tree.refresh()
    for (const { top } of touched) {
      if (top.isUnsatisfied) needy.enter(top.node)
      if (!top.isExhausted) open.enter(top.node)
    }
    touched.length = 0
  }
}
