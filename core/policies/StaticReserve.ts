import { clipShare, type Policy, toKnownShare } from "./Policy.ts"
import { allReserved, restoreState, snapshotState } from "./PolicyState.ts"

/**
 * R = a fixed share of capacity, whatever the usage: what most harvesting systems ship with (Koordinator keeps 40 % of
 * CPU by default, spec/policies.md §1). Its only state is whether a host has been seen at all; it has no window, so an
 * interruption changes nothing.
 */
export const createStaticReserve = (hosts: number, reserveShare: number): Policy => {
  const kind = "static"
  const fixed = clipShare(reserveShare)
  const held = allReserved(hosts)
  return {
    hosts,
    lookahead: 0,
    observe: (usage, reserve) => {
      for (let host = 0; host < hosts; host++) {
        if (toKnownShare(usage[host]!) >= 0) held[host] = fixed
        reserve[host] = held[host]!
      }
    },
    interrupt: () => {},
    snapshot: () => snapshotState(kind, hosts, 0, [held]),
    restore: (snapshot) => {
      restoreState(kind, hosts, [held], snapshot)
    },
  }
}
