import { chmodSync, closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs"
import { basename, dirname } from "node:path"
import Database from "better-sqlite3"
import { fetchColdFile } from "./ColdFile.ts"
import { checkLog, checkState, checkStructure } from "./SqliteCheck.ts"
import { migrate } from "./SqliteMigration.ts"
import { readHead } from "./SqliteReading.ts"
import {
  firstCheckedFormat,
  formatVersion,
  isEmptyDatabase,
  requireFormat,
  StoreError,
  schema,
  toFailure,
} from "./SqliteSchema.ts"
import type { StateEnd, StateListener } from "./StateParts.ts"
import { readWal } from "./WalCheck.ts"

/** What opening a journal has met. */
export interface OpeningReport {
  /** Bytes of a transaction that a crash had cut off, and nobody was told of; they are gone. */
  readonly tornBytes: number
  /** Set when the journal had an earlier format: which one, and where it is kept. */
  readonly migrated: { readonly format: number; readonly keptAt: string } | undefined
  /** Where the state ends that was read on the way; undefined = it is of an earlier format, or new, and is read when it is asked for. */
  readonly read: StateEnd | undefined
  /** How long the look at everything took. */
  readonly checkMs: number
}

/**
 * So much of the log is followed at each opening, half a second's work. What is older takes no part in what a master goes on with;
 * `gleaner journal verify` and a replay look at all of it.
 */
const checkedEvents = 100_000

/** Pages kept in memory: rows are changed all over the file. */
const cacheKiB = 32 * 1024

/** Pages of the write-ahead log that are moved into the file together: many of them are written again and again. */
const checkpointPages = 4_000

/** A write-ahead log that somebody's reading has made longer is cut to this when it begins anew; a busy master's own is about as long. */
const walBytesKept = 64 * 1024 * 1024

/** How long a start waits for a process that reads or copies the file. */
const lockWaitMs = 1_000

/**
 * The journal holds commands and environments of tasks, so only its owner may read it. SQLite gives its other files the
 * mode of the first (sqlite.org/src, findCreateFileMode), hence that one exists before SQLite sees it. Not by umask,
 * which a worker thread cannot set; and an existing file is not opened here, because closing it again would drop the
 * locks that this process holds on it (sqlite.org/howtocorrupt.html §2.2).
 */
const createClosedToOthers = (path: string) => {
  try {
    closeSync(openSync(path, "wx", 0o600))
  } catch {
    // It exists, or cannot be made, which SQLite will tell.
  }
}

/** A restore that was interrupted must not end in an empty journal: agents would be told to end everything that they run. */
const refuseHalfRestored = (path: string) => {
  const folder = dirname(path)
  if (existsSync(path) || !existsSync(folder)) return
  const name = basename(path)
  const rests = readdirSync(folder)
    .filter(
      (found) => found.startsWith(name) && /^\.(before-restore-.*|\d+\.new)$/.test(found.slice(name.length)),
    )
    .filter((found) => !/-(wal|shm)$/.test(found))
    .sort()
  if (rests.length === 0) return
  throw new StoreError({
    reason: "Damaged",
    detail: `it is missing, but ${rests.join(", ")} lies beside it, as an interrupted restore leaves it: restore again, or, to begin with an empty journal, move that away`,
  })
}

/** For journals that an earlier gleaner made. */
const closeToOthers = (path: string) => {
  for (const file of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`]) {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (stats !== undefined && (stats.mode & 0o077) !== 0) chmodSync(file, 0o600)
  }
}

/** Of the two bytes in a database's header that say how it is written, where 2 is a WAL (sqlite.org/fileformat2.html §1.3). */
const writesWal = (path: string): boolean => {
  const file = openSync(path, "r")
  try {
    const header = Buffer.alloc(20)
    return readSync(file, header, 0, 20, 0) === 20 && header[18] === 2 && header[19] === 2
  } finally {
    closeSync(file)
  }
}

/**
 * What SQLite would pass over without a word: see WalCheck.ts. Called before this process has the file open. Returns the
 * bytes that a crash had torn.
 */
export const requireWholeWal = (path: string): number => {
  const reading = readWal(path)
  if (reading.type === "Damaged") throw new StoreError({ reason: "Damaged", detail: reading.detail })
  if (reading.commits > 0 && (statSync(path, { throwIfNoEntry: false }) === undefined || !writesWal(path)))
    throw new StoreError({
      reason: "Damaged",
      detail: "its write-ahead log holds transactions, but its file does not know of it",
    })
  return reading.tornBytes
}

/** Of format 1 only SQLite's own look, as there is nothing to compare it with. */
const requireWhole = (database: Database.Database, listener: StateListener): StateEnd | undefined => {
  const hasDigests = requireFormat(database) >= firstCheckedFormat
  const problem =
    checkStructure(database) ??
    (hasDigests
      ? (checkState(database, listener) ?? checkLog(database, { newestEvents: checkedEvents }))
      : undefined)
  if (problem !== undefined) throw new StoreError({ reason: "Damaged", detail: problem })
  if (!hasDigests) return undefined
  const { lastSeq, lastOutboxId } = readHead(database)
  return { lastEventSeq: lastSeq, lastOutboxId }
}

/**
 * The look at everything, by a connection that cannot write: closing one that can would merge the write-ahead log into
 * a file that is damaged. Undefined when it was left to the other kind: a crash during the very first transaction has to be
 * rolled back first.
 */
const checkAsItIs = (
  path: string,
  listener: StateListener,
): { readonly read: StateEnd | undefined } | undefined => {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return undefined
  let database: Database.Database | undefined
  try {
    database = new Database(path, { readonly: true, timeout: lockWaitMs })
    return { read: requireWhole(database, listener) }
  } catch (error) {
    if (error instanceof Database.SqliteError && /^SQLITE_(READONLY|CANTOPEN)/.test(error.code))
      return undefined
    throw error
  } finally {
    database?.close()
  }
}

/** Opens or creates the journal's database, after a look at all that a master goes on with, and at the end of its log. Its lock must be held. */
export const openSqliteFile = (
  path: string,
  listener: StateListener,
): { readonly database: Database.Database; readonly report: OpeningReport } => {
  const startedMs = performance.now()
  const tornBytes = requireWholeWal(path)
  refuseHalfRestored(path)
  createClosedToOthers(path)
  fetchColdFile(path)
  const checked = checkAsItIs(path, listener)
  const database = new Database(path, { timeout: lockWaitMs })
  try {
    // Before anything is written: left to itself, a migration would not be durable when it is said to be done.
    database.pragma("synchronous = FULL")
    const format = findFormat(database)
    closeToOthers(path)
    const { read } = checked ?? { read: requireWhole(database, listener) }
    if (tornBytes > 0) dropTorn(database)
    const migrated =
      format === formatVersion ? undefined : { format, keptAt: migrate(database, path, format) }
    const mode = database.pragma("journal_mode = WAL", { simple: true })
    if (mode !== "wal")
      throw new StoreError({
        reason: "CannotOpen",
        detail: `that file system does not carry a WAL (${mode})`,
      })
    database.pragma(`cache_size = -${cacheKiB}`)
    database.pragma(`wal_autocheckpoint = ${checkpointPages}`)
    database.pragma(`journal_size_limit = ${walBytesKept}`)
    const checkMs = Math.round(performance.now() - startedMs)
    return { database, report: { tornBytes, migrated, read, checkMs } }
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Empties the write-ahead log. Otherwise the next transaction would be written over the beginning of the torn one, and if a
 * crash tore it as well, what is left of the first would look like acknowledged transactions behind damage.
 */
const dropTorn = (database: Database.Database) => {
  let outcome: { readonly busy: number } | undefined
  try {
    outcome = (database.pragma("wal_checkpoint(TRUNCATE)") as Array<{ readonly busy: number }>)[0]
  } catch (error) {
    // It can be opened all the same, and waits for space as ever.
    if (toFailure(error, "CannotOpen").reason !== "DiskFull") throw error
  }
  if (outcome?.busy === 1)
    throw new StoreError({
      reason: "Locked",
      detail: "a crash has left a torn transaction, which cannot be removed while somebody reads the file",
    })
}

/** Of a file that was empty it becomes today's. */
const findFormat = (database: Database.Database): number => {
  // A gleaner until 0.3 that runs on it holds it by SQLite's own lock.
  database.exec("BEGIN EXCLUSIVE")
  try {
    if (isEmptyDatabase(database)) database.exec(schema)
    const format = requireFormat(database)
    database.exec("COMMIT")
    return format
  } catch (error) {
    if (database.inTransaction) database.exec("ROLLBACK")
    throw error
  }
}
