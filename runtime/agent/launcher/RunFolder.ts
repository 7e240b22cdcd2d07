import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"

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

/** Descriptors for launch.sh, in the order of its fds 1 to 6. */
export interface LaunchFiles {
  readonly log: number
  readonly stdout: number
  readonly stderr: number
  readonly environment: number
  readonly progress: number
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
  const environmentPath = join(runDir, "environment")
  writeFileSync(environmentPath, environment, { mode: 0o600 })
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
      environment: open(openSync(environmentPath, "r")),
      progress: open(openSync(join(runDir, "progress"), append, 0o600)),
    }
  } catch (error) {
    opened.forEach(closeSync)
    throw error
  }
}

export const closeLaunchFiles = (files: LaunchFiles): void => {
  for (const fd of Object.values(files)) closeSync(fd)
}
