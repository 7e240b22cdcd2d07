import { Either } from "effect"

// What the .proto files say of the messages in calls, as far as it decides how Mesos reads them from JSON: which fields a message has,
// which of them must be there, and of what kind they are (protobuf's reflection; spec/mesos.md §2.1).

export type FieldKind =
  | "text"
  /** Base64 on the wire. */
  | "bytes"
  /** Whole or not: JSON has one kind of number. */
  | "number"
  | "flag"
  /** A message that is only looked into where it is used. */
  | "any"
  | { readonly names: ReadonlySet<string> }
  | { readonly message: Message }
  | { readonly mapOf: Message }

export interface Field {
  readonly name: string
  readonly label: "required" | "optional" | "repeated"
  readonly kind: FieldKind
  /** Its tag in the .proto: messages within are looked through in this order. */
  readonly number: number
}

export interface Message {
  /** As declared: in this order those that are missing are told. */
  readonly fields: ReadonlyArray<Field>
  /** By name: in this order Mesos reads the members of an object. */
  readonly byName: ReadonlyArray<Field>
  readonly messagesByNumber: ReadonlyArray<Field>
}

const isMessage = ({ kind }: Field): boolean => typeof kind === "object" && !("names" in kind)

export const message = (...fields: ReadonlyArray<Field>): Message => ({
  fields,
  byName: [...fields].sort((left, right) => (left.name < right.name ? -1 : 1)),
  messagesByNumber: fields.filter(isMessage).sort((left, right) => left.number - right.number),
})

const field =
  (label: Field["label"]) =>
  (name: string, kind: FieldKind, number: number): Field => ({ name, label, kind, number })

export const required = field("required")
export const optional = field("optional")
export const repeated = field("repeated")

export const enumOf = (...names: ReadonlyArray<string>): FieldKind => ({ names: new Set(names) })
export const of = (content: Message): FieldKind => ({ message: content })
export const mapOf = (content: Message): FieldKind => ({ mapOf: content })

type Json = { readonly [name: string]: unknown }
/** Nothing: an enum's name that nobody knows, or a null. Such a field counts as unset. */
const unset = Symbol("unset")

class Problem {
  constructor(readonly text: string) {}
}

/** No field of a call lies deeper; what does is ignored, and must not exhaust the stack. */
const depthMax = 32

/**
 * Reads a JSON value as a message: null and unknown names of enums are left out, numbers and flags that come as text become what they
 * are, and a single value for a list becomes one. Members that nobody knows stay, for whoever may. Otherwise the first problem, in the
 * words of Mesos, or else all fields that are missing.
 */
export const readMessage = (content: Message, json: unknown): Either.Either<Json, string> => {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    return Either.left("Expecting a JSON object")
  const value = readObject(content, json as Json, 0)
  if (value instanceof Problem) return Either.left(value.text)
  const missing: Array<string> = []
  findMissing(content, value, "", missing)
  return missing.length === 0
    ? Either.right(value)
    : Either.left(`Missing required fields: ${missing.join(", ")}`)
}

const readObject = (content: Message, json: Json, depth: number): Json | Problem => {
  let kept: Array<readonly [string, unknown]> | undefined
  for (const field of content.byName) {
    const { name } = field
    if (!Object.hasOwn(json, name)) continue
    const value = readField(field, json[name], depth)
    if (value instanceof Problem) return value
    if (value === json[name]) continue
    kept ??= []
    kept.push([name, value])
  }
  if (kept === undefined) return json
  // Spread and fromEntries define members, also one called __proto__.
  const copy = { ...json, ...Object.fromEntries(kept) } as { [name: string]: unknown }
  for (const [name, value] of kept) if (value === unset) delete copy[name]
  return copy
}

const readField = (field: Field, value: unknown, depth: number): unknown => {
  if (value === null) return unset
  if (field.label !== "repeated") return readValue(field, value, depth)
  if (!Array.isArray(value)) {
    const item = readValue(field, value, depth)
    return item instanceof Problem ? item : item === unset ? [] : [item]
  }
  let copy: Array<unknown> | undefined
  for (const [index, each] of value.entries()) {
    const item =
      each === null
        ? unset
        : Array.isArray(each)
          ? readField(field, each, depth + 1)
          : readValue(field, each, depth)
    if (item instanceof Problem) return item
    if (copy === undefined && item === each && !Array.isArray(each)) continue
    copy ??= value.slice(0, index)
    if (Array.isArray(each)) for (const one of item as ReadonlyArray<unknown>) copy.push(one)
    else if (item !== unset) copy.push(item)
  }
  return copy ?? value
}

const notExpecting = (name: string, value: unknown): Problem =>
  new Problem(`Not expecting a JSON ${Array.isArray(value) ? "array" : typeof value} for field '${name}'`)

/** One value that is not null. Beyond the depth nothing is read, and nothing is used. */
const readValue = (field: Field, value: unknown, depth: number): unknown => {
  const { name, kind } = field
  if (Array.isArray(value)) return notExpecting(name, value)
  if (typeof kind === "object" && !("names" in kind)) {
    if (typeof value !== "object") return notExpecting(name, value)
    if (depth > depthMax) return value
    return "mapOf" in kind
      ? readMap(kind.mapOf, value as Json, depth + 1)
      : readObject(kind.message, value as Json, depth + 1)
  }
  if (kind === "any")
    return typeof value === "object" ? withoutNulls(value, depth + 1) : notExpecting(name, value)
  if (typeof value === "string") return readText(field, value)
  return (kind === "number" && typeof value === "number") || (kind === "flag" && typeof value === "boolean")
    ? value
    : notExpecting(name, value)
}

const readMap = (content: Message, json: Json, depth: number): Json | Problem => {
  const read: Array<readonly [string, unknown]> = []
  for (const key of Object.keys(json).sort()) {
    const value = readField(
      { name: "value", label: "optional", kind: of(content), number: 2 },
      json[key],
      depth,
    )
    if (value instanceof Problem) return value
    read.push([key, value === unset ? {} : value])
  }
  return Object.fromEntries(read)
}

/** Reads each digit in one way only: of a long text that is no number, others would be tried one by one. */
const jsonNumber = /^\s*-?(\d+(\.\d*)?([eE][+-]?\d+)?|Infinity)\s*$|^NaN$/
/** A sentence holds no more of a wrong value than this. */
const quotedMax = 200
const quoted = (text: string): string => text.slice(0, quotedMax)

const readText = ({ name, label, kind }: Field, text: string): unknown => {
  if (typeof kind === "object" && "names" in kind) {
    if (kind.names.has(text)) return text
    return label === "required" ? new Problem(`Failed to find enum for '${quoted(text)}'`) : unset
  }
  const unread = (what: string): Problem =>
    new Problem(
      `Failed to parse '${quoted(text)}' as a JSON ${what} for field '${name}': syntax error at line 1 near: ${quoted(text)}`,
    )
  switch (kind) {
    case "number":
      return jsonNumber.test(text) ? Number(text) : unread("number")
    case "flag":
      return /^\s*(true|false)\s*$/.test(text) ? text.trim() === "true" : unread("boolean")
    case "bytes":
      return base64Problem(name, text) ?? text
    default:
      return text
  }
}

/** What follows its end is not looked at, as in Mesos. */
const base64Problem = (name: string, text: string): Problem | undefined => {
  const wrong = /^[A-Za-z0-9+/]*([^A-Za-z0-9+/=])/.exec(text)
  return wrong === null
    ? undefined
    : new Problem(`Failed to base64 decode bytes field '${name}': Invalid character '${wrong[1]}'`)
}

/** null means unset, at any depth that matters. What holds none is taken as it is. */
const withoutNulls = (value: unknown, depth: number): unknown => {
  if (typeof value !== "object" || value === null || depth > depthMax) return value
  if (Array.isArray(value)) {
    const items = value.filter((item) => item !== null).map((item) => withoutNulls(item, depth + 1))
    return items.length === value.length && items.every((item, index) => item === value[index])
      ? value
      : items
  }
  const members = Object.entries(value)
  const kept = members
    .filter(([, member]) => member !== null)
    .map(([name, member]) => [name, withoutNulls(member, depth + 1)] as const)
  return kept.length === members.length && kept.every(([, member], index) => member === members[index]![1])
    ? value
    : Object.fromEntries(kept)
}

/** Enough to see what a call lacks; a body of nothing but mistakes must not be answered with a longer one. */
const missingMax = 16

/** As protobuf says it: a message's own fields first, then those of the messages within, each by its path. */
const findMissing = (content: Message, value: unknown, prefix: string, missing: Array<string>): void => {
  // What lies too deep was not read, and may be anything.
  if (typeof value !== "object" || value === null) return
  for (const { name, label } of content.fields) {
    if (missing.length === missingMax) return
    if (label === "required" && !Object.hasOwn(value, name)) missing.push(prefix + name)
  }
  for (const { name, kind } of content.messagesByNumber) {
    if (!Object.hasOwn(value, name) || typeof kind !== "object" || "names" in kind) continue
    const within = (value as Json)[name]
    if ("mapOf" in kind) {
      for (const [index, entry] of Object.values(within ?? {}).entries())
        findMissing(kind.mapOf, entry, `${prefix}${name}[${index}].value.`, missing)
    } else if (Array.isArray(within)) {
      for (const [index, item] of within.entries())
        findMissing(kind.message, item, `${prefix}${name}[${index}].`, missing)
    } else findMissing(kind.message, within, `${prefix}${name}.`, missing)
  }
}
