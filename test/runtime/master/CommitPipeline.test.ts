import { Cause, Effect, Exit } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { emptyBatch, JournalError } from "../../../runtime/journal/Journal.ts"
import { aheadMin, batchesMax, makeCommitPipeline } from "../../../runtime/master/CommitPipeline.ts"
import { makeMailQueue } from "../../../runtime/master/MailQueue.ts"

interface Item {
  readonly number: number
  /** Whether it comes to anything that must be durable. */
  readonly isNews: boolean
  readonly isBroken?: boolean
}

/** An append that waits for the test. */
interface Append {
  readonly numbers: ReadonlyArray<number>
  readonly done: (why?: Cause.Cause<JournalError>) => void
}

const failure = new JournalError({ reason: "InputOutput", path: "/j", detail: "gone" })

/** A pipeline over a journal that is as slow as the test wants, and may answer in any order. */
const open = (capacity = 10_000) => {
  const mailbox = makeMailQueue<Item>({ capacity, batchMax: 100, nowMs: () => 0 })
  const appends: Array<Append> = []
  const [stepped, left, refused]: Array<Array<number>> = [[], [], []]
  const durable = new Set<number>()
  let underWayMax = 0
  let ended: Exit.Exit<never, JournalError> | undefined
  let ends = 0
  const pipeline = makeCommitPipeline<Item>({
    mailbox,
    step: (items) => {
      if (items.some(({ isBroken }) => isBroken)) throw new Error("a law is broken")
      const numbers = items.map(({ number }) => number)
      stepped!.push(...numbers)
      underWayMax = Math.max(underWayMax, appends.length + 1)
      const isNews = items.some((item) => item.isNews)
      return {
        batch: isNews ? { ...emptyBatch, delivered: [], run: numbers } : undefined,
        wakeAtMs: null,
        leave: () => {
          if (isNews) expect(numbers.every((number) => durable.has(number))).toBe(true)
          left!.push(...numbers)
        },
      }
    },
    append: (batch, done) => void appends.push({ numbers: batch.run as ReadonlyArray<number>, done }),
    refuse: (items, problem) => {
      expect(problem).not.toBe("")
      refused!.push(...items.map(({ number }) => number))
    },
  })
  let posted = 0
  const over = (end: Effect.Effect<never, JournalError>) => {
    ends++
    ended = Effect.runSyncExit(end)
  }
  return {
    mailbox,
    pipeline,
    appends,
    ...{ stepped: stepped!, left: left!, refused: refused! },
    underWayMax: () => underWayMax,
    ended: () => ended,
    ends: () => ends,
    posted: () => posted,
    start: () => pipeline.start([], over),
    post: (count: number, item: Partial<Item> = {}) => {
      for (let index = 0; index < count; index++) mailbox.offer({ isNews: true, ...item, number: posted++ })
    },
    write: (index: number, why?: Cause.Cause<JournalError>) => {
      const [append] = appends.splice(index, 1)
      if (append === undefined) return
      if (why === undefined) for (const number of append.numbers) durable.add(number)
      append.done(why)
    },
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))
const upTo = (count: number) => Array.from({ length: count }, (_, number) => number)

describe("the pipeline between step and disk", () => {
  it("lets everything leave in order, each batch when it and all before it are durable, however the journal answers", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({
              do: fc.constant("post" as const),
              count: fc.nat(2 * aheadMin),
              isNews: fc.boolean(),
            }),
            fc.record({ do: fc.constant("write" as const), index: fc.nat(1) }),
            fc.record({ do: fc.constant("turn" as const) }),
          ),
          { maxLength: 60 },
        ),
        async (deeds) => {
          const world = open()
          world.start()
          for (const deed of deeds) {
            if (deed.do === "post") world.post(deed.count, { isNews: deed.isNews })
            else if (deed.do === "write") world.write(deed.index)
            else await turn()
            expect(world.left).toEqual(upTo(world.left.length))
            // What is not durable holds back whatever was stepped after it.
            const oldest = Math.min(...world.appends.flatMap(({ numbers }) => numbers))
            expect(world.left.every((number) => number < oldest)).toBe(true)
          }
          for (let rounds = 0; world.left.length < world.posted(); rounds++) {
            expect(rounds).toBeLessThan(1_000)
            world.write(world.appends.length - 1)
            await turn()
          }
          expect(world.left).toEqual(upTo(world.posted()))
          expect(world.underWayMax()).toBeLessThanOrEqual(batchesMax)
          expect([world.pipeline.problem(), world.pipeline.waitedMs(), world.refused]).toEqual([
            undefined,
            0,
            [],
          ])
        },
      ),
      { numRuns: 200 },
    ))

  it("steps the next batch while the journal writes once enough is there, and no further one", async () => {
    const world = open()
    world.start()
    world.post(1)
    await turn()
    world.post(aheadMin - 1)
    await turn()
    // Too little for a batch of its own.
    expect(world.stepped).toHaveLength(1)
    world.post(1)
    await turn()
    expect([world.stepped.length, world.appends.length]).toEqual([1 + aheadMin, 2])
    world.post(10 * aheadMin)
    await turn()
    expect(world.stepped).toHaveLength(1 + aheadMin)
    expect(world.left).toEqual([])
    // The journal is free, or would be: all that has come since becomes the next one, up to a batch.
    world.write(0)
    await turn()
    expect([world.left.length, world.stepped.length]).toEqual([1, 101 + aheadMin])
  })

  it("holds back what rests on a batch that is not durable, though it changes nothing itself", async () => {
    const world = open()
    world.start()
    world.post(1)
    await turn()
    world.post(aheadMin, { isNews: false })
    await turn()
    expect([world.stepped.length, world.left.length, world.appends.length]).toEqual([1 + aheadMin, 0, 1])
    world.write(0)
    expect(world.left).toHaveLength(1 + aheadMin)
  })

  it("goes no further when the journal fails: what is durable has left, all others are told", async () => {
    const world = open()
    world.start()
    world.post(1)
    await turn()
    world.post(aheadMin)
    await turn()
    world.post(3)
    world.write(0)
    await turn()
    world.post(2)
    world.write(0, Cause.fail(failure))
    await turn()
    expect(world.left).toEqual([0])
    expect(world.refused.sort((one, other) => one - other)).toEqual(upTo(world.posted()).slice(1))
    expect(world.ended()).toEqual(Exit.fail(failure))
    expect(world.pipeline.problem()).toBe(failure.message)
    // An answer that comes late changes nothing any more.
    world.write(0)
    await turn()
    expect([world.left.length, world.ends(), world.mailbox.size()]).toEqual([1, 1, 0])
  })

  it("ends when a step throws, after what was stepped before has become durable and left", async () => {
    const world = open()
    world.start()
    world.post(1)
    await turn()
    world.post(aheadMin - 1)
    world.post(1, { isBroken: true })
    world.post(5)
    await turn()
    expect([world.refused.length, world.left, world.ended()]).toEqual([aheadMin + 5, [], undefined])
    expect(world.pipeline.problem()).toContain("a law is broken")
    world.write(0)
    expect(world.left).toEqual([0])
    expect(world.ended()).toEqual(Exit.die(new Error("a law is broken")))
    await turn()
    expect(world.stepped).toEqual([0])
  })

  it("lets nothing leave once it is stopped", async () => {
    const world = open()
    const stop = world.start()
    world.post(1)
    await turn()
    stop()
    world.write(0)
    world.post(1)
    await turn()
    expect([world.left, world.stepped, world.ended()]).toEqual([[], [0], undefined])
  })
})
