import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from "node:fs"
import { dirname, join, sep } from "node:path"
import { Data, Effect } from "effect"
import { idProblem } from "../../core/Task.ts"

/** Where a task's files are: `frameworks/<framework>/executors/<task>/runs/<container>`, as on Mesos's agents. */
export interface SandboxPlace {
  readonly frameworkId: string
  readonly taskId: string
  readonly containerId: string
}

export class SandboxError extends Data.TaggedError("SandboxError")<{
  readonly path: string
  readonly detail: string
}> {
  override get message(): string {
    return `sandbox ${this.path}: ${this.detail}`
  }
}

/** A file of a sandbox that cannot be given out; `isMissing` = there is nothing under that path (yet). */
export class SandboxFileError extends Data.TaggedError("SandboxFileError")<{
  readonly path: string
  readonly isMissing: boolean
}> {
  override get message(): string {
    return this.isMissing ? `no such file: ${this.path}` : `not a plain file of a sandbox: ${this.path}`
  }
}

const runsFolder = (root: string, { frameworkId, taskId }: SandboxPlace): string =>
  join(root, "frameworks", frameworkId, "executors", taskId, "runs")

export const sandboxPath = (root: string, place: SandboxPlace): string =>
  join(runsFolder(root, place), place.containerId)

/**
 * Makes the sandbox, owned by the task's user and closed to others, and lets `latest` point to it. Folders above it
 * can be entered by everyone, but not listed: the task's user has to pass. `isAgain`: it may be there, from an agent that
 * died before the launch; nothing of the task has run in it.
 */
export const makeSandbox = (
  root: string,
  place: SandboxPlace,
  owner: { readonly uid: number; readonly gid: number },
  isAgain = false,
): Effect.Effect<string, SandboxError> => {
  const path = sandboxPath(root, place)
  const badId = [place.frameworkId, place.taskId, place.containerId].map(idProblem).find((problem) => problem)
  // They come from others and become parts of a path (law L7).
  if (badId !== undefined) return new SandboxError({ path, detail: badId })
  return Effect.try({
    try: () => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o711 })
      // The daemon's umask may have closed them.
      for (let above = dirname(path); above !== root; above = dirname(above)) chmodSync(above, 0o711)
      if (!(isAgain && isFolder(path))) mkdirSync(path, { mode: 0o750 })
      chmodSync(path, 0o750)
      if (process.getuid?.() === 0) chownSync(path, owner.uid, owner.gid)
      replaceLink(join(dirname(path), "latest"), place.containerId)
      return path
    },
    catch: (error) => new SandboxError({ path, detail: (error as Error).message }),
  })
}

/**
 * Renews the sandbox's times, which tell how long it is kept. What counts is the time of change of its entry (ctime),
 * because a task may set the others as it likes.
 */
export const markSandboxEnded = (root: string, place: SandboxPlace): void => {
  const path = sandboxPath(root, place)
  try {
    const { atime, mtime } = lstatSync(path)
    utimesSync(path, atime, mtime)
  } catch {
    // It was never made, or somebody removed it.
  }
}

const isFolder = (path: string): boolean => {
  try {
    return lstatSync(path).isDirectory()
  } catch {
    return false
  }
}

const replaceLink = (path: string, target: string): void => {
  const draft = `${path}.new`
  try {
    unlinkSync(draft)
  } catch {
    // Left over only after a crash.
  }
  symlinkSync(target, draft)
  renameSync(draft, path)
}

/** A part of a file, and how long the whole of it is. */
export interface FilePart {
  readonly size: number
  readonly bytes: Buffer
}

/**
 * Opens something of a sandbox by its virtual path. The task owns the sandbox and may put links there while we look, so what
 * counts is the file that was really opened: `use` is told where it lies.
 */
const withOpened = <A>(
  root: string,
  virtualPath: string,
  flags: number,
  use: (file: number, path: string, stats: Stats) => A | undefined,
): Effect.Effect<A, SandboxFileError> =>
  Effect.suspend(() => {
    const fail = (isMissing: boolean) => new SandboxFileError({ path: virtualPath, isMissing })
    if (!virtualPath.startsWith("/frameworks/") || virtualPath.split("/").includes("..")) return fail(false)
    let file: number
    try {
      file = openSync(
        realpathSync(join(root, virtualPath)),
        constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | flags,
      )
    } catch (error) {
      return fail((error as NodeJS.ErrnoException).code !== "ENOTDIR" || flags === 0)
    }
    try {
      const found = use(file, readlinkSync(`/proc/self/fd/${file}`), fstatSync(file))
      return found === undefined ? fail(false) : Effect.succeed(found)
    } catch {
      return fail(false)
    } finally {
      closeSync(file)
    }
  })

/** Reads a part of a file by its virtual path: it must lie below the root and be a plain one. */
export const readSandboxPart = (
  root: string,
  virtualPath: string,
  offset: number,
  length: number,
): Effect.Effect<FilePart, SandboxFileError> =>
  // O_NONBLOCK: opening a FIFO that nobody writes to must not hold the agent.
  withOpened(root, virtualPath, 0, (file, path, stats) => {
    if (!isOfSandbox(realpathSync(root), path, stats)) return undefined
    const bytes = Buffer.alloc(Math.max(0, Math.min(length, stats.size - offset)))
    return { size: stats.size, bytes: bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset)) }
  })

export const readSandboxFile = (
  root: string,
  virtualPath: string,
  offset: number,
  length: number,
): Effect.Effect<Buffer, SandboxFileError> =>
  Effect.map(readSandboxPart(root, virtualPath, offset, length), ({ bytes }) => bytes)

/** Entries of one folder that are told, at most: a task may make as many as its disk holds. */
export const listedMax = 10_000

/** What lies in a folder of a sandbox, by name. Links are told as such and not followed. */
export const listSandboxFolder = (
  root: string,
  virtualPath: string,
): Effect.Effect<ReadonlyArray<{ readonly name: string; readonly stats: Stats }>, SandboxFileError> =>
  withOpened(root, virtualPath, constants.O_DIRECTORY, (folder, path) => {
    const realRoot = realpathSync(root)
    const depth = path.slice(realRoot.length).split(sep).length - 1
    if (!path.startsWith(realRoot + sep) || depth < sandboxDepth) return undefined
    const place = `/proc/self/fd/${folder}`
    return readdirSync(place)
      .sort()
      .slice(0, listedMax)
      .map((name) => ({ name, stats: lstatSync(join(place, name)) }))
  })

/**
 * Whether an open file is a plain one of a sandbox below the root. Old kernels (no `protected_hardlinks`) let a task
 * make a hard link to any file of the same disk, so a file with several names must belong to the sandbox's owner.
 */
const isOfSandbox = (root: string, path: string, file: Stats): boolean => {
  if (!path.startsWith(root + sep) || !file.isFile()) return false
  if (file.nlink <= 1) return true
  const sandbox = path
    .slice(root.length)
    .split(sep)
    .slice(0, sandboxDepth + 1)
  return sandbox.length > sandboxDepth && statSync(root + sandbox.join(sep)).uid === file.uid
}

/** Folders from the root down to a sandbox: frameworks/<framework>/executors/<task>/runs/<container>. */
const sandboxDepth = 6

/** Folders on the way that another user cannot enter, outermost first: tasks could not reach their own sandbox. */
export const closedFolders = (path: string): ReadonlyArray<string> => {
  const closed: Array<string> = []
  for (let folder = path; ; folder = dirname(folder)) {
    if ((lstatSync(folder).mode & 0o001) === 0) closed.unshift(folder)
    if (folder === dirname(folder)) return closed
  }
}
