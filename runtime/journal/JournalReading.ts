import { statSync } from "node:fs"
import Database from "better-sqlite3"
import { JournalError } from "./Journal.ts"
import { findJournalHolder, lockOf } from "./JournalLock.ts"
import { isKernelLockHeld } from "./KernelLock.ts"
import { requireWholeWal } from "./SqliteOpening.ts"
import { requireFormat, toFailure } from "./SqliteSchema.ts"

/** A journal of a master that is being read, as it was when that began, whether or not a master writes to it. */
export interface ReadJournal {
  readonly path: string
  readonly database: Database.Database
  readonly format: number
  /** The process that writes to it; undefined also when that one cannot be seen from here. */
  readonly holderPid: number | undefined
  /** Of a transaction that a crash had cut off; of a journal that nobody has open. */
  readonly tornBytes: number
  /**
   * Goes on with the journal as it is by now. As long as one moment of it is looked at, all that a master writes stays in its
   * write-ahead log; so whoever reads for more than a second calls this now and then. No statement may be under way.
   */
  readonly refresh: () => void
}

const waitMs = 5_000

/** How long a master that writes is given to begin its write-ahead log anew. */
const breathMs = 50

/** Of this thread, which only reads. */
const sleepHere = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

export const noSuchFile = "there is no such file"

/**
 * Without a write-ahead log to merge, by a connection that could write: at its end it takes away the files that SQLite makes
 * for reading. With one, by one that cannot, which leaves everything as it is.
 */
const openDatabase = (path: string): Database.Database => {
  const hasLog = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0
  if (!hasLog) {
    try {
      const database = new Database(path, { fileMustExist: true, timeout: waitMs })
      database.pragma("query_only = ON")
      return database
    } catch (error) {
      if (!(error instanceof Database.SqliteError) || error.code !== "SQLITE_CANTOPEN") throw error
    }
  }
  return new Database(path, { readonly: true, fileMustExist: true, timeout: waitMs })
}

/** Reads a journal and closes it. Throws {@link JournalError} when it cannot be opened. */
export const readJournal = <A>(
  path: string,
  use: (journal: ReadJournal) => A,
  sleep: (ms: number) => void = sleepHere,
): A => {
  let database: Database.Database | undefined
  try {
    try {
      if (statSync(path, { throwIfNoEntry: false }) === undefined)
        throw Object.assign(new Error(noSuchFile), { code: "ENOENT" })
      const holderPid = findJournalHolder(path)
      // What somebody writes to is not whole at every instant; that process has looked itself when it began.
      const isLive = holderPid !== undefined || isKernelLockHeld(lockOf(path))
      const tornBytes = isLive ? 0 : requireWholeWal(path)
      database = openDatabase(path)
      database.exec("BEGIN")
      const format = requireFormat(database)
      const refresh = () => {
        if (!isLive) return
        database?.exec("COMMIT")
        sleep(breathMs)
        database?.exec("BEGIN")
      }
      return use({ path, database, format, holderPid, tornBytes, refresh })
    } catch (error) {
      if (
        error instanceof Database.SqliteError ||
        (error instanceof Error && "failure" in error) ||
        isSystemError(error)
      )
        throw new JournalError({ ...toFailure(error, "CannotOpen"), path })
      throw error
    }
  } finally {
    database?.close()
  }
}

const isSystemError = (error: unknown): boolean => typeof (error as NodeJS.ErrnoException).code === "string"
