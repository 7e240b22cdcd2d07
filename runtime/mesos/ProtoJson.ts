import { Either, ParseResult, Schema } from "effect"

// Calls of the v1 APIs as JSON, as Mesos reads them (spec/mesos.md §2.1): unknown fields are ignored, null means unset.

export const Id = Schema.Struct({ value: Schema.String })

/** Mesos also takes numbers and booleans that come as text. */
export const Double = Schema.Union(Schema.Number, Schema.NumberFromString)
export const Bool = Schema.Union(
  Schema.Boolean,
  Schema.transform(Schema.Literal("true", "false"), Schema.Boolean, {
    decode: (text) => text === "true",
    encode: (value) => (value ? "true" : "false"),
  }),
)

export const listOf = <A, I>(item: Schema.Schema<A, I>) =>
  Schema.optionalWith(Schema.Array(item), { default: () => [] })

export const Duration = Schema.Struct({ nanoseconds: Double })

/** google.protobuf.Duration, which newer calls use instead. */
export const Span = Schema.Struct({
  seconds: Schema.optionalWith(Double, { default: () => 0 }),
  nanos: Schema.optionalWith(Double, { default: () => 0 }),
})

/** Up to the next whole millisecond, as a whole number that stays one as JSON; what is no number stays none. */
export const spanToMs = ({ seconds, nanos }: typeof Span.Type): number =>
  Math.min(seconds * 1_000 + Math.ceil(nanos / 1e6), Number.MAX_SAFE_INTEGER)

/** Makes a reader of JSON objects as calls: the call, or what is wrong with it in Mesos's words (spec/mesos.md §2.2, row 6). */
export const callDecoder = <A, I>(
  schema: Schema.Schema<A, I>,
): ((json: object) => Either.Either<A, string>) => {
  const decode = ParseResult.decodeUnknownEither(schema)
  return (json) => Either.mapLeft(decode(withoutNulls(json)), describeIssue)
}

/** No field of a call lies deeper; what does is ignored, and must not exhaust the stack. */
const depthMax = 32

/** null means unset, at any depth that matters. What holds none is taken as it is: nearly every call. */
const withoutNulls = (value: unknown, depth = 0): unknown => {
  if (typeof value !== "object" || value === null || depth > depthMax) return value
  if (Array.isArray(value)) {
    let copy: Array<unknown> | undefined
    for (let index = 0; index < value.length; index++) {
      const item = withoutNulls(value[index], depth + 1)
      if (item !== value[index]) copy ??= [...value]
      if (copy !== undefined) copy[index] = item
    }
    return copy ?? value
  }
  const members = value as { readonly [name: string]: unknown }
  let kept: Array<readonly [string, unknown]> | undefined
  for (const name of Object.keys(members)) {
    const member = withoutNulls(members[name], depth + 1)
    if (member === members[name] && member !== null) continue
    kept ??= []
    kept.push([name, member])
  }
  if (kept === undefined) return value
  // Spread and fromEntries define members, also one called __proto__.
  const copy = { ...members, ...Object.fromEntries(kept) } as { [name: string]: unknown }
  for (const [name, member] of kept) if (member === null) delete copy[name]
  return copy
}

/** A sentence longer than this tells nobody more. */
const problemLengthMax = 500

/**
 * Only the first thing that is wrong, and never a whole value: a body of nothing but mistakes must cost no more than
 * one of none.
 */
const describeIssue = (issue: ParseResult.ParseIssue): string => {
  const { path, leaf } = firstLeaf(issue, [])
  const place = path.map(String).join(".")
  const text = leaf._tag === "Missing" ? `Missing required fields: ${place}` : describeKind(path, leaf)
  return `Failed to convert JSON into Call protobuf: ${text}`.slice(0, problemLengthMax)
}

/** Mesos names what came and the field, not what was expected; a field of numbers also takes text that is one. */
const describeKind = (path: ReadonlyArray<PropertyKey>, leaf: Leaf): string => {
  const { actual } = leaf
  const field = path.filter((part) => typeof part === "string").pop() ?? ""
  const isNumber = leaf._tag === "Type" && leaf.ast._tag === "NumberKeyword"
  return isNumber && typeof actual === "string"
    ? `Failed to parse '${actual}' as a JSON number for field '${field}': syntax error at line 1 near: ${actual}`
    : `Not expecting a JSON ${kindOf(actual)} for field '${field}'`
}

type Leaf = Extract<ParseResult.ParseIssue, { _tag: "Missing" | "Type" | "Unexpected" | "Forbidden" }>

const firstLeaf = (
  issue: ParseResult.ParseIssue,
  path: ReadonlyArray<PropertyKey>,
): { readonly path: ReadonlyArray<PropertyKey>; readonly leaf: Leaf } => {
  switch (issue._tag) {
    case "Pointer":
      return firstLeaf(issue.issue, path.concat(issue.path))
    case "Composite":
      return firstLeaf("_tag" in issue.issues ? issue.issues : issue.issues[0], path)
    case "Refinement":
    case "Transformation":
      return firstLeaf(issue.issue, path)
    default:
      return { path, leaf: issue }
  }
}

const kindOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value
