import { Effect, Schedule, type Scope } from "effect"
import { acquireProcessLock, findLockHolder, type ProcessLock } from "../ProcessLock.ts"
import { toStoreFailure } from "./FileStore.ts"
import { JournalError } from "./Journal.ts"

// One journal belongs to one daemon: its lock is the folder `<path>.lock`.

/** How long a start waits for the one before it to let go: a killed process is still seen for an instant. */
const lockWaitMs = 1_000
const lockPollMs = 50

export const lockOf = (path: string): string => `${path}.lock`

/** The daemon that has the journal open; undefined when none has. */
export const findJournalHolder = (path: string): number | undefined => findLockHolder(lockOf(path))

/** Takes another lock beside; returns what lets go of it, undefined when somebody has it. */
export type TakeLock = (lockFolder: string) => (() => void) | undefined

const nothing: TakeLock = () => () => {}

/** Keeps every other daemon away from the journal for as long as the scope lasts. */
export const holdJournalLock = (
  path: string,
  takeFirst: TakeLock = nothing,
): Effect.Effect<void, JournalError, Scope.Scope> =>
  Effect.acquireRelease(lock(path, takeFirst), (held) =>
    Effect.sync(() => ignoringFailure(held.release)),
  ).pipe(Effect.asVoid)

const lock = (path: string, takeFirst: TakeLock): Effect.Effect<ProcessLock, JournalError> =>
  Effect.suspend(() => {
    try {
      const held = take(lockOf(path), takeFirst)
      if ("release" in held) return Effect.succeed(held)
      const holder =
        held.holderPid === undefined ? "a process of another container or host" : `process ${held.holderPid}`
      const detail = `${holder} has it open`
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

/** The other lock first: whoever has none must not leave claims. */
const take = (
  folder: string,
  takeFirst: TakeLock,
): ProcessLock | { readonly holderPid: number | undefined } => {
  const letGo = takeFirst(folder)
  if (letGo === undefined) return { holderPid: findLockHolder(folder) }
  let held: ReturnType<typeof acquireProcessLock> | undefined
  try {
    held = acquireProcessLock(folder)
  } finally {
    if (held === undefined || !("release" in held)) letGo()
  }
  if (!("release" in held)) return held
  const { release } = held
  return {
    release: () => {
      ignoringFailure(release)
      letGo()
    },
  }
}

const ignoringFailure = (action: () => void): void => {
  try {
    action()
  } catch {
    // The end of this process lets go of it as well.
  }
}
