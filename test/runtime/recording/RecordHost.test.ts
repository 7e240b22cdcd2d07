import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { readRecentSamples } from "../../../runtime/recording/RecentSamples.ts"
import { recordHost } from "../../../runtime/recording/RecordHost.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-record-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const options = {
  cgroupParent: "gleaner-test-none",
  version: "v",
  onProblem: (problem: string) => expect.unreachable(problem),
}

it("records this host without a monitor", async () => {
  const recording = recordHost({ ...options, folder, intervalMs: 100 })
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  await recording.stop()
  const rows: Array<number> = []
  readRecentSamples(folder, hostname(), 0, (row) => {
    expect(row.intervalMs).toBe(100)
    expect(row.capacityCpuMilli % 1_000).toBe(0)
    expect(row.primaryMemMilliMax).toBeGreaterThan(0)
    rows.push(row.primaryCpuMilliMean)
  })
  expect(rows.length).toBeGreaterThan(0)
  expect(readdirSync(folder)).toHaveLength(1)
})

it.each([0, 99, 60_001, Number.NaN])("refuses an interval of %s ms", (intervalMs) => {
  expect(() => recordHost({ ...options, folder, intervalMs })).toThrow("choose 100ms to 1m")
  expect(readdirSync(folder)).toEqual([])
})
