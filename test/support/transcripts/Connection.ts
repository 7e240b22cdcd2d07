import { connect, type Socket } from "node:net"
import { type Body, type Headers, headerOf, type Json, type Request, type Response } from "./Transcript.ts"

// HTTP by hand, so that exactly what was recorded goes out, and what comes back is seen as it came.

export interface ParsedReply {
  readonly response: Response
  /** Data of a chunked body, chunk by chunk. */
  readonly chunks: ReadonlyArray<string>
  readonly isComplete: boolean
  /** What follows it on its connection. */
  readonly rest: string
}

const utf8 = (latin1: string): string => Buffer.from(latin1, "latin1").toString("utf8")

const splitChunks = (text: string): Omit<ParsedReply, "response"> => {
  const chunks: Array<string> = []
  for (let at = 0; ; ) {
    const newline = text.indexOf("\r\n", at)
    const length = newline === -1 ? Number.NaN : Number.parseInt(text.slice(at, newline), 16)
    const end = newline + 2 + length
    if (newline !== -1 && Number.isNaN(length)) return { chunks, isComplete: false, rest: text.slice(at) }
    if (!(text.length >= end + 2)) return { chunks, isComplete: false, rest: "" }
    if (length === 0) return { chunks, isComplete: true, rest: text.slice(end + 2) }
    chunks.push(text.slice(newline + 2, end))
    at = end + 2
  }
}

/** The first reply in what was received; undefined before its head is whole. */
export const parseReply = (received: string): ParsedReply | undefined => {
  const headEnd = received.indexOf("\r\n\r\n")
  if (headEnd === -1) return undefined
  const [first = "", ...lines] = received.slice(0, headEnd).split("\r\n")
  const headers: Headers = lines.map((line) => {
    const colon = line.indexOf(":")
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const header = (name: string) => headers.find(([key]) => key.toLowerCase() === name)?.[1]
  const status = Number(first.split(" ")[1])
  const tail = received.slice(headEnd + 4)
  const toBody = (bytes: string): Body =>
    header("content-encoding") === undefined
      ? utf8(bytes)
      : { base64: Buffer.from(bytes, "latin1").toString("base64") }
  if (header("transfer-encoding") === "chunked") {
    const split = splitChunks(tail)
    return { response: { status, headers, body: toBody(split.chunks.join("")) }, ...split }
  }
  const length = Number(header("content-length") ?? 0)
  const response = { status, headers, body: toBody(tail.slice(0, length)) }
  return { response, chunks: [], isComplete: tail.length >= length, rest: tail.slice(length) }
}

/** The RecordIO records in a stream's body, whole ones. */
export const recordsIn = (body: string): ReadonlyArray<Json> => {
  const records: Array<Json> = []
  for (let at = 0; ; ) {
    const newline = body.indexOf("\n", at)
    const end = newline + 1 + Number(body.slice(at, newline))
    if (newline === -1 || !(body.length >= end)) return records
    records.push(JSON.parse(utf8(body.slice(newline + 1, end))))
    at = end
  }
}

export const requestToText = ({ method, path, headers, body }: Request): string => {
  const text = typeof body === "string" ? body : ""
  const lines = headers.map(([name, value]) => {
    const length = name.toLowerCase() === "content-length" ? String(Buffer.byteLength(text)) : value
    return `${name}: ${length}\r\n`
  })
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${text}`
}

/** One connection; what it received is kept as latin1, one character a byte. */
export class Connection {
  received = ""
  isClosed = false

  private constructor(private readonly socket: Socket) {
    socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1")
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      this.isClosed = true
    })
  }

  static open(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url)
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => resolve(new Connection(socket)))
      socket.once("error", reject)
    })
  }

  write(text: string): void {
    this.socket.write(text)
  }

  close(): void {
    this.socket.destroy()
  }

  reply(): ParsedReply | undefined {
    return parseReply(this.received)
  }
}

/** Asks again and again until it is so; false when it is not within the time. */
export const soon = async (isSo: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> => {
  for (let waitedMs = 0; ; waitedMs += 5) {
    if (await isSo()) return true
    if (waitedMs >= withinMs) return false
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** One request on a connection of its own; undefined when it was closed without a reply. */
export const ask = async (url: string, request: Request): Promise<Response | undefined> => {
  const connection = await Connection.open(url)
  try {
    connection.write(requestToText(request))
    await soon(() => connection.reply() !== undefined || connection.isClosed, 10_000)
    // A stream where none was expected has no end.
    const isStream = headerOf(connection.reply()?.response.headers ?? [], "Mesos-Stream-Id") !== undefined
    await soon(() => connection.reply()?.isComplete === true || connection.isClosed, isStream ? 200 : 10_000)
    return connection.reply()?.response
  } finally {
    connection.close()
  }
}
