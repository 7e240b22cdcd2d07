import { Effect, Schedule, type Scope } from "effect"
import { acquireProcessLock, findLockHolder, type ProcessLock } from "../ProcessLock.ts"
import { toStoreFailure } from "./FileStore.ts"
import { JournalError } from "./Journal.ts"

// One journal belongs to one daemon: its lock is the folder `<path>.lock`.

/** How long a start waits for the one before it to let go: a killed process is still seen for an instant. */
const lockWaitMs = 1_000
const lockPollMs = 50

const lockOf = (path: string): string => `${path}.lock`

/** The daemon that has the journal open; undefined when none has. */
export const findJournalHolder = (path: string): number | undefined => findLockHolder(lockOf(path))

/** Keeps every other daemon away from the journal for as long as the scope lasts. */
export const holdJournalLock = (path: string): Effect.Effect<void, JournalError, Scope.Scope> =>
  Effect.acquireRelease(lock(path), (held) => Effect.sync(() => ignoringFailure(held.release))).pipe(
    Effect.asVoid,
  )

const lock = (path: string): Effect.Effect<ProcessLock, JournalError> =>
  Effect.suspend(() => {
    try {
      const held = acquireProcessLock(lockOf(path))
      if ("release" in held) return Effect.succeed(held)
      const detail = `process ${held.holderPid} has it open`
      return Effect.fail(new JournalError({ reason: "Locked", path, detail }))
    } catch (error) {
      return Effect.fail(new JournalError({ ...toStoreFailure(error), path }))
    }
  }).pipe(
    Effect.retry({
      while: ({ reason }) => reason === "Locked",
      schedule: Schedule.spaced(lockPollMs),
      times: lockWaitMs / lockPollMs,
    }),
  )

const ignoringFailure = (action: () => void): void => {
  try {
    action()
  } catch {
    // The end of this process lets go of it as well.
  }
}
