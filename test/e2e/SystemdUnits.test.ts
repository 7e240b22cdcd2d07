import { spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { root } from "../structure/SourceFiles.ts"
import { gleaner } from "../support/Gleaner.ts"

const init = join(root, "runtime/init")

describe("the program that init scripts and units start", () => {
  it("runs what lies beside it, also when it is called through a link, and says when there is nothing", () => {
    const folder = mkdtempSync(join(tmpdir(), "gleaner-opt-"))
    try {
      const program = join(folder, "opt/gleaner")
      mkdirSync(join(folder, "opt"))
      cpSync(join(init, "gleaner"), program)
      const link = join(folder, "link")
      symlinkSync(program, link)
      const call = (...words: ReadonlyArray<string>) => spawnSync(link, words, { encoding: "utf8" })
      expect(call("agent")).toMatchObject({ status: 1, stderr: expect.stringContaining(join(folder, "opt")) })
      const script = "process.stdout.write(__filename + process.argv.slice(2).join('|'))"
      writeFileSync(join(folder, "opt/gleaner-legacy.js"), script)
      expect(call("agent", "--mem", "1 G").stdout).toBe(`${folder}/opt/gleaner-legacy.jsagent|--mem|1 G`)
      mkdirSync(join(folder, "opt/dist"))
      writeFileSync(join(folder, "opt/dist/gleaner.js"), script)
      expect(call("master").stdout).toBe(`${folder}/opt/dist/gleaner.jsmaster`)
      mkdirSync(join(folder, "opt/node/bin"), { recursive: true })
      writeFileSync(join(folder, "opt/node/bin/node"), "#!/bin/sh\necho own $2\n", { mode: 0o755 })
      expect(call("master").stdout).toBe("own master\n")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe("systemd units", () => {
  const names = ["gleaner-master.service", "gleaner-agent.service", "gleaner-monitor.service"]
  const unit = (name: string) => readFileSync(join(init, "systemd", name), "utf8")
  const canVerify = existsSync("/usr/bin/systemd-analyze")

  it.runIf(canVerify)("are accepted by systemd itself", () => {
    const folder = mkdtempSync(join(tmpdir(), "gleaner-units-"))
    try {
      // The programs must exist for systemd; here they do not.
      for (const name of names)
        writeFileSync(join(folder, name), unit(name).replaceAll("/opt/gleaner/gleaner", "/bin/true"))
      const verify = (paths: ReadonlyArray<string>) =>
        // Warnings come with exit code 0.
        spawnSync("systemd-analyze", ["verify", "--man=no", ...paths], {
          encoding: "utf8",
          env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` },
        }).stderr
      // Other units of the machine are not ours to judge.
      const ours = (text: string) => text.split("\n").filter((line) => line.includes("gleaner"))
      expect(ours(verify(names.map((name) => join(folder, name))))).toEqual([])
      writeFileSync(join(folder, names[0]!), "[Service]\nExecStart=/bin/true\nRestart=sometimes\n")
      expect(ours(verify([join(folder, names[0]!)])).join("\n")).toContain("sometimes")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it.each(names)(
    "%s starts and reloads what gleaner understands, in an environment that it accepts",
    async (name) => {
      const commands = [...unit(name).matchAll(/^Exec(?:Start|Reload)=\/opt\/gleaner\/gleaner (.+)$/gm)].map(
        ([, words]) => words!.split(" ").filter((word) => !/^\$[A-Z]+_OPTIONS$/.test(word)),
      )
      expect(commands).toHaveLength(2)
      const environment = Object.fromEntries(
        [...unit(name).matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, key, value]) => [key!, value!]),
      )
      for (const words of commands) {
        const printed = words.includes("--print-config") ? words : [...words, "--print-config"]
        const { code, stdout, stderr } = await gleaner([...printed, "--json"], environment)
        expect([code, stderr]).toEqual([0, ""])
        expect(JSON.parse(stdout).settings.data).toEqual({
          value: "/var/lib/gleaner",
          source: "$GLEANER_DATA",
        })
      }
      // What the shared file of the init scripts sets for them alone, gleaner never sees.
      const own = (
        readFileSync(join(init, "sysv/gleaner-daemon"), "utf8").match(/^ {2}unset (.+)$/m)![1] ?? ""
      ).split(" ")
      const unset = /^UnsetEnvironment=(.+)$/m.exec(unit(name))![1]!.split(" ")
      expect(
        own.filter((variable) => !unset.includes(variable) && !/_SYSCONFIG$|_INIT_DIR$/.test(variable)),
      ).toEqual([])
    },
  )

  it("leave tasks alone and come back", () => {
    const setting = (name: string, key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(unit(name))?.[1]
    for (const name of names) {
      expect([name, setting(name, "Restart")]).toEqual([name, "always"])
      expect(setting(name, "ExecReload")).toBeDefined()
      expect(setting(name, "ProtectControlGroups")).toBe(undefined)
    }
    // Tasks are processes of the agent's unit, and systemd must not move them to other cgroups.
    expect([setting(names[1]!, "KillMode"), setting(names[1]!, "Delegate")]).toEqual(["process", "yes"])
    // What the agent's mount namespace hides, its tasks would miss too.
    for (const key of ["ProtectSystem", "PrivateTmp", "ProtectHome", "NoNewPrivileges"])
      expect([key, setting(names[1]!, key)]).toEqual([key, undefined])
  })
})
