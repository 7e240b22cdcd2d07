import type { Batch, OutboxItem, RecordedEvent, Recovered } from "../../../runtime/journal/Journal.ts"

/** What a journal must hold after some batches, in the most obvious way: replays all of them for each question. */
export const recoverNaively = (batches: ReadonlyArray<Batch>): Recovered => {
  const rows = new Map<string, readonly [kind: string, key: string, value: unknown]>()
  let outbox: Array<OutboxItem> = []
  for (const batch of batches) {
    for (const { kind, key, value } of batch.changes) {
      rows.delete(JSON.stringify([kind, key]))
      if (value !== undefined) rows.set(JSON.stringify([kind, key]), [kind, key, value])
    }
    outbox.push(...batch.outbox)
    for (const { to, upToId } of batch.delivered)
      outbox = outbox.filter((item) => !(item.to === to && item.id <= upToId))
    for (const receiver of batch.dropped ?? []) outbox = outbox.filter((item) => item.to !== receiver)
  }
  const codePoints = (text: string) => [...text].map((character) => character.codePointAt(0)!)
  const compare = (left: string, right: string) => {
    const [a, b] = [codePoints(left), codePoints(right)]
    const at = a.findIndex((code, index) => code !== b[index])
    return at === -1 ? a.length - b.length : a[at]! - (b[at] ?? -1)
  }
  return {
    entities: [...rows.values()]
      .sort(([kind, key], [otherKind, otherKey]) => compare(kind, otherKind) || compare(key, otherKey))
      .map(([kind, key, value]) => ({ kind, key, value })),
    outbox,
    lastEventSeq: batches.flatMap((batch) => batch.events).length,
    lastOutboxId: batches.flatMap((batch) => batch.outbox).at(-1)?.id ?? 0,
  }
}

export const recordedNaively = (batches: ReadonlyArray<Batch>): ReadonlyArray<RecordedEvent> =>
  batches.flatMap((batch) => batch.events).map((event, index) => ({ seq: index + 1, ...event }))
