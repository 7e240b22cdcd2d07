import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  createRecordingDecoder,
  isTornRow,
  printRecordingHeader,
  printRecordingRow,
  type RecordingHeader,
  type RecordingRowKind,
  recordingBegin,
  recordingColumns,
} from "../../../core/recording/Recording.ts"

const header: RecordingHeader = {
  host: "h1",
  bootId: "b",
  startMs: 1_700_000_000_000,
  intervalMs: 1_000,
  capacityCpuMilli: 2_000,
  capacityMemMilli: 4_000_000,
  writer: "test",
}
const open = () => {
  const decode = createRecordingDecoder()
  expect(decode(printRecordingHeader(header))).toEqual({ type: "Header", header })
  return decode
}
const kinds = Object.keys(recordingColumns) as ReadonlyArray<RecordingRowKind>

describe("Recording", () => {
  it("gives back what was written, whatever it was", () => {
    const amount = fc.oneof(fc.integer({ min: 0, max: 2 ** 50 }), fc.constant(Number.NaN))
    const row = fc.constantFrom(...kinds.filter((kind) => kind !== "c" && kind !== "k")).chain((kind) =>
      fc.tuple(
        fc.constant(kind),
        fc.array(amount, {
          minLength: recordingColumns[kind].length - 1,
          maxLength: recordingColumns[kind].length - 1,
        }),
      ),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.nat(100_000))), (rows) => {
        const decode = open()
        let atMs = 0
        for (const [[kind, values], laterMs] of rows) {
          atMs += laterMs
          const line = printRecordingRow(kind, [atMs, ...values])
          expect(isTornRow(line)).toBe(false)
          expect(decode(line)).toEqual({
            type: "Row",
            kind,
            wallMs: header.startMs + atMs,
            values: [atMs, ...values],
            capacityCpuMilli: 2_000,
            capacityMemMilli: 4_000_000,
          })
        }
      }),
    )
  })

  it("takes every cut line for torn and never for another row", () => {
    const line = printRecordingRow("s", [1_000, 10, 1, 2, 3, 4, 5, 6, 7, Number.NaN])
    for (let length = 0; length < line.length; length++) {
      expect(isTornRow(line.slice(0, length))).toBe(true)
      expect(open()(line.slice(0, length)).type).toBe("Bad")
    }
  })

  it("follows the clock and the capacity", () => {
    const decode = open()
    const wallMs = 1_800_000_000_000
    expect(decode(`["c",5000,${wallMs}]`)).toMatchObject({ wallMs })
    expect(decode('["k",5000,4000,null]')).toMatchObject({ type: "Bad" })
    decode('["k",5000,4000,1000]')
    expect(decode('["e",6000,1,2]')).toMatchObject({
      wallMs: wallMs + 1_000,
      capacityCpuMilli: 4_000,
      capacityMemMilli: 1_000,
    })
  })

  it("begins as readers expect", () => {
    expect(printRecordingHeader(header).startsWith(`${recordingBegin},`)).toBe(true)
  })

  it.each([
    ["{", "is not JSON"],
    ["{}", '"format" is not'],
    ["7", "is not a header"],
    [printRecordingHeader(header).replace('"version":1', '"version":2'), "is version 2 of the format"],
    [printRecordingHeader({ ...header, host: "" }), '"host" is not a name'],
    [printRecordingHeader({ ...header, startMs: 5 }), '"startMs"'],
    [printRecordingHeader({ ...header, intervalMs: 0 }), '"intervalMs"'],
    [printRecordingHeader({ ...header, capacityCpuMilli: 0 }), '"capacityCpuMilli"'],
    [printRecordingHeader({ ...header, capacityMemMilli: 1.5 }), '"capacityMemMilli"'],
  ])("refuses the header %j", (line, reason) => {
    expect(createRecordingDecoder()(line)).toEqual({ type: "Bad", reason: expect.stringContaining(reason) })
  })

  it.each([
    ['{"s":1}', "is not a row"],
    ["[]", "begins with undefined"],
    ['["x",1]', 'begins with "x", expected one of s, e, g, k, c'],
    ['["toString",1]', "begins with"],
    ['["e",1,2]', "has 2 values, expected 3: atMs, reserveCpuMilli, reserveMemMilli"],
    ['["e",null,2,3]', '"atMs" is null'],
    ['["e",1,-2,3]', '"reserveCpuMilli" is -2'],
    ['["e",1,"2",3]', '"reserveCpuMilli" is "2"'],
    ['["c",1,5]', "no time between 2000 and 2100"],
  ])("refuses the row %s and changes nothing", (line, reason) => {
    const decode = open()
    expect(decode(line)).toEqual({ type: "Bad", reason: expect.stringContaining(reason) })
    expect(decode('["e",0,1,1]').type).toBe("Row")
  })

  it("refuses time that goes back", () => {
    const decode = open()
    decode('["e",10,1,1]')
    expect(decode('["e",9,1,1]')).toMatchObject({
      type: "Bad",
      reason: expect.stringContaining("9 is not at or after"),
    })
  })
})
