import type { Ranges } from "./Ranges.ts"
import { readValueText } from "./ValueText.ts"

/** An attribute of an agent, delivered in offers as it came (spec/mesos.md §1.7): a fact, no amount. */
export type Attribute =
  | { readonly name: string; readonly type: "text"; readonly value: string }
  | { readonly name: string; readonly type: "scalar"; readonly value: number }
  | { readonly name: string; readonly type: "ranges"; readonly value: Ranges }

/**
 * Reads attributes as Mesos agents take them: `rack:r1;level:10.5;ids:[1-5]`, one name may stand there several times. What is
 * neither a number nor ranges is a text, which may contain colons; sets are refused, as in Mesos. A number is kept as
 * it is, it may be negative. The answer is the attributes in their order or a sentence with the place of what is wrong and its
 * remedy.
 */
export const parseAttributes = (text: string): ReadonlyArray<Attribute> | string => {
  const attributes: Array<Attribute> = []
  for (const entry of text.split(/[;\n]/).map((part) => part.trim())) {
    if (entry === "") continue
    const attribute = parseAttribute(entry)
    if (typeof attribute === "string") return `attribute ${attributes.length + 1} '${entry}': ${attribute}`
    attributes.push(attribute)
  }
  return attributes
}

const parseAttribute = (entry: string): Attribute | string => {
  const colon = entry.indexOf(":")
  if (colon < 0) return "there is no colon: write name:value"
  const name = entry.slice(0, colon).trim()
  if (name === "" || /[\s\p{Cc}]/u.test(name)) return "a name is one word: write name:value"
  const value = readValueText(entry.slice(colon + 1))
  if (typeof value === "string") return value
  if (value.type === "set") return "a set is no attribute: write one text for each item"
  if (value.type === "ranges") return { name, type: "ranges", value: value.value }
  const number = Number(value.text)
  return value.type === "scalar" && Number.isFinite(number)
    ? { name, type: "scalar", value: number }
    : { name, type: "text", value: value.text }
}
