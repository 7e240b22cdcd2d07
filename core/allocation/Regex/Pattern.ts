/**
 * Characters as inclusive ranges of code points in one flat list, sorted, neither overlapping nor adjacent:
 * `[97, 122]` is `[a-z]`.
 */
export type CharSet = ReadonlyArray<number>

/** A place between two characters that must be of a certain sort. */
export type Edge = "textStart" | "textEnd" | "lineStart" | "lineEnd" | "wordEdge" | "noWordEdge"

/**
 * A regular expression, parsed. Only the constructors below build it, so that `empty` is never a part of anything and each
 * part costs at least one instruction: `((){1000}){1000}` would otherwise cost time without bound and no instruction.
 */
export type Pattern =
  | { readonly type: "empty" }
  | { readonly type: "one"; readonly of: CharSet }
  | { readonly type: "edge"; readonly edge: Edge }
  | { readonly type: "sequence"; readonly parts: ReadonlyArray<Pattern> }
  | { readonly type: "choice"; readonly options: ReadonlyArray<Pattern> }
  /** `most` null = without end. */
  | { readonly type: "repeat"; readonly part: Pattern; readonly least: number; readonly most: number | null }

export const empty: Pattern = { type: "empty" }

export const sequence = (parts: ReadonlyArray<Pattern>): Pattern => {
  const some = parts.filter((part) => part.type !== "empty")
  if (some.length === 0) return empty
  return some.length === 1 ? some[0]! : { type: "sequence", parts: some }
}

export const choice = (options: ReadonlyArray<Pattern>): Pattern =>
  options.length === 1 ? options[0]! : { type: "choice", options }

export const repeat = (part: Pattern, least: number, most: number | null): Pattern =>
  part.type === "empty" || most === 0 ? empty : { type: "repeat", part, least, most }

// --- characters ---

const lastCodePoint = 0x10ffff

/** Builds the normal form from pairs in any order. */
export const toCharSet = (pairs: ReadonlyArray<readonly [first: number, last: number]>): CharSet => {
  const sorted = pairs.slice().sort((left, right) => left[0] - right[0] || left[1] - right[1])
  const flat: Array<number> = []
  for (const [first, last] of sorted) {
    const before = flat.length - 1
    if (before > 0 && first <= flat[before]! + 1) flat[before] = Math.max(flat[before]!, last)
    else flat.push(first, last)
  }
  return flat
}

export const pairsOf = (set: CharSet): ReadonlyArray<readonly [number, number]> => {
  const pairs: Array<readonly [number, number]> = []
  for (let index = 0; index < set.length; index += 2) pairs.push([set[index]!, set[index + 1]!])
  return pairs
}

export const negate = (set: CharSet): CharSet => {
  const rest: Array<number> = []
  let next = 0
  for (const [first, last] of pairsOf(set)) {
    if (first > next) rest.push(next, first - 1)
    next = last + 1
  }
  if (next <= lastCodePoint) rest.push(next, lastCodePoint)
  return rest
}

/** Adds the other case of the letters A to Z. No further: tables of Unicode differ between versions of Node, and the
 * same events must give the same actions on all of them (design §9, L4). */
export const foldCase = (set: CharSet): CharSet => {
  const pairs = pairsOf(set).slice()
  for (const [first, last] of pairsOf(set)) {
    addShifted(pairs, Math.max(first, 65), Math.min(last, 90), 32)
    addShifted(pairs, Math.max(first, 97), Math.min(last, 122), -32)
  }
  return toCharSet(pairs)
}

const addShifted = (
  pairs: Array<readonly [number, number]>,
  first: number,
  last: number,
  shift: number,
): void => {
  if (first <= last) pairs.push([first + shift, last + shift])
}

/** By binary search: a class can have a thousand ranges. */
export const hasChar = (set: CharSet, code: number): boolean => {
  let low = 0
  let high = set.length >> 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (code > set[2 * middle + 1]!) low = middle + 1
    else high = middle
  }
  return 2 * low < set.length && code >= set[2 * low]!
}

// --- named classes (RE2's syntax page) ---

const digit: CharSet = [48, 57]
export const word: CharSet = [48, 57, 65, 90, 95, 95, 97, 122]

/** `\d` and the like: ASCII only, as in RE2. `\s` has no vertical tab. */
export const perlClasses: { readonly [letter: string]: CharSet } = {
  d: digit,
  s: [9, 10, 12, 13, 32, 32],
  w: word,
}

/** `[:alpha:]` and the like. */
export const posixClasses: { readonly [name: string]: CharSet } = {
  alnum: [48, 57, 65, 90, 97, 122],
  alpha: [65, 90, 97, 122],
  ascii: [0, 127],
  blank: [9, 9, 32, 32],
  cntrl: [0, 31, 127, 127],
  digit,
  graph: [33, 126],
  lower: [97, 122],
  print: [32, 126],
  punct: [33, 47, 58, 64, 91, 96, 123, 126],
  space: [9, 13, 32, 32],
  upper: [65, 90],
  word,
  xdigit: [48, 57, 65, 70, 97, 102],
}

export const anyChar: CharSet = [0, lastCodePoint]
export const anyCharButNewline: CharSet = negate([10, 10])
