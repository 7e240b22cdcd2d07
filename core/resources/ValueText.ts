import { isDecimal } from "./Decimal.ts"
import { type ItemSet, toItems } from "./ItemSet.ts"
import { isRange, type Ranges, toRanges } from "./Ranges.ts"

/** A value as Mesos's flags write it: `0.5`, `[31000-32000,33000-33000]`, `{a,b}`, and everything else is a text. */
export type ValueText =
  | { readonly type: "scalar"; readonly text: string }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "ranges"; readonly value: Ranges }
  | { readonly type: "set"; readonly value: ItemSet }

/** The answer is the value or what is wrong with it. Spaces around it and around its parts mean nothing. */
export const readValueText = (text: string): ValueText | string => {
  const trimmed = text.trim()
  if (trimmed === "") return "there is no value"
  if (trimmed.charAt(0) === "[") {
    const inside = insideOf(trimmed, "]")
    return inside === null ? `'${trimmed}' begins with [ but does not end with ]` : readRangesText(inside)
  }
  if (trimmed.charAt(0) === "{") {
    const inside = insideOf(trimmed, "}")
    return inside === null ? `'${trimmed}' begins with { but does not end with }` : readSetText(inside)
  }
  return { type: isDecimal(trimmed) ? "scalar" : "text", text: trimmed }
}

const insideOf = (text: string, close: string): string | null =>
  text.endsWith(close) ? text.slice(1, -1) : null

/** The parts between commas; none in what is blank. */
const partsOf = (inside: string): ReadonlyArray<string> =>
  inside.trim() === "" ? [] : inside.split(",").map((part) => part.trim())

const readRangesText = (inside: string): ValueText | string => {
  const pairs: Array<readonly [number, number]> = []
  for (const part of partsOf(inside)) {
    const bounds = /^(\d{1,16})\s*-\s*(\d{1,16})$/.exec(part)
    const pair = bounds === null ? null : ([Number(bounds[1]), Number(bounds[2])] as const)
    if (pair === null || !isRange(pair[0], pair[1])) {
      const remedy = /^\d+$/.test(part) ? `write ${part}-${part}` : "write begin-end, begin ≤ end"
      return `'${part}' is no range of whole numbers: ${remedy}`
    }
    pairs.push(pair)
  }
  return { type: "ranges", value: toRanges(pairs) }
}

const readSetText = (inside: string): ValueText | string => {
  const items = partsOf(inside)
  return items.indexOf("") >= 0
    ? `'{${inside}}' has an empty item: remove a comma`
    : { type: "set", value: toItems(items) }
}
