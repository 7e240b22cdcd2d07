import type { IncomingMessage, ServerResponse } from "node:http"
import { Cause, Effect, Exit, Option } from "effect"
import { nobody } from "../access/Caller.ts"
import {
  type FullReply,
  type HttpRefusal,
  type HttpReply,
  type HttpRequest,
  refuse,
  type StreamReply,
  unavailable,
} from "./HttpMessage.ts"
import { openRecordStream, type RecordStream } from "./RecordStream.ts"
import { type BodyBounds, collectBody, readBody } from "./RequestBody.ts"

// One request and its reply, between node:http's objects and ours.

export interface ExchangeSettings extends BodyBounds {
  readonly stallTimeoutMs: number
  readonly isClosing: () => boolean
  readonly log: (entry: Effect.Effect<void>) => void
  readonly onStream: (stream: RecordStream) => void
}

export interface Exchange {
  readonly incoming: IncomingMessage
  readonly response: ServerResponse
  readonly settings: ExchangeSettings
}

/** The request line may carry a whole URL (RFC 9112 §3.2.2). */
const toTarget = (url: string): string =>
  url.startsWith("/") ? url : url.replace(/^[a-z]+:\/\/[^/?]*/i, "") || "/"

export const toHttpRequest = (
  incoming: IncomingMessage,
  bounds: BodyBounds,
  prove: () => void,
): HttpRequest => {
  const target = toTarget(incoming.url ?? "/")
  const mark = target.indexOf("?")
  return {
    method: incoming.method ?? "GET",
    path: mark === -1 ? target : target.slice(0, mark),
    query: () => new URLSearchParams(mark === -1 ? "" : target.slice(mark + 1)),
    headers: incoming.headers,
    remoteAddress: incoming.socket.remoteAddress ?? "",
    principal: null,
    caller: nobody,
    connection: incoming.socket,
    prove,
    body: readBody(incoming, bounds),
    bodyUpTo: (maxBodyBytes) => readBody(incoming, { ...bounds, maxBodyBytes }),
    takeBody: (done, maxBodyBytes) =>
      collectBody(incoming, maxBodyBytes === undefined ? bounds : { ...bounds, maxBodyBytes }, done),
  }
}

/** Apache Mesos sends no Connection header (transcripts, item 31). Node 10 takes its absence for "close". */
const canOmitConnection = Number(process.versions.node.split(".")[0]) >= 18

const setConnection = ({ response, settings }: Exchange) => {
  if (settings.isClosing()) response.setHeader("Connection", "close")
  else if (canOmitConnection) response.removeHeader("Connection")
}

/** Disconnects a client that takes nothing of what waits for it. */
const guardStall = ({ response, settings }: Exchange) => {
  const { socket } = response
  if (socket === null || socket.writableLength === 0) return
  const onStall = () => socket.destroy()
  socket.setTimeout(settings.stallTimeoutMs, onStall)
  response.once("finish", () => socket.removeListener("timeout", onStall))
}

const writeFull = (exchange: Exchange, reply: FullReply) => {
  const { response } = exchange
  setConnection(exchange)
  response.writeHead(reply.status, { ...reply.headers, "Content-Length": Buffer.byteLength(reply.body) })
  if (reply.body === "") response.end()
  else response.end(reply.body)
  guardStall(exchange)
}

const refusalToReply = ({ status, headers, sentence }: HttpRefusal): FullReply => ({
  _tag: "FullReply",
  status,
  headers: { ...headers, "Content-Type": "text/plain; charset=utf-8" },
  body: sentence,
})

/** To a request whose handler failed. */
export const internalError: FullReply = refusalToReply(
  refuse(500, "500 Internal Server Error. The log of this daemon has the cause."),
)

/** Tells the log that a handler failed. */
export const logDefect = (
  { log }: Pick<ExchangeSettings, "log">,
  request: { readonly method?: string | undefined; readonly url?: string | undefined },
  cause: Cause.Cause<unknown>,
): void => log(Effect.logError(`the handler of ${request.method} ${request.url} failed`, cause))

/** What a handler came to; undefined = it failed. */
export const exitToReply = (exit: Exit.Exit<HttpReply, HttpRefusal>): HttpReply | undefined => {
  if (Exit.isSuccess(exit)) return exit.value
  const refusal = Cause.failureOption(exit.cause)
  if (Option.isSome(refusal)) return refusalToReply(refusal.value)
  return Cause.isInterruptedOnly(exit.cause) ? refusalToReply(stopping) : undefined
}

const stopping = unavailable("This daemon is stopping")

const openStream = (exchange: Exchange, reply: StreamReply) => {
  const { incoming, response, settings } = exchange
  setConnection(exchange)
  incoming.socket.setTimeout(0)
  const stream = openRecordStream(incoming.socket, response, reply)
  stream.onClosed((end) => {
    if (end === "Ended") guardStall(exchange)
    if (end === "TooSlow")
      settings.log(
        Effect.logWarning(
          `event stream of ${incoming.url} to ${incoming.socket.remoteAddress} cut: ${stream.waitingBytes()} bytes waited for its reader`,
        ),
      )
  })
  settings.onStream(stream)
  reply.opened(stream)
}

const writeDefect = (exchange: Exchange, cause: Cause.Cause<unknown>) => {
  const { incoming, response, settings } = exchange
  logDefect(settings, incoming, cause)
  if (response.headersSent) return incoming.socket.destroy()
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  writeFull(exchange, internalError)
}

/** Answers with what the handler came to. Never throws: a reply that cannot be sent is a defect of its handler. */
export const writeExit = (exchange: Exchange, exit: Exit.Exit<HttpReply, HttpRefusal>): void => {
  try {
    const reply = exitToReply(exit)
    if (reply === undefined) writeDefect(exchange, Exit.isFailure(exit) ? exit.cause : Cause.empty)
    else if (reply._tag === "FullReply") writeFull(exchange, reply)
    else openStream(exchange, reply)
  } catch (error) {
    writeDefect(exchange, Cause.die(error))
  }
}
