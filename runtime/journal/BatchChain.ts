import { hash } from "node:crypto"

// How a journal knows itself again. SQLite keeps no checksums of its own in the file, so:
//
// - each batch has a digest over the one before it and all that it wrote to the log: a chain from the oldest batch that is
//   kept to the newest one;
// - each batch says what the tables of rows and messages add up to after it: the sum of the digests of their items, which
//   can be kept up to date item by item (a multiset hash), and be compared with what is really there;
// - a batch whose changes are not in the tables yet (LateChanges.ts) says what the digest of their text is.

/** A sum of digests, modulo 2^48 each: 96 bits tell accidents apart, forgery is nobody's aim here. */
export interface DigestSum {
  readonly left: number
  readonly right: number
}

export const noDigests: DigestSum = { left: 0, right: 0 }

const modulus = 2 ** 48

export const addDigest = (sum: DigestSum, digest: DigestSum): DigestSum => ({
  left: (sum.left + digest.left) % modulus,
  right: (sum.right + digest.right) % modulus,
})

export const subtractDigest = (sum: DigestSum, digest: DigestSum): DigestSum => ({
  left: (sum.left - digest.left + modulus) % modulus,
  right: (sum.right - digest.right + modulus) % modulus,
})

export const sameSum = (one: DigestSum, other: DigestSum): boolean =>
  one.left === other.left && one.right === other.right

const digestText = (text: string): DigestSum => {
  const hex = hash("sha256", text, "hex")
  return { left: Number.parseInt(hex.slice(0, 12), 16), right: Number.parseInt(hex.slice(12, 24), 16) }
}

// Lengths first: no two rows may read the same.
export const digestRow = (kind: string, key: string, value: string): DigestSum =>
  digestText(`row ${kind.length} ${key.length} ${kind}${key}${value}`)

export const digestOutboxItem = (id: number, receiver: string, message: string): DigestSum =>
  digestText(`item ${id} ${receiver.length} ${receiver}${message}`)

/** Of what a process said of itself: it is needed for longer than the batch that it belongs to is kept. */
export const digestRun = (firstBatch: number, firstSeq: number, facts: string): string =>
  hash("sha256", `run ${firstBatch} ${firstSeq} ${facts}`, "hex").slice(0, 32)

/** Where a journal is after a batch. */
export interface Head {
  /** Number of the batch: 1, 2, 3, …; 0 in a fresh journal. */
  readonly batch: number
  readonly lastSeq: number
  readonly lastOutboxId: number
  /** Text of the log so far, in UTF-16 units, what has been trimmed included; see `SegmentLog.ts`. */
  readonly logSize: number
  readonly rows: DigestSum
  readonly outbox: DigestSum
  /** 32 hex digits; of a batch whose changes were not entered at once, 32 more, which are their digest. */
  readonly chain: string
}

/** Of the text of a batch's changes. */
export const digestChanges = (text: string): string => hash("sha256", text, "hex").slice(0, linkLength)

const linkLength = 32

/** The digest of the changes of a batch that were not entered at once; empty if they were. */
export const changesOf = ({ chain }: Pick<Head, "chain">): string => chain.slice(linkLength)

/**
 * Digest of a batch. `log` = what it added to the log: its run, and at_ms, event and digest of each event. `changes` = digest of
 * what it changes, when that is not entered at once.
 */
export const chainAfter = (
  before: string,
  head: Omit<Head, "chain">,
  log: ReadonlyArray<string | number>,
  changes: string,
): string => {
  const { rows, outbox } = head
  const numbers = [
    ...[head.batch, head.lastSeq, head.lastOutboxId, head.logSize],
    ...[rows.left, rows.right, outbox.left, outbox.right],
  ]
  const text = `${before}\n${numbers.join(" ")}\n${log.join("\n")}`
  if (changes === "") return hash("sha256", text, "hex").slice(0, linkLength)
  return hash("sha256", `${text}\n${changes}`, "hex").slice(0, linkLength) + changes
}
