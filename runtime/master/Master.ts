import { Context, Data, Duration, Effect, Layer, Schedule } from "effect"
import type { CallRefusal } from "../../core/master/Admission.ts"
import { tasksOfAgent } from "../../core/master/Context.ts"
import { restoreMaster } from "../../core/master/Snapshot.ts"
import { initialMasterState, type MasterSettings, type MasterState } from "../../core/master/State.ts"
import { type Batch, Journal, type JournalError } from "../journal/Journal.ts"
import { makeStoppingClock, startMachineClock } from "../MachineClock.ts"
import type { MasterIdentity } from "../mesos/SchedulerEvent.ts"
import { logBatch } from "./BatchLog.ts"
import { makeDelivery } from "./Delivery.ts"
import { type EventFeed, makeEventFeed } from "./EventFeed.ts"
import { type Mail, processMails, type UnstampedEvent } from "./Mailbox.ts"
import { makeMailQueue } from "./MailQueue.ts"
import { MasterMetrics } from "./MasterMetrics.ts"
import { makeOutbox } from "./Outbox.ts"
import { type RunFacts, runFactsOf } from "./RunFacts.ts"
import { makeStreams, type Streams } from "./Streams.ts"

/** A framework's call that was not taken in. */
export class CallRefused extends Data.TaggedError("CallRefused")<{ readonly refusal: CallRefusal }> {}

/** Nothing is taken in for now: the caller should try again. `problem` = why; else more is waiting than the mailbox holds. */
export class MailboxFull extends Data.TaggedError("MailboxFull")<{
  readonly capacity: number
  readonly problem?: string
}> {
  override get message(): string {
    return this.problem === undefined
      ? `${this.capacity} events are waiting already: try again in a moment`
      : `nothing can be taken in for now: ${this.problem}`
  }
}

/**
 * The shell around the master machine (design §3): takes events, steps, writes one transaction, and only then lets
 * the actions leave and the callers know.
 */
export class Master extends Context.Tag("gleaner/Master")<
  Master,
  {
    /** For reading only, and only at once: it changes with every event. */
    readonly state: MasterState
    /** Steps of this process: as long as it stays, so does the state. */
    readonly stepCount: () => number
    readonly streams: Streams
    /** To be subscribed to in a mail's `event`, which runs between two steps. */
    readonly feed: EventFeed
    /** The machine's time, which the state's own is behind while nothing happens. */
    readonly nowMs: () => number
    readonly outboxSize: () => number
    /** Mails that wait for the next batch. */
    readonly mailboxSize: () => number
    /** Why nothing can be promised at the moment: the disk is full, or the journal does not come to an end; undefined = it can. */
    readonly journalProblem: () => string | undefined
    /**
     * Calls `done` when the event and all that follows from it is durable, or with why it is not taken in: at once while a full disk
     * keeps nothing.
     */
    readonly post: (mail: Partial<Mail>, done: (refused?: CallRefused | MailboxFull) => void) => void
    /** The same as an effect. */
    readonly submit: (mail: Partial<Mail>) => Effect.Effect<void, CallRefused | MailboxFull>
    /** The same for what must not get lost, such as the end of a stream: waits while the mailbox is full. */
    readonly tell: (event: Mail["event"]) => Effect.Effect<void>
    /**
     * Ends all streams, and drops what is told from now on: that they end is this process's own doing, and the next one
     * must not find that everybody has left.
     */
    readonly stopListening: Effect.Effect<void>
    /** Never returns; fails when the journal does: memory must not run ahead of the disk. */
    readonly run: Effect.Effect<never, JournalError>
  }
>() {}

export interface MasterOptions {
  readonly settings: MasterSettings
  /** Id and seed of a master whose journal is still empty. */
  readonly newMasterId: string
  readonly newSeed: string
  readonly identity: Omit<MasterIdentity, "masterId">
}

/** Events waiting for a step, at most; beyond that callers are turned away with `MailboxFull`. */
const mailboxCapacity = 10_000

/** An append that takes longer counts as no longer durable, though it may still succeed: the disk hangs. */
const appendMsMax = 5_000

interface Waiting {
  readonly mail: Mail
  readonly done: (refused?: CallRefused | MailboxFull) => void
}

const nothing: Mail = { event: () => undefined, caller: undefined, processed: undefined }

/** What a restarted or new process steps first. */
const started: Waiting = {
  mail: { ...nothing, event: (): UnstampedEvent => ({ type: "MasterStarted" }) },
  done: () => {},
}

export const make = (options: MasterOptions) =>
  Effect.gen(function* () {
    const journal = yield* Journal
    const metrics = yield* MasterMetrics
    const [fetched, recovered] = yield* Effect.timed(journal.recover)
    metrics.observeRecovery(Duration.toSeconds(fetched))
    const restored = restoreMaster(recovered.entities, options.settings)
    const state = restored ?? initialMasterState(options.newMasterId, options.newSeed, options.settings)
    const outbox = makeOutbox(recovered.outbox, recovered.lastOutboxId)
    // While a full disk turns everybody away, nobody's time to come back runs out.
    const clock = makeStoppingClock(startMachineClock(state.nowMs), () => journal.problem() !== undefined)
    const streams = makeStreams()
    const feed = makeEventFeed()
    const identity: MasterIdentity = { ...options.identity, masterId: state.masterId }
    const carryOut = makeDelivery(outbox, streams, identity, {
      find: (frameworkId) => state.frameworks.get(frameworkId),
      idsOn: (agentId) => new Set(tasksOfAgent(state, agentId).map(({ spec }) => spec.frameworkId)),
    })
    const mailbox = makeMailQueue<Waiting>(mailboxCapacity, clock.nowMs)

    /** Why the master stepped no further. */
    let failure: JournalError | undefined
    // Plain calls: there are several for each launched task, and effects for them cost more than all the rest.
    const post = (mail: Partial<Mail>, done: (refused?: CallRefused | MailboxFull) => void) => {
      // What was taken in before waits: it is stepped or about to be, and becomes durable when there is space.
      const problem = failure?.message ?? journal.problem()
      if (problem !== undefined) {
        // The clock stops when it is looked at, from the first who is turned away on.
        clock.nowMs()
        return done(new MailboxFull({ capacity: mailboxCapacity, problem }))
      }
      const isIn = mailbox.offer({ mail: { ...nothing, ...mail }, done })
      if (!isIn) done(new MailboxFull({ capacity: mailboxCapacity }))
    }
    const submit = (mail: Partial<Mail>) =>
      Effect.async<void, CallRefused | MailboxFull>((resume) =>
        post(mail, (refused) => resume(refused ?? Effect.void)),
      )

    let isListening = true
    const tell = (event: Mail["event"]) =>
      Effect.suspend(() => (isListening ? submit({ event }) : Effect.void)).pipe(
        Effect.retry({
          while: (error) => error._tag === "MailboxFull",
          schedule: Schedule.spaced("100 millis"),
        }),
        Effect.orDie,
      )
    const stopListening = Effect.sync(() => {
      isListening = false
      streams.endAll()
    })

    let appendingSinceMs: number | undefined
    const journalProblem = () => {
      if (failure !== undefined) return failure.message
      const problem = journal.problem()
      if (problem !== undefined) return problem
      const ageMs = appendingSinceMs === undefined ? 0 : performance.now() - appendingSinceMs
      return ageMs > appendMsMax
        ? `the journal has been writing for ${Math.round(ageMs / 1000)} s: look at its disk; nothing is lost, but nothing new is taken until it ends`
        : undefined
    }
    /** Nobody will step these any more: who waits is told, and does not wait for ever. */
    const fail = (error: JournalError, waiting: ReadonlyArray<Waiting>) => {
      failure = error
      const refused = new MailboxFull({ capacity: mailboxCapacity, problem: error.message })
      for (const { done } of [...waiting, ...mailbox.drain()]) done(refused)
    }
    const append = (batch: Batch, waiting: ReadonlyArray<Waiting>) =>
      Effect.gen(function* () {
        appendingSinceMs = performance.now()
        const [took] = yield* Effect.timed(journal.append(batch))
        appendingSinceMs = undefined
        // It goes on when it is looked at.
        clock.nowMs()
        metrics.observeAppend(Duration.toSeconds(took))
      }).pipe(Effect.tapError((error) => Effect.sync(() => fail(error, waiting))))

    let steps = 0
    const take = (waiting: ReadonlyArray<Waiting>, run?: RunFacts) =>
      Effect.gen(function* () {
        const { batch, effects, refusals, wakeAtMs, cycle } = processMails(
          state,
          outbox,
          clock,
          waiting.map(({ mail }) => mail),
          (changes) => {
            steps++
            feed.observe(state, changes)
          },
        )
        if (!isEmptyBatch(batch)) yield* append(run === undefined ? batch : { ...batch, run }, waiting)
        for (const effect of effects) carryOut(effect)
        feed.release()
        yield* logBatch(batch, effects)
        metrics.observe(batch, effects)
        if (cycle !== undefined) metrics.observeCycle(cycle)
        for (let index = 0; index < waiting.length; index++) {
          const refusal = refusals[index]
          waiting[index]!.done(refusal && new CallRefused({ refusal }))
        }
        return wakeAtMs
      })

    const run = Effect.gen(function* () {
      let wakeAtMs = yield* take([started], runFactsOf(options))
      while (true) {
        const until = wakeAtMs
        wakeAtMs = yield* take(
          yield* Effect.async<ReadonlyArray<Waiting>>((resume) =>
            Effect.sync(mailbox.next(until, (mails) => resume(Effect.succeed(mails)))),
          ),
        )
      }
    }) as Effect.Effect<never, JournalError>

    return Master.of({
      ...{
        state,
        stepCount: () => steps,
        streams,
        feed,
        mailboxSize: mailbox.size,
        nowMs: clock.nowMs,
        outboxSize: outbox.size,
        journalProblem,
      },
      ...{ post, submit, tell, stopListening, run },
    })
  })

const isEmptyBatch = (batch: Batch): boolean => batch.events.length === 0 && batch.delivered.length === 0

export const layer = (options: MasterOptions): Layer.Layer<Master, JournalError, Journal | MasterMetrics> =>
  Layer.effect(Master, make(options))
