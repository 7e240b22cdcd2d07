import { clipShare, type Policy, toKnownShare } from "./Policy.ts"
import { allReserved, restoreState, snapshotState } from "./PolicyState.ts"

/**
 * R = u + margin, the margin in shares of capacity ("current + 20pp" of spec/baselines.md §2). Absolute, not relative:
 * a margin relative to a small usage protects nothing (spec/baselines.md §7).
 */
export const createUsageMargin = (hosts: number, marginShare: number): Policy => {
  const kind = "usage-margin"
  const held = allReserved(hosts)
  return {
    hosts,
    lookahead: 0,
    observe: (usage, reserve) => {
      for (let host = 0; host < hosts; host++) {
        const known = toKnownShare(usage[host]!)
        if (known >= 0) held[host] = clipShare(known + marginShare)
        reserve[host] = held[host]!
      }
    },
    interrupt: () => {
      held.fill(1)
    },
    snapshot: () => snapshotState(kind, hosts, 0, [held]),
    restore: (snapshot) => {
      restoreState(kind, hosts, [held], snapshot)
    },
  }
}
