import { dirname } from "node:path"
import { isNoRoom, isQuota } from "../NoRoom.ts"
import type { DurableFiles, OpenFile } from "./DurableFiles.ts"
import type { EncodedBatch, EncodedEvents, EncodedState, StoreFailure } from "./EncodedBatch.ts"
import type { AppendOutcome } from "./GroupCommit.ts"
import type { JournalFailure } from "./Journal.ts"
import {
  applyBatch,
  emptyImage,
  imageToEvents,
  imageToState,
  type JournalImage,
  stateToImage,
} from "./JournalImage.ts"
import { formatVersion, type LogReading, readLog, titleLine, toLogLine } from "./LogLines.ts"

// A journal in one plain file: what it held when the file was made, then what was appended (LogLines.ts). Once it has
// grown it is written anew beside, and renamed into its place: at every instant there is one whole journal.

export interface FileStoreOptions {
  readonly path: string
  readonly files: DurableFiles
  readonly keepEvents: number
  /** The file is written anew when what was appended takes so much, and as much as the rest. */
  readonly compactBytes: number
}

export interface FileStore {
  /** What is durable; for reading only. */
  readonly image: JournalImage
  /** Bytes of an append that a crash had cut off; they were removed. */
  readonly tornBytes: number
  /** One at a time; after a failure not again. Never rejects. */
  readonly append: (batches: ReadonlyArray<EncodedBatch>) => Promise<AppendOutcome>
  readonly close: () => Promise<void>
}

/** Thrown by {@link openFileStore}. */
export class FileStoreError extends Error {
  override readonly name = "FileStoreError"
  readonly failure: StoreFailure
  constructor(failure: StoreFailure) {
    super(failure.detail)
    this.failure = failure
  }
}

interface Snapshot {
  readonly state: EncodedState
  readonly events: EncodedEvents
}

const reasonByCode: { readonly [code: string]: JournalFailure } = {
  ENOENT: "CannotOpen",
  ENOTDIR: "CannotOpen",
  EISDIR: "CannotOpen",
  EACCES: "CannotOpen",
  EPERM: "CannotOpen",
  EROFS: "CannotOpen",
}

export const toStoreFailure = (error: unknown): StoreFailure => {
  if (error instanceof FileStoreError) return error.failure
  const { code, errno, message } = error as NodeJS.ErrnoException
  if (isQuota({ code, errno })) return { reason: "DiskFull", detail: "a quota there is used up (EDQUOT)" }
  if (isNoRoom(error)) return { reason: "DiskFull", detail: message }
  return { reason: reasonByCode[code ?? ""] ?? "InputOutput", detail: message }
}

/** Opens or creates the journal at `path`; throws {@link FileStoreError} or what the file system says. */
export const openFileStore = async (options: FileStoreOptions): Promise<FileStore> => {
  const { path, files } = options
  const bytes = await files.read(path)
  if (bytes === undefined) {
    const image = emptyImage()
    return makeStore(options, image, await writeAnew(options, image), 0)
  }
  const { lines, size, tornBytes } = requireWhole(readLog(bytes))
  const image = readImage(lines, options.keepEvents)
  const file = await files.open(path)
  // Also what was written but, as far as anybody knew, not yet durable: it counts from now on.
  if (tornBytes > 0) await file.truncate(size)
  await file.sync()
  const snapshotBytes = titleLine.length + toLogLine(0, lines[0]!).length
  return makeStore(options, image, { file, lines: lines.length, size, snapshotBytes }, tornBytes)
}

const requireWhole = (reading: LogReading): Extract<LogReading, { type: "Read" }> => {
  switch (reading.type) {
    case "Read":
      return reading
    case "Foreign":
      throw new FileStoreError({ reason: "NotAJournal", detail: "it is not a journal of gleaner" })
    case "OtherFormat":
      throw new FileStoreError({
        reason: "NewerFormat",
        detail: `it has format ${reading.format}, this gleaner knows format ${formatVersion}`,
      })
    case "Damaged":
      throw new FileStoreError({
        reason: "Damaged",
        detail: `line ${reading.lineNumber} (from byte ${reading.offset} on) is not what was written there`,
      })
  }
}

const readImage = (lines: ReadonlyArray<string>, keepEvents: number): JournalImage => {
  const { state, events } = JSON.parse(lines[0]!) as Snapshot
  const image = stateToImage(state, events)
  for (const line of lines.slice(1))
    for (const batch of JSON.parse(line) as ReadonlyArray<EncodedBatch>) applyBatch(image, batch, keepEvents)
  return image
}

/** The file in its place, open for appending. */
interface Log {
  readonly file: OpenFile
  /** The number of the next line. */
  readonly lines: number
  readonly size: number
  /** What of it came from before the file. */
  readonly snapshotBytes: number
}

/** Makes a whole file with the image, and a first group after it, durable under its name. */
const writeAnew = async (
  { path, files }: FileStoreOptions,
  image: JournalImage,
  group?: ReadonlyArray<EncodedBatch>,
): Promise<Log> => {
  const snapshot: Snapshot = {
    state: imageToState(image),
    events: imageToEvents(image, 0, image.events.length),
  }
  const head = Buffer.concat([Buffer.from(titleLine), toLogLine(0, JSON.stringify(snapshot))])
  const bytes = group === undefined ? head : Buffer.concat([head, toLogLine(1, JSON.stringify(group))])
  const draft = `${path}.new`
  const file = await files.create(draft)
  try {
    await file.write(bytes, 0)
    await file.sync()
    await files.rename(draft, path)
  } catch (error) {
    await file.close().catch(() => {})
    await files.remove(draft).catch(() => {})
    throw error
  }
  try {
    await files.syncFolder(dirname(path))
  } catch (error) {
    // Whether the old or the new file would be there after a crash is not known any more.
    throw new FileStoreError({ ...toStoreFailure(error), reason: "InputOutput" })
  }
  return { file, lines: group === undefined ? 1 : 2, size: bytes.length, snapshotBytes: head.length }
}

const makeStore = (
  options: FileStoreOptions,
  image: JournalImage,
  opened: Log,
  tornBytes: number,
): FileStore => {
  const { keepEvents, compactBytes } = options
  let log = opened
  /** Raised when the disk has no room for a second file for now. */
  let spareBytes = 0

  const appendLine = async (group: ReadonlyArray<EncodedBatch>): Promise<void> => {
    const line = toLogLine(log.lines, JSON.stringify(group))
    try {
      await log.file.write(line, log.size)
    } catch (error) {
      // A part of it may be there; whoever opens the file next would cut it off as well.
      await log.file.truncate(log.size).catch(() => {})
      throw error
    }
    await log.file.sync()
    log = { ...log, lines: log.lines + 1, size: log.size + line.length }
  }

  const isGrown = () => log.size - log.snapshotBytes > Math.max(compactBytes, log.snapshotBytes) + spareBytes

  const store = async (group: ReadonlyArray<EncodedBatch>): Promise<void> => {
    if (!isGrown()) return appendLine(group)
    const before = log.file
    try {
      log = await writeAnew(options, image, group)
    } catch (error) {
      if (error instanceof FileStoreError) throw error
      spareBytes += compactBytes
      return appendLine(group)
    }
    spareBytes = 0
    await before.close().catch(() => {})
  }

  return {
    image,
    tornBytes,
    append: async (batches) => {
      try {
        await store(batches)
      } catch (error) {
        return { stored: 0, failure: toStoreFailure(error) }
      }
      for (const batch of batches) applyBatch(image, batch, keepEvents)
      return { stored: batches.length }
    },
    close: () => log.file.close(),
  }
}
