import { assert } from "../Assert.ts"
import { parseRegex, RegexProblem } from "./Regex/Parser.ts"
import { type CharSet, type Edge, hasChar, type Pattern, word } from "./Regex/Pattern.ts"

/**
 * Regular expressions that strangers may send: RE2's syntax, in time proportional to text × program. JavaScript's own would let one
 * framework stall the master for ever (`(a*)*b`).
 *
 * Parsed into a {@link Pattern}, compiled after Thompson ("Regular Expression Search Algorithm", 1968), run by keeping the set of all
 * instructions that can be reached so far (Pike). Only full matches are asked for, so lazy repetitions and captures mean
 * nothing.
 */
export interface Regex {
  /** Instructions, the final one included. */
  readonly programSize: number
  /** Whether the whole text matches. */
  matches(text: string): boolean
}

export interface RegexBounds {
  /** Of the expression, in UTF-8. */
  readonly patternBytes: number
  /** In instructions: one for each character, class, edge, and fork, and one for the end. */
  readonly programSize: number
}

/** The expression, ready to match; or what is wrong with it, and where. */
export const compileRegex = (text: string, bounds: RegexBounds): Regex | string => {
  const bytes = utf8Length(text)
  if (bytes > bounds.patternBytes) return `${bytes} bytes are more than the ${bounds.patternBytes} allowed`
  try {
    const program = compile(parseRegex(text), bounds.programSize)
    if (program === undefined) return `it needs more than the ${bounds.programSize} instructions allowed`
    return { programSize: program.length, matches: (subject) => matches(program, subject) }
  } catch (problem) {
    if (problem instanceof RegexProblem) return problem.message
    throw problem
  }
}

type Instruction =
  | { readonly op: "one"; readonly of: CharSet }
  | { readonly op: "edge"; readonly edge: Edge }
  /** Goes on at the next instruction and at another. */
  | { readonly op: "fork"; to: number }
  | { readonly op: "jump"; to: number }
  | { readonly op: "end" }

type Program = ReadonlyArray<Instruction>

/** Undefined when it would become larger than allowed: each part costs an instruction, so this ends soon. */
const compile = (pattern: Pattern, maxSize: number): Program | undefined => {
  const program: Array<Instruction> = []
  const isOver = () => program.length >= maxSize

  const emit = (part: Pattern): void => {
    if (isOver()) return
    switch (part.type) {
      case "empty":
        return
      case "one":
        program.push({ op: "one", of: part.of })
        return
      case "edge":
        program.push({ op: "edge", edge: part.edge })
        return
      case "sequence":
        part.parts.forEach(emit)
        return
      case "choice":
        emitChoice(part.options)
        return
      case "repeat":
        emitRepeat(part.part, part.least, part.most)
    }
  }

  /** Forks and jumps get their target when it is known. */
  const push = <A extends Instruction>(instruction: A): A => {
    program.push(instruction)
    return instruction
  }

  const emitChoice = (options: ReadonlyArray<Pattern>): void => {
    const jumps: Array<{ to: number }> = []
    for (const option of options.slice(0, -1)) {
      const fork = push({ op: "fork", to: 0 })
      emit(option)
      jumps.push(push({ op: "jump", to: 0 }))
      fork.to = program.length
    }
    emit(options[options.length - 1]!)
    for (const jump of jumps) jump.to = program.length
  }

  const emitRepeat = (part: Pattern, least: number, most: number | null): void => {
    for (let times = 0; times < least && !isOver(); times++) emit(part)
    if (most === null) return emitLoop(part)
    const forks: Array<{ to: number }> = []
    for (let times = least; times < most && !isOver(); times++) {
      forks.push(push({ op: "fork", to: 0 }))
      emit(part)
    }
    for (const fork of forks) fork.to = program.length
  }

  const emitLoop = (part: Pattern): void => {
    const start = program.length
    const fork = push({ op: "fork", to: 0 })
    emit(part)
    push({ op: "jump", to: start })
    fork.to = program.length
  }

  emit(pattern)
  program.push({ op: "end" })
  return program.length > maxSize ? undefined : program
}

const matches = (program: Program, text: string): boolean => {
  const seenAt = new Int32Array(program.length).fill(-1)
  let reached: Array<number> = []
  reach(program, 0, text, 0, seenAt, reached)
  for (let at = 0; at < text.length && reached.length > 0; ) {
    const code = text.codePointAt(at)!
    at += code > 0xffff ? 2 : 1
    const next: Array<number> = []
    for (const index of reached) {
      const instruction = program[index]!
      if (instruction.op === "one" && hasChar(instruction.of, code))
        reach(program, index + 1, text, at, seenAt, next)
    }
    reached = next
  }
  return reached.some((index) => program[index]!.op === "end")
}

/** Adds the instructions that wait for a character (or end) and can be reached from one without reading, each once. */
const reach = (
  program: Program,
  from: number,
  text: string,
  at: number,
  seenAt: Int32Array,
  reached: Array<number>,
): void => {
  const open = [from]
  for (let index = open.pop(); index !== undefined; index = open.pop()) {
    assert(index < program.length, "a program ends with its end")
    if (seenAt[index] === at) continue
    seenAt[index] = at
    const instruction = program[index]!
    switch (instruction.op) {
      case "one":
      case "end":
        reached.push(index)
        break
      case "edge":
        if (isAt(instruction.edge, text, at)) open.push(index + 1)
        break
      case "fork":
        open.push(index + 1, instruction.to)
        break
      case "jump":
        open.push(instruction.to)
    }
  }
}

const isAt = (edge: Edge, text: string, at: number): boolean => {
  switch (edge) {
    case "textStart":
      return at === 0
    case "textEnd":
      return at === text.length
    case "lineStart":
      return at === 0 || text.charAt(at - 1) === "\n"
    case "lineEnd":
      return at === text.length || text.charAt(at) === "\n"
    case "wordEdge":
      return isWordAt(text, at - 1) !== isWordAt(text, at)
    case "noWordEdge":
      return isWordAt(text, at - 1) === isWordAt(text, at)
  }
}

const isWordAt = (text: string, at: number): boolean =>
  at >= 0 && at < text.length && hasChar(word, text.charCodeAt(at))

const utf8Length = (text: string): number => {
  let bytes = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at)!
    if (code > 0xffff) at++
    bytes += code > 0xffff ? 4 : code > 0x7ff ? 3 : code > 0x7f ? 2 : 1
  }
  return bytes
}
