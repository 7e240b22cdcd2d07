import type { Entity } from "../../core/Machine.ts"
import type { OutboxItem, Recovered } from "./Journal.ts"

// The state of a journal on its way between two threads, a part at a time: what looks at it when it is opened has it in its hands
// anyway, and while it goes on looking, the other thread parses. Values travel as one text for each part: one text per row would be
// copied by every collection of young garbage until its turn comes.

export interface StatePart {
  /** The first one: whatever came before it counts no more. */
  readonly isFirst: boolean
  readonly kinds: ReadonlyArray<string>
  readonly keys: ReadonlyArray<string>
  /** JSON of the values of these rows, in one array. */
  readonly values: string
  readonly ids: ReadonlyArray<number>
  readonly receivers: ReadonlyArray<string>
  readonly messages: string
}

/** Where the state ends that came in parts. */
export interface StateEnd {
  readonly lastEventSeq: number
  readonly lastOutboxId: number
}

/** Hears what is read. */
export interface StateListener {
  readonly row: (kind: string, key: string, value: string) => void
  readonly item: (id: number, receiver: string, message: string) => void
  /** All of it was read, and it is whole. */
  readonly end: () => void
}

/** Text of a part, in UTF-16 units: some milliseconds of parsing. */
const partSize = 512 * 1024

/** Cuts what it hears into parts. */
export const cutIntoParts = (give: (part: StatePart) => void): StateListener => {
  const empty = () => ({
    ...{ kinds: [] as Array<string>, keys: [] as Array<string>, values: [] as Array<string> },
    ...{ ids: [] as Array<number>, receivers: [] as Array<string>, messages: [] as Array<string> },
  })
  let part = empty()
  let size = 0
  let isFirst = true
  const flush = () => {
    const { kinds, keys, values, ids, receivers, messages } = part
    give({
      ...{ isFirst, kinds, keys, values: `[${values.join(",")}]` },
      ...{ ids, receivers, messages: `[${messages.join(",")}]` },
    })
    part = empty()
    size = 0
    isFirst = false
  }
  const count = (text: string) => {
    size += text.length
    if (size >= partSize) flush()
  }
  return {
    row: (kind, key, value) => {
      part.kinds.push(kind)
      part.keys.push(key)
      part.values.push(value)
      count(value)
    },
    item: (id, receiver, message) => {
      part.ids.push(id)
      part.receivers.push(receiver)
      part.messages.push(message)
      count(message)
    },
    end: flush,
  }
}

export interface StateCollection {
  readonly take: (part: StatePart) => void
  /** All of it in the port's order, once: it is kept here no longer. */
  readonly toRecovered: (end: StateEnd) => Recovered
}

export const collectParts = (): StateCollection => {
  let entities: Array<Entity> = []
  let outbox: Array<OutboxItem> = []
  return {
    take: ({ isFirst, kinds, keys, values, ids, receivers, messages }) => {
      if (isFirst) {
        entities = []
        outbox = []
      }
      const parsed = JSON.parse(values) as ReadonlyArray<unknown>
      for (let at = 0; at < parsed.length; at++)
        entities.push({ kind: kinds[at]!, key: keys[at]!, value: parsed[at] })
      const sent = JSON.parse(messages) as ReadonlyArray<unknown>
      for (let at = 0; at < sent.length; at++)
        outbox.push({ id: ids[at]!, to: receivers[at]!, message: sent[at] })
    },
    toRecovered: (end) => {
      const found = { entities, outbox, ...end }
      entities = []
      outbox = []
      found.entities.sort(found.entities.some(isBeyondUtf16) ? compareCodePoints : compareUnits)
      found.outbox.sort((one, other) => one.id - other.id)
      return found
    },
  }
}

const surrogate = /[\ud800-\udfff]/

/** Whether JavaScript's own order of texts may be another than that of code points. */
const isBeyondUtf16 = ({ kind, key }: Entity): boolean => surrogate.test(key) || surrogate.test(kind)

const compareUnits = (one: Entity, other: Entity): number => {
  if (one.kind !== other.kind) return one.kind < other.kind ? -1 : 1
  return one.key < other.key ? -1 : 1
}

const compareCodePoints = (one: Entity, other: Entity): number =>
  Buffer.compare(Buffer.from(one.kind), Buffer.from(other.kind)) ||
  Buffer.compare(Buffer.from(one.key), Buffer.from(other.key))
