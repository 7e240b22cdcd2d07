import { Either } from "effect"
import { describeSyntaxError } from "../../http/JsonRequest.ts"
import { parseSafeJson } from "../../http/SafeJson.ts"

// JSON where the older endpoints take it, and what Mesos says where it is none, or of another kind.

const parse = (text: string): Either.Either<unknown, string> =>
  Either.try({ try: () => parseSafeJson(text), catch: (error) => describeSyntaxError(text, error) })

const otherKind = Either.left("Unexpected JSON type parsed")

export const parseJsonList = (text: string): Either.Either<ReadonlyArray<unknown>, string> =>
  Either.flatMap(parse(text), (value) => (Array.isArray(value) ? Either.right(value) : otherKind))

export const parseJsonMembers = (text: string): Either.Either<object, string> =>
  Either.flatMap(parse(text), (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value) ? Either.right(value) : otherKind,
  )

/** Mesos gives the whole body back; here as much of it as makes it known again. */
export const quotedBody = (text: string): string => text.slice(0, 500)
