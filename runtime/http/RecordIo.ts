import { Data } from "effect"

// RecordIO: `<decimal length in bytes>\n<bytes>`, nothing in between (spec/mesos.md §2.1). Clients exist that count
// characters instead of bytes, so what we send is ASCII and both are equal (§0.5).

const escapeUnit = (unit: string) => `\\u${(unit.charCodeAt(0) + 0x10000).toString(16).slice(1)}`

// biome-ignore lint/suspicious/noControlCharactersInRegex: "not ASCII" is what is meant.
const nonAscii = /[^\x00-\x7f]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same, without the state of a global expression.
const hasNonAscii = /[^\x00-\x7f]/

/** Escapes JSON text to ASCII; outside of strings JSON has no other characters, so the meaning stays. */
export const escapeToAscii = (json: string): string =>
  hasNonAscii.test(json) ? json.replace(nonAscii, escapeUnit) : json

/** Frames JSON text (without raw newlines, as JSON.stringify makes it) as one record in ASCII. */
export const encodeRecord = (json: string): string => {
  const ascii = escapeToAscii(json)
  return `${ascii.length}\n${ascii}`
}

/** Bytes that are no RecordIO; nothing after them can be understood, the connection has to go. */
export class RecordIoError extends Data.TaggedError("RecordIoError")<{
  readonly reason: "BadLength" | "TooLong" | "Truncated"
  readonly detail: string
}> {
  override get message(): string {
    return `the record stream is broken: ${this.detail}`
  }
}

export interface RecordDecoder {
  /**
   * Calls `onRecord` for every record that is complete with these bytes, in order, as text of UTF-8. Throws
   * {@link RecordIoError} when it comes to what is none, and what `onRecord` throws; then the decoder is done for.
   */
  readonly push: (chunk: Uint8Array, onRecord: (record: string) => void) => void
  /** Call at the end of the bytes: throws {@link RecordIoError} if a record is cut off. */
  readonly end: () => void
}

export const defaultMaxRecordBytes = 64 * 1024 * 1024

const newline = 10
const maxLengthDigits = 16

/** An incremental decoder; chunk boundaries may lie anywhere, also inside a length or a character. */
export const makeRecordDecoder = (maxRecordBytes: number = defaultMaxRecordBytes): RecordDecoder => {
  let lengthDigits = ""
  /** Bytes of the record still to come; -1 while its length is being read. */
  let missing = -1
  let parts: Array<Buffer> = []

  const readLength = (buffer: Buffer, from: number): number => {
    const end = buffer.indexOf(newline, from)
    const until = end === -1 ? buffer.length : end
    // A bound before the bytes become text: garbage without a newline may be long.
    lengthDigits += buffer.toString("latin1", from, Math.min(until, from + maxLengthDigits + 1))
    if (
      lengthDigits.length > maxLengthDigits ||
      !/^\d*$/.test(lengthDigits) ||
      (end !== -1 && lengthDigits === "")
    )
      throw new RecordIoError({
        reason: "BadLength",
        detail: `expected a record's length in digits, got ${JSON.stringify(lengthDigits.slice(0, 32))}`,
      })
    if (end === -1) return buffer.length
    missing = Number(lengthDigits)
    lengthDigits = ""
    if (missing > maxRecordBytes)
      throw new RecordIoError({
        reason: "TooLong",
        detail: `a record of ${missing} bytes is longer than the bound of ${maxRecordBytes}`,
      })
    return end + 1
  }

  const readBytes = (buffer: Buffer, from: number, onRecord: (record: string) => void): number => {
    const until = Math.min(buffer.length, from + missing)
    missing -= until - from
    if (missing > 0) {
      if (until > from) parts.push(buffer.slice(from, until))
      return until
    }
    let record = buffer
    if (parts.length === 0) record = buffer.slice(from, until)
    else {
      parts.push(buffer.slice(from, until))
      record = Buffer.concat(parts)
      parts = []
    }
    missing = -1
    onRecord(record.toString("utf8"))
    return until
  }

  return {
    push: (chunk, onRecord) => {
      const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      let at = 0
      // A record of no bytes is complete with its length, hence not only `at < length`.
      while (at < buffer.length || missing === 0)
        at = missing === -1 ? readLength(buffer, at) : readBytes(buffer, at, onRecord)
    },
    end: () => {
      if (missing !== -1 || lengthDigits !== "")
        throw new RecordIoError({
          reason: "Truncated",
          detail:
            missing === -1 ? "it ends inside a length" : `it ends ${missing} bytes before a record does`,
        })
    },
  }
}
