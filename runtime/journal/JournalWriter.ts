import { Worker } from "node:worker_threads"
import type { EncodedBatch, EncodedEvents, EncodedState, StoreFailure } from "./EncodedBatch.ts"
import { makeGroupCommit } from "./GroupCommit.ts"
import type { OpeningReport } from "./SqliteOpening.ts"
import type { StoreOptions } from "./SqliteStore.ts"
import type { WorkerAnswer, WorkerPart, WorkerRequest } from "./SqliteWorker.ts"
import type { StatePart } from "./StateParts.ts"

export interface JournalWriterOptions {
  readonly workerScript: URL
  readonly store: StoreOptions
  readonly retryFullMs: number
  readonly maxPending: number
  readonly maxPendingSize: number
  /** Hears the state while the file is being opened. */
  readonly part: (part: StatePart) => void
}

/** The daemon's side of the writer thread. Callbacks are called once, never before the call has returned. */
export interface JournalWriter {
  readonly append: (batch: EncodedBatch, done: (failure?: StoreFailure) => void) => void
  /** Takes note of a batch that could not even be encoded: nothing may be stored after it. Returns what holds now. */
  readonly refuse: (failure: StoreFailure) => StoreFailure
  readonly recover: (done: (answer: EncodedState | StoreFailure) => void) => void
  readonly events: (
    fromSeq: number,
    limit: number,
    done: (answer: EncodedEvents | StoreFailure) => void,
  ) => void
  /** Why appends wait although nothing has failed. */
  readonly stalled: () => StoreFailure | undefined
  /** Stores what is pending, checkpoints and closes the file. */
  readonly close: (done: () => void) => void
  readonly terminate: () => Promise<void>
}

/**
 * Starts the thread; `opened` hears what opening the file has met, or why it failed. Appends that gather while others are written
 * become one transaction together.
 */
export const startJournalWriter = (
  options: JournalWriterOptions,
  opened: (answer: OpeningReport | StoreFailure) => void,
): JournalWriter => {
  const worker = new Worker(options.workerScript, { workerData: options.store })
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()))
  /** One per request that the thread has not answered, in their order; the first waits for the opening. */
  const waiting: Array<(answer: WorkerAnswer) => void> = []
  /** Set when the thread will not answer any more. */
  let gone: StoreFailure | undefined

  const request = (message: WorkerRequest, done: (answer: WorkerAnswer) => void) => {
    if (gone !== undefined) {
      const failure = gone
      return queueMicrotask(() => done({ type: "failed", failure }))
    }
    waiting.push(done)
    worker.postMessage(message)
  }

  const appends = makeGroupCommit({
    maxPending: options.maxPending,
    maxPendingSize: options.maxPendingSize,
    retryFullMs: options.retryFullMs,
    store: (batches, done) =>
      request({ type: "append", batches }, (answer) =>
        done(answer.type === "appended" ? answer.outcome : { stored: 0, failure: unexpected(answer) }),
      ),
  })

  const die = (detail: string) => {
    gone ??= appends.isClosing()
      ? { reason: "Closed", detail: "it is closed" }
      : { reason: "WriterDied", detail }
    appends.breakDown(gone)
    for (const done of waiting.splice(0)) done({ type: "failed", failure: gone })
  }

  waiting.push((answer) => opened(answer.type === "opened" ? answer.report : unexpected(answer)))
  worker.on("message", (answer: WorkerAnswer | WorkerPart) =>
    answer.type === "part" ? options.part(answer.part) : waiting.shift()?.(answer),
  )
  worker.on("error", (error: Error) => die(`its writer thread failed: ${error.message}`))
  worker.on("exit", (code) => die(`its writer thread ended with code ${code}`))

  return {
    append: appends.append,
    refuse: appends.refuse,
    recover: (done) =>
      request({ type: "recover" }, (answer) =>
        done(answer.type === "recovered" ? answer.state : unexpected(answer)),
      ),
    events: (fromSeq, limit, done) =>
      request({ type: "events", fromSeq, limit }, (answer) =>
        done(answer.type === "events" ? answer.events : unexpected(answer)),
      ),
    stalled: appends.stalled,
    close: (done) => appends.close(() => request({ type: "close" }, () => done())),
    terminate: async () => {
      appends.close(() => {})
      await worker.terminate()
      await exited
    },
  }
}

const unexpected = (answer: WorkerAnswer): StoreFailure =>
  answer.type === "failed"
    ? answer.failure
    : { reason: "WriterDied", detail: `its writer thread answered ${answer.type}` }
