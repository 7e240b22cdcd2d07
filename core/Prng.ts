import { assert } from "./Assert.ts"

/**
 * State of a small seeded generator: xoshiro128** (Blackman, Vigna: "Scrambled linear pseudorandom number
 * generators", 2021), four unsigned 32-bit words. Plain data, so a snapshot of a machine carries it along and the
 * restored machine draws the same numbers. Only 32-bit integer operations: the same bytes on every Node version.
 */
export type Prng = [number, number, number, number]

/** Expands any whole number or text into a generator state (FNV-1a over the text, then splitmix32). */
export const seedPrng = (seed: number | string): Prng => {
  const text = String(seed)
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0
  }
  const next = () => {
    hash = (hash + 0x9e3779b9) >>> 0
    let word = hash
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return (word ^ (word >>> 15)) >>> 0
  }
  const prng: Prng = [next(), next(), next(), next()]
  // xoshiro never leaves the all-zero state.
  if ((prng[0] | prng[1] | prng[2] | prng[3]) === 0) prng[0] = 1
  return prng
}

const rotateLeft = (word: number, bits: number): number => ((word << bits) | (word >>> (32 - bits))) >>> 0

/** Next unsigned 32-bit number; advances `prng`. */
export const nextUint32 = (prng: Prng): number => {
  const result = Math.imul(rotateLeft(Math.imul(prng[1], 5) >>> 0, 7), 9) >>> 0
  const shifted = (prng[1] << 9) >>> 0
  prng[2] = (prng[2] ^ prng[0]) >>> 0
  prng[3] = (prng[3] ^ prng[1]) >>> 0
  prng[1] = (prng[1] ^ prng[2]) >>> 0
  prng[0] = (prng[0] ^ prng[3]) >>> 0
  prng[2] = (prng[2] ^ shifted) >>> 0
  prng[3] = rotateLeft(prng[3], 11)
  return result
}

/** Next fraction in [0, 1), a multiple of 2⁻³². */
export const nextFraction = (prng: Prng): number => nextUint32(prng) / 4294967296

/** Whole number in [0, bound), every value equally likely (rejection, no modulo bias). `bound` in 1..2³². */
export const nextBelow = (prng: Prng, bound: number): number => {
  assert(Number.isInteger(bound) && bound >= 1 && bound <= 4294967296, `nextBelow: bound ${bound}`)
  const limit = 4294967296 - (4294967296 % bound)
  let word = nextUint32(prng)
  while (word >= limit) word = nextUint32(prng)
  return word % bound
}

/** Shuffles in place (Fisher–Yates); every order equally likely. */
export const shuffle = <A>(prng: Prng, items: Array<A>): Array<A> => {
  for (let last = items.length - 1; last > 0; last--) {
    const other = nextBelow(prng, last + 1)
    const kept = items[last] as A
    items[last] = items[other] as A
    items[other] = kept
  }
  return items
}

/** Sixteen random bytes in the form of a version 4 UUID (RFC 4122 §4.4). */
export const nextUuid = (prng: Prng): string => {
  const hex = (word: number) => (word + 4294967296).toString(16).slice(1)
  const [a, b, c, d] = [nextUint32(prng), nextUint32(prng), nextUint32(prng), nextUint32(prng)]
  const versioned = hex(((b & 0xffff0fff) | 0x00004000) >>> 0)
  const varianted = hex(((c & 0x3fffffff) | 0x80000000) >>> 0)
  return `${hex(a)}-${versioned.slice(0, 4)}-${versioned.slice(4)}-${varianted.slice(0, 4)}-${varianted.slice(4)}${hex(d)}`
}
