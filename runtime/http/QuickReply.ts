import { STATUS_CODES, validateHeaderName, validateHeaderValue } from "node:http"
import type { FullReply } from "./HttpMessage.ts"

// Whole replies as the bytes that node:http would write, header by header.

const makeDateLine = (): (() => string) => {
  let line = ""
  let madeForSecond = -1
  return () => {
    const nowMs = Date.now()
    const second = Math.floor(nowMs / 1_000)
    if (second !== madeForSecond) {
      madeForSecond = second
      line = `Date: ${new Date(nowMs).toUTCString()}\r\n`
    }
    return line
  }
}

/** In the form of RFC 9110 §5.6.7, made anew once a second. */
const dateLine = makeDateLine()

/** Throws, as node:http does, for a status or a header that cannot be sent. */
const statusAndHeaders = ({ status, headers }: FullReply): string => {
  if (!Number.isInteger(status) || status < 100 || status > 999)
    throw new RangeError(`${status} is no status of HTTP`)
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "unknown"}\r\n`
  for (const name of Object.keys(headers)) {
    const value = headers[name]!
    validateHeaderName(name)
    validateHeaderValue(name, value)
    text += `${name}: ${value}\r\n`
  }
  return text
}

/** Of replies that are given again and again, like 202 to a call. */
const beginnings = new WeakMap<FullReply, string>()

const beginningOf = (reply: FullReply): string => {
  const known = beginnings.get(reply)
  if (known !== undefined) return known
  const text = `${statusAndHeaders(reply)}Content-Length: ${Buffer.byteLength(reply.body)}\r\n`
  if (reply.body === "") beginnings.set(reply, text)
  return text
}

const canHaveBody = (status: number): boolean => status >= 200 && status !== 204 && status !== 304

// biome-ignore lint/suspicious/noControlCharactersInRegex: "not ASCII" is what is meant.
const nonAscii = /[^\x00-\x7f]/

/** What is to be written, strings as UTF-8. `isLast`: the connection ends after it, and says so. */
export const replyToBytes = (reply: FullReply, isLast: boolean): ReadonlyArray<string | Buffer> => {
  const beginning = beginningOf(reply)
  const head = isLast
    ? `${beginning.replace("\r\n", "\r\nConnection: close\r\n")}${dateLine()}\r\n`
    : `${beginning}${dateLine()}\r\n`
  const { body, status } = reply
  if (typeof body === "string" && body !== "" && canHaveBody(status)) return [head + body]
  // Without a text behind it, node:http writes a head as Latin-1.
  const first = nonAscii.test(head) ? Buffer.from(head, "latin1") : head
  return body.length === 0 || !canHaveBody(status) ? [first] : [first, body as Buffer]
}
