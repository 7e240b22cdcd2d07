import { mkdirSync } from "node:fs"
import { dirname } from "node:path"
import { Effect, Either } from "effect"
import { type Restored, restoreJournal } from "../../journal/JournalBackup.ts"
import { holdJournalLock } from "../../journal/JournalLock.ts"
import { takeKernelLock } from "../../journal/KernelLock.ts"

export interface RestoreWish {
  readonly backup: string
  readonly path: string
  readonly isReplacing: boolean
}

/** Restores while no master runs on it, and keeps one from starting meanwhile. */
export const restoreBackup = async (
  { backup, path, isReplacing }: RestoreWish,
  progress: (text: string) => void,
): Promise<Restored> => {
  // As the master makes them: the data folder is open to tasks of other users, the journal's own is not.
  mkdirSync(dirname(dirname(path)), { recursive: true, mode: 0o755 })
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const suffix = `before-restore-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}`
  const restoring = Effect.try({
    try: () => restoreJournal(backup, path, isReplacing, suffix, progress),
    catch: (error): unknown => error,
  })
  const outcome = await Effect.runPromise(
    holdJournalLock(path, takeKernelLock).pipe(Effect.zipRight(restoring), Effect.scoped, Effect.either),
  )
  if (Either.isLeft(outcome)) throw outcome.left
  return outcome.right
}
