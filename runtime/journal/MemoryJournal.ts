import { Effect, Layer } from "effect"
import {
  decodeEvents,
  decodeState,
  type EncodedBatch,
  encodeBatch,
  isStoreFailure,
  type StoreFailure,
} from "./EncodedBatch.ts"
import { type Batch, boundEventsRead, defaultKeepEvents, Journal, JournalError } from "./Journal.ts"

/** What outlives a journal in memory: open a second journal on the same store and it has restarted. */
export interface MemoryStore {
  entities: Map<string, { readonly kind: string; readonly key: string; readonly value: string }>
  outbox: Array<{ readonly id: number; readonly to: string; readonly message: string }>
  events: Array<readonly [seq: number, atMs: number, event: string, digest: string]>
  lastEventSeq: number
  lastOutboxId: number
  /** The journal that has it open: two masters cannot share one. */
  owner: object | undefined
}

export const makeMemoryStore = (): MemoryStore => ({
  entities: new Map(),
  outbox: [],
  events: [],
  lastEventSeq: 0,
  lastOutboxId: 0,
  owner: undefined,
})

/** What kill −9 does: the journal on it is gone without closing, and the store may be opened again. */
export const crashMemoryStore = (store: MemoryStore): void => {
  store.owner = undefined
}

export interface MemoryJournalOptions {
  readonly store?: MemoryStore
  readonly keepEvents?: number
}

const path = "(memory)"

/** Checks everything first and then only assigns, so a batch is stored whole or not at all. */
const storeBatch = (
  store: MemoryStore,
  batch: EncodedBatch,
  keepEvents: number,
): StoreFailure | undefined => {
  let lastId = store.lastOutboxId
  for (let at = 0; at < batch.outbox.length; at += 3) {
    const id = batch.outbox[at] as number
    if (id <= lastId) return { reason: "Unstorable", detail: `outbox id ${id} does not come after ${lastId}` }
    lastId = id
  }
  store.lastOutboxId = lastId
  for (let at = 0; at < batch.events.length; at += 3) {
    const [atMs, event, digest] = batch.events.slice(at, at + 3) as [number, string, string]
    store.events.push([++store.lastEventSeq, atMs, event, digest])
  }
  if (store.events.length > keepEvents) store.events = store.events.slice(-keepEvents)
  for (let at = 0; at < batch.changes.length; at += 3) {
    const [kind, key, value] = batch.changes.slice(at, at + 3) as [string, string, string | null]
    const name = JSON.stringify([kind, key])
    if (value === null) store.entities.delete(name)
    else store.entities.set(name, { kind, key, value })
  }
  for (let at = 0; at < batch.outbox.length; at += 3) {
    const [id, to, message] = batch.outbox.slice(at, at + 3) as [number, string, string]
    store.outbox.push({ id, to, message })
  }
  for (let at = 0; at < batch.delivered.length; at += 2) {
    const [to, upToId] = batch.delivered.slice(at, at + 2) as [string, number]
    store.outbox = store.outbox.filter((item) => item.to !== to || item.id > upToId)
  }
  if (batch.dropped.length > 0) store.outbox = store.outbox.filter((item) => !batch.dropped.includes(item.to))
  return undefined
}

const compareTexts = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right))

const readState = (store: MemoryStore) =>
  decodeState({
    entities: [...store.entities.values()]
      .sort((left, right) => compareTexts(left.kind, right.kind) || compareTexts(left.key, right.key))
      .flatMap(({ kind, key, value }) => [kind, key, value]),
    outbox: store.outbox.flatMap(({ id, to, message }) => [id, to, message]),
    lastEventSeq: store.lastEventSeq,
    lastOutboxId: store.lastOutboxId,
  })

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

    const append = (batch: Batch) =>
      Effect.suspend(() => {
        const failed = failureNow()
        if (failed !== undefined) return Effect.fail(failed)
        const encoded = encodeBatch(batch)
        const refusal = isStoreFailure(encoded) ? encoded : storeBatch(store, encoded, keepEvents)
        if (refusal === undefined) return Effect.void
        failure = new JournalError({ ...refusal, path })
        return Effect.fail(failure)
      })
    const whileOwned = <A>(read: () => A) =>
      Effect.suspend(() => {
        const failed = failureNow()
        return failed === undefined ? Effect.sync(read) : Effect.fail(failed)
      })
    return Journal.of({
      append,
      recover: whileOwned(() => readState(store)),
      events: (fromSeq, limit) =>
        whileOwned(() =>
          decodeEvents(
            store.events
              .filter(([seq]) => seq >= fromSeq)
              .slice(0, boundEventsRead(limit))
              .flat(),
          ),
        ),
    })
  })

export const layer = (options: MemoryJournalOptions = {}): Layer.Layer<Journal, JournalError> =>
  Layer.scoped(Journal, make(options))
