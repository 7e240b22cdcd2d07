import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { root } from "../../../structure/SourceFiles.ts"

interface Input {
  readonly imports: ReadonlyArray<{ readonly path: string; readonly kind: string }>
}

const folder = mkdtempSync(join(tmpdir(), "gleaner-legacy-"))
const metafile = join(folder, "meta.json")
let inputs: Readonly<Record<string, Input>> = {}
beforeAll(() => {
  const args = ["bundle-legacy.mjs", "--out", join(folder, "dist"), "--metafile", metafile]
  execFileSync(process.execPath, args, { cwd: root })
  inputs = (JSON.parse(readFileSync(metafile, "utf8")) as { inputs: typeof inputs }).inputs
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Everything that is loaded together with a file: not what it loads when asked. */
const loadedWith = (path: string, seen = new Set<string>()): ReadonlySet<string> => {
  if (seen.has(path) || inputs[path] === undefined) return seen
  seen.add(path)
  for (const { path: imported, kind } of inputs[path].imports)
    if (kind !== "dynamic-import") loadedWith(imported, seen)
  return seen
}

const packagesIn = (paths: Iterable<string>): ReadonlyArray<string> => [
  ...new Set(
    [...paths].flatMap(
      (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(path)?.[1] ?? [],
    ),
  ),
]

describe("the bundle for legacy hosts", () => {
  it("is one script beside the launcher and what init scripts start", () => {
    expect(readdirSync(join(folder, "dist")).sort()).toEqual(["gleaner", "gleaner-legacy.js", "launch.sh"])
  })

  it("holds nothing that a host does not need, and nothing that Node 10 cannot run", () => {
    const unwanted =
      /@effect\/|better-sqlite3|arrow|echarts|runtime\/master\/|runtime\/cli\/evaluate|^sim\/|^traces\//
    expect(Object.keys(inputs).filter((path) => unwanted.test(path))).toEqual([])
    expect(packagesIn(Object.keys(inputs))).toContain("effect")
  })

  it("loads no Effect for the door, the monitor and the recorder", () => {
    for (const path of ["legacy/main.ts", "Monitor.ts", "TraceRecord.ts"]) {
      const loaded = loadedWith(`runtime/cli/${path}`)
      expect(loaded.size, path).toBeGreaterThan(3)
      expect(packagesIn(loaded), path).not.toContain("effect")
    }
    expect(packagesIn(loadedWith("runtime/cli/legacy/main.ts"))).toEqual([])
  })

  it("answers for itself, and names the command that was meant", () => {
    const run = (...args: ReadonlyArray<string>) =>
      spawnSync(process.execPath, [join(folder, "dist/gleaner-legacy.js"), ...args], { encoding: "utf8" })
    expect(run("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(run().stdout).toContain("gleaner trace record")
    expect(run("agent", "--help").stdout).toContain("--without-monitor")
    expect(run("montior")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("did you mean monitor?"),
    })
    expect(run("monitor", "--prot", "1")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("did you mean --port?"),
    })
  })
})
