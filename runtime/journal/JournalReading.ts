import { statSync } from "node:fs"
import Database from "better-sqlite3"
import { JournalError } from "./Journal.ts"
import { findJournalHolder } from "./JournalLock.ts"
import { requireWholeWal } from "./SqliteOpening.ts"
import { requireFormat, toFailure } from "./SqliteSchema.ts"

/** A journal of a master that is being read, as it was when that began, whether or not a master writes to it. */
export interface ReadJournal {
  readonly path: string
  readonly database: Database.Database
  readonly format: number
  /** The process that writes to it. */
  readonly holderPid: number | undefined
  /** Of a transaction that a crash had cut off; of a journal that nobody has open. */
  readonly tornBytes: number
}

const waitMs = 5_000

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
export const readJournal = <A>(path: string, use: (journal: ReadJournal) => A): A => {
  let database: Database.Database | undefined
  try {
    try {
      if (statSync(path, { throwIfNoEntry: false }) === undefined)
        throw Object.assign(new Error(noSuchFile), { code: "ENOENT" })
      const holderPid = findJournalHolder(path)
      // What somebody writes to is not whole at every instant; that process has looked itself when it began.
      const tornBytes = holderPid === undefined ? requireWholeWal(path) : 0
      database = openDatabase(path)
      database.exec("BEGIN")
      const format = requireFormat(database)
      return use({ path, database, format, holderPid, tornBytes })
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
