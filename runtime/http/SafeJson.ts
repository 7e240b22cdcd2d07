// What JSON of strangers must not be, however well-formed: too deep for those who walk it by recursion (JSON.stringify among them, which
// gives up at some thousands), or with texts that no journal could give back.

/** Nothing that anybody means lies deeper; protobuf's own bound is 100, too. */
const depthMax = 100

/** Half of a surrogate pair can only be written as an escape. */
const escapedSurrogate = /\\u[dD][89a-fA-F]/

const loneSurrogate = /\p{Surrogate}/u

/** Whether a text holds more brackets than a value of the greatest depth has to. Nearly none does, and nothing else is looked at. */
const mayBeDeep = (text: string): boolean => {
  let brackets = 0
  for (const bracket of ["{", "["]) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      if (++brackets > depthMax) return true
    }
  }
  return false
}

const problemOf = (value: unknown, depth: number): string | undefined => {
  if (typeof value === "string")
    return loneSurrogate.test(value) ? "a text with half a surrogate pair" : undefined
  if (typeof value !== "object" || value === null) return undefined
  if (depth === depthMax) return `more than ${depthMax} levels of nesting`
  for (const [name, member] of Object.entries(value)) {
    const problem = problemOf(name, depth) ?? problemOf(member, depth + 1)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Why a value that was parsed from this text is not to be taken; undefined when it is. */
export const unsafeJson = (text: string, value: unknown): string | undefined =>
  mayBeDeep(text) || escapedSurrogate.test(text) ? problemOf(value, 0) : undefined

/** Parses what a stranger wrote; throws an error that says what is wrong with it. */
export const parseSafeJson = (text: string): unknown => {
  const value: unknown = JSON.parse(text)
  const problem = unsafeJson(text, value)
  if (problem !== undefined) throw new Error(problem)
  return value
}
