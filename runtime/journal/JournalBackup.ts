import { closeSync, copyFileSync, existsSync, openSync, renameSync } from "node:fs"
import { copyDatabase, draftOf, removeQuietly, settle } from "./DatabaseCopy.ts"
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
 * log; at every instant there is one whole journal or none, and none is said by the next start.
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
    const keptAt = isThere ? keepBeside(path, suffix) : null
    settle(draft, path)
    return { verdict: { ...verdict, path }, keptAt }
  } catch (error) {
    removeQuietly(draft)
    throw error
  }
}

const keepBeside = (path: string, suffix: string): string => {
  let kept = `${path}.${suffix}`
  for (let number = 2; existsSync(kept) || existsSync(`${kept}-wal`); number++)
    kept = `${path}.${suffix}.${number}`
  // The file first: a log without its file is refused, a file without its log looks whole and is not.
  for (const end of ["", "-wal", "-shm"]) if (existsSync(path + end)) renameSync(path + end, kept + end)
  return kept
}
