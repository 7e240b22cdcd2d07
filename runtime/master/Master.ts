import { Cause, Context, Data, Duration, Effect, Exit, Layer, Runtime, Schedule } from "effect"
import type { CallRefusal } from "../../core/master/Admission.ts"
import { tasksOfAgent } from "../../core/master/Context.ts"
import { restoreMaster } from "../../core/master/Snapshot.ts"
import { initialMasterState, type MasterSettings, type MasterState } from "../../core/master/State.ts"
import { type Batch, Journal, type JournalError } from "../journal/Journal.ts"
import { makeStoppingClock, startMachineClock } from "../MachineClock.ts"
import type { MasterIdentity } from "../mesos/SchedulerEvent.ts"
import { logBatch } from "./BatchLog.ts"
import { makeCommitPipeline, type SteppedBatch } from "./CommitPipeline.ts"
import { makeDelivery } from "./Delivery.ts"
import { type EventFeed, makeEventFeed } from "./EventFeed.ts"
import { type Mail, type MailFailure, processMails, type UnstampedEvent } from "./Mailbox.ts"
import { makeMailQueue } from "./MailQueue.ts"
import { MasterMetrics } from "./MasterMetrics.ts"
import { makeOutbox } from "./Outbox.ts"
import { runFactsOf } from "./RunFacts.ts"
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

/** What was posted threw before it came to a step; nobody else has to do with it, and the log has the cause. */
export class MailFailed extends Data.TaggedError("MailFailed")<{ readonly defect: unknown }> {
  override get message(): string {
    return "500 Internal Server Error. The log of this daemon has the cause."
  }
}

/** Why a mail was not taken in. */
export type MailRefused = CallRefused | MailboxFull | MailFailed

/**
 * The shell around the master machine (design §3): takes events, steps, writes one transaction, and only then lets
 * the actions leave and the callers know.
 */
export class Master extends Context.Tag("gleaner/Master")<
  Master,
  {
    /** For reading only, and only at once: it changes with every event. What it says may be a few ms from being durable. */
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
    readonly post: (mail: Partial<Mail>, done: (refused?: MailRefused) => void) => void
    /** The same as an effect. */
    readonly submit: (mail: Partial<Mail>) => Effect.Effect<void, MailRefused>
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
  /** No message to an agent gets a number below it; see `firstIdAt`. */
  readonly firstMessageId: number
  readonly identity: Omit<MasterIdentity, "masterId">
}

/** Events waiting for a step, at most; beyond that callers are turned away with `MailboxFull`. */
const mailboxCapacity = 10_000

/** Mails that are stepped without a pause, at most. */
const batchMax = 1_024

/** An append that takes longer counts as no longer durable, though it may still succeed: the disk hangs. */
const appendMsMax = 5_000

interface Waiting {
  readonly mail: Mail
  readonly done: (refused?: MailRefused) => void
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
    const outbox = makeOutbox(recovered.outbox, recovered.lastOutboxId, options.firstMessageId)
    // While a full disk turns everybody away, nobody's time to come back runs out.
    const clock = makeStoppingClock(startMachineClock(state.nowMs), () => journal.problem() !== undefined)
    const runtime = yield* Effect.runtime<never>()
    const log = (line: Effect.Effect<void>) => Runtime.runSync(runtime)(line)
    const streams = makeStreams()
    const feed = makeEventFeed({
      onDefect: (defect) =>
        log(Effect.logError("a watcher of the cluster cannot be told", Cause.die(defect))),
    })
    const identity: MasterIdentity = { ...options.identity, masterId: state.masterId }
    const deliver = makeDelivery(outbox, streams, identity, {
      find: (frameworkId) => state.frameworks.get(frameworkId),
      idsOn: (agentId) => new Set(tasksOfAgent(state, agentId).map(({ spec }) => spec.frameworkId)),
    })
    const mailbox = makeMailQueue<Waiting>({ capacity: mailboxCapacity, batchMax, nowMs: clock.nowMs })

    let steps = 0
    let isFirst = true
    const step = (waiting: ReadonlyArray<Waiting>): SteppedBatch => {
      const mails = waiting.map(({ mail }) => mail)
      const processed = processMails(state, outbox, clock, mails, (changes) => {
        steps++
        feed.observe(state, changes)
      })
      const { batch, effects, refusals, lastMessageId, wakeAtMs, cycle } = processed
      const release = feed.seal(state)
      const run = isFirst ? { run: runFactsOf(options) } : {}
      isFirst = false
      return {
        batch: isEmptyBatch(batch) ? undefined : { ...batch, ...run },
        wakeAtMs,
        leave: () => {
          deliver(effects, lastMessageId)
          release()
          log(logBatch(batch, effects))
          metrics.observe(batch, effects)
          if (cycle !== undefined) metrics.observeCycle(cycle)
          for (let index = 0; index < waiting.length; index++) answer(waiting[index]!, refusals[index])
        },
      }
    }
    const answer = ({ done }: Waiting, refusal: CallRefusal | MailFailure | undefined) => {
      if (refusal === undefined) return done()
      if (refusal.type !== "MailFailure") return done(new CallRefused({ refusal }))
      const { defect } = refusal
      log(Effect.logError("what was posted to the master failed before its step", Cause.die(defect)))
      done(new MailFailed({ defect }))
    }
    const append = (batch: Batch, done: (why?: Cause.Cause<JournalError>) => void) => {
      const startedMs = performance.now()
      Runtime.runCallback(runtime)(journal.append(batch), {
        onExit: (exit) => {
          // It goes on when it is looked at.
          clock.nowMs()
          metrics.observeAppend((performance.now() - startedMs) / 1_000)
          done(Exit.isSuccess(exit) ? undefined : exit.cause)
        },
      })
    }
    const refuse = (waiting: ReadonlyArray<Waiting>, problem: string) => {
      const refused = new MailboxFull({ capacity: mailboxCapacity, problem })
      for (const { done } of waiting) done(refused)
    }
    const pipeline = makeCommitPipeline({ mailbox, step, append, refuse })

    // Plain calls: there are several for each launched task, and effects for them cost more than all the rest.
    const post = (mail: Partial<Mail>, done: (refused?: MailRefused) => void) => {
      // What was taken in before waits: it is stepped or about to be, and becomes durable when there is space.
      const problem = pipeline.problem() ?? journal.problem()
      if (problem !== undefined) {
        // The clock stops when it is looked at, from the first who is turned away on.
        clock.nowMs()
        return done(new MailboxFull({ capacity: mailboxCapacity, problem }))
      }
      const isIn = mailbox.offer({ mail: { ...nothing, ...mail }, done })
      if (!isIn) done(new MailboxFull({ capacity: mailboxCapacity }))
    }
    const submit = (mail: Partial<Mail>) =>
      Effect.async<void, MailRefused>((resume) => post(mail, (refused) => resume(refused ?? Effect.void)))

    let isListening = true
    const tell = (event: Mail["event"]) =>
      Effect.suspend(() => (isListening ? submit({ event }) : Effect.void)).pipe(
        Effect.retry({
          while: (error) => error._tag === "MailboxFull",
          schedule: Schedule.spaced("100 millis"),
        }),
        // The log has it.
        Effect.catchTag("MailFailed", () => Effect.void),
        Effect.orDie,
      )
    const stopListening = Effect.sync(() => {
      isListening = false
      streams.endAll()
    })

    const journalProblem = () => {
      const problem = pipeline.problem() ?? journal.problem()
      if (problem !== undefined) return problem
      const waitedMs = pipeline.waitedMs()
      return waitedMs > appendMsMax
        ? `the journal has been writing for ${Math.round(waitedMs / 1000)} s: look at its disk; nothing is lost, but nothing new is taken until it ends`
        : undefined
    }

    const run = Effect.async<never, JournalError>((resume) => {
      const stop = pipeline.start([started], resume)
      return Effect.sync(stop)
    })

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
