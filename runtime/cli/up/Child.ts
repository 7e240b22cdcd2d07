import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync, readFileSync, renameSync, statSync } from "node:fs"
import { Data, Deferred, Effect, type Scope } from "effect"

/** A daemon that ended although nobody asked it to. */
export class ChildEnded extends Data.TaggedError("ChildEnded")<{
  readonly name: string
  readonly how: string
  /** It was told what it cannot do: starting it again would end the same. */
  readonly isMisconfigured: boolean
  readonly logFile: string
  readonly lastLines: string
}> {
  override get message(): string {
    return `the ${this.name} ${this.how}; its log is ${this.logFile}${this.lastLines === "" ? "" : `, which ends:\n${this.lastLines}`}`
  }
}

export interface Child {
  /** What it announced when it was ready. */
  readonly ready: { readonly [name: string]: unknown }
  /** Never succeeds: fails when the process ends by itself. */
  readonly ended: Effect.Effect<never, ChildEnded>
}

export interface ChildOptions {
  readonly name: string
  /** Arguments of this same gleaner. */
  readonly args: ReadonlyArray<string>
  /** Default: the ones that run here. */
  readonly script?: string
  readonly executable?: string
  readonly logFile: string
  /** How it is asked to end, one after the other; SIGKILL follows the last. */
  readonly stops: ReadonlyArray<Stop>
}

export interface Stop {
  readonly signal: NodeJS.Signals
  /** How long it gets before it is told more firmly. */
  readonly waitMs: number
}

/** The exit code of a command that was asked for wrongly. */
const wrongUsageCode = 2

const askAgainMs = 1_000

const logBytesMax = 10 * 1024 * 1024

/** Appends to the log; one that has grown large is put aside first, replacing the one before. */
const openLog = (path: string): number => {
  try {
    if (statSync(path).size > logBytesMax) renameSync(path, `${path}.1`)
  } catch {
    // There is none yet.
  }
  return openSync(path, "a", 0o640)
}

/** The end of a log; empty when there is none. */
export const lastLines = (path: string, count: number): string => {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-count).join("\n")
  } catch {
    return ""
  }
}

/**
 * Starts a daemon of this gleaner and waits until it is ready. It runs in a session of its own, so that Ctrl-C reaches
 * `gleaner up` alone, which then stops its daemons in order; it holds the other end of their stdin, so that they stop
 * even when it is killed. The scope's end stops it.
 */
export const startChild = (options: ChildOptions): Effect.Effect<Child, ChildEnded, Scope.Scope> =>
  Effect.gen(function* () {
    const ready = yield* Deferred.make<Child["ready"], ChildEnded>()
    const ended = yield* Deferred.make<never, ChildEnded>()
    yield* Effect.acquireRelease(
      Effect.sync(() => spawnChild(options, ready, ended)),
      (child) => stopChild(child, options.stops),
    )
    return { ready: yield* Deferred.await(ready), ended: Deferred.await(ended) }
  })

const spawnChild = (
  { name, args, logFile, script = process.argv[1] ?? "", executable = process.execPath }: ChildOptions,
  ready: Deferred.Deferred<Child["ready"], ChildEnded>,
  ended: Deferred.Deferred<never, ChildEnded>,
): ChildProcess => {
  const log = openLog(logFile)
  const child = spawn(executable, [script, ...args, "--with-parent"], {
    detached: true,
    stdio: ["pipe", "pipe", log],
  })
  closeSync(log)
  const fail = (how: string, isMisconfigured = false) => {
    const error = new ChildEnded({ name, how, isMisconfigured, logFile, lastLines: lastLines(logFile, 5) })
    Deferred.unsafeDone(ready, error)
    Deferred.unsafeDone(ended, error)
  }
  child.on("error", (error) => fail(`could not be started (${error.message})`))
  child.on("exit", (code, signal) =>
    fail(
      signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`,
      code === wrongUsageCode,
    ),
  )
  // Its stdin ends with us; that it is gone is told by `exit`.
  child.stdin?.on("error", () => {})
  let text = ""
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8")
    const end = text.indexOf("\n")
    if (end === -1 && text.length < announcementLengthMax) return
    child.stdout?.removeAllListeners("data").resume()
    const line = end === -1 ? text : text.slice(0, end)
    const announced = readAnnouncement(line)
    if (announced === undefined) fail(`said ${JSON.stringify(line.slice(0, 100))} instead of where it serves`)
    else Deferred.unsafeDone(ready, Effect.succeed(announced))
  })
  return child
}

/** A daemon says one line and then nothing. */
const announcementLengthMax = 65_536

const readAnnouncement = (line: string): Child["ready"] | undefined => {
  try {
    const value = JSON.parse(line) as unknown
    return typeof value === "object" && value !== null ? (value as Child["ready"]) : undefined
  } catch {
    return undefined
  }
}

const stopChild = (child: ChildProcess, stops: ReadonlyArray<Stop>): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      resume(Effect.void)
      return
    }
    let timer: NodeJS.Timeout | undefined
    let again: NodeJS.Timeout | undefined
    const tell = (at: number): void => {
      clearInterval(again)
      const stop = stops[at]
      const signal = stop?.signal ?? "SIGKILL"
      child.kill(signal)
      if (stop === undefined) return
      // A Node that is just starting does not listen yet, and takes SIGUSR1 for something else.
      again = setInterval(() => child.kill(signal), askAgainMs)
      timer = setTimeout(() => tell(at + 1), stop.waitMs)
    }
    child.once("exit", () => {
      clearTimeout(timer)
      clearInterval(again)
      resume(Effect.void)
    })
    tell(0)
  })
