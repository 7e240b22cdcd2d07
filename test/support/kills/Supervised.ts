import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync } from "node:fs"

export interface SupervisedOptions {
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** Where all its lives append what they say. */
  readonly logPath: string
  readonly restartMs: () => number
}

/** Without the test's own variables: gleaner refuses those that it does not know. */
const ownEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GLEANER_")))

/**
 * A process that is started again whenever it ends, as init would. It is a session of its own, so that nothing but what
 * is meant for it reaches it.
 */
export class Supervised {
  lives = 0
  kills = 0
  pauses = 0
  cleanStops = 0
  /** Ends that nobody had asked for: which life, and how. */
  readonly desertions: Array<string> = []
  private child: ChildProcess | undefined
  private isWanted = false
  private isExpectedToEnd = false
  private restart: NodeJS.Timeout | undefined
  private ended: Promise<void> = Promise.resolve()

  constructor(readonly options: SupervisedOptions) {}

  get pid(): number | undefined {
    return this.child?.pid
  }

  start(): void {
    this.isWanted = true
    if (this.child === undefined && this.restart === undefined) this.begin()
  }

  private begin(): void {
    const { command, args, logPath, name, restartMs } = this.options
    this.restart = undefined
    this.isExpectedToEnd = false
    this.lives++
    const log = openSync(logPath, "a")
    const child = spawn(command, args, { stdio: ["ignore", log, log], detached: true, env: ownEnvironment() })
    closeSync(log)
    this.child = child
    this.ended = new Promise((resolve) => {
      child.on("exit", (code, signal) => {
        if (!this.isExpectedToEnd)
          this.desertions.push(`${name}, life ${this.lives}: ${signal ?? `exit ${code}`}`)
        this.child = undefined
        if (this.isWanted) this.restart = setTimeout(() => this.begin(), restartMs())
        resolve()
      })
    })
  }

  /** SIGKILL; false when there is nothing to kill now. */
  kill(): boolean {
    if (!this.signalEnd("SIGKILL")) return false
    this.kills++
    return true
  }

  /** The signal of init scripts. */
  stopCleanly(): boolean {
    if (!this.signalEnd("SIGTERM")) return false
    this.cleanStops++
    return true
  }

  private signalEnd(signal: NodeJS.Signals): boolean {
    if (this.child === undefined || (this.isExpectedToEnd && signal !== "SIGKILL")) return false
    this.isExpectedToEnd = true
    return this.child.kill(signal)
  }

  /** Holds it for a while; it may be killed meanwhile. */
  pauseFor(ms: number): boolean {
    const { child } = this
    if (child === undefined || this.isExpectedToEnd) return false
    child.kill("SIGSTOP")
    this.pauses++
    setTimeout(() => child.kill("SIGCONT"), ms)
    return true
  }

  /** For good. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.isWanted = false
    clearTimeout(this.restart)
    this.restart = undefined
    this.isExpectedToEnd = true
    this.child?.kill("SIGCONT")
    this.child?.kill(signal)
    await this.ended
  }
}
