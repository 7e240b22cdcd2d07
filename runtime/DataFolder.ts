import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { dirname } from "node:path"
import { Data, Effect } from "effect"

export { type DataFolder, dataFolderAt } from "./DataLayout.ts"

export class DataFolderError extends Data.TaggedError("DataFolderError")<{
  readonly path: string
  readonly detail: string
}> {
  override get message(): string {
    const remedy = /^(ENOSPC|EDQUOT|Unknown system error -122):/.test(this.detail)
      ? "free space there, then start the daemon again"
      : "choose another with --data, or let this user write there"
    return `data folder ${this.path} cannot be used (${this.detail}); ${remedy}`
  }
}

/** Makes a folder and those above it. Others may enter it: tasks run as another user below it. */
export const makeFolder = (path: string): Effect.Effect<void, DataFolderError> =>
  Effect.try({
    try: () => {
      mkdirSync(path, { recursive: true, mode: 0o755 })
    },
    catch: (error) => new DataFolderError({ path, detail: (error as Error).message }),
  })

/** As {@link makeFolder}, but closes the folder itself to others, also one that was open before. */
export const makePrivateFolder = (path: string): Effect.Effect<void, DataFolderError> =>
  Effect.zipRight(
    makeFolder(dirname(path)),
    Effect.try({
      try: () => {
        mkdirSync(path, { recursive: true, mode: 0o700 })
        if ((statSync(path).mode & 0o777) !== 0o700) chmodSync(path, 0o700)
      },
      catch: (error) => new DataFolderError({ path, detail: (error as Error).message }),
    }),
  )

/**
 * Replaces a small file as a whole: after a crash or on a full disk it holds the old or the new text, never a part, and
 * a failure leaves nothing else behind.
 */
export const replaceFile = (path: string, text: string): void => {
  const draft = `${path}.${process.pid}.new`
  try {
    const file = openSync(draft, "w", 0o600)
    try {
      // Not writeSync: the last free block takes a part of the text, and that is no error of it.
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    rmQuietly(draft)
    throw error
  }
}

const rmQuietly = (path: string): void => {
  try {
    unlinkSync(path)
  } catch {
    // It was never made.
  }
}

/** The parsed file; undefined when there is none or it holds no JSON. */
export const readJsonFile = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as unknown
  } catch {
    return undefined
  }
}
