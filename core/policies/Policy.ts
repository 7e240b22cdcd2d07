/**
 * A reservation policy for a block of hosts: past usage in, reserve for the next horizon out (design §6).
 *
 * Every share is a fraction of the capacity that the host has at that moment, 0 to 1. A policy steps all hosts of its
 * block together, one sample interval at a time; production uses a block of one. The state is a structure of arrays of
 * bounded size (design L10), a step allocates nothing, and only + − × ÷ and `Math.sqrt` touch a share, which IEEE 754
 * rounds the same on every Node version (design §2).
 *
 * Three rules hold for every policy (design L5, stale input only shrinks what is lent):
 * 1. a host without any sample yet reserves everything (1);
 * 2. a missing sample holds the last reserve, and later windows ignore the missing slot;
 * 3. a reserve lies in [0, 1].
 */
export interface Policy {
  /** Hosts in the block; the length of both arrays given to {@link Policy.observe}. */
  readonly hosts: number
  /**
   * How many steps ahead of now the samples given to {@link Policy.observe} lie: 0 for a causal policy. Only the
   * oracle looks ahead. The simulator feeds it the future; **production must refuse a policy with lookahead > 0**.
   */
  readonly lookahead: number
  /**
   * One step. `usage[h]` is host h's usage share, NaN when the sample is missing (a negative share counts as missing,
   * one above 1 as 1); `reserve[h]` is written.
   */
  readonly observe: (usage: Float64Array, reserve: Float64Array) => void
  /**
   * The recording is interrupted here: what follows is not the next interval but another day. Windows are forgotten,
   * and a host that had a window reserves everything until its next sample.
   */
  readonly interrupt: () => void
  /** The whole state as plain data that survives JSON. */
  readonly snapshot: () => PolicySnapshot
  /** Takes over a snapshot of a policy of the same kind, parameters and block size; goes on byte for byte. */
  readonly restore: (snapshot: PolicySnapshot) => void
}

/** State of a policy as plain data; finite numbers only, so that JSON returns exactly the same. */
export interface PolicySnapshot {
  readonly kind: string
  readonly hosts: number
  /** Position in the ring of samples; 0 for policies without one. */
  readonly position: number
  readonly arrays: ReadonlyArray<ReadonlyArray<number>>
}

/** Marks a missing sample inside a policy's state: unlike NaN it survives JSON and loses every maximum. */
export const missing = -1

/** A sample as policies use it: clipped to 1, or {@link missing} for NaN and negative values. */
export const toKnownShare = (usage: number): number =>
  usage > 0 ? (usage < 1 ? usage : 1) : usage === 0 ? 0 : missing

/** Clips a reserve to [0, 1]. */
export const clipShare = (share: number): number => (share < 1 ? (share > 0 ? share : 0) : 1)
