import { Cause, Effect, Option } from "effect"
import type { Batch, JournalError } from "../journal/Journal.ts"
import type { MailQueue } from "./MailQueue.ts"

/** A batch that was stepped. */
export interface SteppedBatch {
  /** To be made durable; undefined = the step came to nothing that would have to be. */
  readonly batch: Batch | undefined
  /** When the machine wants to be stepped next if nothing comes. */
  readonly wakeAtMs: number | null
  /** Lets everything leave that follows from it, the answers included. Called once it is durable, and all before it. */
  readonly leave: () => void
}

export interface CommitPipelineOptions<Item> {
  readonly mailbox: MailQueue<Item>
  /** Throws when an invariant is broken. */
  readonly step: (items: ReadonlyArray<Item>) => SteppedBatch
  /** Encodes the batch at once; `done` is told when it is durable, or why it will not be. */
  readonly append: (batch: Batch, done: (why?: Cause.Cause<JournalError>) => void) => void
  /** Tells those who wait that nothing of theirs will be durable. */
  readonly refuse: (items: ReadonlyArray<Item>, problem: string) => void
}

/**
 * Between the step and the disk. While the journal writes one batch the next one is stepped and encoded, so that neither waits for
 * the other; everything leaves in the order of the batches, each when it is durable. A batch that changes nothing has its place in
 * that order too: what it answers may rest on what came before.
 */
export interface CommitPipeline<Item> {
  /**
   * Steps `first`, and then what the mailbox has. `over` is told once, when it goes no further: the journal has failed, or a step or
   * what followed from it has thrown. Returns what stops it: nothing is stepped, and nothing leaves, after that.
   */
  readonly start: (
    first: ReadonlyArray<Item>,
    over: (end: Effect.Effect<never, JournalError>) => void,
  ) => () => void
  /** Why it goes no further. */
  readonly problem: () => string | undefined
  /** How long the oldest batch has been waiting for the journal; 0 = none is. */
  readonly waitedMs: () => number
}

/** One that is being written, and one that is ready to be: a third would only make everybody wait longer. */
export const batchesMax = 2

/**
 * While the journal writes, the next batch is stepped only once so many mails are there. Every batch costs an allocation cycle, a
 * transaction and a synchronisation, whatever its size; a few mails are better off with those that come until the journal is free.
 */
export const aheadMin = 32

/** How long batches that were stepped before a broken one may take to become durable, before everything ends. */
const lastMsMax = 5_000

const messageOf = (why: Cause.Cause<JournalError>): string =>
  Option.match(Cause.failureOption(why), {
    onNone: () => Cause.pretty(why),
    onSome: ({ message }) => message,
  })

interface UnderWay<Item> {
  readonly items: ReadonlyArray<Item>
  readonly leave: () => void
  isDurable: boolean
}

export const makeCommitPipeline = <Item>(options: CommitPipelineOptions<Item>): CommitPipeline<Item> => {
  const { mailbox } = options
  /** In the order of their steps; the first one is the oldest. */
  let underWay: Array<UnderWay<Item>> = []
  /** Since when the oldest one is that. */
  let oldestSinceMs = 0
  let wakeAtMs: number | null = null
  let problem: string | undefined
  /** What a step has thrown. */
  let broken: { readonly defect: unknown } | undefined
  let tellOver: ((end: Effect.Effect<never, JournalError>) => void) | undefined
  let stopWaiting = () => {}
  let lastTimer: NodeJS.Timeout | undefined

  const stop = () => {
    stopWaiting()
    clearTimeout(lastTimer)
    underWay = []
    tellOver = undefined
  }

  /** Nothing leaves any more; whoever waits is told. */
  const end = (why: string, how: Effect.Effect<never, JournalError>) => {
    const tell = tellOver
    const waiting = underWay.flatMap(({ items }) => items)
    stop()
    problem ??= why
    options.refuse([...waiting, ...mailbox.drain()], problem)
    tell?.(how)
  }

  /** The state is not to be trusted any more, but what was stepped before that is on its way and leaves yet. */
  const breakDown = (defect: unknown, items: ReadonlyArray<Item>) => {
    broken = { defect }
    problem = `the master stops, since a step of it failed: ${String(defect)}`
    stopWaiting()
    options.refuse([...items, ...mailbox.drain()], problem)
    lastTimer = setTimeout(() => end(problem!, Effect.die(defect)), lastMsMax)
  }

  const settle = () => {
    try {
      while (underWay[0]?.isDurable === true) {
        const { leave } = underWay.shift()!
        oldestSinceMs = performance.now()
        leave()
      }
    } catch (defect) {
      return end(`the master stops: ${String(defect)}`, Effect.die(defect))
    }
    if (broken === undefined) waitForNext()
    else if (underWay.length === 0) end(problem!, Effect.die(broken.defect))
  }

  const append = (batch: Batch, entry: UnderWay<Item>) =>
    options.append(batch, (why) => {
      if (!underWay.includes(entry)) return // It is over.
      if (why !== undefined) return end(messageOf(why), Effect.failCause(why))
      entry.isDurable = true
      settle()
    })

  const stepNext = (items: ReadonlyArray<Item>) => {
    let stepped: SteppedBatch
    try {
      stepped = options.step(items)
    } catch (defect) {
      breakDown(defect, items)
      return settle()
    }
    const { batch, leave } = stepped
    wakeAtMs = stepped.wakeAtMs
    const entry = { items, leave, isDurable: batch === undefined }
    if (underWay.length === 0) oldestSinceMs = performance.now()
    underWay.push(entry)
    if (batch !== undefined) append(batch, entry)
    settle()
  }

  const waitForNext = () => {
    stopWaiting()
    if (tellOver === undefined) return
    if (underWay.length === 0) stopWaiting = mailbox.next(wakeAtMs, stepNext)
    else if (underWay.length < batchesMax) stopWaiting = mailbox.nextOf(aheadMin, stepNext)
  }

  return {
    start: (first, over) => {
      tellOver = over
      stepNext(first)
      return stop
    },
    problem: () => problem,
    waitedMs: () => (underWay.length === 0 ? 0 : performance.now() - oldestSinceMs),
  }
}
