import type { EncodedBatch, EncodedEvents, EncodedState, StoreFailure } from "./EncodedBatch.ts"

/** What a journal holds, kept in memory as a whole: for journals small enough to be read and written like that. */
export interface JournalImage {
  entities: Map<string, { readonly kind: string; readonly key: string; readonly value: string }>
  outbox: Array<{ readonly id: number; readonly to: string; readonly message: string }>
  events: Array<readonly [seq: number, atMs: number, event: string, digest: string]>
  lastEventSeq: number
  lastOutboxId: number
}

export const emptyImage = (): JournalImage => ({
  entities: new Map(),
  outbox: [],
  events: [],
  lastEventSeq: 0,
  lastOutboxId: 0,
})

/** The greatest outbox id after a batch, or why its ids cannot follow `lastId`. */
export const checkOutboxIds = (lastId: number, { outbox }: EncodedBatch): number | StoreFailure => {
  let last = lastId
  for (let at = 0; at < outbox.length; at += 3) {
    const id = outbox[at] as number
    if (id <= last) return { reason: "Unstorable", detail: `outbox id ${id} does not come after ${last}` }
    last = id
  }
  return last
}

/** Takes in a batch whose outbox ids are checked; cannot fail, so a batch is taken whole or not at all. */
export const applyBatch = (image: JournalImage, batch: EncodedBatch, keepEvents: number): void => {
  for (let at = 0; at < batch.events.length; at += 3) {
    const [atMs, event, digest] = batch.events.slice(at, at + 3) as [number, string, string]
    image.events.push([++image.lastEventSeq, atMs, event, digest])
  }
  if (image.events.length > keepEvents) image.events = image.events.slice(-keepEvents)
  for (let at = 0; at < batch.changes.length; at += 3) {
    const [kind, key, value] = batch.changes.slice(at, at + 3) as [string, string, string | null]
    const name = JSON.stringify([kind, key])
    if (value === null) image.entities.delete(name)
    else image.entities.set(name, { kind, key, value })
  }
  for (let at = 0; at < batch.outbox.length; at += 3) {
    const [id, to, message] = batch.outbox.slice(at, at + 3) as [number, string, string]
    image.outbox.push({ id, to, message })
    image.lastOutboxId = id
  }
  for (let at = 0; at < batch.delivered.length; at += 2) {
    const [to, upToId] = batch.delivered.slice(at, at + 2) as [string, number]
    image.outbox = image.outbox.filter((item) => item.to !== to || item.id > upToId)
  }
  if (batch.dropped.length > 0) image.outbox = image.outbox.filter((item) => !batch.dropped.includes(item.to))
}

/** In code points, as the port orders rows. */
const compareTexts = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right))

export const imageToState = (image: JournalImage): EncodedState => ({
  entities: [...image.entities.values()]
    .sort((left, right) => compareTexts(left.kind, right.kind) || compareTexts(left.key, right.key))
    .flatMap(({ kind, key, value }) => [kind, key, value]),
  outbox: image.outbox.flatMap(({ id, to, message }) => [id, to, message]),
  lastEventSeq: image.lastEventSeq,
  lastOutboxId: image.lastOutboxId,
})

/** `limit` as bounded by the port. */
export const imageToEvents = (image: JournalImage, fromSeq: number, limit: number): EncodedEvents =>
  image.events
    .filter(([seq]) => seq >= fromSeq)
    .slice(0, limit)
    .flat()

/** The reverse of {@link imageToState} and {@link imageToEvents}. */
export const stateToImage = (state: EncodedState, events: EncodedEvents): JournalImage => {
  const image = { ...emptyImage(), lastEventSeq: state.lastEventSeq, lastOutboxId: state.lastOutboxId }
  for (let at = 0; at < state.entities.length; at += 3) {
    const [kind, key, value] = state.entities.slice(at, at + 3) as [string, string, string]
    image.entities.set(JSON.stringify([kind, key]), { kind, key, value })
  }
  for (let at = 0; at < state.outbox.length; at += 3) {
    const [id, to, message] = state.outbox.slice(at, at + 3) as [number, string, string]
    image.outbox.push({ id, to, message })
  }
  for (let at = 0; at < events.length; at += 4) {
    image.events.push(events.slice(at, at + 4) as unknown as JournalImage["events"][number])
  }
  return image
}
