import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, describe, expect, it } from "vitest"

const root = join(dirname(fileURLToPath(import.meta.url)), "../..")

/** The built command line; GLEANER_BIN names another build of it. */
const bin = process.env.GLEANER_BIN ?? join(root, "dist/gleaner.js")

/** Recordings of third parties: read where they lie, never copied into the repository. */
const traces = join(root, "../shared/traces")
const hasTraces = existsSync(join(traces, "planetlab"))

const folder = mkdtempSync(join(tmpdir(), "gleaner-evaluate-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const evaluate = (...options: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>(
    (resolve, reject) => {
      const child = spawn(process.execPath, [bin, "evaluate", ...options], { cwd: folder })
      let out = ""
      let err = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        out += text
      })
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        err += text
      })
      child.on("error", reject)
      child.on("close", (code) => resolve({ code, out, err }))
    },
  )

type Row = Record<string, unknown> & { readonly trace: string; readonly policy: string }

const rowsOf = (out: string): ReadonlyArray<Row> => JSON.parse(out) as ReadonlyArray<Row>

const percentOf = (row: Row, key: string): number => Number(row[key]) * 100

interface Expected {
  readonly policy: string
  readonly harvest: number
  readonly violation: number
  readonly overrun: number
}

/** spec/baselines.md §3 and §5: harvest %, violation % within 5 minutes, mean overrun in points. */
const published: Readonly<
  Record<
    string,
    {
      readonly hosts: number
      readonly samples: number
      readonly machineSteps: number
      readonly rows: ReadonlyArray<Expected>
    }
  >
> = {
  "bitbrains-rnd/2013-8": {
    hosts: 165,
    samples: 1_422_776,
    machineSteps: 1_411_906,
    rows: [
      { policy: "usage-margin:margin=20%", harvest: 74.1, violation: 0.39, overrun: 27.8 },
      { policy: "window-max:window=1h,margin=5%", harvest: 86.6, violation: 0.39, overrun: 16.2 },
      { policy: "n-sigma:n=3,window=1h", harvest: 91.0, violation: 3.02, overrun: 3.0 },
      { policy: "oracle:window=1h,margin=5%", harvest: 86.6, violation: 0, overrun: 0 },
    ],
  },
  "traces/planetlab": {
    hosts: 3170,
    samples: 2_028_672,
    machineSteps: 1_866_660,
    rows: [
      { policy: "usage-margin:margin=20%", harvest: 68.8, violation: 3.14, overrun: 15.4 },
      { policy: "window-max:window=1h,margin=5%", harvest: 71.9, violation: 2.04, overrun: 12.2 },
      { policy: "n-sigma:n=3,window=1h", harvest: 72.5, violation: 3.01, overrun: 8.9 },
      { policy: "oracle:window=1h,margin=5%", harvest: 72.0, violation: 0, overrun: 0 },
    ],
  },
}

/** spec/baselines.md §4, memory of Bitbrains 2013-8. */
const publishedMemory = [
  [71.2, 0.73],
  [81.3, 0.83],
  [84.1, 2.92],
  [81.3, 0],
] as const

describe.skipIf(!hasTraces)(
  `published baselines (${hasTraces ? "recordings in" : "SKIPPED, there is no"} ${traces})`,
  () => {
    it("come out within 0.1 points, over exactly the published machine-steps", async () => {
      const { code, out, err } = await evaluate(
        "--trace",
        join(traces, "bitbrains-rnd/2013-8"),
        join(traces, "planetlab"),
        "--preset",
        "baselines",
        "--json",
      )
      expect(err).not.toContain("rror")
      expect(code).toBe(0)
      const rows = rowsOf(out)
      expect(rows).toHaveLength(8)
      for (const [trace, expected] of Object.entries(published)) {
        const own = rows.filter((row) => row.trace === trace)
        expect(own.map((row) => row.policy)).toEqual(expected.rows.map((row) => row.policy))
        expected.rows.forEach(({ policy, harvest, violation, overrun }, index) => {
          const row = own[index]!
          const { hosts, samples, machineSteps } = expected
          expect(row).toMatchObject({
            resource: "cpu",
            preset: "baselines",
            horizonMs: 300_000,
            synthetic: false,
          })
          expect({ hosts: row.hosts, samples: row.samples, machineSteps: row.machineSteps }).toEqual({
            hosts,
            samples,
            machineSteps,
          })
          expect(Math.abs(percentOf(row, "harvestShare") - harvest), `${trace} ${policy}`).toBeLessThan(0.1)
          expect(Math.abs(percentOf(row, "violationRate") - violation), `${trace} ${policy}`).toBeLessThan(
            0.1,
          )
          expect(Math.abs(percentOf(row, "meanDepth") - overrun), `${trace} ${policy}`).toBeLessThan(0.1)
        })
      }
    })

    it("come out for memory too", async () => {
      const { out } = await evaluate(
        ...[
          "--trace",
          join(traces, "bitbrains-rnd/2013-8"),
          "--resource",
          "mem",
          "--preset",
          "baselines",
          "--json",
        ],
      )
      rowsOf(out).forEach((row, index) => {
        const [harvest, violation] = publishedMemory[index]!
        expect(row.machineSteps).toBe(1_411_906)
        expect(Math.abs(percentOf(row, "harvestShare") - harvest), row.policy).toBeLessThan(0.1)
        expect(Math.abs(percentOf(row, "violationRate") - violation), row.policy).toBeLessThan(0.1)
      })
    })

    it("have no memory on PlanetLab, and the message names the trace", async () => {
      const day = join(traces, "planetlab/20110303.tar.gz")
      const { code, out, err } = await evaluate("--trace", day, "--resource", "mem")
      expect(code).toBe(2)
      expect(out).toBe("")
      expect(err).toContain("traces/planetlab: the recording has no memory")
    })
  },
)

describe("gleaner evaluate", () => {
  it("uses the synthetic fleet when no trace is named, says so, and prints an aligned table", async () => {
    const { code, out } = await evaluate()
    expect(code).toBe(0)
    expect(out).toContain("synthetic fleet (invented, seed 1)")
    const lines = out.split("\n")
    const header = lines.find((line) => line.startsWith("trace "))!
    const rows = lines.filter((line) => line.startsWith("synthetic-fleet (synthetic)"))
    expect(rows).toHaveLength(5)
    for (const title of ["hosts", "machine-steps", "harvest %", "of oracle %", "violation %", "depth pp"]) {
      const end = header.indexOf(title) + title.length
      for (const row of rows) expect(row.slice(0, end), title).toMatch(/[\d.]$/)
    }
    expect(out).toContain("horizon 10m")
    expect(out).toContain("counted: usage now and at every step of the horizon known")
  })

  it("prints rows of fractions as JSON, marked as synthetic", async () => {
    const { out } = await evaluate(
      "--json",
      "--seed",
      "3",
      "--horizon",
      "1h",
      "--policy",
      "static:reserve=25%",
      "n-sigma",
    )
    const rows = rowsOf(out)
    expect(rows.map((row) => row.policy)).toEqual(["static:reserve=25%", "n-sigma:n=3,window=1h"])
    for (const row of rows) {
      expect(row).toMatchObject({
        trace: "synthetic-fleet",
        resource: "cpu",
        horizonMs: 3_600_000,
        synthetic: true,
      })
      expect(row).toMatchObject({ preset: null, hosts: 60, weights: "capacity" })
      for (const key of [
        "harvestShare",
        "oracleShare",
        "violationRate",
        "meanDepth",
        "worstHostViolationRate",
      ]) {
        expect(row[key], key).toBeGreaterThan(0)
        expect(row[key], key).toBeLessThanOrEqual(1)
      }
      expect(row.worstHost).toMatch(/-\d{3}$/)
    }
    expect(rows[0]!.harvestShare).toBeCloseTo(0.75, 2)
  })

  it("writes a report that needs nothing else", async () => {
    const file = join(folder, "report.html")
    const { code, out } = await evaluate("--report", file)
    expect(code).toBe(0)
    expect(out).toContain(`report: ${file}`)
    const html = readFileSync(file, "utf8")
    expect(html).toContain("<svg")
    expect(html).toContain("Synthetic data.")
    expect(html).not.toContain("<script")
  })

  it("stops at a bad line with file, line and remedy, and skips it when asked to", async () => {
    const day = Array.from({ length: 288 }, (_, step) => (step === 99 ? "much" : "7"))
    const file = join(folder, "node_a")
    writeFileSync(file, day.join("\n"))
    const failed = await evaluate("--trace", file)
    expect(failed.code).toBe(2)
    expect(failed.out).toBe("")
    expect(failed.err).toContain(`${file}:100: "much" is not a whole percentage from 0 to 100`)
    expect(failed.err).toContain("--bad-lines=skip")
    const skipped = await evaluate("--trace", file, "--bad-lines", "skip")
    expect(skipped.code).toBe(0)
    expect(skipped.out).toContain("1 bad line skipped")
    expect(skipped.out).toContain("node_a:100")
  })

  it.each([
    [["--policy", "window-mx"], 'did you mean "window-max"?'],
    [["--trace", "nowhere"], "nowhere: there is no such file or folder"],
    [["--horizon", "soon"], '"soon" is not a duration'],
    [["--report", "missing/report.html"], "no file can be written in"],
  ])("refuses %s with exit code 2 and a reason", async (options, reason) => {
    const { code, out, err } = await evaluate(...options)
    expect(code).toBe(2)
    expect(out).toBe("")
    expect(err).toContain(reason)
  })

  it("shows policies with their defaults and examples in its help", async () => {
    const { code, out } = await evaluate("--help")
    expect(code).toBe(0)
    expect(out).toContain("window-max:window=1h,margin=5%")
    expect(out).toContain("gleaner evaluate --trace recordings/2013-8 --preset baselines --json")
  })
})
