import type { EncodedBatch, StoreFailure } from "./EncodedBatch.ts"

/** What came of writing a group of batches. */
export interface AppendOutcome {
  /** How many batches, from the first on, are durable now. */
  readonly stored: number
  /** Why the next one is not; those after it were not tried. */
  readonly failure?: StoreFailure
}

export interface GroupCommitOptions {
  /** Appends that may wait for the disk; the next one fails as `Overloaded`. */
  readonly maxPending: number
  /** Text of the waiting appends, in UTF-16 units, before the next one fails likewise. */
  readonly maxPendingSize: number
  /** Makes the batches durable with one synchronisation. Called for one group at a time. */
  readonly store: (group: ReadonlyArray<EncodedBatch>, done: (outcome: AppendOutcome) => void) => void
  /**
   * How long to wait on a full disk before the same batches are tried again, for as long as it takes. Left out: a full disk
   * is a failure like any other. The store must be able to go on after one.
   */
  readonly retryFullMs?: number
}

/** Appends that wait for a disk. Callbacks are called once, never before the call has returned. */
export interface GroupCommit {
  readonly append: (batch: EncodedBatch, done: (failure?: StoreFailure) => void) => void
  /** Takes note of a batch that could not even be encoded: nothing may be stored after it. Returns what holds now. */
  readonly refuse: (failure: StoreFailure) => StoreFailure
  /** Fails all appends that wait and all that come. */
  readonly breakDown: (failure: StoreFailure) => void
  /** Takes no more; `drained` hears when nothing waits any longer. */
  readonly close: (drained: () => void) => void
  readonly isClosing: () => boolean
  /** Why appends wait for more than the disk's pace: it is full. */
  readonly stalled: () => StoreFailure | undefined
}

interface PendingAppend {
  readonly batch: EncodedBatch
  readonly done: (failure?: StoreFailure) => void
}

/** Text that one group takes at most before the next one begins. */
const groupSize = 8 * 1024 * 1024

/**
 * While one group of appends is being written, the next ones gather and are written together. What is stored is a
 * prefix of what was appended: after the first failure everything fails.
 */
export const makeGroupCommit = (options: GroupCommitOptions): GroupCommit => {
  let gathered: Array<PendingAppend> = []
  let inFlight: ReadonlyArray<PendingAppend> = []
  let pendingSize = 0
  let broken: StoreFailure | undefined
  let closing = false
  /** Called when a closing journal has no append left. */
  let drained: (() => void) | undefined
  /** Set from a full disk until the next group is stored. */
  let stalled: StoreFailure | undefined
  let retry: NodeJS.Timeout | undefined

  const breakDown = (failure: StoreFailure) => {
    broken ??= failure
    const failed = [...inFlight, ...gathered]
    inFlight = []
    gathered = []
    pendingSize = 0
    for (const { done } of failed) done(failure)
    drained?.()
  }

  const settleGroup = (group: ReadonlyArray<PendingAppend>, outcome: AppendOutcome) => {
    if (inFlight !== group) return // failed already
    inFlight = group.slice(outcome.stored)
    const stored = group.slice(0, outcome.stored)
    for (const { batch } of stored) pendingSize -= batch.size
    if (outcome.failure === undefined) {
      stalled = undefined
      // The disk has work again before anybody is told, since that takes a while.
      if (gathered.length > 0) flush()
    }
    for (const { done } of stored) done()
    if (outcome.failure === undefined) {
      if (inFlight.length === 0) flush()
    } else if (outcome.failure.reason === "DiskFull" && options.retryFullMs !== undefined && !closing) {
      stalled = outcome.failure
      retry = setTimeout(storeInFlight, options.retryFullMs)
    } else breakDown(outcome.failure)
  }

  const storeInFlight = () => {
    retry = undefined
    const group = inFlight
    const batches = group.map(({ batch }) => batch)
    options.store(batches, (outcome) => settleGroup(group, outcome))
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
    storeInFlight()
  }

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
    breakDown,
    close: (done) => {
      closing = true
      drained = () => {
        drained = undefined
        done()
      }
      if (retry === undefined) return flush()
      // One last time.
      clearTimeout(retry)
      storeInFlight()
    },
    isClosing: () => closing,
    stalled: () => stalled,
  }
}
