import type { IncomingHttpHeaders } from "node:http"

// The plain common form of a request's head, and nothing else: exactly `METHOD SP origin-form SP HTTP/1.1`, lines that end with
// CRLF, names that are tokens, no name twice, a length in digits or none (RFC 9112). Whatever is not of this form is not
// refused here: it is left to node:http, so that there is one judge of it.

export interface QuickHead {
  readonly method: "GET" | "POST"
  readonly target: string
  /** Never changed: requests with the same head share it. */
  readonly headers: IncomingHttpHeaders
  readonly bodyBytes: number
}

export interface HeadBounds {
  /** With the empty line at its end. */
  readonly maxHeadBytes: number
  readonly maxHeaders: number
  readonly maxBodyBytes: number
}

/** What RFC 3986 allows in a path and a query, as it is. */
const requestLine = /^(GET|POST) (\/[\w\-.~!$&'()*+,;=:@%/?]*) HTTP\/1\.1$/
/** Values in ASCII; the blanks around them, which are no part of them (RFC 9110 §5.5), are cut off afterwards: that takes linear time. */
const headerLine = /^([!#$%&'*+\-.^`|~\w]+):([ -~\t]*)$/
const plainLength = /^(?:0|[1-9]\d{0,9})$/

/** They change what follows a head, or how the connection goes on. `__proto__` is a name that an object does not keep. */
const foreignNames: ReadonlySet<string> = new Set([
  "transfer-encoding",
  "expect",
  "upgrade",
  "proxy-connection",
  "trailer",
  "te",
  "http2-settings",
  "__proto__",
])

/** Null: it is not of the plain form. `text` is without the empty line at its end. */
export const readQuickHead = (text: string, bounds: HeadBounds): QuickHead | null => {
  const lines = text.split("\r\n")
  if (lines.length - 1 > bounds.maxHeaders) return null
  const [, method, target] = requestLine.exec(lines[0]!) ?? []
  if (method === undefined) return null
  const headers: { [name: string]: string } = {}
  for (let index = 1; index < lines.length; index++) {
    const line = headerLine.exec(lines[index]!)
    if (line === null) return null
    const name = line[1]!.toLowerCase()
    if (Object.hasOwn(headers, name) || foreignNames.has(name)) return null
    headers[name] = line[2]!.trim()
  }
  const { connection, "content-length": length } = headers
  if (connection !== undefined && connection.toLowerCase() !== "keep-alive") return null
  if (length !== undefined && !plainLength.test(length)) return null
  const bodyBytes = length === undefined ? 0 : Number(length)
  if (bodyBytes > bounds.maxBodyBytes) return null
  return { method: method as QuickHead["method"], target: target!, headers, bodyBytes }
}

/** What begins at a place in the bytes of a connection: a head and its length, a part of one, or neither. */
export type FoundHead = { readonly head: QuickHead; readonly headBytes: number } | "Partial" | "Foreign"

const headEnd = Buffer.from("\r\n\r\n", "latin1")
const lengthLine = /\r\ncontent-length:[ \t]*(\d+)/i
const [digit0, digit9] = [0x30, 0x39]
/** Ten digits are more than any bound. */
const maxDigits = 10

/** A head that has been read, as bytes before and behind the digits of its length. */
interface KnownHead {
  readonly before: Buffer
  readonly after: Buffer
  readonly found: FoundHead & object
}

/** Undefined where there is no length. */
const cut = (text: string, found: FoundHead & object): KnownHead | undefined => {
  const line = lengthLine.exec(text)
  if (line === null) return undefined
  const end = line.index + line[0].length
  return {
    before: Buffer.from(text.slice(0, end - line[1]!.length), "latin1"),
    after: Buffer.from(`${text.slice(end)}\r\n\r\n`, "latin1"),
    found,
  }
}

const standsAt = (bytes: Buffer, at: number, part: Buffer): boolean =>
  bytes.length - at >= part.length && part.compare(bytes, at, at + part.length) === 0

/** Reads heads of one connection, which mostly differ in their lengths at most. */
export class HeadReader {
  private known: KnownHead | undefined

  constructor(private readonly bounds: HeadBounds) {}

  read(bytes: Buffer, from: number): FoundHead {
    return (this.known && this.readAlike(bytes, from, this.known)) ?? this.readNew(bytes, from)
  }

  private readNew(bytes: Buffer, from: number): FoundHead {
    const { maxHeadBytes } = this.bounds
    const until = bytes.indexOf(headEnd, from)
    if (until === -1) return bytes.length - from > maxHeadBytes ? "Foreign" : "Partial"
    const headBytes = until + headEnd.length - from
    if (headBytes > maxHeadBytes) return "Foreign"
    const text = bytes.toString("latin1", from, until)
    const head = readQuickHead(text, this.bounds)
    if (head === null) return "Foreign"
    const found = { head, headBytes }
    this.known = cut(text, found)
    return found
  }

  /** Undefined: it differs in more than its length. */
  private readAlike(bytes: Buffer, from: number, known: KnownHead): FoundHead | undefined {
    const { before, after } = known
    if (!standsAt(bytes, from, before)) return undefined
    const start = from + before.length
    let end = start
    let bodyBytes = 0
    for (; end < bytes.length && end - start <= maxDigits; end++) {
      const code = bytes[end]!
      if (code < digit0 || code > digit9) break
      bodyBytes = bodyBytes * 10 + code - digit0
    }
    if (end === start || (bytes[start] === digit0 && end > start + 1) || !standsAt(bytes, end, after))
      return undefined
    const { head } = known.found
    const newBytes = end + after.length - from
    if (bodyBytes === head.bodyBytes) return known.found
    if (bodyBytes > this.bounds.maxBodyBytes || newBytes > this.bounds.maxHeadBytes) return "Foreign"
    const headers = { ...head.headers, "content-length": String(bodyBytes) }
    const found = { head: { ...head, headers, bodyBytes }, headBytes: newBytes }
    this.known = { before, after, found }
    return found
  }
}
