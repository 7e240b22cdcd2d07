import { dirname, join, normalize } from "node:path"
import { describe, expect, it } from "vitest"
import { blankComments, importsOf, listFiles, readSources } from "./SourceFiles.ts"

// The rules of design §2 and of CONTRIBUTING.md that a compiler cannot see. A failure names file and rule.

const sources = readSources()

/** Folder → folders it may import. `runtime/cli` is the one place that knows all. */
const allowed: Record<string, ReadonlyArray<string>> = {
  core: ["core"],
  traces: ["core", "traces"],
  sim: ["core", "traces", "sim"],
  runtime: ["core", "runtime"],
  "runtime/cli": ["core", "traces", "sim", "runtime", "runtime/cli"],
  bench: ["core", "traces", "sim", "runtime", "runtime/cli", "bench"],
  test: ["core", "traces", "sim", "runtime", "runtime/cli", "bench", "test"],
}

const roomOf = (path: string): string =>
  path.startsWith("runtime/cli/") ? "runtime/cli" : path.split("/")[0]!

const findInCode = (folder: string, pattern: RegExp): ReadonlyArray<string> =>
  sources
    .filter((file) => file.path.startsWith(folder))
    .flatMap((file) =>
      file.code
        .split("\n")
        .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [])),
    )

describe("structure", () => {
  it("has only the agreed folders at the top", () => {
    const folders = new Set(
      listFiles()
        .filter((path) => path.includes("/"))
        .map((path) => path.split("/")[0]!),
    )
    const agreed = ["core", "sim", "runtime", "traces", "bench", "test", ".ci"]
    expect([...folders].filter((name) => !agreed.includes(name))).toEqual([])
  })

  it("imports only in the agreed direction", () => {
    const wrong = sources
      .filter((file) => file.path.includes("/"))
      .flatMap((file) =>
        importsOf(file)
          .filter((specifier) => specifier.startsWith("."))
          .map((specifier) => normalize(join(dirname(file.path), specifier)))
          .filter((target) => !(allowed[roomOf(file.path)] ?? []).includes(roomOf(target)))
          .map((target) => `${file.path} imports ${target}`),
      )
    expect(wrong).toEqual([])
  })

  it("keeps master, agent and monitor apart: they share the wire, not code", () => {
    const daemons = ["master", "agent", "monitor"]
    const daemonOf = (path: string) => daemons.find((name) => path.startsWith(`runtime/${name}/`))
    const wrong = sources.flatMap((file) => {
      const own = daemonOf(file.path)
      if (own === undefined) return []
      return importsOf(file)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => normalize(join(dirname(file.path), specifier)))
        .filter((target) => daemonOf(target) !== undefined && daemonOf(target) !== own)
        .map((target) => `${file.path} imports ${target}`)
    })
    expect(wrong).toEqual([])
  })

  it("keeps core/ free of every package", () => {
    const wrong = sources
      .filter((file) => file.path.startsWith("core/"))
      .flatMap((file) =>
        importsOf(file)
          .filter((specifier) => !specifier.startsWith("."))
          .map((name) => `${file.path} imports ${name}`),
      )
    expect(wrong).toEqual([])
  })

  it("keeps core/ free of clocks, chance, the process and locale", () => {
    const banned =
      /\bDate\b|Math\.(random|pow|exp|expm1|log\w*|sin|cos|tan|cbrt|hypot|asin|acos|atan2?|sinh|cosh|tanh)\b|\*\*|\bperformance\b|\bprocess\.|\bset(Timeout|Interval|Immediate)\b|\bPromise\b|\basync\b|\bawait\b|toLocale|\bIntl\b|localeCompare|\bfor \((const|let) \w+ in\b|\bconsole\b|\bglobalThis\b/
    expect(findInCode("core/", banned)).toEqual([])
  })

  it("has no file longer than 400 lines", () => {
    const long = sources
      .map((file) => ({ path: file.path, lines: file.text.split("\n").length - 1 }))
      .filter((file) => file.lines > 400)
      .map((file) => `${file.path}: ${file.lines} lines`)
    expect(long).toEqual([])
  })

  it("has no utils, helpers or misc", () => {
    expect(listFiles().filter((path) => /(^|\/)(utils?|helpers?|misc|common)(\.|\/)/i.test(path))).toEqual([])
  })

  it("has no test that is skipped or singled out by hand", () => {
    expect(findInCode("test/", /\b(it|test|describe)\.(only|todo|skip)\(/)).toEqual([])
  })
})

describe("the rules themselves", () => {
  it("see code, not comments", () => {
    const blank = (length: number) => " ".repeat(length)
    expect(blankComments("a() // Date.now()\n/* Date */ b()")).toBe(`a() ${blank(13)}\n${blank(10)} b()`)
    expect(blankComments("const u = 'http://x'")).toBe("const u = 'http://x'")
  })
})
