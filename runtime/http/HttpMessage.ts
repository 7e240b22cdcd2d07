import type { IncomingHttpHeaders } from "node:http"
import { Data, type Effect } from "effect"
import type { Caller } from "../access/Caller.ts"
import type { RecordStream, RecordStreamOptions } from "./RecordStream.ts"

export interface HttpRequest {
  readonly method: string
  /** Without query; as sent, not decoded. */
  readonly path: string
  /** Parsed when asked for; parameters in order, decoded. */
  readonly query: () => URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly remoteAddress: string
  /** Who asks, once that has been proven; null = nobody knows: authentication is off or not needed here. */
  readonly principal: string | null
  /** The same, with what they may do. Nobody, until a door has let them in. */
  readonly caller: Caller
  /** Which connection it came on: the same object for all of its requests. */
  readonly connection: object
  /** Tells the listener that whoever sends on this connection has proven who they are. */
  readonly prove: () => void
  /** The whole body, read when asked for, once: 413 beyond the listener's bound, 408 when it takes too long. */
  readonly body: Effect.Effect<Buffer, HttpRefusal>
  /** The same with another bound; for a route that says so. */
  readonly bodyUpTo: (maxBytes: number) => Effect.Effect<Buffer, HttpRefusal>
  /** The same as {@link body} without a fiber, for `DirectReply.ts`; instead of it, not besides. Returns what stops the reading. */
  readonly takeBody: (done: (body: Buffer | HttpRefusal) => void, maxBytes?: number) => () => void
}

export type HttpHeaders = Readonly<Record<string, string>>

/** A whole answer. An empty body has no Content-Type on the wire, as Mesos does it. */
export interface FullReply {
  readonly _tag: "FullReply"
  readonly status: number
  readonly headers: HttpHeaders
  readonly body: string | Buffer
}

/**
 * 200 and an event stream; `opened` is called with it once the headers are on their way. A subscription begins there and
 * not in the handler before it: a handler whose client leaves is interrupted and its stream is never opened.
 */
export interface StreamReply extends RecordStreamOptions {
  readonly _tag: "StreamReply"
  readonly opened: (stream: RecordStream) => void
}

export type HttpReply = FullReply | StreamReply

export const emptyReply = (status: number, headers: HttpHeaders = {}): HttpReply => ({
  _tag: "FullReply",
  status,
  headers,
  body: "",
})

export const textReply = (body: string, contentType: string, status = 200): HttpReply => ({
  _tag: "FullReply",
  status,
  headers: { "Content-Type": contentType },
  body,
})

export const jsonReply = (value: unknown, status = 200): HttpReply =>
  textReply(JSON.stringify(value), "application/json", status)

export const streamReply = (
  opened: (stream: RecordStream) => void,
  options: RecordStreamOptions = {},
): HttpReply => ({ _tag: "StreamReply", opened, ...options })

/** A refused request: a status and a sentence in plain text, never JSON (transcripts, item 2). */
export class HttpRefusal extends Data.TaggedError("HttpRefusal")<{
  readonly status: number
  readonly sentence: string
  readonly headers?: HttpHeaders
}> {
  override get message(): string {
    return `${this.status}: ${this.sentence}`
  }
}

// The sentences below are Apache Mesos's own, word by word (transcripts; spec/mesos.md §2.2).

export const refuse = (status: number, sentence: string, headers: HttpHeaders = {}): HttpRefusal =>
  new HttpRefusal({ status, sentence, headers })

export const badRequest = (sentence: string): HttpRefusal => refuse(400, sentence)

export const notFound = (sentence = "404 Not Found."): HttpRefusal => refuse(404, sentence)

export const methodNotAllowed = (allowed: ReadonlyArray<string>, received: string): HttpRefusal =>
  refuse(
    405,
    `405 Method Not Allowed. Expecting one of { '${allowed.join("', '")}' }, but received '${received}'.`,
    { Allow: allowed.join(", ") },
  )

export const notAcceptable = (): HttpRefusal =>
  refuse(406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")

export const forbidden = (): HttpRefusal => refuse(403, "403 Forbidden.")

export const unsupportedMediaType = (): HttpRefusal =>
  refuse(415, "Expecting 'Content-Type' of application/json or application/x-protobuf")

export const unavailable = (sentence: string): HttpRefusal => refuse(503, sentence)
