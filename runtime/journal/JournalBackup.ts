import { closeSync, copyFileSync, existsSync, linkSync, openSync, renameSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import Database from "better-sqlite3"
import { copyDatabase, draftOf, removeQuietly, settle, synchronise } from "./DatabaseCopy.ts"
import { readJournal } from "./JournalReading.ts"
import { type JournalVerdict, type VerifyProgress, verifyJournal } from "./JournalVerdict.ts"

/** A copy that is not what it was copied from, or a place that is taken. */
export class BackupRefused extends Error {
  override readonly name = "BackupRefused"
}

const requireWhole = (path: string, progress: VerifyProgress, shownAs = path): JournalVerdict => {
  const verdict = verifyJournal(path, progress)
  if (!verdict.isWhole) throw new BackupRefused(`${shownAs} is damaged: ${verdict.problems.join("; ")}`)
  return verdict
}

/**
 * Copies a journal into one file, also while a master writes to it, and looks at all of the copy before it gets its name. The
 * file is readable by its owner alone: commands and environments of tasks are in it.
 */
export const backupJournal = (
  path: string,
  backup: string,
  isReplacing: boolean,
  progress: VerifyProgress,
): JournalVerdict => {
  if (!isReplacing && existsSync(backup)) throw new BackupRefused(`${backup} exists; --force replaces it`)
  let verdict: JournalVerdict | undefined
  readJournal(path, ({ database }) => {
    // A copy cannot be made within a transaction; it is one by itself.
    database.exec("ROLLBACK")
    database.pragma("query_only = OFF")
    progress("copying")
    copyDatabase(database, backup, (draft) => {
      verdict = requireWhole(draft, progress, path)
    })
  })
  return { ...verdict!, path: backup }
}

export interface Restored {
  readonly verdict: JournalVerdict
  /** Where the journal that was there is kept. */
  readonly keptAt: string | null
}

/**
 * Puts a backup in a journal's place, whose lock must be held. What was there is kept beside, together with its write-ahead
 * log. A crash leaves the journal that was there or the backup; where neither can be opened, the next start says so.
 */
export const restoreJournal = (
  backup: string,
  path: string,
  isReplacing: boolean,
  suffix: string,
  progress: VerifyProgress,
): Restored => {
  const isThere = existsSync(path) || existsSync(`${path}-wal`)
  if (isThere && !isReplacing)
    throw new BackupRefused(
      `there is a journal at ${path}; --force puts the backup in its place and keeps it beside`,
    )
  const verdict = requireWhole(backup, progress)
  if (existsSync(`${backup}-wal`))
    throw new BackupRefused(
      `${backup} has a write-ahead log beside it, so it is no backup but a journal; make one with \`gleaner journal backup\``,
    )
  const draft = draftOf(path)
  removeQuietly(draft)
  try {
    progress("copying")
    closeSync(openSync(draft, "wx", 0o600))
    copyFileSync(backup, draft)
    if (verdict.kind === "sqlite") forgetWal(draft)
    // Durable before the journal that is there loses its name.
    synchronise(draft)
    const keptAt = isThere ? keepBeside(path, suffix) : null
    settle(draft, path)
    for (const end of ["-wal", "-shm"]) rmSync(path + end, { force: true })
    synchronise(dirname(path))
    return { verdict: { ...verdict, path }, keptAt }
  } catch (error) {
    removeQuietly(draft)
    throw error
  }
}

/** So that the log of the journal that was there, should a crash leave it beside, is refused and not taken for the draft's. */
const forgetWal = (draft: string): void => {
  const database = new Database(draft)
  try {
    database.pragma("journal_mode = DELETE")
  } finally {
    database.close()
  }
}

const keepBeside = (path: string, suffix: string): string => {
  let kept = `${path}.${suffix}`
  for (let number = 2; existsSync(kept) || existsSync(`${kept}-wal`); number++)
    kept = `${path}.${suffix}.${number}`
  try {
    // By a second name: the first is there until the backup takes it. The log first: a file without its log looks whole and is not.
    for (const end of ["-wal", ""]) if (existsSync(path + end)) linkSync(path + end, kept + end)
  } catch {
    // A file system without links. The file first: a log without its file is refused.
    for (const end of ["-wal", ""]) rmSync(kept + end, { force: true })
    for (const end of ["", "-wal"]) if (existsSync(path + end)) renameSync(path + end, kept + end)
  }
  synchronise(dirname(path))
  return kept
}
