import type { EncodedBatch } from "./EncodedBatch.ts"

// What a batch changes is not entered into the tables of rows and messages at once. Most rows of a busy master change several times
// within a second, and many are gone again: entering each version is most of what the journal costs. So a batch leaves its changes
// behind as one text, durable with it, and what is left of them is entered some hundred batches later: what nobody has changed since.
//
//   rows now = rows in the table, with the changes that wait on top
//
// A restart reads those texts and goes on. Nothing is decided again.

/** The part of a batch that changes rows and messages. */
export interface BatchChanges extends Pick<EncodedBatch, "changes" | "outbox" | "delivered"> {
  /** Number of the oldest batch that waits, this one included, once this one is stored. */
  readonly firstWaiting: number
}

/** Takes what is entered. */
export interface ChangeListener {
  readonly row: (kind: string, key: string, value: string | null) => void
  /** Messages in the table up to this one are delivered. */
  readonly delivered: (receiver: string, upToId: number) => void
  readonly item: (id: number, receiver: string, message: string) => void
}

interface Row {
  /** null = it is gone. */
  readonly value: string | null
  /** That changed it last. */
  readonly batch: number
}

interface Waiting {
  readonly batch: number
  readonly size: number
  /** kind, key, … */
  readonly rows: ReadonlyArray<string>
  readonly ids: ReadonlyArray<number>
  readonly receivers: ReadonlyArray<string>
}

/** What is kept for a batch beside its texts, in UTF-16 units: it bounds how many may wait that change next to nothing. */
const waitingOverhead = 200

/** What the newest batches have changed, and nobody has entered. */
export class LateChanges {
  private readonly rows = new Map<string, Map<string, Row>>()
  /** Messages that are new and not delivered, by id, in their order. */
  private readonly items = new Map<number, { readonly receiver: string; readonly message: string }>()
  private readonly idsOf = new Map<string, Array<number>>()
  /** Up to which id messages are delivered, and which batch has said so, by receiver. */
  private readonly deliveries = new Map<string, { readonly upToId: number; readonly batch: number }>()
  private readonly waiting: Array<Waiting> = []
  private waitingSize = 0

  /** Text of what waits, in UTF-16 units, what has been overwritten included. */
  get size(): number {
    return this.waitingSize
  }

  /** Number of the oldest batch that waits. */
  get firstWaiting(): number | undefined {
    return this.waiting[0]?.batch
  }

  /** `delivered` says nothing of messages after this batch. */
  take(
    batch: number,
    { changes, outbox, delivered }: Omit<BatchChanges, "firstWaiting">,
    size: number,
  ): void {
    const rows: Array<string> = []
    for (let at = 0; at < changes.length; at += 3) {
      const kind = changes[at]!
      const key = changes[at + 1]!
      rows.push(kind, key)
      let rowsOfKind = this.rows.get(kind)
      if (rowsOfKind === undefined) {
        rowsOfKind = new Map()
        this.rows.set(kind, rowsOfKind)
      }
      rowsOfKind.set(key, { value: changes[at + 2]!, batch })
    }
    const ids: Array<number> = []
    for (let at = 0; at < outbox.length; at += 3) {
      const id = outbox[at] as number
      const receiver = outbox[at + 1] as string
      ids.push(id)
      this.items.set(id, { receiver, message: outbox[at + 2] as string })
      const idsOfReceiver = this.idsOf.get(receiver)
      if (idsOfReceiver === undefined) this.idsOf.set(receiver, [id])
      else idsOfReceiver.push(id)
    }
    const receivers: Array<string> = []
    for (let at = 0; at < delivered.length; at += 2) {
      const receiver = delivered[at] as string
      receivers.push(receiver)
      this.deliver(batch, receiver, delivered[at + 1] as number)
    }
    this.waiting.push({ batch, size: size + waitingOverhead, rows, ids, receivers })
    this.waitingSize += size + waitingOverhead
  }

  private deliver(batch: number, receiver: string, wantedId: number): void {
    const upToId = Math.max(wantedId, this.deliveries.get(receiver)?.upToId ?? 0)
    this.deliveries.set(receiver, { upToId, batch })
    const ids = this.idsOf.get(receiver)
    if (ids === undefined) return
    let count = 0
    while (count < ids.length && ids[count]! <= upToId) this.items.delete(ids[count++]!)
    if (count === ids.length) this.idsOf.delete(receiver)
    else ids.splice(0, count)
  }

  /** The oldest batch waits no longer; `listener` hears what is left of it. */
  enterOldest(listener: ChangeListener): void {
    const entered = this.waiting.shift()!
    const { batch, rows, ids, receivers } = entered
    this.waitingSize -= entered.size
    for (let at = 0; at < rows.length; at += 2) {
      const rowsOfKind = this.rows.get(rows[at]!)!
      const row = rowsOfKind.get(rows[at + 1]!)
      if (row?.batch !== batch) continue
      rowsOfKind.delete(rows[at + 1]!)
      listener.row(rows[at]!, rows[at + 1]!, row.value)
    }
    for (const receiver of receivers) {
      const delivery = this.deliveries.get(receiver)
      if (delivery?.batch !== batch) continue
      this.deliveries.delete(receiver)
      listener.delivered(receiver, delivery.upToId)
    }
    for (const id of ids) {
      const item = this.items.get(id)
      if (item === undefined) continue
      this.items.delete(id)
      const idsOfReceiver = this.idsOf.get(item.receiver)!
      if (idsOfReceiver.length === 1) this.idsOf.delete(item.receiver)
      else idsOfReceiver.splice(idsOfReceiver.indexOf(id), 1)
      listener.item(id, item.receiver, item.message)
    }
  }

  hasRow(kind: string, key: string): boolean {
    return this.rows.get(kind)?.has(key) === true
  }

  /** Whether a message of the table is delivered by now. */
  isDelivered(receiver: string, id: number): boolean {
    return id <= (this.deliveries.get(receiver)?.upToId ?? 0)
  }

  forEachRow(use: (kind: string, key: string, value: string | null) => void): void {
    for (const [kind, rows] of this.rows) for (const [key, { value }] of rows) use(kind, key, value)
  }

  forEachItem(use: (id: number, receiver: string, message: string) => void): void {
    for (const [id, { receiver, message }] of this.items) use(id, receiver, message)
  }
}

type Lengths = [firstWaiting: number, changes: Array<number>, outbox: Array<number>, delivered: Array<number>]

/** The changes of a batch as one text: a line of numbers, which are lengths of texts (-1 = null) and ids; then the texts. */
export const changesToText = ({ firstWaiting, changes, outbox, delivered }: BatchChanges): string => {
  const texts: Array<string> = []
  const numberOf = (value: string | number | null) => {
    if (typeof value === "number") return value
    if (value === null) return -1
    texts.push(value)
    return value.length
  }
  const lengths: Lengths = [
    firstWaiting,
    changes.map(numberOf),
    outbox.map(numberOf),
    delivered.map(numberOf),
  ]
  return `${JSON.stringify(lengths)}\n${texts.join("")}`
}

/** The reverse of {@link changesToText}. */
export const textToChanges = (text: string): BatchChanges => {
  const lineEnd = text.indexOf("\n")
  const [firstWaiting, changes, outbox, delivered] = JSON.parse(text.slice(0, lineEnd)) as Lengths
  let at = lineEnd + 1
  const next = (length: number) => {
    at += length
    return text.slice(at - length, at)
  }
  return {
    firstWaiting,
    changes: changes.map((length) => (length === -1 ? null : next(length))),
    outbox: outbox.map((number, index) => (index % 3 === 0 ? number : next(number))),
    delivered: delivered.map((number, index) => (index % 2 === 1 ? number : next(number))),
  }
}
