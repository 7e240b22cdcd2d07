import { fstatSync, promises, readlinkSync } from "node:fs"
import type { FileHandle } from "node:fs/promises"

import { Context, Data, Effect, Option } from "effect"

/** The file could not be read; the message says why. */
export class LogFileError extends Data.TaggedError("LogFileError")<{ readonly detail: string }> {
  override get message(): string {
    return `the log cannot be read: ${this.detail}`
  }
}

/** The file that this daemon's log goes to. */
export interface OwnLog {
  /** Where it lies, for people. */
  readonly path: string
  /** Up to `length` bytes from `offset` on; none from the end on. */
  readonly read: (
    offset: number,
    length: number,
  ) => Effect.Effect<{ readonly size: number; readonly bytes: Buffer }, LogFileError>
}

const withFile = <A>(place: string, use: (file: FileHandle) => Promise<A>): Effect.Effect<A, LogFileError> =>
  Effect.acquireUseRelease(
    Effect.tryPromise({ try: () => promises.open(place, "r"), catch: toError }),
    (file) => Effect.tryPromise({ try: () => use(file), catch: toError }),
    (file) => Effect.promise(() => file.close()),
  )

const toError = (error: unknown): LogFileError =>
  new LogFileError({ detail: error instanceof Error ? error.message : String(error) })

const readAt = async (file: FileHandle, offset: number, length: number) => {
  const { size } = await file.stat()
  const bytes = Buffer.alloc(Math.max(0, Math.min(length, size - offset)))
  const { bytesRead } = await file.read(bytes, 0, bytes.length, offset)
  return { size, bytes: bytes.subarray(0, bytesRead) }
}

export const ownLogAt = (path: string, place: string = path): OwnLog => ({
  path,
  read: (offset, length) => withFile(place, (file) => readAt(file, offset, length)),
})

/**
 * The file behind stderr, when whoever started the daemon sent it to one: the log has no other place. It is opened through the
 * descriptor, so a log that was moved or deleted meanwhile is still the one that is written.
 */
export const findOwnLog = (descriptor: number): Option.Option<OwnLog> => {
  const place = `/proc/self/fd/${descriptor}`
  try {
    return fstatSync(descriptor).isFile() ? Option.some(ownLogAt(readlinkSync(place), place)) : Option.none()
  } catch {
    return Option.none()
  }
}

/** The process's own, unless another one is provided. */
export class DaemonLogFile extends Context.Reference<DaemonLogFile>()("gleaner/DaemonLogFile", {
  defaultValue: (): Option.Option<OwnLog> => findOwnLog(2),
}) {}
