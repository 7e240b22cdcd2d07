import { Effect, Either } from "effect"
import { badRequest, emptyReply, type HttpRequest, textReply } from "../http/HttpMessage.ts"
import { LogVerbosity } from "../LogVerbosity.ts"
import { readDuration } from "./DurationText.ts"

// How much the daemon logs: GET_LOGGING_LEVEL, SET_LOGGING_LEVEL and `/logging/toggle`. 0 is what people should know, and where it
// goes back to by itself.

export const getLoggingLevel = Effect.map(LogVerbosity, (verbosity) => ({ level: verbosity.level() }))

/** Answers 200 with nothing in it. That it was done is told in the log itself, whatever level that has. */
export const setLoggingLevel = (level: number, durationMs: number) =>
  Effect.gen(function* () {
    const verbosity = yield* LogVerbosity
    verbosity.set(level, durationMs)
    yield* Effect.logInfo(`an operator set the verbosity of this log to ${level} for ${durationMs} ms`)
    return emptyReply(200)
  })

/** A number of Mesos's, which is what C++ can read of it. */
const readLevel = (text: string): Either.Either<number, string> => {
  const level = /^-?\d{1,9}$/.test(text) ? Number(text) : undefined
  if (level === undefined) return Either.left(`Failed to convert '${text}' to number`)
  return level < 0 ? Either.left(`Invalid level '${level}'`) : Either.right(level)
}

/** `/logging/toggle`: the level; with `?level=1&duration=15mins` it is set. Sentences end as Mesos's do here. */
export const toggleLogging = (request: HttpRequest) =>
  Effect.gen(function* () {
    const query = request.query()
    const [level, duration] = [query.get("level"), query.get("duration")]
    if (level === null && duration === null) {
      const verbosity = yield* LogVerbosity
      return textReply(`${verbosity.level()}\n`, "text/plain; charset=utf-8")
    }
    if (duration === null) return yield* badRequest("Expecting 'duration=value' in query.\n")
    if (level === null) return yield* badRequest("Expecting 'level=value' in query.\n")
    const read = Either.all([readLevel(level), readDuration(duration)])
    if (Either.isLeft(read)) return yield* badRequest(`${read.left}.\n`)
    return yield* setLoggingLevel(...read.right)
  })
