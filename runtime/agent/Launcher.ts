import { spawn } from "node:child_process"
import { chownSync, type FSWatcher, mkdirSync, readFileSync, watch } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Context, Data, Effect, Layer } from "effect"
import { DataFolderError, replaceFile } from "../DataFolder.ts"
import { isRunning, readStartTicks } from "../host/ProcessIdentity.ts"
import { environmentToShell } from "./launcher/Environment.ts"
import {
  coveredDescriptorMax,
  coverInherited,
  findInheritedDescriptors,
} from "./launcher/InheritedDescriptors.ts"
import {
  closeLaunchFiles,
  type LaunchFiles,
  openLaunchFiles,
  type Progress,
  readLog,
  readProgress,
  readStatus,
  settleClaim,
} from "./launcher/RunFolder.ts"
import { launcherPath, probeUserSwitch, type UserSwitch } from "./launcher/UserSwitch.ts"

/** As in Mesos's CommandInfo: with `shell: false`, `arguments[0]` is argv[0], which this launcher replaces by `value`. */
export type LaunchCommand =
  | { readonly shell: true; readonly value: string }
  | { readonly shell: false; readonly value: string; readonly arguments: ReadonlyArray<string> }

export interface LaunchRequest {
  readonly containerId: string
  readonly command: LaunchCommand
  /** The whole environment of the task. */
  readonly environment: Readonly<Record<string, string>>
  readonly user: { readonly uid: number; readonly gid: number }
  /** Made here when missing (0750); given to the user; receives `stdout` and `stderr`. */
  readonly sandboxDir: string
  /** Folder of this launch alone, 0700, outside the sandbox. */
  readonly runDir: string
  /** From `Cgroups.joinPaths`; empty: no isolation. */
  readonly joinPaths: ReadonlyArray<string>
  /** From {@link Regained}; default 1. */
  readonly attempt?: number
}

/** A launcher that has or had the task; found again by its run folder (same boot only). */
export interface LaunchedTask {
  readonly containerId: string
  readonly launcherPid: number
  readonly launcherStartTicks: number
  readonly runDir: string
}

/** What became of a launch that an earlier life of this agent began or was about to begin. */
export type Regained =
  | { readonly type: "Launched"; readonly task: LaunchedTask }
  /** It did not run and never will; it may be launched as this attempt. */
  | { readonly type: "NeverRan"; readonly attempt: number }

/**
 * `exitCode` is what sh reports. `signal` is the usual reading of a code above 128; a command that exits with such a
 * code by itself looks the same, so take the container's OOM evidence and the signals sent as further evidence.
 */
export interface LaunchExit {
  readonly exitCode: number
  readonly signal?: number
}

/** Nothing was started. */
export class LaunchFailed extends Data.TaggedError("LaunchFailed")<{
  readonly containerId: string
  readonly reason: string
}> {
  override get message() {
    return `container ${this.containerId} was not launched: ${this.reason}`
  }
}

const stepMeanings = {
  join: "it could not enter its cgroups",
  user: "it could not become its user",
  sandbox: "it could not enter its sandbox or read its environment",
  command: "its command was not found",
} as const

/** The launcher ran, the command did not. */
export class TaskNotStarted extends Data.TaggedError("TaskNotStarted")<{
  readonly containerId: string
  readonly step: keyof typeof stepMeanings
  readonly exitCode: number
  readonly detail: string
}> {
  override get message() {
    const detail = this.detail === "" ? "see stderr in the sandbox" : this.detail
    return `the task in container ${this.containerId} did not start: ${stepMeanings[this.step]} (${detail})`
  }
}

/** The launcher was killed: how the task ended, or whether it still runs, only its cgroup tells. */
export class LauncherDied extends Data.TaggedError("LauncherDied")<{
  readonly containerId: string
  readonly launcherPid: number
}> {
  override get message() {
    return `launcher ${this.launcherPid} of container ${this.containerId} ended without a status: destroy the container and report the task as failed`
  }
}

/** Starts tasks through `launch.sh`, so that they and their exit codes survive the agent. */
export class Launcher extends Context.Tag("gleaner/agent/Launcher")<
  Launcher,
  {
    readonly userSwitch: UserSwitch
    /** Resolves when the launcher runs; the task itself may still be on its way to exec. */
    readonly start: (request: LaunchRequest) => Effect.Effect<LaunchedTask, LaunchFailed>
    /** Finds a launch of an earlier life of this agent, or calls it off if it has not happened. Same boot only. */
    readonly regain: (place: {
      readonly containerId: string
      readonly runDir: string
    }) => Effect.Effect<Regained>
    /** Also for a task of an earlier life of this agent. May be awaited repeatedly. */
    readonly awaitExit: (task: LaunchedTask) => Effect.Effect<LaunchExit, LauncherDied | TaskNotStarted>
    /** How far it came, with pid and start time of the task's first process. */
    readonly progress: (task: LaunchedTask) => Effect.Effect<Progress>
  }
>() {}

/** launch.sh beside this file, or beside the bundle. */
const ownScriptPath = () => fileURLToPath(new URL("./launch.sh", import.meta.url))

export const launchScriptIn = (folder: string): string => join(folder, "launch.sh")

/** Copies launch.sh to {@link launchScriptIn}, so that tasks can start while gleaner itself is being replaced. */
export const installLaunchScript = (folder: string): Effect.Effect<void, DataFolderError> =>
  Effect.try({
    try: () => replaceFile(launchScriptIn(folder), readFileSync(ownScriptPath(), "utf8")),
    catch: (error) => new DataFolderError({ path: folder, detail: (error as Error).message }),
  })

export interface LauncherOptions {
  /** Default: launch.sh beside this file, or beside the bundle. */
  readonly scriptPath?: string
  /** Default /bin/sh. */
  readonly shell?: string
  /** Default: probed. */
  readonly userSwitch?: UserSwitch
  /** How often a launcher that is not our child is looked at, besides being told by inotify; default 1 s. */
  readonly pollMs?: number
}

export const make = (options: LauncherOptions = {}): Effect.Effect<Launcher["Type"]> =>
  Effect.gen(function* () {
    const scriptPath = options.scriptPath ?? ownScriptPath()
    const shell = options.shell ?? "/bin/sh"
    const userSwitch = options.userSwitch ?? (yield* probeUserSwitch)
    const inherited = findInheritedDescriptors()
    yield* warnOfUncovered(inherited)
    const exitOfChild = new Map<number, Promise<void>>()

    const spawnLauncher = (request: LaunchRequest, files: LaunchFiles, how: UserSwitch) =>
      Effect.async<number, LaunchFailed>((resume) => {
        const { user, joinPaths, runDir, sandboxDir } = request
        const child = spawn(
          shell,
          [
            ...[scriptPath, runDir, String(request.attempt ?? 1), sandboxDir, shell, how],
            ...[
              String(user.uid),
              String(user.gid),
              String(joinPaths.length),
              ...joinPaths,
              ...argvOf(request.command),
            ],
          ],
          {
            cwd: "/",
            env: { PATH: launcherPath, LC_ALL: "C" },
            detached: true,
            stdio: coverInherited(
              [
                "ignore",
                ...[files.log, files.log, files.stdout, files.stderr, files.environment, files.progress],
              ],
              inherited,
              files.devNull,
            ),
          },
        )
        const { pid } = child
        child.on("error", (error) => resume(Effect.fail(launchFailed(request, error))))
        if (pid === undefined) return
        exitOfChild.set(
          pid,
          new Promise((done) => {
            child.on("exit", () => {
              exitOfChild.delete(pid)
              done()
            })
          }),
        )
        child.unref()
        resume(Effect.succeed(pid))
      })

    const start: Launcher["Type"]["start"] = (request) =>
      Effect.gen(function* () {
        const how = chooseSwitch(request, userSwitch)
        if (how instanceof LaunchFailed) return yield* how
        const environment = environmentToShell(request.environment)
        if ("unfit" in environment)
          return yield* launchFailed(
            request,
            `the variable ${JSON.stringify(environment.unfit)} cannot be passed`,
          )
        const launcherPid = yield* Effect.acquireUseRelease(
          Effect.try({
            try: () => prepare(request, environment.text),
            catch: (error) => launchFailed(request, error),
          }),
          (files) => spawnLauncher(request, files, how),
          (files) => Effect.sync(() => closeLaunchFiles(files)),
        )
        return {
          containerId: request.containerId,
          launcherPid,
          // Gone already, or a zombie: it then has a status, and 0 matches no process.
          launcherStartTicks: readStartTicks(launcherPid) ?? 0,
          runDir: request.runDir,
        }
      }).pipe(Effect.uninterruptible)

    const awaitEnd = (task: LaunchedTask): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (hasEnded(task)) return Effect.void
        const ownChild = exitOfChild.get(task.launcherPid)
        if (ownChild === undefined) return awaitEndOfStranger(task, options.pollMs ?? 1_000)
        // The child is unreferenced, so that tasks do not hold up the agent's end; whoever waits holds it up.
        const exited = Effect.race(
          Effect.promise(() => ownChild),
          Effect.never,
        )
        return Effect.andThen(exited, awaitEnd(task))
      })

    return {
      userSwitch,
      start,
      regain: (place) => Effect.sync(() => regain(place)),
      awaitExit: (task) =>
        Effect.andThen(
          awaitEnd(task),
          Effect.suspend(() => concludeExit(task)),
        ),
      progress: (task) => Effect.sync(() => readProgress(task.runDir)),
    }
  })

export const layer = (options: LauncherOptions = {}): Layer.Layer<Launcher> =>
  Layer.effect(Launcher, make(options))

const regain: (place: { readonly containerId: string; readonly runDir: string }) => Regained = ({
  containerId,
  runDir,
}) => {
  const claim = settleClaim(runDir)
  if (claim.by === "agent") return { type: "NeverRan", attempt: claim.nextAttempt }
  const { pid, startTicks } = claim.launcher
  return { type: "Launched", task: { containerId, runDir, launcherPid: pid, launcherStartTicks: startTicks } }
}

const launchFailed = (request: LaunchRequest, error: unknown) =>
  new LaunchFailed({
    containerId: request.containerId,
    reason: error instanceof Error ? error.message : String(error),
  })

const argvOf = (command: LaunchCommand): ReadonlyArray<string> =>
  command.shell ? ["/bin/sh", "-c", command.value] : [command.value, ...command.arguments.slice(1)]

const warnOfUncovered = (inherited: ReadonlyArray<number>) => {
  const uncovered = inherited.filter((fd) => fd > coveredDescriptorMax)
  if (uncovered.length === 0) return Effect.void
  return Effect.logWarning(
    "tasks inherit open files from whoever started this agent; start it without them",
  ).pipe(Effect.annotateLogs({ descriptors: uncovered.join(" ") }))
}

const chooseSwitch = (request: LaunchRequest, userSwitch: UserSwitch): UserSwitch | LaunchFailed => {
  const { uid, gid } = request.user
  if (process.getuid?.() === uid && process.getgid?.() === gid) return "none"
  if (userSwitch !== "none") return userSwitch
  return launchFailed(
    request,
    process.getuid?.() === 0
      ? "neither setpriv nor chroot --userspec works on this host; install util-linux or coreutils, or run tasks as root"
      : `the agent is not root and cannot run tasks as user ${uid}; use its own user ${process.getuid?.()}`,
  )
}

const prepare = (request: LaunchRequest, environment: string): LaunchFiles => {
  const isRoot = process.getuid?.() === 0
  mkdirSync(request.sandboxDir, { recursive: true, mode: 0o750 })
  if (isRoot) chownSync(request.sandboxDir, request.user.uid, request.user.gid)
  return openLaunchFiles(request.runDir, request.sandboxDir, environment, request.user, isRoot)
}

const hasEnded = ({ launcherPid, launcherStartTicks, runDir }: LaunchedTask): boolean =>
  readStatus(runDir) !== undefined || !isRunning({ pid: launcherPid, startTicks: launcherStartTicks })

/**
 * Of a launcher that is not our child: inotify tells of its status, and a look now and then of its death without one, or
 * of both where inotify is exhausted. One watch for the whole wait and no fiber per look: an agent may have regained
 * hundreds of tasks, and observing them must cost the host nothing.
 */
const awaitEndOfStranger = (task: LaunchedTask, pollMs: number): Effect.Effect<void> =>
  Effect.async<void>((resume) => {
    let watcher: FSWatcher | undefined
    const stop = () => {
      clearInterval(timer)
      watcher?.close()
    }
    const look = () => {
      try {
        if (!hasEnded(task)) return
        resume(Effect.void)
      } catch (error) {
        resume(Effect.die(error))
      }
      stop()
    }
    const timer = setInterval(look, pollMs)
    try {
      watcher = watch(task.runDir, { persistent: false }, look)
      watcher.on("error", () => {})
    } catch {
      // The looks have to do.
    }
    look()
    return Effect.sync(stop)
  })

const concludeExit = (task: LaunchedTask): Effect.Effect<LaunchExit, LauncherDied | TaskNotStarted> => {
  const exitCode = readStatus(task.runDir)
  const { containerId, launcherPid } = task
  if (exitCode === undefined) return Effect.fail(new LauncherDied({ containerId, launcherPid }))
  // Killed on the way is an end like any other, whatever step it had reached.
  if (exitCode > 128) return Effect.succeed({ exitCode, signal: exitCode - 128 })
  const { step } = readProgress(task.runDir)
  if (step === "exec") return Effect.succeed({ exitCode })
  const steps = { none: "join", joined: "user", user: "sandbox", notfound: "command" } as const
  return Effect.fail(
    new TaskNotStarted({ containerId, step: steps[step], exitCode, detail: readLog(task.runDir) }),
  )
}
