import { describe, expect, it } from "vitest"
import { readTraces } from "../../../traces/ReadTraces.ts"
import type { Trace } from "../../../traces/Trace.ts"
import { august, type BitbrainsRow, bitbrainsHeader, bitbrainsText, createRecordings } from "../Recordings.ts"

const recordings = createRecordings()
let folders = 0

const read = async (
  hosts: Readonly<Record<string, ReadonlyArray<BitbrainsRow> | string>>,
  badLines: "fail" | "skip" = "fail",
): Promise<Trace> => {
  const folder = `b${folders++}/month`
  for (const [name, rows] of Object.entries(hosts)) {
    recordings.write(`${folder}/${name}.csv`, typeof rows === "string" ? rows : bitbrainsText(rows))
  }
  return (await readTraces([`${recordings.root}/${folder}`], { badLines }))[0]!
}

const known = (shares: Float32Array): ReadonlyArray<readonly [number, number]> =>
  Array.from(shares).flatMap((share, step) =>
    Number.isNaN(share) ? [] : [[step, Math.round(share * 1e4) / 1e4] as const],
  )

describe("the Bitbrains reader", () => {
  it("takes the timestamp for seconds and puts each sample into the nearest slot", async () => {
    const trace = await read({
      "7": [
        { seconds: august + 10, percent: 10 },
        { seconds: august + 311, percent: 20 },
        { seconds: august + 455, percent: 30 },
      ],
    })
    expect(trace.intervalMs).toBe(300_000)
    expect(trace.segments).toEqual([{ label: "whole", firstStep: 0, steps: 288, startMs: august * 1000 }])
    expect(known(trace.cpu)).toEqual([
      [0, 0.1],
      [1, 0.2],
      [2, 0.3],
    ])
    expect(known(trace.mem!)[0]).toEqual([0, 0.25])
  })

  it("begins the grid at the slot boundary at or before the first sample, and covers whole days", async () => {
    const trace = await read({
      a: [{ seconds: august + 176, percent: 1 }],
      b: [{ seconds: august + 86_400 + 100, percent: 2 }],
    })
    expect(trace.segments[0]!.startMs).toBe(august * 1000)
    expect(trace.steps).toBe(2 * 288)
    expect(known(trace.cpu.slice(0, trace.steps))).toEqual([[1, 0.01]])
    expect(known(trace.cpu.slice(trace.steps))).toEqual([[288, 0.02]])
  })

  it("averages samples of one slot, clips the mean to 100 %, and counts all of it", async () => {
    const trace = await read({
      a: [
        { seconds: august, percent: 10 },
        { seconds: august, percent: 10 },
        { seconds: august + 40, percent: 40 },
        { seconds: august + 300, percent: 108.1 },
      ],
    })
    expect(known(trace.cpu)).toEqual([
      [0, 0.2],
      [1, 1],
    ])
    expect(trace.importReport).toMatchObject({
      files: 1,
      lines: 5,
      samples: 4,
      repeatedRows: 1,
      averagedSamples: 2,
      clippedSamples: 1,
      skippedLines: 0,
    })
  })

  it("keeps gaps as missing samples", async () => {
    const trace = await read({
      a: [
        { seconds: august, percent: 5 },
        { seconds: august + 3000, percent: 6 },
      ],
    })
    expect(known(trace.cpu).map(([step]) => step)).toEqual([0, 10])
  })

  it("counts a switched-off host as unused and takes the capacity that held longest", async () => {
    const trace = await read({
      a: [
        { seconds: august, percent: 50, cores: 0, memoryKb: 0, usedKb: 0 },
        { seconds: august + 300, percent: 50, cores: 2, memoryKb: "2.097152E6", usedKb: 1_048_576 },
        { seconds: august + 600, percent: 50, cores: 2, memoryKb: "2.097152E6", usedKb: 1_048_576 },
        { seconds: august + 900, percent: 50, cores: 8, memoryKb: 4_194_304, usedKb: 1_048_576 },
      ],
    })
    expect(known(trace.cpu).map(([, share]) => share)).toEqual([0, 0.5, 0.5, 0.5])
    expect(known(trace.mem!).map(([, share]) => share)).toEqual([0, 0.5, 0.5, 0.25])
    expect([trace.cpuMilli[0], trace.memMilli[0]]).toEqual([2000, 2048 * 1000])
    expect(trace.importReport).toMatchObject({ zeroCapacitySamples: 1, hostsWithChangedCapacity: 1 })
  })

  it("orders hosts by number, whatever order the files come in", async () => {
    const rows = [{ seconds: august, percent: 1 }]
    const trace = await read({ "10": rows, "9": rows, "100": rows, x: rows })
    expect(trace.hosts).toEqual(["9", "10", "100", "x"])
  })

  it("believes a header that says milliseconds when the figures are milliseconds", async () => {
    const trace = await read({ a: [{ seconds: (august + 300) * 1000, percent: 7 }] })
    expect(trace.segments[0]!.startMs).toBe((august + 300) * 1000)
  })

  it("reads a file with carriage returns, a byte-order mark and no last newline", async () => {
    const text = bitbrainsText([{ seconds: august, percent: 12 }])
      .trimEnd()
      .replaceAll("\n", "\r\n")
    expect(known((await read({ a: `\ufeff${text}` })).cpu)).toEqual([[0, 0.12]])
  })

  const bad: ReadonlyArray<readonly [string, string, RegExp]> = [
    ["a field too few", `${august};\t4;\t1`, /has 3 fields separated by ";", expected 11/],
    [
      "a word for a number",
      `${august};4;1;1;much;1;1;0;0;0;0`,
      /"CPU usage \[%\]" is "much", expected a number/,
    ],
    ["an empty field", `${august};4;1;1;;1;1;0;0;0;0`, /"CPU usage \[%\]" is ""/],
    ["a negative figure", `${august};4;1;1;-3;1;1;0;0;0;0`, /"CPU usage \[%\]" is "-3"/],
    ["a time of long ago", "12;4;1;1;3;1;1;0;0;0;0", /timestamp 12 does not lie between 2000 and 2100/],
    [
      "a broken time",
      `${august + 500 * 86_400};4;1;1;3;1;1;0;0;0;0`,
      /more than a year from the line before/,
    ],
  ]

  it.each(bad)("stops at %s with file, line and remedy", async (_, line, reason) => {
    const text = `${bitbrainsText([{ seconds: august, percent: 1 }])}${line}\n`
    const failure = await read({ a: text }).catch((error: Error) => error)
    expect((failure as Error).message).toMatch(/a\.csv:3: /)
    expect((failure as Error).message).toMatch(reason)
    expect((failure as Error).message).toContain("--bad-lines=skip")
  })

  it.each(bad)("skips %s when asked to, and says so", async (_, line) => {
    const text = `${bitbrainsText([{ seconds: august, percent: 1 }])}${line}\n`
    const trace = await read({ a: text }, "skip")
    expect(known(trace.cpu)).toEqual([[0, 0.01]])
    expect(trace.importReport.skippedLines).toBe(1)
    expect(trace.importReport.skippedExamples[0]).toMatch(/a\.csv:3: /)
  })

  it("does not take a file without any sample for a host", async () => {
    await expect(read({ a: `${bitbrainsHeader}\n` })).rejects.toThrow(
      "a.csv:1: the file ends without a single sample",
    )
    const trace = await read({ a: `${bitbrainsHeader}\n`, b: [{ seconds: august, percent: 1 }] }, "skip")
    expect(trace.hosts).toEqual(["b"])
    await expect(read({ a: `${bitbrainsHeader}\n` }, "skip")).rejects.toThrow("no file has a usable sample")
  })
})
