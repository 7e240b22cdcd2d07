import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  encodeRecord,
  escapeToAscii,
  makeRecordDecoder,
  RecordIoError,
} from "../../../runtime/http/RecordIo.ts"

const text = fc.string({ unit: "binary", maxLength: 40 })

/** Cuts bytes at arbitrary places, also several times at the same one. */
const splitAt = (bytes: Buffer, cuts: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((place, index) => bytes.subarray(places[index], place))
}

const ignore = () => {}

const reasonOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (error instanceof RecordIoError) return error.reason
    throw error
  }
  return "none"
}

describe("encoding", () => {
  it("is Mesos's form", () => {
    expect(encodeRecord('{"type":"HEARTBEAT"}')).toBe('20\n{"type":"HEARTBEAT"}')
  })

  it("keeps the meaning of JSON, in as many bytes as characters", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), text, (value, extra) => {
        const json = JSON.stringify({ value, extra })
        const record = encodeRecord(json)
        const [length, payload] = [
          record.slice(0, record.indexOf("\n")),
          record.slice(record.indexOf("\n") + 1),
        ]
        expect(Number(length)).toBe(Buffer.byteLength(payload))
        expect(payload).toHaveLength(Number(length))
        expect(payload).not.toContain("\n")
        expect(JSON.parse(payload)).toEqual(JSON.parse(json))
      }),
    )
    expect(escapeToAscii('"ÿ😀\u007f"')).toBe('"\\u00ff\\ud83d\\ude00\u007f"')
  })
})

describe("decoding", () => {
  it("gives the same records for any split of any records", () => {
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 8 }),
        fc.array(fc.nat(400), { maxLength: 30 }),
        (records, cuts) => {
          // As Mesos sends them: UTF-8, the length in bytes.
          const bytes = Buffer.concat(
            records.map((record) => Buffer.from(`${Buffer.byteLength(record)}\n${record}`)),
          )
          const decoder = makeRecordDecoder()
          const decoded: Array<string> = []
          for (const chunk of splitAt(bytes, cuts)) decoder.push(chunk, (record) => decoded.push(record))
          decoder.end()
          expect(decoded).toEqual(records.map((record) => Buffer.from(record).toString()))
        },
      ),
    )
  })

  it.each([
    ["no digits", "x", "BadLength"],
    ["a sign", "-1\n", "BadLength"],
    ["an empty line", "\n", "BadLength"],
    ["a blank line between records", "1\nx\n1\ny", "BadLength"],
    ["digits without end", "1".repeat(17), "BadLength"],
    ["a length beyond the bound", "1001\n", "TooLong"],
    ["HTML", "<html>".repeat(1_000), "BadLength"],
  ])("refuses %s", (_, bytes, reason) => {
    expect(reasonOf(() => makeRecordDecoder(1_000).push(Buffer.from(bytes), ignore))).toBe(reason)
    const bytewise = makeRecordDecoder(1_000)
    expect(
      reasonOf(() => {
        for (const byte of Buffer.from(bytes)) bytewise.push(Buffer.from([byte]), ignore)
      }),
    ).toBe(reason)
  })

  it("takes a record of exactly the bound", () => {
    const decoded: Array<string> = []
    makeRecordDecoder(1_000).push(Buffer.from(`1000\n${"x".repeat(1_000)}`), (record) => decoded.push(record))
    expect(decoded).toEqual(["x".repeat(1_000)])
  })

  it("notices an end within a record or a length, and only there", () => {
    const endAfter = (bytes: string) => {
      const decoder = makeRecordDecoder()
      decoder.push(Buffer.from(bytes), ignore)
      return reasonOf(() => decoder.end())
    }
    expect(["", "0\n", "2\nab", "2\nab1", "2\n", "2\na"].map(endAfter)).toEqual([
      "none",
      "none",
      "none",
      "Truncated",
      "Truncated",
      "Truncated",
    ])
  })
})
