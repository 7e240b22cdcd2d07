import { closeSync, fsyncSync, openSync, renameSync, unlinkSync } from "node:fs"
import { dirname } from "node:path"
import type Database from "better-sqlite3"

/** A name that is given to nothing else while this process runs; what is left of one by a crash is only litter. */
export const draftOf = (path: string): string => `${path}.${process.pid}.new`

export const removeQuietly = (path: string): void => {
  try {
    unlinkSync(path)
  } catch {
    // It was never made.
  }
}

/** What a file holds, or the names in a folder, are durable afterwards. */
export const synchronise = (path: string): void => {
  const file = openSync(path, "r")
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** What was written under that name, and the name itself, are durable afterwards. */
export const settle = (draft: string, path: string): void => {
  synchronise(draft)
  renameSync(draft, path)
  synchronise(dirname(path))
}

/**
 * Copies a database as it is at this moment, whoever writes to it meanwhile, into one file that only its owner may read; the
 * file is there as a whole or not at all. `check` looks at the copy before it gets its name, and throws what is wrong with it.
 */
export const copyDatabase = (
  database: Database.Database,
  path: string,
  check: (draft: string) => void = () => {},
): void => {
  const draft = draftOf(path)
  removeQuietly(draft)
  try {
    closeSync(openSync(draft, "wx", 0o600))
    database.prepare("VACUUM INTO ?").run(draft)
    check(draft)
    settle(draft, path)
  } catch (error) {
    removeQuietly(draft)
    throw error
  }
}
