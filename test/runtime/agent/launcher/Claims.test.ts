import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Launcher, type LaunchRequest, make } from "../../../../runtime/agent/Launcher.ts"

// Who may launch a task, when an agent died somewhere in the middle of it (launch.sh, `claim.ATTEMPT`).

let root = ""
let launches = 0
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "gleaner-claims-"))
})
afterAll(() => rmSync(root, { recursive: true }))

const live = () => Effect.runPromise(make({ pollMs: 20 }))
const request = (command: string): LaunchRequest => ({
  containerId: `c${++launches}`,
  command: { shell: true, value: command },
  environment: { PATH: "/usr/bin:/bin" },
  user: { uid: process.getuid!(), gid: process.getgid!() },
  sandboxDir: join(root, `${launches}/sandbox`),
  runDir: join(root, `${launches}/run`),
  joinPaths: [],
})
const output = ({ sandboxDir }: LaunchRequest) => readFileSync(join(sandboxDir, "stdout"), "utf8")
const runToEnd = (launcher: Launcher["Type"], asked: LaunchRequest) =>
  Effect.runPromise(Effect.merge(Effect.flatMap(launcher.start(asked), launcher.awaitExit)))

describe("a launch", () => {
  it("finds a launch of an earlier life by its run folder alone", async () => {
    const [first, second] = [await live(), await live()]
    const asked = request("until [ -e go ]; do sleep 0.01; done; exit 42")
    const task = await Effect.runPromise(first.start(asked))
    await Effect.runPromise(Effect.repeat(first.progress(task), { until: ({ step }) => step === "exec" }))
    const found = await Effect.runPromise(second.regain(asked))
    expect(found).toEqual({ type: "Launched", task })
    writeFileSync(join(asked.sandboxDir, "go"), "")
    expect(await Effect.runPromise(second.awaitExit(task))).toEqual({ exitCode: 42 })
    expect(await Effect.runPromise(second.regain(asked))).toEqual(found)
  })

  it("calls a launch off that has not happened: the late one runs nothing, the next attempt does", async () => {
    const launcher = await live()
    const asked = request("echo ran")
    // An agent that dies again and again between finding out and launching.
    expect(await Effect.runPromise(launcher.regain(asked))).toEqual({ type: "NeverRan", attempt: 2 })
    expect(await Effect.runPromise(launcher.regain(asked))).toEqual({ type: "NeverRan", attempt: 3 })
    for (const attempt of [1, 2])
      expect(await runToEnd(launcher, { ...asked, attempt })).toMatchObject({ _tag: "LauncherDied" })
    expect(output(asked)).toBe("")
    expect(await runToEnd(launcher, { ...asked, attempt: 3 })).toEqual({ exitCode: 0 })
    expect(output(asked)).toBe("ran\n")
  })

  it("either runs or was called off, however close the two come", async () => {
    const launcher = await live()
    const outcomes = { Launched: 0, NeverRan: 0 }
    for (let round = 0; round < 60; round++) {
      const asked = request("echo ran")
      const task = await Effect.runPromise(launcher.start(asked))
      // The launcher is on its way to its claim for some milliseconds.
      const untilMs = performance.now() + (round % 12) / 2
      while (performance.now() < untilMs);
      const { type } = await Effect.runPromise(launcher.regain(asked))
      outcomes[type]++
      const end = await Effect.runPromise(Effect.merge(launcher.awaitExit(task)))
      if (type === "Launched") expect([end, output(asked)]).toEqual([{ exitCode: 0 }, "ran\n"])
      else expect([end, output(asked)]).toMatchObject([{ _tag: "LauncherDied" }, ""])
    }
    expect(outcomes.NeverRan).toBeGreaterThan(0)
  })
})
