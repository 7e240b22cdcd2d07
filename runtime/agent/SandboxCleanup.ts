import { execFile } from "node:child_process"
import { lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, unlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { Clock, Data, Effect, Schedule } from "effect"

/** How long the files of an ended task stay to be looked at. */
export const sandboxAgeMsMax = 7 * 24 * 3_600_000
/** How many ended tasks keep their files, whatever their age. */
export const endedSandboxesMax = 1_000
const cleanupEveryMs = 3_600_000

export interface SandboxCleanupOptions {
  readonly sandboxRoot: string
  /** Whether the agent still has the task of this container; such a sandbox stays. */
  readonly isInUse: (containerId: string) => boolean
  /** Told of each cleanup that had something to do. */
  readonly onRemoved?: (succeeded: number, failed: number) => void
  /** Default {@link sandboxAgeMsMax}. */
  readonly ageMsMax?: number
  /** Default {@link endedSandboxesMax}. */
  readonly countMax?: number
}

class SandboxesStay extends Data.TaggedError("SandboxesStay")<{ readonly detail: string }> {
  override get message(): string {
    return `old sandboxes are not all removed (${this.detail}); they are tried again at the next cleanup`
  }
}

/** Removes old sandboxes now and every hour, for ever. A failure is logged and never ends it. */
export const keepSandboxesClean = (options: SandboxCleanupOptions): Effect.Effect<void> =>
  removeOldSandboxes(options).pipe(
    Effect.catchAll((error) => Effect.logWarning(error.message)),
    Effect.catchAllDefect((defect) => Effect.logWarning(`sandbox cleanup failed: ${String(defect)}`)),
    Effect.repeat(Schedule.spaced(cleanupEveryMs)),
    Effect.asVoid,
  )

/**
 * Removes the sandboxes of ended tasks that are older than the maximum or beyond the newest ones, with the folders
 * above that become empty. Each is moved aside at once, so that nobody meets half a sandbox; then rm deletes what was
 * moved, which follows no link and does not hold up the agent.
 */
export const removeOldSandboxes = (options: SandboxCleanupOptions): Effect.Effect<void, SandboxesStay> =>
  Effect.gen(function* () {
    const { sandboxRoot, isInUse } = options
    const nowMs = yield* Clock.currentTimeMillis
    const problems: Array<string> = []
    const removed = join(sandboxRoot, "removed")
    const old = yield* Effect.try({
      try: () => chooseOld(findEnded(sandboxRoot, isInUse), nowMs, options),
      catch: toSandboxesStay,
    })
    for (const sandbox of old) {
      try {
        mkdirSync(removed, { recursive: true, mode: 0o700 })
        renameSync(sandbox.path, join(removed, sandbox.containerId))
        removeEmptyAbove(sandboxRoot, dirname(sandbox.path))
      } catch (error) {
        problems.push((error as Error).message)
      }
    }
    // Also what an earlier cleanup has moved and not deleted.
    yield* deleteTree(removed)
    if (old.length > 0) options.onRemoved?.(old.length - problems.length, problems.length)
    if (old.length > problems.length) {
      yield* Effect.logInfo("removed old sandboxes").pipe(
        Effect.annotateLogs({ sandboxes: old.length - problems.length }),
      )
    }
    if (problems.length > 0) return yield* new SandboxesStay({ detail: problems.slice(0, 3).join("; ") })
  })

const toSandboxesStay = (error: unknown) => new SandboxesStay({ detail: (error as Error).message })

interface EndedSandbox {
  readonly path: string
  readonly containerId: string
  readonly endedMs: number
}

/** Sandboxes of which the agent has no task. The folders above them are the agent's own, so no task has put links there. */
const findEnded = (root: string, isInUse: (containerId: string) => boolean): ReadonlyArray<EndedSandbox> =>
  foldersIn(join(root, "frameworks")).flatMap((framework) =>
    foldersIn(join(framework, "executors")).flatMap((task) =>
      foldersIn(join(task, "runs")).flatMap((path) => {
        const containerId = path.slice(dirname(path).length + 1)
        return isInUse(containerId) ? [] : [{ path, containerId, endedMs: endedMsOf(path) }]
      }),
    ),
  )

/**
 * When its task was last seen: `markSandboxEnded` renews the sandbox's ctime; where a crash came in between, the
 * newest output tells.
 */
const endedMsOf = (path: string): number =>
  Math.max(
    ...[path, join(path, "stdout"), join(path, "stderr")].map((file) => {
      try {
        return lstatSync(file).ctimeMs
      } catch {
        return 0
      }
    }),
  )

const chooseOld = (
  ended: ReadonlyArray<EndedSandbox>,
  nowMs: number,
  { ageMsMax = sandboxAgeMsMax, countMax = endedSandboxesMax }: SandboxCleanupOptions,
): ReadonlyArray<EndedSandbox> =>
  [...ended]
    .sort((one, other) => other.endedMs - one.endedMs)
    .filter(({ endedMs }, index) => index >= countMax || nowMs - endedMs > ageMsMax)

const foldersIn = (path: string): ReadonlyArray<string> => {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(path, entry.name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return []
    throw error
  }
}

/** From a `runs` folder that has lost a sandbox upwards. Its `latest` goes when nothing else is left in it. */
const removeEmptyAbove = (root: string, runs: string): void => {
  if (foldersIn(runs).length === 0) for (const name of readdirSync(runs)) unlinkSync(join(runs, name))
  for (let folder = runs; folder !== root && readdirSync(folder).length === 0; folder = dirname(folder))
    rmdirSync(folder)
}

const deleteTree = (path: string) =>
  Effect.async<void, SandboxesStay>((resume) => {
    const child = execFile("/bin/rm", ["-rf", "--", path], { cwd: "/" }, (error) =>
      resume(error === null ? Effect.void : toSandboxesStay(error)),
    )
    return Effect.sync(() => child.kill())
  })
