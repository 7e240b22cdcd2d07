import type { Batch, JournalFailure, OutboxItem, RecordedEvent, Recovered } from "./Journal.ts"

/**
 * A batch as text, in flat lists of equal rows: cheap to copy to another thread, and bound to statements as it is.
 * Encoding happens in the caller's turn because the machine goes on changing the objects a batch refers to.
 */
export interface EncodedBatch {
  /** atMs, event, digest, … */
  readonly events: ReadonlyArray<string | number>
  /** kind, key, value or null for deletion, … */
  readonly changes: ReadonlyArray<string | null>
  /** id, receiver, message, … */
  readonly outbox: ReadonlyArray<string | number>
  /** receiver, up to id, … */
  readonly delivered: ReadonlyArray<string | number>
  readonly dropped: ReadonlyArray<string>
  readonly run?: string
  /** Length of all texts, in UTF-16 units. */
  readonly size: number
}

/** What a store holds, in the same flat form; see {@link EncodedBatch}. */
export interface EncodedState {
  readonly entities: ReadonlyArray<string>
  readonly outbox: ReadonlyArray<string | number>
  readonly lastEventSeq: number
  readonly lastOutboxId: number
}

/** seq, atMs, event, digest, … */
export type EncodedEvents = ReadonlyArray<string | number>

/** A failure as plain data: it crosses the thread boundary, where classes do not survive. */
export interface StoreFailure {
  readonly reason: JournalFailure
  readonly detail: string
}

/** Before Node 12, JSON.stringify leaves halves of surrogate pairs as they are. */
const leavesSurrogates = JSON.stringify("\ud800") !== '"\\ud800"'

const loneSurrogate = /\p{Surrogate}/u

/** Encodes a batch, or says which item of it no journal could give back as it is. */
export const encodeBatch = (batch: Batch): EncodedBatch | StoreFailure => {
  let size = 0
  let place = ""
  const text = (value: string) => {
    // UTF-8 has no lone surrogates: two different keys would become one.
    if (loneSurrogate.test(value)) throw new Error("a text with half a surrogate pair")
    size += value.length
    return value
  }
  const json = (value: unknown) => {
    const encoded = JSON.stringify(value)
    if (encoded === undefined) throw new Error("not JSON data")
    size += encoded.length
    return leavesSurrogates
      ? encoded.replace(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`)
      : encoded
  }
  const whole = (value: number) => {
    if (!Number.isSafeInteger(value)) throw new Error(`${value} is not a whole number`)
    return value
  }
  const rows = <A, B>(name: string, items: ReadonlyArray<A>, encode: (item: A, into: Array<B>) => void) => {
    const encoded: Array<B> = []
    for (let index = 0; index < items.length; index++) {
      place = `${name}[${index}]`
      encode(items[index] as A, encoded)
    }
    return encoded
  }
  try {
    return {
      events: rows("events", batch.events, (item, into: Array<string | number>) =>
        into.push(whole(item.atMs), json(item.event), text(item.actionsDigest)),
      ),
      changes: rows("changes", batch.changes, (item, into: Array<string | null>) =>
        into.push(text(item.kind), text(item.key), item.value === undefined ? null : json(item.value)),
      ),
      outbox: rows("outbox", batch.outbox, (item, into: Array<string | number>) =>
        into.push(
          whole(item.id),
          text(item.to),
          item.json === undefined ? json(item.message) : text(item.json),
        ),
      ),
      delivered: rows("delivered", batch.delivered, (item, into: Array<string | number>) =>
        into.push(text(item.to), whole(item.upToId)),
      ),
      dropped: rows("dropped", batch.dropped ?? [], (item, into: Array<string>) => into.push(text(item))),
      ...(batch.run === undefined ? {} : { run: json(batch.run) }),
      size,
    }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { reason: "Unstorable", detail: `${place} of a batch cannot be stored: ${detail}` }
  }
}

export const isStoreFailure = (value: object): value is StoreFailure => "reason" in value

export const decodeState = (state: EncodedState): Recovered => {
  const entities: Array<Recovered["entities"][number]> = []
  for (let at = 0; at < state.entities.length; at += 3) {
    const [kind, key, value] = state.entities.slice(at, at + 3) as [string, string, string]
    entities.push({ kind, key, value: JSON.parse(value) })
  }
  const outbox: Array<OutboxItem> = []
  for (let at = 0; at < state.outbox.length; at += 3) {
    const [id, to, message] = state.outbox.slice(at, at + 3) as [number, string, string]
    outbox.push({ id, to, message: JSON.parse(message) })
  }
  return { entities, outbox, lastEventSeq: state.lastEventSeq, lastOutboxId: state.lastOutboxId }
}

export const decodeEvents = (encoded: EncodedEvents): ReadonlyArray<RecordedEvent> => {
  const events: Array<RecordedEvent> = []
  for (let at = 0; at < encoded.length; at += 4) {
    const [seq, atMs, event, actionsDigest] = encoded.slice(at, at + 4) as [number, number, string, string]
    events.push({ seq, atMs, event: JSON.parse(event), actionsDigest })
  }
  return events
}
