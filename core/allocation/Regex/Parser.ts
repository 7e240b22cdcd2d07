import {
  anyChar,
  anyCharButNewline,
  type CharSet,
  choice,
  type Edge,
  empty,
  foldCase,
  hasChar,
  negate,
  type Pattern,
  pairsOf,
  perlClasses,
  posixClasses,
  repeat,
  sequence,
  toCharSet,
  word,
} from "./Pattern.ts"

/** What is wrong with a regular expression, and where: the first character is 1. */
export class RegexProblem extends Error {
  constructor(place: number, message: string) {
    super(`character ${place + 1}: ${message}`)
  }
}

/** RE2's own bounds are 1000 and 1000; nesting is lower here, because each level costs the reader's stack. */
const maxRepeats = 1000
const maxNesting = 100

interface Flags {
  readonly ignoreCase: boolean
  readonly multiLine: boolean
  readonly dotAll: boolean
}

/** What `\a \f \t \n \r \v` mean, in this order. */
const controlChars = "\u0007\f\t\n\r\v"

const noFlags: Flags = { ignoreCase: false, multiLine: false, dotAll: false }

/** Reads RE2's syntax (https://github.com/google/re2/wiki/Syntax) but for Unicode classes. Throws {@link RegexProblem}. */
export const parseRegex = (text: string): Pattern => {
  const parser = new Parser(text)
  const pattern = parser.choice()
  parser.expectEnd()
  return pattern
}

class Parser {
  private at = 0
  private depth = 0
  private flags = noFlags
  private readonly names = new Set<string>()

  constructor(private readonly text: string) {}

  expectEnd(): void {
    if (this.at < this.text.length) throw new RegexProblem(this.at, "this ) closes nothing")
  }

  choice(): Pattern {
    const options = [this.sequence()]
    while (this.skip("|")) options.push(this.sequence())
    return choice(options)
  }

  private sequence(): Pattern {
    const parts: Array<Pattern> = []
    while (this.at < this.text.length && this.peek() !== "|" && this.peek() !== ")") {
      if (this.skip("\\Q")) this.quoted(parts)
      else parts.push(this.repeated())
    }
    return sequence(parts)
  }

  /** `\Q…\E`: what follows is meant as it stands; a repetition after it concerns its last character. */
  private quoted(parts: Array<Pattern>): void {
    while (this.at < this.text.length && !this.skip("\\E")) {
      const part = this.one([this.nextCode()])
      const isLast = this.text.startsWith("\\E", this.at)
      if (isLast) this.skip("\\E")
      parts.push(isLast ? this.repetition(part) : part)
      if (isLast) return
    }
  }

  private repeated(): Pattern {
    if (this.isGroupOfFlags()) return empty
    const start = this.at
    if (this.repetitionHere() !== undefined) throw new RegexProblem(start, "there is nothing to repeat")
    return this.repetition(this.atom())
  }

  private repetition(part: Pattern): Pattern {
    const counts = this.repetitionHere()
    if (counts === undefined) return part
    this.skip("?")
    const next = this.at
    if (this.repetitionHere() !== undefined)
      throw new RegexProblem(next, "a repetition cannot be repeated; group it")
    return repeat(part, counts[0], counts[1])
  }

  /** `* + ? {n} {n,} {n,m}` at this place, skipped; undefined for anything else, since RE2 takes other braces literally. */
  private repetitionHere(): readonly [least: number, most: number | null] | undefined {
    if (this.skip("*")) return [0, null]
    if (this.skip("+")) return [1, null]
    if (this.skip("?")) return [0, 1]
    const braces = /^\{(\d+)(?:(,)(\d*))?\}/.exec(this.text.slice(this.at))
    if (braces === null) return undefined
    const least = Number(braces[1])
    const most = braces[2] === undefined ? least : braces[3] === "" ? null : Number(braces[3])
    if (least > maxRepeats || (most !== null && (most > maxRepeats || most < least))) {
      throw new RegexProblem(this.at, `${braces[0]} is no repetition of at most ${maxRepeats} times`)
    }
    this.at += braces[0].length
    return [least, most]
  }

  private atom(): Pattern {
    const start = this.at
    const code = this.nextCode()
    switch (String.fromCodePoint(code)) {
      case "(":
        return this.group(start)
      case "[":
        return { type: "one", of: this.charClass(start) }
      case ".":
        return { type: "one", of: this.flags.dotAll ? anyChar : anyCharButNewline }
      case "^":
        return edge(this.flags.multiLine ? "lineStart" : "textStart")
      case "$":
        return edge(this.flags.multiLine ? "lineEnd" : "textEnd")
      case "\\":
        return this.escape(start)
      default:
        return this.one([code])
    }
  }

  private one(codes: ReadonlyArray<number>): Pattern {
    const set = toCharSet(codes.map((code): [number, number] => [code, code]))
    return { type: "one", of: this.flags.ignoreCase ? foldCase(set) : set }
  }

  // --- groups ---

  private group(start: number): Pattern {
    if (++this.depth > maxNesting)
      throw new RegexProblem(start, `groups are nested deeper than ${maxNesting}`)
    const outer = this.flags
    if (this.skip("?")) this.groupKind(start)
    const inner = this.choice()
    if (!this.skip(")")) throw new RegexProblem(start, "this group is not closed")
    this.flags = outer
    this.depth--
    return inner
  }

  private groupKind(start: number): void {
    const rest = this.text.slice(this.at)
    const name = /^P?<(\w+)>/.exec(rest)
    if (name !== null) {
      if (this.names.has(name[1]!)) throw new RegexProblem(start, `there are two groups ${name[1]}`)
      this.names.add(name[1]!)
      this.at += name[0].length
      return
    }
    const flags = /^([imsU]*)(?:-([imsU]+))?:/.exec(rest)
    if (flags === null) throw new RegexProblem(start, "groups of this kind are not supported")
    this.at += flags[0].length
    this.flags = changeFlags(this.flags, flags[1]!, flags[2])
  }

  /** `(?i)` and the like: the flags hold to the end of the group around it. */
  private isGroupOfFlags(): boolean {
    const flags = /^\(\?(?=[^)])([imsU]*)(?:-([imsU]+))?\)/.exec(this.text.slice(this.at))
    if (flags === null) return false
    this.at += flags[0].length
    this.flags = changeFlags(this.flags, flags[1]!, flags[2])
    const next = this.at
    if (this.repetitionHere() !== undefined) throw new RegexProblem(next, "there is nothing to repeat")
    return true
  }

  // --- escapes ---

  private escape(start: number): Pattern {
    switch (this.peek()) {
      case "A":
        return this.escapedEdge("textStart")
      case "z":
        return this.escapedEdge("textEnd")
      case "b":
        return this.escapedEdge("wordEdge")
      case "B":
        return this.escapedEdge("noWordEdge")
    }
    const set = this.perlClass()
    if (set !== undefined) return { type: "one", of: set }
    return this.one([this.escapedChar(start)])
  }

  private escapedEdge(which: Edge): Pattern {
    this.at++
    return edge(which)
  }

  private perlClass(): CharSet | undefined {
    const letter = this.peek()
    const lower = letter.toLowerCase()
    if (!/^[dsw]$/.test(lower)) return undefined
    this.at++
    const set = perlClasses[lower]!
    return letter === lower ? set : negate(set)
  }

  /** One character, after the backslash. */
  private escapedChar(start: number): number {
    const rest = this.text.slice(this.at)
    const hex = /^x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,8})\})/.exec(rest)
    const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest)
    const found = hex || octal
    if (found !== null) {
      this.at += found[0].length
      const code = hex === null ? parseInt(found[0], 8) : parseInt(hex[1] || hex[2]!, 16)
      if (code > 0x10ffff) throw new RegexProblem(start, `there is no character \\${found[0]}`)
      return code
    }
    const letter = rest.charAt(0)
    if (letter === "") throw new RegexProblem(start, "a \\ at the end escapes nothing")
    if (/[1-9]/.test(letter)) throw new RegexProblem(start, "back-references are not supported")
    if (/[pP]/.test(letter)) throw new RegexProblem(start, "classes of Unicode are not supported")
    const control = "aftnrv".indexOf(letter)
    const isAsciiSign = letter.charCodeAt(0) < 128 && !hasChar(word, letter.charCodeAt(0))
    if (control < 0 && !isAsciiSign) throw new RegexProblem(start, `\\${letter} is not supported`)
    this.at++
    return control >= 0 ? controlChars.charCodeAt(control) : letter.charCodeAt(0)
  }

  // --- classes ---

  private charClass(start: number): CharSet {
    const isNegated = this.skip("^")
    const pairs: Array<readonly [number, number]> = []
    // A ] that comes first is meant as it stands.
    for (let isFirst = true; isFirst || this.peek() !== "]"; isFirst = false) {
      if (this.at >= this.text.length) throw new RegexProblem(start, "this class is not closed")
      for (const pair of this.classItem(start)) pairs.push(pair)
    }
    this.at++
    const set = this.flags.ignoreCase ? foldCase(toCharSet(pairs)) : toCharSet(pairs)
    return isNegated ? negate(set) : set
  }

  private classItem(start: number): ReadonlyArray<readonly [number, number]> {
    const place = this.at
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.text.slice(this.at))
    if (posix !== null) {
      const named = posixClasses[posix[2]!]
      if (named === undefined) throw new RegexProblem(place, `there is no class ${posix[0]}`)
      this.at += posix[0].length
      return pairsOf(posix[1] === "" ? named : negate(named))
    }
    if (this.peek() === "\\") {
      this.at++
      const set = this.perlClass()
      if (set !== undefined) return pairsOf(set)
      this.at--
    }
    const first = this.classChar(start)
    if (this.peek() !== "-" || this.text.charAt(this.at + 1) === "]") return [[first, first]]
    this.at++
    const last = this.classChar(start)
    if (last < first)
      throw new RegexProblem(place, `${this.text.slice(place, this.at)} is a range from the end to the start`)
    return [[first, last]]
  }

  private classChar(start: number): number {
    if (this.at >= this.text.length) throw new RegexProblem(start, "this class is not closed")
    const place = this.at
    const code = this.nextCode()
    return code === 92 ? this.escapedChar(place) : code
  }

  // --- text ---

  private peek(): string {
    return this.text.charAt(this.at)
  }

  private skip(prefix: string): boolean {
    if (!this.text.startsWith(prefix, this.at)) return false
    this.at += prefix.length
    return true
  }

  private nextCode(): number {
    const code = this.text.codePointAt(this.at)!
    this.at += code > 0xffff ? 2 : 1
    return code
  }
}

const edge = (which: Edge): Pattern => ({ type: "edge", edge: which })

/** `U` swaps lazy and greedy, which a full match cannot tell apart. */
const changeFlags = (flags: Flags, on: string, off: string | undefined): Flags => {
  const pick = (letter: string, was: boolean) =>
    off !== undefined && off.indexOf(letter) >= 0 ? false : was || on.indexOf(letter) >= 0
  return {
    ignoreCase: pick("i", flags.ignoreCase),
    multiLine: pick("m", flags.multiLine),
    dotAll: pick("s", flags.dotAll),
  }
}
