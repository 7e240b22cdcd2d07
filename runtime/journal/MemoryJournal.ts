import { Effect, Layer } from "effect"
import { decodeEvents, decodeState, encodeBatch, isStoreFailure, type StoreFailure } from "./EncodedBatch.ts"
import { type Batch, boundEventsRead, Journal, JournalError } from "./Journal.ts"
import {
  applyBatch,
  checkOutboxIds,
  emptyImage,
  imageToEvents,
  imageToState,
  type JournalImage,
} from "./JournalImage.ts"
import { defaultKeepEvents } from "./LogBounds.ts"

/** What outlives a journal in memory: open a second journal on the same store and it has restarted. */
export interface MemoryStore extends JournalImage {
  /** The journal that has it open: two masters cannot share one. */
  owner: object | undefined
}

export const makeMemoryStore = (): MemoryStore => ({ ...emptyImage(), owner: undefined })

/** What kill −9 does: the journal on it is gone without closing, and the store may be opened again. */
export const crashMemoryStore = (store: MemoryStore): void => {
  store.owner = undefined
}

export interface MemoryJournalOptions {
  readonly store?: MemoryStore
  readonly keepEvents?: number
}

const path = "(memory)"

/** A journal for tests and simulated shells; durable as long as its store is kept. */
export const make = (options: MemoryJournalOptions = {}) =>
  Effect.gen(function* () {
    const store = options.store ?? makeMemoryStore()
    const keepEvents = Math.max(1, options.keepEvents ?? defaultKeepEvents)
    const owner = {}
    let failure: JournalError | undefined
    const failureNow = () => {
      if (owner !== store.owner)
        failure ??= new JournalError({ reason: "Closed", path, detail: "it is closed" })
      return failure
    }
    yield* Effect.acquireRelease(
      Effect.suspend(() => {
        if (store.owner !== undefined)
          return new JournalError({ reason: "Locked", path, detail: "another journal has it open" })
        store.owner = owner
        return Effect.void
      }),
      () =>
        Effect.sync(() => {
          if (store.owner === owner) store.owner = undefined
        }),
    )

    const fail = (refusal: StoreFailure) => {
      failure = new JournalError({ ...refusal, path })
      return Effect.fail(failure)
    }
    const append = (batch: Batch) =>
      Effect.suspend(() => {
        const failed = failureNow()
        if (failed !== undefined) return Effect.fail(failed)
        const encoded = encodeBatch(batch)
        if (isStoreFailure(encoded)) return fail(encoded)
        const lastId = checkOutboxIds(store.lastOutboxId, encoded)
        if (typeof lastId !== "number") return fail(lastId)
        applyBatch(store, encoded, keepEvents)
        return Effect.void
      })
    const whileOwned = <A>(read: () => A) =>
      Effect.suspend(() => {
        const failed = failureNow()
        return failed === undefined ? Effect.sync(read) : Effect.fail(failed)
      })
    return Journal.of({
      append,
      recover: whileOwned(() => decodeState(imageToState(store))),
      events: (fromSeq, limit) =>
        whileOwned(() => decodeEvents(imageToEvents(store, fromSeq, boundEventsRead(limit)))),
      problem: () => undefined,
    })
  })

export const layer = (options: MemoryJournalOptions = {}): Layer.Layer<Journal, JournalError> =>
  Layer.scoped(Journal, make(options))
