import type { IncomingMessage } from "node:http"
import { Effect } from "effect"
import { badRequest, HttpRefusal, refuse } from "./HttpMessage.ts"

export interface BodyBounds {
  readonly maxBodyBytes: number
  readonly bodyTimeoutMs: number
  /** Shared by all bodies of a listener that are being read. */
  readonly room: BodyRoom
}

/** What the bodies that are being read may have together. */
export interface BodyRoom {
  readonly maxBytes: number
  usedBytes: number
}

export const makeBodyRoom = (maxBytes: number): BodyRoom => ({ maxBytes, usedBytes: 0 })

const noRoom = () =>
  refuse(503, "Too many long bodies are on their way at once: try again in a moment", { "Retry-After": "1" })

export const tooLarge = (maxBodyBytes: number): HttpRefusal =>
  refuse(413, `The body is longer than the bound of ${maxBodyBytes} bytes`)

/** Collects the body and calls `done` once; returns what stops the collecting. */
export const collectBody = (
  incoming: IncomingMessage,
  bounds: BodyBounds,
  done: (result: Buffer | HttpRefusal) => void,
): (() => void) => {
  const chunks: Array<Buffer> = []
  let length = 0
  const { room } = bounds

  const finish = (result: Buffer | HttpRefusal) => {
    stop()
    done(result)
  }
  const onData = (chunk: Buffer) => {
    length += chunk.length
    room.usedBytes += chunk.length
    if (length > bounds.maxBodyBytes) finish(tooLarge(bounds.maxBodyBytes))
    else if (room.usedBytes > room.maxBytes) finish(noRoom())
    else chunks.push(chunk)
  }
  const onEnd = () => finish(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
  const onCut = () => finish(badRequest("The body was cut off"))
  const timer = setTimeout(
    () => finish(refuse(408, `The body did not arrive within ${bounds.bodyTimeoutMs} ms`)),
    bounds.bodyTimeoutMs,
  )
  let isReading = true
  const stop = () => {
    if (isReading) room.usedBytes -= length
    isReading = false
    clearTimeout(timer)
    incoming.removeListener("data", onData)
    incoming.removeListener("end", onEnd)
    incoming.removeListener("aborted", onCut)
  }

  if (Number(incoming.headers["content-length"] ?? 0) > bounds.maxBodyBytes)
    finish(tooLarge(bounds.maxBodyBytes))
  else incoming.on("data", onData).on("end", onEnd).on("aborted", onCut)
  return stop
}

/** The body as an effect that reads when it is first run and remembers its outcome. */
export const readBody = (
  incoming: IncomingMessage,
  bounds: BodyBounds,
): Effect.Effect<Buffer, HttpRefusal> => {
  let outcome: Effect.Effect<Buffer, HttpRefusal> | undefined
  return Effect.suspend(
    () =>
      outcome ??
      Effect.async<Buffer, HttpRefusal>((resume) => {
        const stop = collectBody(incoming, bounds, (result) => {
          outcome = result instanceof HttpRefusal ? result : Effect.succeed(result)
          resume(outcome)
        })
        return Effect.sync(stop)
      }),
  )
}
