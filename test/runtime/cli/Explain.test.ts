import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { runCommandLine } from "../../../runtime/cli/CommandLine.ts"
import { explanationText } from "../../../runtime/cli/Explain.ts"
import type { ExplainView, GroupView, RoleView } from "../../../runtime/master/ExplainView.ts"
import { run, secret, serveMaster } from "../../support/MasterFixture.ts"

const group = (text: string, ...hostnames: ReadonlyArray<string>): GroupView => ({
  stage: "short",
  count: hostnames.length,
  text,
  hosts: hostnames.map((hostname) => ({ id: `id-${hostname}`, hostname, verdict: {} })),
})

const answer = (change: Partial<RoleView> = {}): RoleView => ({
  role: "web",
  refusal: null,
  text: "",
  remark: null,
  groups: [],
  stops: null,
  ...change,
})

const view = (change: Partial<ExplainView> = {}): ExplainView => ({
  framework: { id: "m-0000", name: "shop" },
  wanted: {},
  answers: [answer()],
  ...change,
})

describe("an explanation on the terminal", () => {
  it("is a table for each role", () => {
    const groups = [
      group("short of mem by 1.2–3.5 GiB", "a", "b", "c", "d", "e"),
      group("filtered for 4 s more", "f"),
    ]
    const refused = answer({ role: "api", refusal: "suppressed", text: "framework shop has suppressed …" })
    expect(explanationText(view({ answers: [answer({ groups }), refused] }), false)).toBe(
      [
        "framework shop (m-0000) in role web",
        "",
        "hosts  why                          which",
        "─────  ───────────────────────────  ──────────────────",
        "    5  short of mem by 1.2–3.5 GiB  a, b, c and 2 more",
        "    1  filtered for 4 s more        f",
        "",
        "framework shop (m-0000) in role api",
        "framework shop has suppressed …",
      ].join("\n"),
    )
    expect(explanationText(view({ answers: [answer({ groups })] }), true)).toContain("a, b, c, d, e")
  })

  it("says what was wanted, what holds besides, and whom one could stop", () => {
    const stops = [
      {
        agent_id: "m-S0",
        hostname: "a",
        lost_cpu_seconds: 90,
        is_least: true,
        tasks: [
          {
            framework_id: "m-0001",
            framework_name: "jobs",
            task_id: "t1",
            role: "batch",
            resources: "cpus:1",
            lost_cpu_seconds: 90,
          },
        ],
      },
    ]
    const anybody = view({ framework: null, wanted: { cpus: 2, mem: 4096 } })
    const groups = [group("short of cpus by 1", "a")]
    const text = explanationText(
      { ...anybody, answers: [answer({ groups, stops, remark: "no framework wants offers for role web" })] },
      false,
    )
    expect(text.split("\n")[0]).toBe("anybody in role web, for a task with cpus 2, mem 4G")
    expect(text.split("\n").slice(-5)).toEqual([
      "",
      "But no framework wants offers for role web.",
      "",
      "It would fit without these tasks of lower priority:",
      "  on a: t1 of jobs (role batch); 90 CPU-seconds of work lost",
    ])
    expect(explanationText({ ...anybody, answers: [answer({ groups, stops: [] })] }, false)).toContain(
      "No tasks of lower priority could make room for it.",
    )
  })
})

describe("gleaner explain", () => {
  let folder = ""
  let out = ""
  let err = ""
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "explain-cli-"))
    writeFileSync(join(folder, "secret"), `${secret}\n`, { mode: 0o600 })
    out = ""
    err = ""
    vi.spyOn(console, "log").mockImplementation((text) => {
      out += `${String(text)}\n`
    })
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      err += String(text)
      return true
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
    rmSync(folder, { recursive: true })
  })

  const explain = (url: string, ...words: ReadonlyArray<string>): Promise<number> =>
    runCommandLine(["explain", ...words, "--master", url, "--secret-file", join(folder, "secret")])

  /** A host of 4 CPUs and 8000 MiB, and nobody else. */
  const withHost = (use: (url: string) => Promise<void>) =>
    run(
      Effect.gen(function* () {
        const served = yield* serveMaster()
        const agent = yield* served.agent
        yield* Effect.promise(() => agent.join())
        yield* Effect.promise(() => use(served.url))
      }),
    )

  it("asks a master and prints what it says", () =>
    withHost(async (url) => {
      expect(await explain(url, "--role", "web", "--cpus", "2", "--mem", "9G", "--ports", "1")).toBe(0)
      expect(err).toBe("")
      expect(out.split("\n").map((line) => line.trim().split(/ {2,}/))).toContainEqual([
        "1",
        "too small even when empty, short of mem by 1.2 GiB and ports by 1",
        "host",
      ])
      out = ""
      expect(await explain(url, "--role", "web", "--json")).toBe(0)
      expect(JSON.parse(out)).toMatchObject({
        framework: null,
        answers: [{ text: "1 host: fits now; but no framework wants offers for role web" }],
      })
    }))

  it("ends with 1 when there is no such framework, or no master", () =>
    withHost(async (url) => {
      expect(await explain(url, "--framework", "shop")).toBe(1)
      expect(err).toContain("no framework has the id or the name shop")
      err = ""
      expect(await explain("http://127.0.0.1:1", "--role", "web")).toBe(1)
      expect(err).toContain("http://127.0.0.1:1")
    }))

  it.each([
    [[], "--framework"],
    [["--role", "web", "--cpus", "0"], "--cpus 0"],
    [["--role", "web", "--mem", "much"], "--mem much"],
    [["--role", "web", "--disk", "much"], "--disk much"],
    [["--role", "web", "--ports", "0"], "--ports 0"],
    [["--role", ""], "role must not be empty"],
  ])("ends with 2 for %j", (words, told) =>
    withHost(async (url) => {
      expect(await explain(url, ...words)).toBe(2)
      expect(err).toContain(told)
    }),
  )

  it("says in its help what it can be asked", async () => {
    expect(await runCommandLine(["explain", "--help"])).toBe(0)
    for (const word of [
      "--framework",
      "--role",
      "gleaner explain --role batch --cpus 2 --mem 4G",
      "Exit codes",
    ]) {
      expect(out).toContain(word)
    }
  })
})
