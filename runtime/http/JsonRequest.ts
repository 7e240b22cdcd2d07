import { type Context, Effect } from "effect"
import { type Answer, answerBody, DirectReply } from "./DirectReply.ts"
import {
  badRequest,
  HttpRefusal,
  type HttpRequest,
  notAcceptable,
  unsupportedMediaType,
} from "./HttpMessage.ts"
import { accepts, isProtobuf, jsonType, refuseProtobuf } from "./MediaTypes.ts"
import { unsafeJson } from "./SafeJson.ts"

// What Apache Mesos checks before it looks at a call, in its order (spec/mesos.md §2.2 rows 5-7, 9; transcripts,
// item 4). gleaner reads JSON only; protobuf is told apart from what nobody reads (MediaTypes.ts).

/** The media type must be there and match exactly: `application/json; charset=utf-8` is refused. */
export const checkContentType = (request: HttpRequest): HttpRefusal | undefined => {
  const type = request.headers["content-type"]
  if (type === undefined) return badRequest("Expecting 'Content-Type' to be present")
  return type === jsonType || isProtobuf(request) ? undefined : unsupportedMediaType()
}

/** Whether an answer in JSON is taken. */
export const checkAccept = (request: HttpRequest): HttpRefusal | undefined =>
  accepts(request, jsonType) ? undefined : notAcceptable()

/** Names the place as Mesos's parser does: the line, and what stands there up to its end. */
export const describeSyntaxError = (text: string, error: unknown): string => {
  const position = /position (\d+)/.exec(error instanceof Error ? error.message : "")
  const at = position === null ? 0 : Number(position[1])
  const line = text.slice(0, at).split("\n").length
  const near = text.slice(at, at + 80).split("\n")[0] ?? ""
  return `syntax error at line ${line} near: ${near}`
}

/** Body text to a JSON object, or the refusal. */
export const parseJsonObject = (text: string): Readonly<Record<string, unknown>> | HttpRefusal => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return badRequest(`Failed to parse body into JSON: ${describeSyntaxError(text, error)}`)
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return badRequest("Failed to convert JSON into Call protobuf: Expecting a JSON object")
  const unsafe = unsafeJson(text, value)
  if (unsafe !== undefined) return badRequest(`Failed to parse body into JSON: ${unsafe}`)
  return value as Readonly<Record<string, unknown>>
}

/** What a call is in the form that its content type says. */
const parseCall = (request: HttpRequest, body: Buffer): Readonly<Record<string, unknown>> | HttpRefusal =>
  isProtobuf(request) ? refuseProtobuf(body) : parseJsonObject(body.toString("utf8"))

/** Checks the content type, reads the body and parses it. */
export const readJsonObject = (
  request: HttpRequest,
): Effect.Effect<Readonly<Record<string, unknown>>, HttpRefusal> => {
  const refusal = checkContentType(request)
  if (refusal !== undefined) return refusal
  return Effect.flatMap(request.body, (body) => {
    const parsed = parseCall(request, body)
    return parsed instanceof HttpRefusal ? parsed : Effect.succeed(parsed)
  })
}

/** The same without a fiber; `use` answers. */
export const answerJsonObject = <R = never>(
  request: HttpRequest,
  use: (json: Readonly<Record<string, unknown>>, context: Context.Context<R>, answer: Answer<R>) => void,
): DirectReply<R> => {
  const refusal = checkContentType(request)
  if (refusal !== undefined)
    return new DirectReply((_, answer) => {
      answer(refusal)
      return () => {}
    })
  return answerBody<R>(request, (body, context, answer) => {
    const parsed = parseCall(request, body)
    if (parsed instanceof HttpRefusal) answer(parsed)
    else use(parsed, context, answer)
  })
}
