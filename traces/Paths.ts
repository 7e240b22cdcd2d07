import { readdir, realpath, stat } from "node:fs/promises"
import { basename, join, resolve } from "node:path"
import { UnreadableTrace } from "./TraceError.ts"

/** Files that lie beside recordings in published data sets and are none. */
const isDocumentation = (name: string): boolean =>
  name.startsWith(".") ||
  /\.md$/i.test(name) ||
  /^(readme|licen[cs]e|manifest|checksums?|copying|notice|citation)(\.\w+)?$/i.test(name)

/** True for a path that can hold a recording; also asked for the members of archives. */
export const isRecordingName = (path: string): boolean => !isDocumentation(basename(path))

/**
 * The files that a list of paths stands for, each once, in a stable order. A path is a file, a folder (taken
 * recursively, without hidden files and documentation) or a glob.
 */
export const resolvePaths = async (paths: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const files = new Set<string>()
  for (const path of paths) {
    const found = await resolvePath(path)
    if (found.length === 0) {
      throw new UnreadableTrace({
        place: path,
        reason: "the folder holds no recording",
        remedy: "Name a folder with recordings (of gleaner, Bitbrains or PlanetLab), or the files themselves",
      })
    }
    for (const file of found) files.add(file)
  }
  return [...files]
}

const resolvePath = async (path: string): Promise<ReadonlyArray<string>> => {
  const absolute = resolve(path)
  const entry = await stat(absolute).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined
    throw accessError(path, error)
  })
  if (entry === undefined || path.trim() === "") return resolveGlob(path)
  if (entry.isDirectory()) return walkFolder(absolute, new Set())
  if (entry.isFile()) return [absolute]
  throw new UnreadableTrace({
    place: path,
    reason: "is neither a file nor a folder",
    remedy:
      "Save what comes from a pipe or device to a file first: its first bytes are looked at before it is read",
  })
}

const resolveGlob = async (path: string): Promise<ReadonlyArray<string>> => {
  const isGlob = /[*?[\]{}!]/.test(path)
  if (!isGlob) {
    throw new UnreadableTrace({
      place: path === "" ? '""' : path,
      reason: "there is no such file or folder",
      remedy: "Check the path",
    })
  }
  // Loaded only for a glob that the shell left alone, as on a quoted path.
  const { glob } = await import("tinyglobby")
  const files = await glob(path, { absolute: true, expandDirectories: false, onlyFiles: true })
  if (files.length === 0) {
    throw new UnreadableTrace({ place: path, reason: "no file matches", remedy: "Check the pattern" })
  }
  return files.map((file) => resolve(file)).sort()
}

/** All recordings below a folder; symbolic links are followed, but no folder is entered twice on the way down. */
const walkFolder = async (folder: string, above: ReadonlySet<string>): Promise<ReadonlyArray<string>> => {
  const real = await realpath(folder)
  if (above.has(real)) return []
  const entered = new Set([...above, real])
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw accessError(folder, error)
  })
  const files: Array<string> = []
  for (const name of names.sort()) {
    const path = join(folder, name)
    if (isDocumentation(name)) continue
    const entry = await stat(path).catch((error: NodeJS.ErrnoException) => {
      throw accessError(path, error)
    })
    if (entry.isDirectory()) files.push(...(await walkFolder(path, entered)))
    else if (entry.isFile()) files.push(path)
  }
  return files
}

/** A system error while opening or reading, in words. */
export const accessError = (place: string, error: NodeJS.ErrnoException): UnreadableTrace =>
  error.code === "EACCES" || error.code === "EPERM"
    ? new UnreadableTrace({ place, reason: "permission denied", remedy: "Make it readable for this user" })
    : new UnreadableTrace({
        place,
        reason: `cannot be read (${error.code ?? error.message})`,
        remedy: "Check the path and the disk",
      })
