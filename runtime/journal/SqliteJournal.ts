import { Effect, Layer } from "effect"
import { decodeEvents, decodeState, encodeBatch, isStoreFailure, type StoreFailure } from "./EncodedBatch.ts"
import { boundEventsRead, defaultKeepEvents, Journal, JournalError } from "./Journal.ts"
import { type JournalWriter, startJournalWriter } from "./JournalWriter.ts"

export interface SqliteJournalOptions {
  /** The file; its folder must exist. */
  readonly path: string
  /** The bundled `SqliteWorker.ts`. */
  readonly workerScript: URL
  /** At least so many of the newest events stay readable; default {@link defaultKeepEvents}. */
  readonly keepEvents?: number
  /** Appends that may wait for the disk; the next one fails as `Overloaded`. Default 4,096. */
  readonly maxPending?: number
  /** Text of the waiting appends, in UTF-16 units, before the next one fails likewise. Default 256 Mi. */
  readonly maxPendingSize?: number
}

/** How long a closing journal may take to store what is pending and to checkpoint, before its thread is stopped. */
const closeWaitMs = 15_000

const openWriter = (options: SqliteJournalOptions) =>
  Effect.async<JournalWriter, JournalError>((resume) => {
    const writer: JournalWriter = startJournalWriter(
      {
        workerScript: options.workerScript,
        store: { path: options.path, keepEvents: options.keepEvents ?? defaultKeepEvents },
        maxPending: options.maxPending ?? 4_096,
        maxPendingSize: options.maxPendingSize ?? 256 * 1024 * 1024,
      },
      (failure) =>
        resume(
          failure === undefined
            ? Effect.succeed(writer)
            : new JournalError({ ...failure, path: options.path }),
        ),
    )
  })

const closeWriter = (writer: JournalWriter, path: string) =>
  Effect.async<void>((resume) => writer.close(() => resume(Effect.void))).pipe(
    Effect.interruptible,
    Effect.timeout(closeWaitMs),
    Effect.catchTag("TimeoutException", () =>
      Effect.logWarning(`journal ${path} did not close within ${closeWaitMs} ms; its thread is stopped`),
    ),
    Effect.zipRight(Effect.promise(() => writer.terminate())),
  )

/** The master's journal: one SQLite file, written by a thread of its own. */
export const make = (options: SqliteJournalOptions) =>
  Effect.map(
    Effect.acquireRelease(openWriter(options), (opened) => closeWriter(opened, options.path)),
    (writer) => {
      const refail = (failure: StoreFailure) => new JournalError({ ...failure, path: options.path })
      const read = <A extends object, B>(
        ask: (done: (answer: A | StoreFailure) => void) => void,
        decode: (answer: A) => B,
      ) =>
        Effect.async<B, JournalError>((resume) =>
          ask((answer) =>
            resume(isStoreFailure(answer) ? refail(answer) : Effect.sync(() => decode(answer))),
          ),
        )
      return Journal.of({
        append: (batch) =>
          Effect.async<void, JournalError>((resume) => {
            const encoded = encodeBatch(batch)
            if (isStoreFailure(encoded)) resume(refail(writer.refuse(encoded)))
            else
              writer.append(encoded, (failure) =>
                resume(failure === undefined ? Effect.void : refail(failure)),
              )
          }),
        recover: read(writer.recover, decodeState),
        events: (fromSeq, limit) =>
          read(
            (done) => writer.events(Math.max(0, Math.ceil(fromSeq)), boundEventsRead(limit), done),
            decodeEvents,
          ),
      })
    },
  )

export const layer = (options: SqliteJournalOptions): Layer.Layer<Journal, JournalError> =>
  Layer.scoped(Journal, make(options))
