/**
 * In which order a cycle visits the hosts: sorted by a hash of the host's id and the cycle's draw. Random like a shuffle, but
 * where a host comes relative to another does not depend on which others take part, so a cycle over the hosts that
 * changed and one over all make the same offers, also after a restart that no longer knows what had changed.
 */

/** FNV-1a of the id, 32 bits, unsigned. Computed once an agent. */
export const hostHash = (agentId: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < agentId.length; index++) {
    hash = Math.imul(hash ^ agentId.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/** The place of a host in the order of one draw, 32 bits, unsigned: the finalizer of MurmurHash3. Equal places are
 * ordered by agent id. */
export const hostRank = (hash: number, draw: number): number => {
  let mixed = hash ^ draw
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
