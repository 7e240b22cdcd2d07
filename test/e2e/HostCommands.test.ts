import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import {
  eventually,
  type GleanerProcess,
  gleaner,
  missingForEnforcement,
  startGleaner,
} from "../support/Gleaner.ts"

// The commands of a host, each by itself, as processes: on this Node, or as `npm run test:node10` has it.

let folder = ""
let running: GleanerProcess | undefined
/** Ended with the test, also when that fails. */
const start = (...words: ReadonlyArray<string>): GleanerProcess => {
  running = startGleaner(words)
  return running
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gleaner-e2e-host-"))
})
afterEach(async () => {
  running?.signal("SIGKILL")
  await running?.finished
  running = undefined
  rmSync(folder, { recursive: true, force: true })
})

describe("gleaner monitor", () => {
  const startMonitor = (...words: ReadonlyArray<string>) =>
    start("monitor", "--data", folder, "--port", "0", ...words)
  const policyFile = (window: string) => {
    const path = join(folder, "host.policy.json")
    const parameters = { window }
    const file = { version: 1, policy: "window-max", parameters, intervalMs: 10_000, horizonMs: 600_000 }
    writeFileSync(path, JSON.stringify(file))
    return path
  }

  it("measures without an agent, answers, and leaves when asked to", async () => {
    const monitor = startMonitor("--guard-period", "50ms")
    await monitor.says('"ready":true')
    const { url } = JSON.parse(monitor.stdout) as { url: string }
    const metrics = await eventually(async () => {
      const text = await (await fetch(`${url}/metrics`)).text()
      return /^gleaner_monitor_capacity_cpus [1-9]/m.test(text) ? text : undefined
    })
    expect(metrics).toMatch(/^gleaner_monitor_lease 0$/m)
    monitor.signal("SIGTERM")
    expect((await monitor.finished).code).toBe(0)
  })

  it("refuses what it cannot run as wrong usage, and names the place", async () => {
    const path = join(folder, "gone.policy.json")
    expect(await startMonitor("--policy", path).finished).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`the policy file ${path} cannot be read`),
    })
    writeFileSync(path, "{}")
    expect(await startMonitor("--policy", path).finished).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(path),
    })
    // A whole cluster does not even begin with it.
    const up = await start("up", "--data", join(folder, "up"), "--policy", path).finished
    expect(up).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(`${path}: policy file`) })
    expect(existsSync(join(folder, "up"))).toBe(false)
  })

  it("reads its policy again on SIGHUP, and keeps the old one when the new one is wrong", async () => {
    const path = policyFile("2h")
    const monitor = startMonitor("--policy", path)
    await monitor.says('"ready":true')
    policyFile("3h")
    monitor.signal("SIGHUP")
    await monitor.says("policy read again")
    expect(monitor.stderr).toContain("window=3h")
    writeFileSync(path, "no policy")
    monitor.signal("SIGHUP")
    await monitor.says("the policy stays as it was")
    monitor.signal("SIGTERM")
    expect((await monitor.finished).code).toBe(0)
  })
})

describe("gleaner trace record", () => {
  it("records until it is stopped", async () => {
    const out = join(folder, "recording")
    const recorder = start("trace", "record", "--out", out, "--interval", "100ms")
    await recorder.says('"ready":true')
    await eventually(() => (existsSync(out) && readdirSync(out).length > 0 ? true : undefined))
    recorder.signal("SIGTERM")
    expect((await recorder.finished).code).toBe(0)
  })

  it("records what evaluate can judge", async () => {
    const out = join(folder, "recording")
    const recorder = start("trace", "record", "--out", out, "--interval", "100ms")
    await recorder.says('"ready":true')
    const recorded = () => {
      const [name] = existsSync(out) ? readdirSync(out) : []
      return name === undefined ? "" : readFileSync(join(out, name), "utf8")
    }
    await eventually(() => (recorded().split('\n["s"').length > 5 ? true : undefined))
    recorder.signal("SIGINT")
    expect((await recorder.finished).code).toBe(0)
    // Judged is on a grid of 10 s (traces/README.md): as if it had recorded for so long.
    const [header = "", ...rows] = recorded().split("\n")
    const later = JSON.stringify({ ...JSON.parse(header), startMs: JSON.parse(header).startMs + 10_000 })
    writeFileSync(
      join(out, readdirSync(out)[0]!.replace(".00000001.", ".00000002.")),
      [later, ...rows].join("\n"),
    )
    const words = ["evaluate", "--trace", out, "--horizon", "10s", "--json"]
    const { code, stdout, stderr } = await gleaner(words)
    expect([code, stderr]).toEqual([0, ""])
    const results = JSON.parse(stdout) as ReadonlyArray<{ readonly machineSteps: number }>
    expect(results).toHaveLength(5)
    expect(results.filter(({ machineSteps }) => machineSteps === 0)).toEqual([])
  })

  it("needs to know where to", async () => {
    const { code, stderr } = await gleaner(["trace", "record"])
    expect([code, stderr]).toEqual([2, expect.stringContaining("--out DIR is missing")])
  })
})

describe("gleaner doctor", () => {
  it("tells what this host can enforce, as JSON", async () => {
    const parent = `gleaner-e2e-doctor-${process.pid}`
    const { code, stdout } = await gleaner(["doctor", "--json", "--cgroup-parent", parent, "--data", folder])
    const { version, canEnforce, findings } = JSON.parse(stdout)
    expect(version).toBe(1)
    expect(findings.length).toBeGreaterThan(10)
    expect(code).toBe(canEnforce ? 0 : 1)
    if (missingForEnforcement === undefined) expect(canEnforce).toBe(true)
  })
})

describe("the settings of a daemon", () => {
  it("come from the file that is named, and are shown with who said them", async () => {
    const config = join(folder, "gleaner.json")
    writeFileSync(config, JSON.stringify({ common: { data: folder }, agent: { port: 6051 } }))
    const words = ["agent", "--print-config", "--json", "--config", config, "--cpus", "2"]
    const { code, stdout } = await gleaner(words, { GLEANER_AGENT_MEM: "1G" })
    expect(code).toBe(0)
    expect(JSON.parse(stdout).settings).toMatchObject({
      data: { value: folder, source: `${config}: common.data` },
      port: { value: 6051, source: `${config}: agent.port` },
      mem: { value: "1G", source: "$GLEANER_AGENT_MEM" },
      cpus: { value: 2, source: "--cpus" },
      host: { value: "127.0.0.1", source: "default" },
    })
  })

  it.each([["agent"], ["monitor"], ["master"], ["up"]])("of %s are refused when wrong", async (command) => {
    const config = join(folder, "gleaner.json")
    writeFileSync(config, JSON.stringify({ agent: { prot: 1 } }))
    const { code, stderr } = await gleaner([command, "--config", config])
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`${config}: agent.prot is no setting; did you mean "port"?`),
    ])
  })
})
