import { Either, ParseResult, Schema } from "effect"
import { type Message, readMessage } from "./ProtoMessage.ts"

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

/** Makes a reader of JSON objects as a message: what it is, or what is wrong with it in Mesos's words (spec/mesos.md §2.2, row 6). */
export const messageDecoder = <A, I>(
  content: Message,
  schema: Schema.Schema<A, I>,
): ((json: unknown) => Either.Either<A, string>) => {
  const decode = ParseResult.decodeUnknownEither(schema)
  return (json) =>
    Either.mapLeft(
      Either.flatMap(readMessage(content, json), (read) => Either.mapLeft(decode(read), describeIssue)),
      (problem) => problem.slice(0, problemLengthMax),
    )
}

/** The same of a list of messages, as the older endpoints take it: each by itself. */
export const messagesDecoder = <A, I>(
  content: Message,
  schema: Schema.Schema<A, I>,
): ((json: ReadonlyArray<unknown>) => Either.Either<ReadonlyArray<A>, string>) => {
  const decode = messageDecoder(content, schema)
  return (json) => Either.all(json.map(decode))
}

/** The same for the body of a call. */
export const callDecoder = <A, I>(
  content: Message,
  schema: Schema.Schema<A, I>,
): ((json: object) => Either.Either<A, string>) => {
  const decode = messageDecoder(content, schema)
  return (json) =>
    Either.mapLeft(decode(json), (problem) => `Failed to convert JSON into Call protobuf: ${problem}`)
}

/** A sentence longer than this tells nobody more. */
const problemLengthMax = 500

/** What the messages say nothing of, such as how large a number may be: the first field that is wrong, by what came there. */
const describeIssue = (issue: ParseResult.ParseIssue): string => {
  const { path, actual } = firstLeaf(issue, [])
  const field = path.filter((part) => typeof part === "string").pop() ?? ""
  return `Not expecting a JSON ${kindOf(actual)} for field '${field}'`
}

const firstLeaf = (
  issue: ParseResult.ParseIssue,
  path: ReadonlyArray<PropertyKey>,
): { readonly path: ReadonlyArray<PropertyKey>; readonly actual: unknown } => {
  switch (issue._tag) {
    case "Pointer":
      return firstLeaf(issue.issue, path.concat(issue.path))
    case "Composite":
      return firstLeaf("_tag" in issue.issues ? issue.issues : issue.issues[0], path)
    case "Refinement":
    case "Transformation":
      return firstLeaf(issue.issue, path)
    default:
      return { path, actual: issue.actual }
  }
}

const kindOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value
