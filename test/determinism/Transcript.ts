import { createHash } from "node:crypto"

// Bundled for Node 10 without the prelude: what a story uses of the library is what core/ may use.

/** All that a story's machines said, as one digest. */
export interface Transcript {
  /** Plain data, in JSON. */
  readonly note: (what: string, data: unknown) => void
  /** Fractions, bit for bit: text would hide a last bit that differs. */
  readonly noteBits: (what: string, values: Float64Array) => void
  readonly entries: () => number
  readonly digest: () => string
}

/** `dump` also gets every entry as a line, to find the first that differs. */
export const createTranscript = (dump?: (line: string) => void): Transcript => {
  const hash = createHash("sha256")
  let entries = 0
  const add = (line: string) => {
    entries++
    hash.update(line)
    hash.update("\n")
    if (dump !== undefined) dump(line)
  }
  return {
    note: (what, data) => add(`${what} ${JSON.stringify(data)}`),
    noteBits: (what, values) => {
      const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
      add(`${what} ${bytes.toString("hex")}`)
    },
    entries: () => entries,
    digest: () => hash.digest("hex"),
  }
}
