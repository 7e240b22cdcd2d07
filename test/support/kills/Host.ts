import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { findCgroups, sweepCgroups } from "../CgroupLeftovers.ts"
import { eventually, gleanerScript, pause, processesOf } from "../Gleaner.ts"
import type { StateView } from "./Checker.ts"
import type { WireResource } from "./Diary.ts"
import { Supervised } from "./Supervised.ts"

export interface HostOptions {
  readonly restartMs?: () => number
  /** False: the host lends all of it all the time, however busy this machine is. */
  readonly isMonitored?: boolean
  /** Share of the host that is kept for its primary at least. */
  readonly reserveShare?: number
  /** What the agent is run with instead of the bundle, for an upgrade. */
  readonly script?: string
}

/** A port that is free now; daemons keep theirs over all their lives, as in production. */
const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.on("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

/** A start that takes longer has failed: the logs tell why, where a test's own time limit would not. */
const startMsMax = 30_000

/** The policy file of a host whose primary is given a fixed share. */
const staticPolicy = (reserveShare: number) => ({
  version: 1,
  policy: "static",
  parameters: { reserve: reserveShare },
  intervalMs: 1_000,
  horizonMs: 10_000,
})

/** `EXECUTABLE SCRIPT` that runs the daemons of a host: another Node, the legacy bundle; as for `gleaner up`. */
const hostProgram = (process.env.GLEANER_TEST_HOST_PROGRAM ?? "").split(" ").filter((word) => word !== "")

/** Master, agent and monitor of one host, each a process that is started again when it ends. */
export class Host {
  readonly folder: string
  readonly data: string
  readonly evidence: string
  readonly cgroupParent: string
  readonly url: string
  readonly master: Supervised
  agent: Supervised
  readonly monitor: Supervised

  private constructor(
    port: number,
    private readonly options: HostOptions,
  ) {
    this.folder = mkdtempSync(join(tmpdir(), "gleaner-kills-"))
    chmodSync(this.folder, 0o755)
    this.data = join(this.folder, "data")
    this.evidence = join(this.folder, "evidence")
    mkdirSync(this.data)
    mkdirSync(this.evidence)
    chmodSync(this.evidence, 0o1777)
    this.cgroupParent = `gleaner-kills-${process.pid}-${this.folder.slice(-6)}`
    this.url = `http://127.0.0.1:${port}`
    const policy = join(this.folder, "static.policy.json")
    writeFileSync(policy, JSON.stringify(staticPolicy(options.reserveShare ?? 0.1)))
    this.master = this.supervise("master", ["--port", String(port)])
    this.agent = this.superviseAgent(options.script)
    this.monitor = this.supervise("monitor", ["--policy", policy, "--port", "0"], hostProgram)
  }

  static async start(options: HostOptions = {}): Promise<Host> {
    const host = new Host(await freePort(), options)
    host.master.start()
    const endMs = performance.now() + startMsMax
    while (!existsSync(join(host.data, "secret"))) {
      if (performance.now() > endMs) {
        const logs = host.logs()
        await host.remove()
        throw new Error(`the master did not start:\n${logs}`)
      }
      await pause(20)
    }
    host.agent.start()
    if (options.isMonitored !== false) host.monitor.start()
    return host
  }

  private supervise(
    name: string,
    args: ReadonlyArray<string>,
    [executable, script]: ReadonlyArray<string> = [],
  ): Supervised {
    const words = [script ?? gleanerScript, name, "--data", this.data, ...args]
    return this.superviseCommand(name, executable ?? process.execPath, words)
  }

  superviseCommand(name: string, command: string, args: ReadonlyArray<string>): Supervised {
    const logPath = join(this.folder, `${name}.log`)
    return new Supervised({ name, command, args, logPath, restartMs: this.options.restartMs ?? (() => 0) })
  }

  /** Another build of the agent for the same data folder. */
  superviseAgent(script?: string): Supervised {
    const monitored = this.options.isMonitored === false ? ["--without-monitor"] : []
    const options = ["--cgroup-parent", this.cgroupParent, ...monitored]
    const program = script === undefined ? hostProgram : [process.execPath, script]
    return this.supervise("agent", ["--master", this.url, "--port", "0", ...options], program)
  }

  get secret(): string {
    return readFileSync(join(this.data, "secret"), "utf8").trim()
  }

  async readState(): Promise<StateView> {
    const headers = { Authorization: `Bearer ${this.secret}` }
    return (await (await fetch(`${this.url}/state`, { headers })).json()) as StateView
  }

  /** What is reserved for a role on the host, as `/slaves` tells it; the monitor reserves, too, for the host's primary. */
  async readReserved(role: string): Promise<ReadonlyArray<WireResource>> {
    const headers = { Authorization: `Bearer ${this.secret}` }
    const { slaves } = (await (await fetch(`${this.url}/slaves`, { headers })).json()) as {
      slaves: ReadonlyArray<{
        reserved_resources_full: { readonly [role: string]: ReadonlyArray<WireResource> }
      }>
    }
    return slaves.flatMap(({ reserved_resources_full: byRole }) => byRole[role] ?? [])
  }

  /** `/state` once the agent is connected. */
  async connected(): Promise<StateView> {
    return eventually(async () => {
      const state = await this.readState().catch(() => undefined)
      const isConnected = (state as { activated_slaves?: number } | undefined)?.activated_slaves === 1
      return isConnected ? state : undefined
    })
  }

  /** Cgroups of containers, in any hierarchy. */
  containers(): ReadonlyArray<string> {
    return findCgroups(this.cgroupParent).filter((path) => !path.endsWith(`/${this.cgroupParent}`))
  }

  /** Launchers and tasks; the daemons are not among them. */
  taskProcesses(): ReadonlyArray<string> {
    const daemons = this.daemons.map(({ pid }) => pid)
    return processesOf(this.folder).filter((line) => {
      if (daemons.includes(Number.parseInt(line, 10))) return false
      return line.includes("launch.sh") || line.includes(this.evidence) || / in \S*\/sandboxes\//.test(line)
    })
  }

  /** The last lines of each log, for the message of a failing test. */
  logs(lines = 12): string {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith(".log"))
      .map((name) => {
        const text = readFileSync(join(this.folder, name), "utf8").trimEnd()
        return `--- ${name}\n${text.split("\n").slice(-lines).join("\n")}`
      })
      .join("\n")
  }

  /** Ends all that is lent and then the daemons, as an operator would; returns what is left of them. */
  async end(): Promise<ReadonlyArray<string>> {
    await this.monitor.end("SIGTERM")
    await this.agent.end("SIGUSR1")
    await this.master.end("SIGTERM")
    return [...processesOf(this.folder), ...findCgroups(this.cgroupParent)]
  }

  get daemons(): ReadonlyArray<Supervised> {
    const { master, agent, monitor, options } = this
    return options.isMonitored === false ? [master, agent] : [master, agent, monitor]
  }

  /** By force, whatever happened before. */
  async remove(): Promise<void> {
    for (const daemon of [this.monitor, this.agent, this.master]) await daemon.end("SIGKILL")
    for (const line of processesOf(this.folder)) {
      try {
        process.kill(Number.parseInt(line, 10), "SIGKILL")
      } catch {} // it has ended
    }
    sweepCgroups(this.cgroupParent)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
