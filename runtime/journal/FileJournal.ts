import { Effect, Layer, type Scope } from "effect"
import { type DurableFiles, realFiles } from "./DurableFiles.ts"
import {
  decodeEvents,
  decodeState,
  type EncodedBatch,
  encodeBatch,
  isStoreFailure,
  type StoreFailure,
} from "./EncodedBatch.ts"
import { type FileStore, openFileStore, toStoreFailure } from "./FileStore.ts"
import { type GroupCommit, makeGroupCommit } from "./GroupCommit.ts"
import { type Batch, boundEventsRead, Journal, JournalError, maxEventsRead } from "./Journal.ts"
import { checkOutboxIds, imageToEvents, imageToState } from "./JournalImage.ts"
import { holdJournalLock } from "./JournalLock.ts"

export interface FileJournalOptions {
  /** The file; its folder must exist. Its lock is the folder `<path>.lock`. */
  readonly path: string
  /** So many of the newest events stay readable; all are in memory. Default {@link maxEventsRead}. */
  readonly keepEvents?: number
  /** Appends that may wait for the disk; the next one fails as `Overloaded`. Default 4,096. */
  readonly maxPending?: number
  /** Text of the waiting appends, in UTF-16 units, before the next one fails likewise. Default 256 Mi. */
  readonly maxPendingSize?: number
  /** What may be appended before the file is written anew, unless its rows take more; default 4 MiB. */
  readonly compactBytes?: number
  readonly files?: DurableFiles
}

/** How long a closing journal waits for a disk that hangs. */
const closeWaitMs = 5_000

/**
 * A journal in one plain file and in memory, without native parts: for agents, on every Node from 10 on, with as much
 * state as fits into a registration. A disk that has no room for compaction is no failure, one that cannot take an
 * append is.
 */
export const make = (
  options: FileJournalOptions,
): Effect.Effect<Journal["Type"], JournalError, Scope.Scope> =>
  Effect.gen(function* () {
    const { path } = options
    yield* holdJournalLock(path)
    const store = yield* open(options)
    if (store.tornBytes > 0)
      yield* Effect.logWarning("the journal ended in an append that a crash cut off; it is removed").pipe(
        Effect.annotateLogs({ path, bytes: store.tornBytes }),
      )
    const appends = makeGroupCommit({
      maxPending: options.maxPending ?? 4_096,
      maxPendingSize: options.maxPendingSize ?? 256 * 1024 * 1024,
      store: (group, done) => void store.append(group).then(done),
    })
    yield* Effect.addFinalizer(() => close(appends, store, path))
    return makeJournal(path, appends, store)
  })

const open = (options: FileJournalOptions) =>
  Effect.tryPromise({
    try: () =>
      openFileStore({
        path: options.path,
        files: options.files ?? realFiles,
        keepEvents: Math.max(1, options.keepEvents ?? maxEventsRead),
        compactBytes: options.compactBytes ?? 4 * 1024 * 1024,
      }),
    catch: (error) => new JournalError({ ...toStoreFailure(error), path: options.path }),
  })

const close = (appends: GroupCommit, store: FileStore, path: string) =>
  Effect.async<void>((resume) => appends.close(() => resume(Effect.void))).pipe(
    Effect.zipRight(Effect.promise(() => store.close().catch(() => {}))),
    Effect.interruptible,
    Effect.timeoutFail({ duration: closeWaitMs, onTimeout: () => "timeout" }),
    Effect.catchAll(() => Effect.logWarning(`journal ${path} did not close within ${closeWaitMs} ms`)),
  )

const makeJournal = (path: string, appends: GroupCommit, store: FileStore): Journal["Type"] => {
  /** Of the last batch that was taken, durable or not. */
  let lastOutboxId = store.image.lastOutboxId
  const refail = (failure: StoreFailure) => new JournalError({ ...failure, path })

  const encode = (batch: Batch): EncodedBatch | StoreFailure => {
    const encoded = encodeBatch(batch)
    if (isStoreFailure(encoded)) return encoded
    const lastId = checkOutboxIds(lastOutboxId, encoded)
    if (typeof lastId !== "number") return lastId
    lastOutboxId = lastId
    return encoded
  }

  const whileOpen = <A>(read: () => A) =>
    Effect.suspend(() =>
      appends.isClosing()
        ? Effect.fail(refail({ reason: "Closed", detail: "it is closed" }))
        : Effect.sync(read),
    )

  return Journal.of({
    append: (batch) =>
      Effect.async<void, JournalError>((resume) => {
        const encoded = encode(batch)
        if (isStoreFailure(encoded)) resume(refail(appends.refuse(encoded)))
        else
          appends.append(encoded, (failure) => resume(failure === undefined ? Effect.void : refail(failure)))
      }),
    recover: whileOpen(() => decodeState(imageToState(store.image))),
    events: (fromSeq, limit) =>
      whileOpen(() => decodeEvents(imageToEvents(store.image, fromSeq, boundEventsRead(limit)))),
    problem: () => undefined,
  })
}

export const layer = (options: FileJournalOptions): Layer.Layer<Journal, JournalError> =>
  Layer.scoped(Journal, make(options))
