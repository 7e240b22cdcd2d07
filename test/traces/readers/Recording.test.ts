import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  printRecordingHeader,
  printRecordingRow,
  type RecordingHeader,
} from "../../../core/recording/Recording.ts"
import { readTraces } from "../../../traces/ReadTraces.ts"
import { createRecordings } from "../Recordings.ts"

const { root, write } = createRecordings()

const day = Date.UTC(2026, 0, 5)
const headerOf = (given: Partial<RecordingHeader> = {}) =>
  printRecordingHeader({
    host: "h1",
    bootId: "b",
    startMs: day,
    intervalMs: 1_000,
    capacityCpuMilli: 2_000,
    capacityMemMilli: 1_000_000,
    writer: "test",
    ...given,
  })
const row = (atMs: number, cpuMilli: number, memMilli = 250_000) =>
  printRecordingRow("s", [atMs, 10, cpuMilli, cpuMilli, memMilli, memMilli, 0, 0, 0, 0])
const textOf = (header: string, rows: ReadonlyArray<string>) => `${[header, ...rows].join("\n")}\n`

const read = async (path: string, badLines: "fail" | "skip" = "fail") => {
  const traces = await readTraces([path], { badLines })
  expect(traces).toHaveLength(1)
  return traces[0]!
}
const messageOf = (path: string) =>
  read(path).then(
    () => "was read",
    (error: Error) => error.message,
  )
const shares = (values: Float32Array | null) => Array.from(values!, (share) => Math.round(share * 1e6) / 1e6)
let count = 0
const nextFolder = () => `rec${++count}`

describe("gleaner recordings", () => {
  it("averages seconds on a grid of 10 s, of all segments and hosts of a folder", async () => {
    const folder = nextFolder()
    const seconds = (from: number, to: number, cpuMilli: number) =>
      Array.from({ length: to - from }, (_, index) => row((from + index + 1) * 1_000, cpuMilli))
    write(`${folder}/h1.00000001.rec`, textOf(headerOf(), [...seconds(0, 10, 200), ...seconds(10, 15, 400)]))
    write(`${folder}/h1.00000002.rec`, textOf(headerOf({ startMs: day + 15_000 }), seconds(0, 5, 800)))
    write(
      `${folder}/h0.00000001.rec`,
      textOf(headerOf({ host: "h0", startMs: day + 40_000 }), seconds(0, 1, 2_000)),
    )
    const trace = await read(`${root}/${folder}`)
    expect(trace).toMatchObject({
      name: expect.stringContaining(folder),
      synthetic: false,
      intervalMs: 10_000,
      hosts: ["h0", "h1"],
      steps: 5,
      segments: [{ label: "whole", firstStep: 0, steps: 5, startMs: day }],
    })
    const none = Number.NaN
    expect(shares(trace.cpu)).toEqual([none, none, none, none, 1, 0.1, 0.3, none, none, none])
    expect(shares(trace.mem)).toEqual([none, none, none, none, 0.25, 0.25, 0.25, none, none, none])
    expect(Array.from(trace.cpuMilli)).toEqual([2_000, 2_000])
    expect(trace.importReport).toMatchObject({ files: 3, lines: 24, samples: 21, skippedLines: 0 })
  })

  it("lays recordings of up to a minute on a grid of a minute, finer ones beside them too", async () => {
    const folder = nextFolder()
    const slow = [60_000, 120_000].map((atMs) => row(atMs, 1_000))
    write(`${folder}/slow.rec`, textOf(headerOf({ host: "slow", intervalMs: 60_000 }), slow))
    const fast = Array.from({ length: 90 }, (_, second) => row((second + 1) * 1_000, second < 60 ? 200 : 600))
    write(`${folder}/fast.rec`, textOf(headerOf({ host: "fast" }), fast))
    const trace = await read(`${root}/${folder}`)
    expect([trace.intervalMs, trace.steps]).toEqual([60_000, 2])
    expect(shares(trace.cpu)).toEqual([0.1, 0.3, 0.5, 0.5])
  })

  it("leaves out a last line that was cut, and no other", async () => {
    const folder = nextFolder()
    const cut = row(20_000, 900).slice(0, -3)
    const torn = write(`${folder}/torn.rec`, `${textOf(headerOf(), [row(10_000, 200)])}${cut}`)
    expect(shares((await read(torn)).cpu)).toEqual([0.1])
    const middle = write(`${folder}/middle/a.rec`, textOf(headerOf(), [cut, row(10_000, 200)]))
    expect(await messageOf(middle)).toContain(`${middle}:2: is not JSON`)
    const last = write(`${folder}/last/a.rec`, textOf(headerOf(), [row(10_000, 200), '["s",1]']))
    expect(await messageOf(last)).toContain(`${last}:3: has 1 values, expected 10: atMs, samples`)
    const skipped = await read(last, "skip")
    expect(skipped.importReport).toMatchObject({ samples: 1, skippedLines: 1 })
    expect(skipped.importReport.skippedExamples[0]).toContain(`${last}:3:`)
  })

  it("follows a clock that was set, and averages what it lives through twice", async () => {
    const folder = nextFolder()
    const rows = [
      row(10_000, 200),
      printRecordingRow("c", [15_000, day + 45_000]),
      row(20_000, 400),
      printRecordingRow("c", [25_000, day + 5_000]),
      row(30_000, 600),
    ]
    write(`${folder}/a.rec`, textOf(headerOf({ intervalMs: 10_000 }), rows))
    const trace = await read(`${root}/${folder}`)
    const none = Number.NaN
    expect(shares(trace.cpu)).toEqual([0.2, none, none, none, 0.2])
    expect(trace.importReport.averagedSamples).toBe(1)
  })

  it("takes a reboot for a gap, and the capacity of each moment for its shares", async () => {
    const folder = nextFolder()
    const grown = [
      row(10_000, 1_000),
      printRecordingRow("k", [10_000, 4_000, 2_000_000]),
      row(20_000, 1_000),
      row(30_000, 1_000),
    ]
    write(`${folder}/a.rec`, textOf(headerOf({ intervalMs: 10_000 }), grown))
    write(
      `${folder}/b.rec`,
      textOf(headerOf({ intervalMs: 10_000, bootId: "later", startMs: day + 60_000 }), [row(10_000, 2_000)]),
    )
    const trace = await read(`${root}/${folder}`)
    const none = Number.NaN
    expect(shares(trace.cpu)).toEqual([0.5, 0.25, 0.25, none, none, none, 1])
    expect(shares(trace.mem)).toEqual([0.25, 0.125, 0.125, none, none, none, 0.25])
    // Held for two samples each: the larger counts.
    expect([trace.cpuMilli[0], trace.memMilli[0]]).toEqual([4_000, 2_000_000])
    expect(trace.importReport.hostsWithChangedCapacity).toBe(1)
  })

  it("counts what could not be measured as missing", async () => {
    const folder = nextFolder()
    write(
      `${folder}/a.rec`,
      textOf(headerOf({ intervalMs: 10_000 }), [
        row(10_000, Number.NaN),
        row(20_000, 200, Number.NaN),
        row(30_000, 400),
      ]),
    )
    const trace = await read(`${root}/${folder}`)
    expect(shares(trace.cpu)).toEqual([Number.NaN, 0.1, 0.2])
    expect(shares(trace.mem)).toEqual([0.25, Number.NaN, 0.25])
    const empty = write(`${folder}/empty/a.rec`, textOf(headerOf(), [row(1_000, Number.NaN)]))
    expect(await messageOf(empty)).toContain("no file has a usable sample of the primary's cpu")
  })

  it("refuses a header that it does not understand, and a clock that cannot be", async () => {
    const folder = nextFolder()
    const newer = write(`${folder}/new.rec`, headerOf().replace('"version":1', '"version":9'))
    expect(await messageOf(newer)).toContain(`${newer}:1: its header is version 9 of the format`)
    const jump = write(
      `${folder}/jump/a.rec`,
      textOf(headerOf(), [
        row(1_000, 1),
        printRecordingRow("c", [2_000, day + 400 * 86_400_000]),
        row(3_000, 1),
      ]),
    )
    expect(await messageOf(jump)).toContain(
      `${jump}:4: its time lies more than a year from the sample before`,
    )
  })

  it("gives back any series exactly, however it is cut into segments", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(fc.nat(2_000), { freq: 4 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        async (series, perSegment) => {
          const known = series.flatMap((cpuMilli, step) => (cpuMilli === null ? [] : [{ cpuMilli, step }]))
          fc.pre(known.length > 0)
          const folder = nextFolder()
          for (let from = 0; from < known.length; from += perSegment) {
            const part = known.slice(from, from + perSegment)
            const startMs = day + part[0]!.step * 10_000
            const rows = part.map(({ cpuMilli, step }) => row(day + (step + 1) * 10_000 - startMs, cpuMilli))
            write(`${folder}/h1.${from}.rec`, textOf(headerOf({ intervalMs: 10_000, startMs }), rows))
          }
          const trace = await read(`${root}/${folder}`)
          const first = known[0]!.step
          const last = known[known.length - 1]!.step
          expect(Array.from(trace.cpu)).toEqual(
            series
              .slice(first, last + 1)
              .map((cpuMilli) => (cpuMilli === null ? Number.NaN : Math.fround(cpuMilli / 2_000))),
          )
          expect(trace.segments[0]!.startMs).toBe(day + first * 10_000)
        },
      ),
      { numRuns: 40 },
    )
  })
})
