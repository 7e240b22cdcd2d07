import { spawn } from "node:child_process"
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { createRecordingDecoder, type DecodedLine } from "../../../core/recording/Recording.ts"
import { readRecentSamples } from "../../../runtime/recording/RecentSamples.ts"
import { openRecorder, type Recorder, type RecorderOptions } from "../../../runtime/recording/Recorder.ts"
import { listSegments } from "../../../runtime/recording/RecordingSegments.ts"
import { createSampleFold } from "../../../runtime/recording/SampleFold.ts"
import { until } from "../../support/FakeMonitorAgent.ts"

let folder = ""
let problems: Array<string> = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-recording-"))
  problems = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const start = 1_700_000_000_000
const at = (ms: number, jumpMs = 0) => ({ nowMs: 50_000 + ms, wallMs: start + ms + jumpMs })
const open = (options: Partial<RecorderOptions> = {}): Recorder =>
  openRecorder({
    folder,
    host: "host/one",
    bootId: "boot",
    intervalMs: 1_000,
    writer: "test",
    flushMs: 60_000,
    onProblem: (problem) => problems.push(problem),
    ...options,
  })
const sample = (cpuMilli: number) => [10, cpuMilli, cpuMilli, 500, 600, 0, 0, 0, 0]
const decodeFile = (path: string): ReadonlyArray<DecodedLine> => {
  const decode = createRecordingDecoder()
  return readFileSync(path, "utf8").trimEnd().split("\n").map(decode)
}
const recent = (sinceMs = 0) => {
  const found: Array<readonly [number, number]> = []
  readRecentSamples(folder, "host/one", sinceMs, (row) =>
    found.push([row.wallMs - start, row.primaryCpuMilliMean]),
  )
  return found
}

describe("Recorder", () => {
  it("writes what a decoder gives back: samples, estimates, decisions, capacity and the clock", async () => {
    const recorder = open()
    recorder.row("s", at(0), sample(1))
    recorder.capacity(at(0), 2_000, 4_000_000)
    recorder.row("s", at(1_000), sample(100))
    recorder.row("e", at(1_500), [1_000, 2_000_000])
    recorder.capacity(at(2_000), 4_000, 4_000_000)
    recorder.row("g", at(2_000), [500, Number.NaN, 20, 1, 0])
    recorder.row("s", at(3_000, 90_000), sample(Number.NaN))
    await recorder.stop()
    expect(readdirSync(folder)).toEqual(["host_one.00000001.rec"])
    const [header, ...rows] = decodeFile(join(folder, "host_one.00000001.rec"))
    expect(header).toMatchObject({
      type: "Header",
      header: { host: "host/one", startMs: start + 1_000, capacityCpuMilli: 2_000 },
    })
    expect(
      rows.map((row) => row.type === "Row" && [row.kind, row.wallMs - start, row.capacityCpuMilli]),
    ).toEqual([
      ["s", 1_000, 2_000],
      ["e", 1_500, 2_000],
      ["k", 2_000, 4_000],
      ["g", 2_000, 4_000],
      ["c", 93_000, 4_000],
      ["s", 93_000, 4_000],
    ])
    expect(problems).toEqual([])
  })

  it("begins a new segment at each start and when one is full, and removes the oldest over the bound", async () => {
    for (let run = 0; run < 3; run++) {
      const recorder = open({ segmentBytes: 2_000, totalBytes: 8_000 })
      recorder.capacity(at(run * 100_000), 2_000, 4_000_000)
      for (let second = 0; second < 60; second++)
        recorder.row("s", at(run * 100_000 + second * 1_000), sample(run * 100 + second))
      await recorder.stop()
      const segments = listSegments(folder, "host/one")
      expect(segments.reduce((sum, segment) => sum + segment.bytes, 0)).toBeLessThanOrEqual(8_100)
    }
    const all = recent()
    expect(all.length).toBeGreaterThan(60)
    // The newest are all there, in order, none twice.
    expect(all.slice(-60)).toEqual(
      Array.from({ length: 60 }, (_, second) => [200_000 + second * 1_000, 200 + second]),
    )
    expect(listSegments(folder, "host/one")[0]!.number).toBeGreaterThan(1)
  })

  it("gives back only what is asked for, and passes over what is torn, foreign or of another host", async () => {
    for (let run = 0; run < 3; run++) {
      const recorder = open()
      recorder.capacity(at(run * 10_000), 2_000, 4_000_000)
      for (let second = 0; second < 5; second++)
        recorder.row("s", at(run * 10_000 + second * 1_000), sample(second))
      await recorder.stop()
    }
    appendFileSync(join(folder, "host_one.00000002.rec"), '["s",9000,1')
    writeFileSync(join(folder, "host_one.00000004.rec"), "")
    writeFileSync(join(folder, "notes.txt"), "x")
    expect(recent(start + 13_000).map(([wallMs]) => wallMs)).toEqual([
      13_000, 14_000, 20_000, 21_000, 22_000, 23_000, 24_000,
    ])
    expect(recent(start + 99_000)).toEqual([])
    readRecentSamples(folder, "other", 0, () => expect.unreachable())
    readRecentSamples(join(folder, "none"), "host/one", 0, () => expect.unreachable())
  })

  it("says that it cannot write, loses rows only, and goes on when it can again", async () => {
    const blocked = join(folder, "blocked")
    writeFileSync(blocked, "a file where the folder should be")
    const recorder = open({ folder: blocked })
    recorder.capacity(at(0), 2_000, 4_000_000)
    recorder.row("s", at(1_000), sample(1))
    expect(problems[0]).toContain(`cannot begin a recording in ${blocked}`)
    rmSync(blocked)
    recorder.row("s", at(2_000), sample(2))
    await recorder.stop()
    const [, ...rows] = decodeFile(join(blocked, "host_one.00000001.rec"))
    expect(rows).toHaveLength(1)
  })

  it("loses at most what was not flushed when its process is killed", async () => {
    const script = `
      import { openRecorder } from "${process.cwd()}/runtime/recording/Recorder.ts"
      const recorder = openRecorder({ folder: ${JSON.stringify(folder)}, host: "host/one", bootId: "", intervalMs: 1000,
        writer: "t", flushMs: 20, onProblem: console.error })
      let ms = 0
      recorder.capacity({ nowMs: 0, wallMs: ${start} }, 2000, 4000000)
      setInterval(() => { ms += 1000; recorder.row("s", { nowMs: ms, wallMs: ${start} + ms }, [10, ms, 1, 1, 1, 0, 0, 0, 0]) }, 1)`
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "ignore", "inherit"],
    })
    const path = join(folder, "host_one.00000001.rec")
    await until(() => listSegments(folder, "host/one").length > 0 && statSync(path).size > 5_000)
    child.kill("SIGKILL")
    await new Promise((resolve) => child.once("exit", resolve))
    const found = recent()
    expect(found.length).toBeGreaterThan(50)
    // No hole and no half row: what is there is everything up to some moment.
    expect(found).toEqual(found.map((_, index) => [(index + 1) * 1_000, (index + 1) * 1_000]))
  })
})

describe("SampleFold", () => {
  it("tells mean and highest of what is known, and begins anew", () => {
    const fold = createSampleFold()
    const of = (primaryCpuMilli: number, harvestMemMilli: number) => ({
      atMs: 0,
      capacityCpuMilli: 1,
      capacityMemMilli: 1,
      primaryCpuMilli,
      primaryMemMilli: Number.NaN,
      harvestCpuMilli: 0,
      harvestMemMilli,
      failures: [],
    })
    fold.add(of(100, 5))
    fold.add(of(Number.NaN, 6))
    fold.add(of(201, 7))
    expect(fold.count()).toBe(3)
    expect(fold.take()).toEqual([3, 151, 201, Number.NaN, Number.NaN, 0, 0, 6, 7])
    expect(fold.take()).toEqual([0, ...Array(8).fill(Number.NaN)])
  })
})
