import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { Environment } from "../../bench/Bench.ts"
import type { Outcome } from "../../bench/Outcome.ts"
import { type RecordedRun, writeReport } from "../../bench/Report.ts"

const here: Environment = { node: "v20", cpu: "A <fast> one", cores: 2, platform: "linux x64", load: 0.5 }

const outcomeOf = (medianMs: number): Outcome => ({
  lines: [{ suite: "s", medianMs }],
  tables: [
    {
      title: "s & t",
      note: "What it is.",
      columns: [
        { title: "shape", align: "left" },
        { title: "ms", align: "right" },
      ],
      rows: [["1<2", String(medianMs)]],
      ratios: [
        { label: "quick", ratio: 1_000, goal: 100 },
        { label: "slow", ratio: 10, goal: 100 },
      ],
    },
  ],
  times: [{ key: "s 1<2", medianMs }],
  problems: [],
})

describe("the report of the bench", () => {
  let folder = ""
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "bench-report-"))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const write = async (environment: Environment, outcome: Outcome) =>
    readFile(await writeReport(folder, environment, [outcome]), "utf8")

  it("has tables and bars, loads nothing, and leaves the figures beside it", async () => {
    const page = await write(here, outcomeOf(5))
    expect(page).toContain("A &#60;fast&#62; one")
    expect(page).toContain("<td>1&#60;2</td>")
    expect(page.match(/class="bar reached"/g)).toHaveLength(1)
    expect(page.match(/class="bar"/g)).toHaveLength(1)
    expect(page).not.toMatch(/<script|src=|href=|url\(/)
    const run = JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as RecordedRun
    expect(run).toMatchObject({ environment: here, lines: [{ suite: "s", medianMs: 5 }], problems: [] })
  })

  it("compares with the last run of the same kind of machine", async () => {
    expect(await write(here, outcomeOf(4))).toContain("There was none")
    const page = await write({ ...here, load: 3 }, outcomeOf(5))
    expect(page).toContain("+25 %")
    expect(page).toContain("Load then 0.50, now 3.00")
    expect(await write({ ...here, cpu: "another" }, outcomeOf(5))).toContain("no comparison")
  })

  it("says what was wrong before anything else", async () => {
    const page = await write(here, { ...outcomeOf(5), problems: ["full 10x10: agent 7 was offered twice"] })
    expect(page.indexOf("agent 7 was offered twice")).toBeGreaterThan(0)
    expect(page.indexOf("agent 7 was offered twice")).toBeLessThan(page.indexOf("<table"))
  })
})
