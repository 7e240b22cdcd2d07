import { closeSync, mkdirSync, openSync, statSync } from "node:fs"
import { join } from "node:path"
import Database from "better-sqlite3"
import { FileStoreError } from "./FileStore.ts"
import { toFailure } from "./SqliteSchema.ts"

// The claims of ProcessLock.ts name processes, and a process in another pid namespace has no name here, one on another host that shares
// the disk has another's. So a master also has the kernel hold a lock for it, on a file beside the claims: SQLite's own, as Node
// has none. It ends with the process, and is seen wherever the file is. Agents run where there is no SQLite, and need none: their
// checkpoint belongs to the host.

const fileOf = (lockFolder: string): string => join(lockFolder, "kernel")

/** What lets go of it; undefined when somebody has it. Throws what SQLite or the file system says when there can be no lock. */
export const takeKernelLock = (lockFolder: string): (() => void) | undefined => {
  const file = fileOf(lockFolder)
  unlessThere(() => mkdirSync(lockFolder, 0o700))
  unlessThere(() => closeSync(openSync(file, "wx", 0o600)))
  const database = new Database(file, { timeout: 0 })
  try {
    // Nothing is ever written, so that a full disk is no reason: SQLite begins a journal even for a transaction that stays empty.
    database.pragma("journal_mode = MEMORY")
    database.exec("BEGIN EXCLUSIVE")
    return () => database.close()
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    throw new FileStoreError(toFailure(error, "CannotOpen"))
  }
}

const unlessThere = (make: () => void): void => {
  try {
    make()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
}

/** Whether anybody has it, wherever they are. */
export const isKernelLockHeld = (lockFolder: string): boolean => {
  const file = fileOf(lockFolder)
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return false
  let database: Database.Database | undefined
  try {
    database = new Database(file, { readonly: true, timeout: 0 })
    database.prepare("SELECT count(*) FROM sqlite_schema").get()
    return false
  } catch (error) {
    return isBusy(error)
  } finally {
    database?.close()
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code)
