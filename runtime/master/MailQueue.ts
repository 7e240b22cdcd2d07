/** Longest wait of a Node timer. A later deadline is looked at again then. */
const timerMsMax = 2 ** 31 - 1

export interface MailQueueOptions {
  /** So much may wait. */
  readonly capacity: number
  /** So much of it becomes one batch: a longer one would keep everybody waiting for its last mail. */
  readonly batchMax: number
  readonly nowMs: () => number
}

/** What waits for the master's next batch. */
export interface MailQueue<Item> {
  /** False when it is full. */
  readonly offer: (item: Item) => boolean
  readonly size: () => number
  /** Everything that has come, for who will never ask for the next batch. */
  readonly drain: () => ReadonlyArray<Item>
  /**
   * Calls `done` with what has come, once that is something, or with nothing when it is `wakeAtMs`. Between the first and
   * the batch lies one turn of the event loop, so that its companions arrive: without it a group commit has a group
   * of one (spec/stack.md §2). For one at a time; returns what stops the waiting.
   */
  readonly next: (wakeAtMs: number | null, done: (items: ReadonlyArray<Item>) => void) => () => void
  /** The same once so much has come, however long that takes. */
  readonly nextOf: (itemsMin: number, done: (items: ReadonlyArray<Item>) => void) => () => void
}

export const makeMailQueue = <Item>({ capacity, batchMax, nowMs }: MailQueueOptions): MailQueue<Item> => {
  let items: Array<Item> = []
  /** Of whoever waits for something to come. */
  let onOffer: (() => void) | undefined
  const drain = () => {
    const taken = items
    items = []
    return taken
  }
  const takeBatch = () => (items.length > batchMax ? items.splice(0, batchMax) : drain())

  const wait = (itemsMin: number, wakeAtMs: number | null, done: (items: ReadonlyArray<Item>) => void) => {
    let timer: NodeJS.Timeout | undefined
    let turn: NodeJS.Immediate | undefined
    const take = () => done(takeBatch())
    const stop = () => {
      onOffer = undefined
      clearTimeout(timer)
      clearImmediate(turn)
    }
    onOffer = () => {
      if (items.length < itemsMin) return
      onOffer = undefined
      clearTimeout(timer)
      turn = setImmediate(take)
    }
    if (items.length >= itemsMin) onOffer()
    else if (wakeAtMs !== null)
      timer = setTimeout(
        () => {
          stop()
          take()
        },
        Math.min(Math.max(0, wakeAtMs - nowMs()), timerMsMax),
      )
    return stop
  }

  return {
    offer: (item) => {
      if (items.length >= capacity) return false
      items.push(item)
      onOffer?.()
      return true
    },
    size: () => items.length,
    drain,
    next: (wakeAtMs, done) => wait(1, wakeAtMs, done),
    nextOf: (itemsMin, done) => wait(itemsMin, null, done),
  }
}
