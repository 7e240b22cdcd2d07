import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { policySpec } from "../../../core/policies/PolicySpec.ts"
import { startWarm } from "../../../runtime/monitor/WarmStart.ts"
import { openRecorder, type Recorder } from "../../../runtime/recording/Recorder.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-warm-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const start = 1_700_000_000_000
const spec = policySpec("window-max", { window: 3_600_000, margin: 0.1 })

/** Seconds of a host of 4 cpus, from `fromMs` on; a share of cpu each. */
const record = async (
  seconds: number,
  shareAt: (second: number) => number,
  { fromMs = 0, host = "h", intervalMs = 1_000, jitterMs = 0 } = {},
) => {
  const recorder: Recorder = openRecorder({
    folder,
    host,
    bootId: "",
    intervalMs,
    writer: "t",
    onProblem: () => expect.unreachable(),
  })
  for (let second = 0; second < seconds; second++) {
    const late = second % 3 === 0 ? jitterMs : 0
    const time = { nowMs: second * intervalMs + late, wallMs: start + fromMs + second * intervalMs + late }
    recorder.capacity(time, 4_000, 1_000_000)
    const cpuMilli = shareAt(second) * 4_000
    recorder.row("s", time, [10, cpuMilli, cpuMilli, 100_000, 100_000, 0, 0, 0, 0])
  }
  await recorder.stop()
}
const warm = (atMs: number, host = "h") =>
  startWarm({
    policy: { cpu: spec, mem: spec, intervalMs: 10_000 },
    guardPeriodMs: 100,
    folder,
    host,
    wallMs: start + atMs,
  })

describe("startWarm", () => {
  it("knows what the policy's window held, however unevenly the rows came", async () => {
    await record(600, (second) => (second >= 100 && second < 120 ? 0.6 : 0.2), { jitterMs: 400 })
    const { reserve, samples } = warm(601_000)
    expect(samples).toBeGreaterThan(590)
    expect(reserve).toEqual({ type: "HoldReserve", host: 0, cpuMilli: 2_800, memMilli: 200_000 })
  })

  it("forgets what lies before the window", async () => {
    await record(60, () => 0.9)
    await record(600, () => 0.2, { fromMs: 3_700_000 })
    expect(warm(4_301_000).reserve!.cpuMilli).toBeLessThan(1_300)
  })

  it("reserves everything over a gap until now, and with nothing to go on", async () => {
    expect(warm(0)).toMatchObject({ reserve: undefined, samples: 0 })
    await record(600, () => 0.2)
    expect(warm(610_000).reserve).toMatchObject({ cpuMilli: 4_000, memMilli: 1_000_000 })
  })

  it("believes neither another host, nor rows too far apart, nor the future", async () => {
    await record(600, () => 0.2, { host: "other" })
    expect(warm(601_000).samples).toBe(0)
    await record(600, () => 0.2, { intervalMs: 10_000 })
    expect(warm(6_001_000).samples).toBe(0)
    rmSync(folder, { recursive: true })
    await record(600, () => 0.2, { fromMs: 1_000_000 })
    expect(warm(601_000).samples).toBe(0)
  })
})
