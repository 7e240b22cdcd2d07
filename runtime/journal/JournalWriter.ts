import { Worker } from "node:worker_threads"
import type { EncodedBatch, EncodedEvents, EncodedState, StoreFailure } from "./EncodedBatch.ts"
import type { StoreOptions } from "./SqliteStore.ts"
import type { WorkerAnswer, WorkerRequest } from "./SqliteWorker.ts"

export interface JournalWriterOptions {
  readonly workerScript: URL
  readonly store: StoreOptions
  readonly maxPending: number
  readonly maxPendingSize: number
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
  /** Stores what is pending, checkpoints and closes the file. */
  readonly close: (done: () => void) => void
  readonly terminate: () => Promise<void>
}

interface PendingAppend {
  readonly batch: EncodedBatch
  readonly done: (failure?: StoreFailure) => void
}

/** Text that one transaction takes at most before the next one begins. */
const groupSize = 8 * 1024 * 1024

/**
 * Starts the thread; `opened` hears whether the file could be opened. While one group of appends is being written,
 * the next ones gather and become one transaction together (group commit).
 */
export const startJournalWriter = (
  options: JournalWriterOptions,
  opened: (failure?: StoreFailure) => void,
): JournalWriter => {
  const worker = new Worker(options.workerScript, { workerData: options.store })
  const exited = new Promise<void>((resolve) => worker.once("exit", () => resolve()))
  /** One per request that the thread has not answered, in their order; the first waits for the opening. */
  const waiting: Array<(answer: WorkerAnswer) => void> = []
  let gathered: Array<PendingAppend> = []
  let inFlight: ReadonlyArray<PendingAppend> = []
  let pendingSize = 0
  let broken: StoreFailure | undefined
  /** Set when the thread will not answer any more. */
  let gone: StoreFailure | undefined
  let closing = false
  /** Called when a closing journal has no append left. */
  let drained: (() => void) | undefined

  const request = (message: WorkerRequest, done: (answer: WorkerAnswer) => void) => {
    if (gone !== undefined) {
      const failure = gone
      return queueMicrotask(() => done({ type: "failed", failure }))
    }
    waiting.push(done)
    worker.postMessage(message)
  }

  /** Fails all appends that wait and all that come. */
  const breakDown = (failure: StoreFailure) => {
    broken ??= failure
    const failed = [...inFlight, ...gathered]
    inFlight = []
    gathered = []
    pendingSize = 0
    for (const { done } of failed) done(failure)
    drained?.()
  }

  const settleGroup = (group: ReadonlyArray<PendingAppend>, answer: WorkerAnswer) => {
    const outcome = answer.type === "appended" ? answer.outcome : { stored: 0, failure: unexpected(answer) }
    inFlight = group.slice(outcome.stored)
    for (const { batch, done } of group.slice(0, outcome.stored)) {
      pendingSize -= batch.size
      done()
    }
    if (outcome.failure !== undefined) breakDown(outcome.failure)
    else flush()
  }

  const flush = () => {
    if (inFlight.length > 0) return
    if (gathered.length === 0) return drained?.()
    let size = 0
    let count = 0
    while (count < gathered.length && (count === 0 || size < groupSize)) size += gathered[count++]!.batch.size
    const group = gathered.slice(0, count)
    gathered = gathered.slice(count)
    inFlight = group
    request({ type: "append", batches: group.map(({ batch }) => batch) }, (answer) =>
      settleGroup(group, answer),
    )
  }

  const die = (detail: string) => {
    gone ??= closing ? { reason: "Closed", detail: "it is closed" } : { reason: "WriterDied", detail }
    breakDown(gone)
    for (const done of waiting.splice(0)) done({ type: "failed", failure: gone })
  }

  waiting.push((answer) => opened(answer.type === "failed" ? answer.failure : undefined))
  worker.on("message", (answer: WorkerAnswer) => waiting.shift()?.(answer))
  worker.on("error", (error: Error) => die(`its writer thread failed: ${error.message}`))
  worker.on("exit", (code) => die(`its writer thread ended with code ${code}`))

  return {
    append: (batch, done) => {
      if (broken === undefined && closing) broken = { reason: "Closed", detail: "it is closed" }
      const count = inFlight.length + gathered.length
      if (broken === undefined && (count >= options.maxPending || pendingSize > options.maxPendingSize))
        broken = {
          reason: "Overloaded",
          detail: `${count} appends (${pendingSize} characters) wait for the disk`,
        }
      if (broken !== undefined) {
        const failure = broken
        queueMicrotask(() => done(failure))
        return
      }
      pendingSize += batch.size
      gathered.push({ batch, done })
      flush()
    },
    refuse: (failure) => (broken ??= failure),
    recover: (done) =>
      request({ type: "recover" }, (answer) =>
        done(answer.type === "recovered" ? answer.state : unexpected(answer)),
      ),
    events: (fromSeq, limit, done) =>
      request({ type: "events", fromSeq, limit }, (answer) =>
        done(answer.type === "events" ? answer.events : unexpected(answer)),
      ),
    close: (done) => {
      closing = true
      drained = () => {
        drained = undefined
        request({ type: "close" }, () => done())
      }
      flush()
    },
    terminate: async () => {
      closing = true
      await worker.terminate()
      await exited
    },
  }
}

const unexpected = (answer: WorkerAnswer): StoreFailure =>
  answer.type === "failed"
    ? answer.failure
    : { reason: "WriterDied", detail: `its writer thread answered ${answer.type}` }
