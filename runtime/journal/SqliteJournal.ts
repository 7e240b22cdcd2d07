import { writeSync } from "node:fs"
import { Deferred, Effect, FiberId, Layer, type Scope } from "effect"
import { decodeEvents, decodeState, encodeBatch, isStoreFailure, type StoreFailure } from "./EncodedBatch.ts"
import { boundEventsRead, Journal, JournalError, type Recovered } from "./Journal.ts"
import { holdJournalLock } from "./JournalLock.ts"
import { type JournalWriter, startJournalWriter } from "./JournalWriter.ts"
import { takeKernelLock } from "./KernelLock.ts"
import { defaultKeepEvents, defaultKeepSize } from "./LogBounds.ts"
import type { OpeningReport } from "./SqliteOpening.ts"
import { collectParts, type StateCollection } from "./StateParts.ts"

export interface SqliteJournalOptions {
  /** The file; its folder must exist. */
  readonly path: string
  /** The bundled `SqliteWorker.ts`. */
  readonly workerScript: URL
  /** At least so many of the newest events stay readable; default {@link defaultKeepEvents}. */
  readonly keepEvents?: number
  /** So much of the newest text of the log likewise, if that is less; default {@link defaultKeepSize}. */
  readonly keepSize?: number
  /** Between two attempts on a full disk; default 1 s. */
  readonly retryFullMs?: number
  /** Appends that may wait for the disk; the next one fails as `Overloaded`. Default 4,096. */
  readonly maxPending?: number
  /** Text of the waiting appends, in UTF-16 units, before the next one fails likewise. Default 256 Mi. */
  readonly maxPendingSize?: number
  /** How long a closing journal may take to store what is pending and to checkpoint, before its thread is stopped; default 15 s. */
  readonly closeWaitMs?: number
  /** When not even that is possible, because the disk hangs; default: says so and ends this process. */
  readonly onHung?: (message: string) => void
}

/** How long a stopped thread may take to end; one that waits for a disk does not end before the disk answers. */
const stopWaitMs = 1_000

/** No exit would do: Node waits for its threads, and so would a supervisor, for ever. */
const endHard = (message: string): void => {
  try {
    writeSync(2, `gleaner: ${message}\n`)
  } catch {
    // Whoever read it is gone, or reads nothing for now.
  }
  process.kill(process.pid, "SIGKILL")
}

interface StartedWriter {
  readonly writer: JournalWriter
  /** What was read on the way. */
  readonly state: StateCollection
  readonly opened: Effect.Effect<OpeningReport, JournalError>
}

const startWriter = (options: SqliteJournalOptions): StartedWriter => {
  const { path, workerScript, keepEvents = defaultKeepEvents, keepSize = defaultKeepSize } = options
  const state = collectParts()
  const answer = Deferred.unsafeMake<OpeningReport, JournalError>(FiberId.none)
  const writer: JournalWriter = startJournalWriter(
    {
      workerScript,
      store: { path, keepEvents, keepSize },
      retryFullMs: options.retryFullMs ?? 1_000,
      maxPending: options.maxPending ?? 4_096,
      maxPendingSize: options.maxPendingSize ?? 256 * 1024 * 1024,
      part: state.take,
    },
    (found) =>
      Deferred.unsafeDone(
        answer,
        isStoreFailure(found) ? Effect.fail(new JournalError({ ...found, path })) : Effect.succeed(found),
      ),
  )
  return { writer, state, opened: Deferred.await(answer) }
}

const logOpening = ({ tornBytes, migrated, checkMs }: OpeningReport, path: string) =>
  Effect.gen(function* () {
    if (migrated !== undefined)
      yield* Effect.logWarning(
        `the journal had format ${migrated.format}; it was brought to today's, and the old one is kept`,
      ).pipe(Effect.annotateLogs({ path, keptAt: migrated.keptAt }))
    if (tornBytes > 0)
      yield* Effect.logWarning(
        "the journal ended in a transaction that a crash cut off; nobody was told of it, and it is removed",
      ).pipe(Effect.annotateLogs({ path, bytes: tornBytes }))
    yield* Effect.logDebug("the journal is whole").pipe(Effect.annotateLogs({ path, checkMs }))
  })

const closeWriter = (writer: JournalWriter, options: SqliteJournalOptions) => {
  const { path, closeWaitMs = 15_000, onHung = endHard } = options
  const hung = `journal ${path}: its disk does not answer, and what waits for it cannot be stopped; this process ends itself (SIGKILL). Everything acknowledged is kept: see to that disk, then start the daemon again`
  return Effect.async<void>((resume) => writer.close(() => resume(Effect.void))).pipe(
    Effect.interruptible,
    Effect.timeout(closeWaitMs),
    Effect.catchTag("TimeoutException", () =>
      Effect.logWarning(`journal ${path} did not close within ${closeWaitMs} ms; its thread is stopped`),
    ),
    Effect.zipRight(
      Effect.promise(() => writer.terminate()).pipe(
        Effect.interruptible,
        Effect.timeout(stopWaitMs),
        Effect.catchTag("TimeoutException", () => Effect.sync(() => onHung(hung))),
      ),
    ),
  )
}

/** The master's journal: one SQLite file, written by a thread of its own. */
export const make = (
  options: SqliteJournalOptions,
): Effect.Effect<Journal["Type"], JournalError, Scope.Scope> =>
  Effect.gen(function* () {
    yield* holdJournalLock(options.path, takeKernelLock)
    const { writer, state, opened } = yield* Effect.acquireRelease(
      Effect.sync(() => startWriter(options)),
      (started) => closeWriter(started.writer, options),
    )
    // Looking at a large journal takes its time, and a disk may hang: whoever wants to stop does not wait for it.
    const report = yield* opened
    yield* logOpening(report, options.path)
    const { read } = report
    const { journal, forget } = makeJournal(writer, options.path, read && state.toRecovered(read))
    yield* Effect.addFinalizer(() => Effect.sync(forget))
    return journal
  })

const makeJournal = (
  writer: JournalWriter,
  path: string,
  found: Recovered | undefined,
): { readonly journal: Journal["Type"]; readonly forget: () => void } => {
  /** What was found at the opening, until somebody takes it or it is so no more. */
  let atHand = found
  const refail = (failure: StoreFailure) => new JournalError({ ...failure, path })
  const read = <A extends object, B>(
    ask: (done: (answer: A | StoreFailure) => void) => void,
    decode: (answer: A) => B,
  ) =>
    Effect.async<B, JournalError>((resume) =>
      ask((answer) => resume(isStoreFailure(answer) ? refail(answer) : Effect.sync(() => decode(answer)))),
    )
  const forget = () => {
    atHand = undefined
  }
  const journal = Journal.of({
    append: (batch) =>
      Effect.async<void, JournalError>((resume) => {
        forget()
        const encoded = encodeBatch(batch)
        if (isStoreFailure(encoded)) resume(refail(writer.refuse(encoded)))
        else
          writer.append(encoded, (failure) => resume(failure === undefined ? Effect.void : refail(failure)))
      }),
    recover: Effect.suspend(() => {
      const recovered = atHand
      forget()
      return recovered === undefined ? read(writer.recover, decodeState) : Effect.succeed(recovered)
    }),
    events: (fromSeq, limit) =>
      read(
        (done) => writer.events(Math.max(0, Math.ceil(fromSeq)), boundEventsRead(limit), done),
        decodeEvents,
      ),
    problem: () => {
      const stalled = writer.stalled()
      return stalled === undefined
        ? undefined
        : `journal ${path}: ${stalled.detail}; free space there: it goes on by itself, and nothing that was acknowledged is lost`
    },
  })
  return { journal, forget }
}

export const layer = (options: SqliteJournalOptions): Layer.Layer<Journal, JournalError> =>
  Layer.scoped(Journal, make(options))
