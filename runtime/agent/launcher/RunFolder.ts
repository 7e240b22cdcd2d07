import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import type { ProcessIdentity } from "../../host/ProcessIdentity.ts"

// Files of one launch in the agent's own folder, and the task's output files in its sandbox.

/** How far launch.sh came; `none` before the task was in its cgroups. */
export type LaunchStep = "none" | "joined" | "user" | "notfound" | "exec"

export interface Progress {
  readonly step: LaunchStep
  /** The task's process: the pid that joined the cgroups and became the command. */
  readonly task?: { readonly pid: number; readonly startTicks: number }
}

const readText = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw error
  }
}

/** Exit code as sh gives it, or undefined while there is none. */
export const readStatus = (runDir: string): number | undefined => {
  const text = readText(join(runDir, "status"))
  return text !== undefined && /^\d{1,3}\n$/.test(text) ? Number(text) : undefined
}

export const readProgress = (runDir: string): Progress => {
  const lines = (readText(join(runDir, "progress")) ?? "").split("\n").filter((line) => line !== "")
  const joined = /^joined (\d+) (\d+)$/.exec(lines[0] ?? "")
  if (joined === null) return { step: "none" }
  const task = { pid: Number(joined[1]), startTicks: Number(joined[2]) }
  return { step: (lines[lines.length - 1]!.split(" ")[0] ?? "joined") as LaunchStep, task }
}

/** The end of what the launcher itself had to say, for messages. */
export const readLog = (runDir: string): string => (readText(join(runDir, "log")) ?? "").trim().slice(-500)

/** Which attempt to launch a task holds, as the claims in its run folder say (launch.sh). */
export type RunClaim =
  /** This launcher has it; it runs the task, has run it, or was killed. */
  | { readonly by: "launcher"; readonly launcher: ProcessIdentity }
  /** No launcher had it and none ever will; the task may be launched as this attempt. */
  | { readonly by: "agent"; readonly nextAttempt: number }

/**
 * Decides for good whether a task of an earlier life of this agent was ever launched. Only for a run folder that this
 * agent alone works on, and only in the host's start in which it was made: a crash of the host may lose a claim.
 */
export const settleClaim = (runDir: string): RunClaim => {
  mkdirSync(runDir, { recursive: true, mode: 0o700 })
  for (;;) {
    const attempt = Math.max(
      0,
      ...readdirSync(runDir).map((name) => Number(/^claim\.(\d+)$/.exec(name)?.[1] ?? 0)),
    )
    const holder = attempt === 0 ? "agent" : readlinkSync(claimPath(runDir, attempt))
    if (holder !== "agent") {
      const [pid, startTicks] = holder.split(" ")
      return { by: "launcher", launcher: { pid: Number(pid), startTicks: Number(startTicks) } }
    }
    // A launcher of the next attempt may be on its way: the agent that called this one off may have started it.
    try {
      symlinkSync("agent", claimPath(runDir, attempt + 1))
      return { by: "agent", nextAttempt: attempt + 2 }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    }
  }
}

const claimPath = (runDir: string, attempt: number): string => join(runDir, `claim.${attempt}`)

/** Descriptors for launch.sh, in the order of its fds 1 to 6; /dev/null for those that it must not inherit. */
export interface LaunchFiles {
  readonly log: number
  readonly stdout: number
  readonly stderr: number
  readonly environment: number
  readonly progress: number
  readonly devNull: number
}

const append = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND

/**
 * Opens an output file for the task's user. The sandbox may be written by that user already, so a link in the place
 * of the file must not make root append to, or give away, a file elsewhere.
 */
const openOutput = (path: string, user: { readonly uid: number; readonly gid: number }, isRoot: boolean) => {
  const fd = openSync(path, append | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o640)
  const found = fstatSync(fd)
  if (!found.isFile() || found.nlink !== 1) {
    closeSync(fd)
    throw new Error(`${path} is not a plain file of its own; remove it`)
  }
  if (isRoot) fchownSync(fd, user.uid, user.gid)
  fchmodSync(fd, 0o640)
  return fd
}

/** Only an open file, without a name: an environment may hold secrets, which no crash must leave on the disk. */
const openEnvironment = (path: string, text: string): number => {
  writeFileSync(path, text, { mode: 0o600 })
  try {
    return openSync(path, "r")
  } finally {
    unlinkSync(path)
  }
}

export const openLaunchFiles = (
  runDir: string,
  sandboxDir: string,
  environment: string,
  user: { readonly uid: number; readonly gid: number },
  isRoot: boolean,
): LaunchFiles => {
  mkdirSync(runDir, { recursive: true, mode: 0o700 })
  if (readText(join(runDir, "status")) !== undefined)
    throw new Error(`${runDir} holds the status of an earlier launch; give each launch a folder of its own`)
  const opened: Array<number> = []
  const open = (fd: number) => {
    opened.push(fd)
    return fd
  }
  try {
    return {
      log: open(openSync(join(runDir, "log"), append, 0o600)),
      stdout: open(openOutput(join(sandboxDir, "stdout"), user, isRoot)),
      stderr: open(openOutput(join(sandboxDir, "stderr"), user, isRoot)),
      environment: open(openEnvironment(join(runDir, "environment"), environment)),
      progress: open(openSync(join(runDir, "progress"), append, 0o600)),
      devNull: open(openSync("/dev/null", "r+")),
    }
  } catch (error) {
    opened.forEach(closeSync)
    throw error
  }
}

export const closeLaunchFiles = (files: LaunchFiles): void => {
  for (const fd of Object.values(files)) closeSync(fd)
}

/** Removes a run folder: flat, of small files of our own. Gone already is fine. */
export const removeRunFolder = (runDir: string): void => {
  // Not there, or in use for one more moment: the next start of the agent clears the rest.
  for (const name of ignoringFailure(() => readdirSync(runDir)) ?? [])
    ignoringFailure(() => unlinkSync(join(runDir, name)))
  ignoringFailure(() => rmdirSync(runDir))
}

const ignoringFailure = <A>(action: () => A): A | undefined => {
  try {
    return action()
  } catch {
    return undefined
  }
}

/** Removes what earlier agents left of launches that nobody will ask about any more. */
export const sweepRunRoot = (runRoot: string, isInUse: (containerId: string) => boolean): void => {
  for (const name of readdirSync(runRoot)) if (!isInUse(name)) removeRunFolder(join(runRoot, name))
}
