/** Longest wait of a Node timer. A later deadline is looked at again then. */
const timerMsMax = 2 ** 31 - 1

/** What waits for the master's next batch. */
export interface MailQueue<Item> {
  /** False when it is full. */
  readonly offer: (item: Item) => boolean
  readonly size: () => number
  /** Everything that has come, for who will never ask for the next batch. */
  readonly drain: () => ReadonlyArray<Item>
  /**
   * Calls `done` with everything that has come, once something has, or with nothing when it is `wakeAtMs`. Between the first and
   * the batch lies one turn of the event loop, so that its companions arrive: without it a group commit has a group
   * of one (spec/stack.md §2). For one at a time; returns what stops the waiting.
   */
  readonly next: (wakeAtMs: number | null, done: (items: ReadonlyArray<Item>) => void) => () => void
}

export const makeMailQueue = <Item>(capacity: number, nowMs: () => number): MailQueue<Item> => {
  let items: Array<Item> = []
  /** Of whoever waits for the first. */
  let onFirst: (() => void) | undefined
  const drain = () => {
    const taken = items
    items = []
    return taken
  }
  return {
    offer: (item) => {
      if (items.length >= capacity) return false
      items.push(item)
      onFirst?.()
      return true
    },
    size: () => items.length,
    drain,
    next: (wakeAtMs, done) => {
      let timer: NodeJS.Timeout | undefined
      let turn: NodeJS.Immediate | undefined
      const take = () => done(drain())
      const stop = () => {
        onFirst = undefined
        clearTimeout(timer)
        clearImmediate(turn)
      }
      onFirst = () => {
        onFirst = undefined
        clearTimeout(timer)
        turn = setImmediate(take)
      }
      if (items.length > 0) onFirst()
      else if (wakeAtMs !== null)
        timer = setTimeout(
          () => {
            stop()
            take()
          },
          Math.min(Math.max(0, wakeAtMs - nowMs()), timerMsMax),
        )
      return stop
    },
  }
}
