import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { readBootId } from "./BootId.ts"
import { isRunning, readStartTicks } from "./ProcessIdentity.ts"

/** Another living process has the folder. */
export class FolderInUse extends Error {
  readonly _tag = "FolderInUse"
  readonly path: string
  readonly pid: number

  constructor(path: string, pid: number) {
    super(`${path} is held by process ${pid}, which runs: stop it first, or use another folder`)
    this.name = "FolderInUse"
    this.path = path
    this.pid = pid
  }
}

interface Holder {
  readonly pid: number
  readonly startTicks: number
  readonly bootId: string
}

const readHolder = (path: string): Holder | undefined => {
  try {
    const holder = JSON.parse(readFileSync(path, "utf8")) as Holder
    return Number.isInteger(holder.pid) && Number.isInteger(holder.startTicks) ? holder : undefined
  } catch {
    return undefined
  }
}

const isHeld = (holder: Holder | undefined): holder is Holder =>
  holder !== undefined && holder.bootId === readBootId() && isRunning(holder)

/**
 * Takes a folder for this process by a small file that names it (pid, start time, boot), because Node has no flock. A
 * file whose process is gone is taken over. Throws {@link FolderInUse}, and what the file system says.
 */
export const lockFolder = (folder: string, name: string): { readonly release: () => void } => {
  const path = join(folder, name)
  const draft = `${path}.${process.pid}`
  const own: Holder = {
    pid: process.pid,
    startTicks: readStartTicks(process.pid) ?? 0,
    bootId: readBootId(),
  }
  writeFileSync(draft, JSON.stringify(own), { mode: 0o600 })
  try {
    for (;;) {
      try {
        linkSync(draft, path)
        return { release: () => releaseOwn(path) }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
      }
      const holder = readHolder(path)
      if (isHeld(holder)) throw new FolderInUse(path, holder.pid)
      setAside(path, `${draft}.stale`)
    }
  } finally {
    unlinkIfThere(draft)
  }
}

/** By rename, so that of two who find the same stale file only one removes it; a fresh one caught so is put back. */
const setAside = (path: string, aside: string): void => {
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return
    throw error
  }
  const caught = readHolder(aside)
  try {
    if (isHeld(caught)) {
      linkSync(aside, path)
      throw new FolderInUse(path, caught.pid)
    }
  } finally {
    unlinkIfThere(aside)
  }
}

const releaseOwn = (path: string): void => {
  if (readHolder(path)?.pid === process.pid) unlinkIfThere(path)
}

const unlinkIfThere = (path: string): void => {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
  }
}
