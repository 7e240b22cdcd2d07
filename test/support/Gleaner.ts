import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** The bundled command line, as users run it. */
export const gleanerScript = join(dirname(fileURLToPath(import.meta.url)), "../../dist/gleaner.js")

/**
 * `EXECUTABLE SCRIPT` that runs the commands of a host (see `npm run test:node10`); `gleaner up` reads the same variable
 * for the daemons that it starts.
 */
const [hostExecutable = process.execPath, hostScript = gleanerScript] = (
  process.env.GLEANER_TEST_HOST_PROGRAM ?? ""
)
  .split(" ")
  .filter((word) => word !== "")
const hostCommands = ["agent", "monitor", "doctor", "trace"]

/** What runs the command: the legacy bundle on another Node where a test run asks for it. */
export const programOf = (command: string | undefined): readonly [executable: string, script: string] =>
  command !== undefined && hostCommands.includes(command)
    ? [hostExecutable, hostScript]
    : [process.execPath, gleanerScript]

/** Why end-to-end tests with real cgroups cannot run here; undefined when they can. */
export const missingForEnforcement: string | undefined =
  process.getuid?.() !== 0
    ? "needs root"
    : !existsSync("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
      ? "needs cgroup v1 with CFS quota below /sys/fs/cgroup"
      : undefined

if (missingForEnforcement !== undefined) {
  process.stderr.write(`skipping tests with real cgroups: ${missingForEnforcement}\n`)
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A gleaner process with what it has said so far. */
export class GleanerProcess {
  stdout = ""
  stderr = ""
  readonly finished: Promise<Finished>

  constructor(readonly child: ChildProcess) {
    child.stdout?.on("data", (chunk: Buffer) => {
      this.stdout += chunk.toString("utf8")
    })
    child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString("utf8")
    })
    this.finished = new Promise((resolve) => {
      child.on("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }))
    })
  }

  /** Waits until stdout or stderr says so; fails with all that was said when the process ends first. */
  async says(text: string | RegExp): Promise<void> {
    const heard = () => {
      const all = this.stdout + this.stderr
      return typeof text === "string" ? all.includes(text) : text.test(all)
    }
    const ended = this.finished.then(() => true)
    while (!heard()) {
      if (await Promise.race([ended, pause(20).then(() => false)])) {
        if (heard()) return
        throw new Error(`ended without saying ${text}:\n${this.stdout}\n${this.stderr}`)
      }
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Looks again until the value is there; the test's own time limit ends the wait. */
export const eventually = async <A>(look: () => A | undefined | Promise<A | undefined>): Promise<A> => {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await pause(20)
  }
}

export const startGleaner = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {},
): GleanerProcess => {
  const [executable, script] = programOf(args[0])
  return new GleanerProcess(
    spawn(executable, [script, ...args], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  )
}

/** Runs a gleaner command to its end. */
export const gleaner = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> => startGleaner(args, environment).finished

/** Where others may enter, as in /var/lib: tasks of other users are kept out by what lies below it, or not at all. */
const makeDataFolder = (): string => {
  const data = mkdtempSync(join(tmpdir(), "gleaner-e2e-"))
  chmodSync(data, 0o755)
  return data
}

/** In any hierarchy. */
const cgroupsNamed = (name: string): ReadonlyArray<string> =>
  readdirSync("/sys/fs/cgroup")
    .map((controller) => join("/sys/fs/cgroup", controller, name))
    .filter((path) => existsSync(path))

/** Processes that were told of a folder or work below it: daemons, launchers, tasks. */
export const processesOf = (folder: string): ReadonlyArray<string> =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
        const cwd = readlinkSync(`/proc/${pid}/cwd`)
        return words.includes(folder) || cwd.startsWith(folder) ? [`${pid} in ${cwd}: ${words}`] : []
      } catch {
        return [] // it has ended
      }
    })

/** A start that takes longer has failed: the logs tell why, where a test's own time limit would not. */
const startMsMax = 45_000

/** A whole cluster of one host with a data folder and cgroups of its own. */
export class Cluster {
  up!: GleanerProcess
  url = ""

  constructor(
    readonly data: string,
    readonly cgroupParent: string,
  ) {}

  static async start(
    options: ReadonlyArray<string> = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Cluster> {
    const data = makeDataFolder()
    const cluster = new Cluster(data, `gleaner-e2e-${process.pid}-${data.slice(-6)}`)
    await cluster.begin(options, environment)
    return cluster
  }

  async begin(
    options: ReadonlyArray<string> = [],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    this.up = startGleaner(
      [
        ...["up", "--data", this.data, "--port", "0", "--agent-port", "0"],
        // What is lent must not follow this machine's load, unless a test asks for it with --no-without-monitor.
        ...["--cgroup-parent", this.cgroupParent, "--without-monitor", ...options],
      ],
      environment,
    )
    try {
      await Promise.race([
        this.up.says("agent        http"),
        pause(startMsMax).then(() => Promise.reject("too slow")),
      ])
    } catch (error) {
      await this.stop("SIGKILL")
      throw new Error(
        `the cluster did not start (${error}):\n${this.up.stdout}${this.up.stderr}\n${this.logs()}`,
      )
    }
    this.url = /master +(http\S+)/.exec(this.up.stdout)?.[1] ?? ""
  }

  /** What the daemons logged, for the message of a failing test. */
  logs(): string {
    const folder = join(this.data, "logs")
    if (!existsSync(folder)) return "no logs"
    return readdirSync(folder)
      .map(
        (name) => `--- ${name}\n${readFileSync(join(folder, name), "utf8").split("\n").slice(-8).join("\n")}`,
      )
      .join("\n")
  }

  get secret(): string {
    return readFileSync(join(this.data, "secret"), "utf8").trim()
  }

  run(...args: ReadonlyArray<string>): GleanerProcess {
    return startGleaner(["run", ...args], { GLEANER_DATA: this.data })
  }

  /** Cgroups of containers that exist now, as paths in the cpu hierarchy. */
  containers(): ReadonlyArray<string> {
    const parent = `/sys/fs/cgroup/cpu/${this.cgroupParent}`
    if (!existsSync(parent)) return []
    return readdirSync(parent, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(parent, entry.name))
  }

  /** Every cgroup of this cluster, in any hierarchy. */
  leftovers(): ReadonlyArray<string> {
    return cgroupsNamed(this.cgroupParent)
  }

  /** Stops it as a user would, and removes its folder. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Finished> {
    this.up.signal(signal)
    const finished = await this.up.finished
    return finished
  }

  remove(): void {
    rmSync(this.data, { recursive: true, force: true })
  }
}

/** A master and an agent that were started each by itself, as on two hosts. */
export class SplitCluster {
  readonly data = makeDataFolder()
  readonly cgroupParent = `gleaner-e2e-${process.pid}-${this.data.slice(-6)}`
  master!: GleanerProcess
  agent!: GleanerProcess
  url = ""

  private constructor(private readonly masterOptions: ReadonlyArray<string>) {}

  static async start(masterOptions: ReadonlyArray<string> = []): Promise<SplitCluster> {
    const cluster = new SplitCluster(masterOptions)
    await cluster.beginMaster()
    await cluster.beginAgent().says('"ready":true')
    return cluster
  }

  beginAgent(): GleanerProcess {
    this.agent = startGleaner([
      ...["agent", "--data", this.data, "--master", this.url, "--port", "0"],
      ...["--cgroup-parent", this.cgroupParent, "--without-monitor"],
    ])
    return this.agent
  }

  /** On the port that the one before it had. */
  async beginMaster(): Promise<void> {
    const port = this.url === "" ? "0" : new URL(this.url).port
    this.master = startGleaner(["master", "--data", this.data, "--port", port, ...this.masterOptions])
    await this.master.says('"ready":true')
    this.url = (JSON.parse(this.master.stdout) as { url: string }).url
  }

  get secret(): string {
    return readFileSync(join(this.data, "secret"), "utf8").trim()
  }

  /** Ends both, agent first, and removes the folder; returns what is left of them. */
  async end(): Promise<ReadonlyArray<string>> {
    for (const [daemon, signal] of [
      [this.agent, "SIGUSR1"],
      [this.master, "SIGTERM"],
    ] as const) {
      daemon?.signal(signal)
      await daemon?.finished
    }
    const left = [...processesOf(this.data), ...cgroupsNamed(this.cgroupParent)]
    rmSync(this.data, { recursive: true, force: true })
    return left
  }
}
