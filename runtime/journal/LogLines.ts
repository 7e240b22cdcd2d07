import { createHash } from "node:crypto"

// A journal file as text: a first line that says what it is, then one line per group of batches,
//
//   CHECKSUM NUMBER JSON
//
// NUMBER counts from 0 without a gap; line 0 holds everything from before this file. The file is put in its place only
// when line 0 is durable, and a line is written only when all lines before it are. So a line that is not whole can be
// the last one, which a crash has cut off; anywhere else something has damaged the file.

export const formatVersion = 1
const title = "gleaner journal, format"

/** What every such file begins with. */
export const titleStart = `${title} `

export const titleLine = `${title} ${formatVersion}\n`

export const toLogLine = (number: number, json: string): Buffer =>
  Buffer.from(`${checksumOf(`${number} ${json}`)} ${number} ${json}\n`)

const checksumOf = (text: string): string =>
  createHash("sha256").update(text, "utf8").digest("hex").slice(0, 16)

/** Undefined when the line is not whole. */
const parseLogLine = (line: string): { readonly number: number; readonly json: string } | undefined => {
  const found = /^([0-9a-f]{16}) (\d{1,15}) ([\s\S]*)$/.exec(line)
  if (found === null || checksumOf(line.slice(17)) !== found[1]) return undefined
  return { number: Number(found[2]), json: found[3]! }
}

export type LogReading =
  | {
      readonly type: "Read"
      /** JSON of line 0, then of the groups after it. */
      readonly lines: ReadonlyArray<string>
      /** Bytes up to the end of the last whole line. */
      readonly size: number
      /** Bytes after it. */
      readonly tornBytes: number
    }
  | { readonly type: "Foreign" }
  | { readonly type: "OtherFormat"; readonly format: number }
  | { readonly type: "Damaged"; readonly lineNumber: number; readonly offset: number }

/** Reads a journal file; `lineNumber` of damage counts from 1, as editors do. */
export const readLog = (bytes: Buffer): LogReading => {
  const start = bytes.indexOf(10) + 1
  const format = new RegExp(`^${title} (\\d{1,9})\n$`).exec(bytes.toString("latin1", 0, Math.min(start, 100)))
  if (format === null) return { type: "Foreign" }
  if (Number(format[1]) !== formatVersion) return { type: "OtherFormat", format: Number(format[1]) }
  const lines: Array<string> = []
  let size = start
  for (let at = start; at < bytes.length; ) {
    const newline = bytes.indexOf(10, at)
    const end = newline === -1 ? bytes.length : newline
    const line = newline === -1 ? undefined : parseLogLine(bytes.toString("utf8", at, end))
    if (line?.number === lines.length) {
      lines.push(line.json)
      size = end + 1
    } else if (lines.length === 0 || hasWholeLine(bytes, end + 1)) {
      return { type: "Damaged", lineNumber: lines.length + 2, offset: at }
    } else break
    at = end + 1
  }
  if (lines.length === 0) return { type: "Damaged", lineNumber: 2, offset: start }
  return { type: "Read", lines, size, tornBytes: bytes.length - size }
}

const hasWholeLine = (bytes: Buffer, from: number): boolean => {
  for (let at = from, newline = bytes.indexOf(10, at); newline !== -1; newline = bytes.indexOf(10, at)) {
    if (parseLogLine(bytes.toString("utf8", at, newline)) !== undefined) return true
    at = newline + 1
  }
  return false
}
