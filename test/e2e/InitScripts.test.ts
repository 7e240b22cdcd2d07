import { execFile } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { isRunning } from "../contract/CgroupWorlds.ts"
import { root } from "../structure/SourceFiles.ts"
import { sweepCgroups } from "../support/CgroupLeftovers.ts"
import {
  eventually,
  type Finished,
  type GleanerProcess,
  missingForEnforcement,
  processesOf,
  programOf,
  startGleaner,
} from "../support/Gleaner.ts"

const init = join(root, "runtime/init")
const isRoot = process.getuid?.() === 0
const shells = [["/bin/dash"], ["/bin/bash", "--posix"], ["/bin/busybox", "sh"]].filter(([path]) =>
  existsSync(path!),
)

/** A place of its own for everything that the scripts read and write. */
class Place {
  readonly folder = mkdtempSync(join(tmpdir(), "gleaner-init-"))
  readonly config = join(this.folder, "sysconfig")
  readonly data = join(this.folder, "data")
  readonly program = join(this.folder, "gleaner")

  /** One word: busybox goes by the name it is called. */
  readonly loopShell = join(this.folder, "sh")

  constructor(readonly shell: ReadonlyArray<string>) {
    chmodSync(this.folder, 0o755)
    symlinkSync(shell[0]!, this.loopShell)
    mkdirSync(join(this.folder, "lock"))
    this.configure("")
  }

  configure(more: string): void {
    writeFileSync(
      this.config,
      [
        `GLEANER_BIN=${this.program}`,
        `GLEANER_DATA=${this.data}`,
        `GLEANER_RUN_DIR=${this.folder}/run`,
        `GLEANER_LOG_DIR=${this.folder}/log`,
        `GLEANER_LOCK_DIR=${this.folder}/lock`,
        "GLEANER_STOP_SECONDS=20",
        more,
      ].join("\n"),
    )
  }

  install(program: string): void {
    writeFileSync(this.program, `#!/bin/sh\n${program}`)
    chmodSync(this.program, 0o755)
  }

  call(daemon: string, command: string): Promise<Finished> {
    const [path, ...words] = this.shell
    return new Promise((resolve) => {
      execFile(
        path!,
        [...words, join(init, "sysv", `gleaner-${daemon}`), command],
        {
          // /bin/sh of the machine is only one of the shells that these must run under.
          env: {
            GLEANER_SYSCONFIG: this.config,
            GLEANER_INIT_DIR: join(init, "sysv"),
            SHELL_OF_LOOP: this.loopShell,
          },
        },
        (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : ((error.code as unknown as number) ?? null), stdout, stderr }),
      )
    })
  }

  pid(name: string): number | undefined {
    const path = join(this.folder, "run", `${name}.pid`)
    if (!existsSync(path)) return undefined
    return Number(readFileSync(path, "utf8").split("\n")[0])
  }

  /** The daemon's pid once it runs, and another than before. */
  newPid(daemon: string, before?: number): Promise<number> {
    return eventually(() => {
      const pid = this.pid(daemon)
      return pid !== undefined && pid !== before && isRunning(pid) ? pid : undefined
    })
  }

  said(daemon: string): string {
    const path = join(this.folder, "log", `${daemon}.log`)
    return existsSync(path) ? readFileSync(path, "utf8") : ""
  }

  async close(): Promise<void> {
    for (const daemon of ["monitor", "agent", "master"]) await this.call(daemon, "stop")
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Stands for any daemon: tells the signals it gets and what it sees, ends on TERM and USR1. */
const stub = (folder: string): string => `
case " $* " in *" --print-config "*)
  [ -e ${folder}/wrong ] && echo "unknown key" >&2 && exit 2
  exit 0 ;;
esac
[ -e ${folder}/end ] && exit 3
[ -e ${folder}/refuse ] && echo "no such option" >&2 && exit 2
echo "begins $* data $GLEANER_DATA own \${GLEANER_BIN-none}"
trap 'echo got HUP' HUP
trap 'echo got TERM; exit 0' TERM
trap 'echo got USR1; exit 0' USR1
while :; do sleep 0.05; done
`

// They mostly wait, so the shells go side by side, each with a place of its own.
describe.runIf(isRoot).concurrent.each(shells.map((words) => [words.join(" "), words] as const))(
  "init scripts under %s",
  (_, shell) => {
    let place: Place
    beforeEach(() => {
      place = new Place(shell)
      place.install(stub(place.folder))
    })
    afterEach(() => place.close())
    const call = (daemon: string, command: string) => place.call(daemon, command)
    const status = async (daemon = "agent") => (await call(daemon, "status")).code

    it.sequential("start once, tell status as LSB wants, stop twice", async () => {
      expect(await status()).toBe(3)
      expect(await call("agent", "start")).toMatchObject({ code: 0, stderr: "" })
      const pid = await place.newPid("agent")
      expect(existsSync(join(place.folder, "lock/gleaner-agent"))).toBe(true)
      expect(await status()).toBe(0)
      expect((await call("agent", "start")).code).toBe(0)
      expect(place.pid("agent")).toBe(pid)
      expect(place.said("agent").match(/begins/g)).toHaveLength(1)
      expect((await call("agent", "stop")).code).toBe(0)
      expect(isRunning(pid)).toBe(false)
      expect(place.said("agent")).toContain("got TERM")
      expect(await status()).toBe(3)
      expect((await call("agent", "stop")).code).toBe(0)
      expect(readdirSync(join(place.folder, "run"))).toEqual([])
      expect(readdirSync(join(place.folder, "lock"))).toEqual([])
      expect(processesOf(place.folder)).toEqual([])
    })

    it.sequential("pass gleaner's own variables and options on, and keep theirs", async () => {
      place.configure('AGENT_OPTIONS="--cpus 2 --mem 1G"')
      await call("agent", "start")
      await place.newPid("agent")
      await eventually(() => (place.said("agent").includes("begins") ? true : undefined))
      expect(place.said("agent")).toContain(`begins agent --cpus 2 --mem 1G data ${place.data} own none`)
    })

    it.sequential("bring back a daemon that was killed, but not one with wrong options", async () => {
      await call("master", "start")
      const first = await place.newPid("master")
      process.kill(first, "SIGKILL")
      const second = await place.newPid("master", first)
      expect(await status("master")).toBe(0)
      writeFileSync(join(place.folder, "refuse"), "")
      process.kill(second, "SIGKILL")
      await eventually(() => (place.said("master").includes("not started again") ? true : undefined))
      await eventually(async () => ((await status("master")) === 1 ? true : undefined))
      const again = await call("master", "start")
      expect(again.code).toBe(1)
      expect(again.stderr).toContain("no such option")
    })

    it.sequential("leave an agent alone that its master told to end, until somebody starts it", async () => {
      await call("agent", "start")
      const first = await place.newPid("agent")
      writeFileSync(join(place.folder, "end"), "")
      process.kill(first, "SIGKILL")
      await eventually(() => (place.said("agent").includes("told by its master to end") ? true : undefined))
      await eventually(async () => ((await status()) === 1 ? true : undefined))
      rmSync(join(place.folder, "end"))
      expect((await call("agent", "start")).code).toBe(0)
      await place.newPid("agent", first)
    })

    it.sequential("see through a pidfile of a process that is not theirs", async () => {
      mkdirSync(join(place.folder, "run"))
      for (const file of ["agent.pid", "agent.respawn.pid"])
        writeFileSync(join(place.folder, "run", file), `${process.pid}\n1 another-boot\n`)
      expect(await status()).toBe(1)
      expect((await call("agent", "start")).code).toBe(0)
      const pid = await place.newPid("agent", process.pid)
      expect(pid).not.toBe(process.pid)
      await call("agent", "stop")
      expect(isRunning(process.pid)).toBe(true)
    })

    it.sequential("replace a daemon whose respawn loop was killed instead of starting a second", async () => {
      await call("agent", "start")
      const first = await place.newPid("agent")
      process.kill(place.pid("agent.respawn")!, "SIGKILL")
      const alone = await call("agent", "status")
      expect([alone.code, /nothing would start it again/.test(alone.stdout)]).toEqual([0, true])
      expect((await call("agent", "start")).code).toBe(0)
      await place.newPid("agent", first)
      expect(isRunning(first)).toBe(false)
    })

    it.sequential("reload: the monitor is told, agent and master start anew, none with a wrong configuration", async () => {
      expect((await call("monitor", "reload")).code).toBe(7)
      for (const daemon of ["monitor", "agent"]) await call(daemon, "start")
      const monitor = await place.newPid("monitor")
      const agent = await place.newPid("agent")
      await eventually(() => (place.said("monitor").includes("begins") ? true : undefined))
      expect((await call("monitor", "reload")).code).toBe(0)
      await eventually(() => (place.said("monitor").includes("got HUP") ? true : undefined))
      expect(place.pid("monitor")).toBe(monitor)
      expect((await call("agent", "reload")).code).toBe(0)
      const renewed = await place.newPid("agent", agent)
      writeFileSync(join(place.folder, "wrong"), "")
      for (const [daemon, command] of [
        ["agent", "reload"],
        ["agent", "restart"],
        ["monitor", "reload"],
      ] as const) {
        const refused = await call(daemon, command)
        expect([refused.code, refused.stderr.includes("unknown key")]).toEqual([6, true])
      }
      expect([place.pid("agent"), place.pid("monitor")]).toEqual([renewed, monitor])
      expect(place.said("monitor").match(/got HUP/g)).toHaveLength(1)
    })

    it.sequential("stop-tasks ends the agent's tasks, condrestart wakes nobody, nonsense is refused", async () => {
      expect((await call("agent", "condrestart")).code).toBe(0)
      expect(await status()).toBe(3)
      await call("agent", "start")
      await place.newPid("agent")
      await eventually(() => (place.said("agent").includes("begins") ? true : undefined))
      expect((await call("agent", "stop-tasks")).code).toBe(0)
      expect(place.said("agent")).toContain("got USR1")
      expect(place.said("agent")).not.toContain("got TERM")
      expect((await call("master", "stop-tasks")).code).toBe(3)
      for (const word of ["", "jump"]) expect((await call("agent", word)).code).toBe(2)
      rmSync(place.program)
      expect((await call("agent", "start")).code).toBe(5)
    })
  },
)

describe.runIf(missingForEnforcement === undefined)("init scripts with gleaner itself", () => {
  let place: Place
  beforeEach(() => {
    place = new Place(["/bin/sh"])
  })
  const cgroupParent = `gleaner-e2e-init-${process.pid}`
  let task: GleanerProcess | undefined
  afterEach(async () => {
    task?.signal("SIGKILL")
    await place.close()
    sweepCgroups(cgroupParent)
  })

  /** As `npm run test:node10` has it: each daemon by the Node that it is to run on. */
  const installGleaner = () => {
    const daemons = ["agent", "monitor"].map(
      (daemon) => `[ "$1" != ${daemon} ] || exec ${programOf(daemon).join(" ")} "$@"\n`,
    )
    place.install(`${daemons.join("")}exec ${programOf(undefined).join(" ")} "$@"\n`)
  }
  const writePolicy = (reserve: string) => {
    const file = {
      version: 1,
      policy: "static",
      parameters: { reserve },
      intervalMs: 1_000,
      horizonMs: 10_000,
    }
    writeFileSync(join(place.folder, "host.policy.json"), JSON.stringify(file))
  }
  /** How often the daemon's log has said so. */
  const says = (daemon: string, text: string, times: number) =>
    eventually(() => (place.said(daemon).split(text).length > times ? true : undefined))

  it("run all three, bring each back after kill -9, keep a task over reloads, and stop them", async () => {
    const port = 20_000 + (process.pid % 20_000)
    place.configure(
      [
        `MASTER_OPTIONS="--port ${port}"`,
        `AGENT_OPTIONS="--port 0 --cpus 0.5 --mem 64M --cgroup-parent ${cgroupParent}"`,
        `MONITOR_OPTIONS="--port 0 --policy ${place.folder}/host.policy.json"`,
      ].join("\n"),
    )
    writePolicy("10%")
    installGleaner()
    const daemons = ["master", "agent", "monitor"]
    const ready = '"ready":true'
    for (const daemon of daemons) {
      expect(await place.call(daemon, "start")).toMatchObject({ code: 0, stderr: "" })
      await says(daemon, ready, 1)
    }
    for (const daemon of daemons) {
      const before = await place.newPid(daemon)
      process.kill(before, "SIGKILL")
      await place.newPid(daemon, before)
      await says(daemon, ready, 2)
      expect((await place.call(daemon, "status")).code).toBe(0)
    }
    const sign = join(place.folder, "sign")
    const script = `echo begun; while [ ! -e ${sign} ]; do sleep 0.1; done; exit 5`
    const words = ["--data", place.data, "--cpus", "0.1", "--mem", "32M", "--", "sh", "-c", script]
    task = startGleaner(["run", ...words])
    await task.says("begun")
    writePolicy("20%")
    for (const daemon of daemons) {
      const before = await place.newPid(daemon)
      expect(await place.call(daemon, "reload")).toMatchObject({ code: 0, stderr: "" })
      if (daemon === "monitor") await says(daemon, "policy read again", 1)
      else await says(daemon, ready, 3)
      expect((await place.newPid(daemon)) === before).toBe(daemon === "monitor")
    }
    expect(place.said("monitor")).toContain("static:reserve=20%")
    writeFileSync(sign, "")
    expect((await task.finished).code).toBe(5)
    for (const daemon of [...daemons].reverse()) expect((await place.call(daemon, "stop")).code).toBe(0)
    expect(processesOf(place.data)).toEqual([])
  })
})

describe("init scripts", () => {
  it.each(["master", "agent", "monitor"])("gleaner-%s has what LSB and chkconfig read", (daemon) => {
    const text = readFileSync(join(init, "sysv", `gleaner-${daemon}`), "utf8")
    expect(text).toMatch(
      /^#!\/bin\/sh\n# chkconfig: 2345 \d\d \d\d\n# description: .+\n### BEGIN INIT INFO\n/,
    )
    for (const field of [
      "Required-Start",
      "Required-Stop",
      "Default-Start",
      "Default-Stop",
      "Short-Description",
    ])
      expect(text).toMatch(new RegExp(`^# ${field}: +\\S`, "m"))
    expect(text).toMatch(new RegExp(`^# Provides: +gleaner-${daemon}$`, "m"))
    expect(text).toContain("### END INIT INFO")
  })
})
