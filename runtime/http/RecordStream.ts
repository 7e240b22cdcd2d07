import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { encodeRecord } from "./RecordIo.ts"

/** Why an event stream is over: we ended it, the client left, or it read too slowly and was cut. */
export type StreamEnd = "Ended" | "ClientLeft" | "TooSlow"

/** One outgoing event stream. Plain functions: a master sends hundreds of thousands of records a second. */
export interface RecordStream {
  /** Sends JSON text as one record in exactly one HTTP chunk. False when the stream is over. */
  readonly send: (json: string) => boolean
  /** The same for a record that is encoded already, to be sent to many streams: as bytes, all of them hold the same ones. */
  readonly sendEncoded: (record: string | Buffer) => boolean
  /** Ends the stream properly, with the terminating chunk, after everything sent. */
  readonly end: () => void
  readonly isOpen: () => boolean
  /** Bytes that the client has not taken yet, without what the kernel holds. */
  readonly waitingBytes: () => number
  /** Calls the listener exactly once when the stream is over, at once if it is already. */
  readonly onClosed: (listener: (end: StreamEnd) => void) => void
}

export interface RecordStreamOptions {
  /** Sent besides `Content-Type: application/json`, for example `Mesos-Stream-Id`. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * At so many waiting bytes the stream is cut; default 16 MiB. The first record comes on top: on the operator
   * stream it is the whole state.
   */
  readonly maxWaitingBytes?: number
}

const defaultMaxWaitingBytes = 16 * 1024 * 1024

/**
 * Answers 200 and turns the response into a stream. Each record is one chunk; npm's mesos-framework parses chunk by chunk
 * (spec/mesos.md §0.5). What is sent in one turn leaves in one write.
 */
export const openRecordStream = (
  socket: Socket,
  response: ServerResponse,
  options: RecordStreamOptions = {},
): RecordStream => {
  let maxWaitingBytes = options.maxWaitingBytes ?? defaultMaxWaitingBytes
  let isFirst = true
  const listeners: Array<(end: StreamEnd) => void> = []
  let over: StreamEnd | undefined

  const close = (end: StreamEnd) => {
    if (over !== undefined) return
    over = end
    socket.removeListener("close", onGone)
    for (const listener of listeners.splice(0)) listener(end)
  }

  // The response's own "close" does not come while an earlier, pipelined request is unanswered.
  const onGone = () => close("ClientLeft")

  /** Records of this turn. */
  let pending: Array<string | Buffer> = []
  let pendingBytes = 0

  // Node 10 has no writableLength on responses, but there the socket's is all that matters.
  const waitingBytes = () => (response.writableLength ?? socket.writableLength) + pendingBytes

  const flush = () => {
    const records = pending
    pending = []
    pendingBytes = 0
    if (over !== undefined || records.length === 0) return
    // Once it is this response's turn, chunks that are written to the socket are what `response.write` would write, in
    // one piece instead of four for each record.
    if (response.chunkedEncoding && response.socket !== null) {
      let text = ""
      for (const record of records) {
        text += `${record.length.toString(16)}\r\n`
        if (typeof record === "string") text += record
        else {
          socket.write(text, "latin1")
          socket.write(record)
          text = ""
        }
        text += "\r\n"
      }
      socket.write(text, "latin1")
    } else for (const record of records) response.write(record, "latin1")
  }

  const sendEncoded = (record: string | Buffer): boolean => {
    if (over !== undefined) return false
    if (isFirst) maxWaitingBytes += record.length
    isFirst = false
    if (pending.length === 0) process.nextTick(flush)
    pending.push(record)
    pendingBytes += record.length
    if (waitingBytes() <= maxWaitingBytes) return true
    // The client cannot be told: what it has not read yet stands in the way.
    close("TooSlow")
    socket.destroy()
    return false
  }

  if (socket.destroyed) onGone()
  else {
    socket.on("close", onGone)
    response.on("close", onGone)
    response.on("error", onGone)
    response.writeHead(200, { "Content-Type": "application/json", ...options.headers })
    response.flushHeaders()
  }

  return {
    send: (json) => sendEncoded(encodeRecord(json)),
    sendEncoded,
    end: () => {
      if (over !== undefined) return
      flush()
      response.end()
      close("Ended")
    },
    isOpen: () => over === undefined,
    waitingBytes,
    onClosed: (listener) => {
      if (over === undefined) listeners.push(listener)
      else listener(over)
    },
  }
}
