import { Clock, Data, Deferred, Effect, Exit, Fiber, Schedule, Scope } from "effect"
import {
  type MasterAccess,
  type OutgoingCall,
  type SchedulerClient,
  type SchedulerClientError,
  subscribe,
  type WireEvent,
} from "../../mesos/SchedulerClient.ts"

/** No master took the framework up again in time. */
export class MasterLost extends Data.TaggedError("MasterLost")<{
  readonly url: string
  readonly waitedMs: number
  readonly detail: string
}> {
  override get message(): string {
    const waited = `${Math.round(this.waitedMs / 1000)} s`
    return `gave up after ${waited} without a master at ${this.url} (${this.detail}): see that it runs. The task may still run; a master that comes back ends it`
  }
}

export interface KeptSubscriptionOptions {
  readonly access: MasterAccess
  /** Where the master is now; asked before each new attempt, since it may have come back at another port. */
  readonly findMaster: Effect.Effect<MasterAccess, unknown>
  readonly frameworkInfo: object
  /** How long a lost master is waited for. */
  readonly giveUpMs: number
  readonly onEvent: (event: WireEvent) => void
  /** Between the last event of a lost stream and the first one of the next. What was called in between may be lost. */
  readonly onResubscribed: () => void
  /** Lines for people. */
  readonly tell: (line: string) => void
}

/** A framework that survives the loss of its stream, and the restart of its master. */
export interface KeptSubscription {
  readonly frameworkId: string
  /**
   * Whether the master has said that it took the call. Otherwise nobody knows, and `onResubscribed` follows, or
   * `failed`. Fails when the master finds the call itself wrong.
   */
  readonly call: (call: OutgoingCall) => Effect.Effect<boolean, SchedulerClientError>
  readonly failed: Effect.Effect<never, SchedulerClientError | MasterLost>
}

interface Session {
  readonly client: SchedulerClient
  readonly scope: Scope.CloseableScope
  /** Why it is over, when that is noticed by a call and not on the stream. */
  readonly lost: Deferred.Deferred<string>
  /** Lets events pass, those that came meanwhile first. */
  readonly start: () => void
}

/** Between attempts: 0.2 s, 0.4 s, … at most 15 s, each cut to between half and all of it (spec/mesos.md §2.6). */
const attempts = Schedule.exponential("200 millis").pipe(
  Schedule.either(Schedule.spaced("15 seconds")),
  Schedule.jitteredWith({ min: 0.5, max: 1 }),
)

/** A session that ends sooner was none to speak of. */
const shortMs = 10_000

/** A master that is busy (503) is asked again for so long; then its connection counts as lost. */
const busyAttempts = Schedule.exponential("100 millis").pipe(
  Schedule.either(Schedule.spaced("2 seconds")),
  Schedule.upTo("20 seconds"),
)

/** Whether the master may take the same thing later: nothing is wrong with it. */
const isTransient = (error: SchedulerClientError): boolean => {
  switch (error._tag) {
    case "ClientError":
      return error.reason !== "BadUrl"
    case "HttpStatusError":
      return error.status >= 500 && error.status !== 501
    case "SubscriptionRefused":
      return !error.isFinal
    case "RecordIoError":
      return true
  }
}

/** Whether a call was refused because the master knows this stream no more (spec/mesos.md §2.2, rows 12–16). */
const isOfOldStream = (error: SchedulerClientError): boolean =>
  error._tag === "HttpStatusError" &&
  /stream ID|Framework cannot be found|Framework is not subscribed/.test(error.body)

const openSession = (
  options: KeptSubscriptionOptions,
  access: MasterAccess,
  frameworkId: string | undefined,
): Effect.Effect<Session, SchedulerClientError> =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const early: Array<WireEvent> = []
    let isStarted = false
    const onEvent = (event: WireEvent) => {
      if (isStarted) options.onEvent(event)
      else early.push(event)
    }
    const client = yield* subscribe(access, options.frameworkInfo, onEvent, frameworkId).pipe(
      Scope.extend(scope),
      Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(scope, exit))),
    )
    const start = () => {
      isStarted = true
      for (const event of early) options.onEvent(event)
    }
    return { client, scope, lost: yield* Deferred.make<string>(), start }
  })

const endOf = ({ client, lost }: Session): Effect.Effect<string> =>
  Effect.raceFirst(
    Effect.match(client.ended, {
      onSuccess: () => "it ended the connection",
      onFailure: ({ message }) => message,
    }),
    Deferred.await(lost),
  )

/** Tries until a master takes the framework up again, refuses it for good, or too much time has passed. */
const reopen = (options: KeptSubscriptionOptions, frameworkId: string) =>
  Effect.suspend(() => {
    const last = { access: options.access, detail: "no attempt was answered" }
    const attempt = Effect.gen(function* () {
      last.access = yield* Effect.orElseSucceed(options.findMaster, () => last.access)
      return yield* openSession(options, last.access, frameworkId)
    })
    return attempt.pipe(
      Effect.tapError(({ message }) =>
        Effect.sync(() => {
          last.detail = message
        }),
      ),
      Effect.retry({ while: isTransient, schedule: attempts }),
      Effect.timeoutFail({
        duration: options.giveUpMs,
        onTimeout: () =>
          new MasterLost({ url: last.access.url, waitedMs: options.giveUpMs, detail: last.detail }),
      }),
    )
  })

/**
 * Subscribes a framework and keeps it subscribed for as long as the scope lives; at the scope's end it is torn down,
 * when there is a master to tell. The first subscription must succeed at once.
 */
export const keepSubscribed = (
  options: KeptSubscriptionOptions,
): Effect.Effect<KeptSubscription, SchedulerClientError, Scope.Scope> =>
  Effect.gen(function* () {
    let session = yield* openSession(options, options.access, undefined)
    let isConnected = true
    const { frameworkId } = session.client
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() =>
        isConnected ? Effect.ignore(session.client.call({ type: "TEARDOWN" })) : Effect.void,
      ).pipe(Effect.zipRight(Effect.suspend(() => Scope.close(session.scope, Exit.void)))),
    )
    session.start()

    const keep = Effect.gen(function* () {
      for (let shortOnes = 0; ; ) {
        const openedAtMs = yield* Clock.currentTimeMillis
        const why = yield* endOf(session)
        const lastedMs = (yield* Clock.currentTimeMillis) - openedAtMs
        isConnected = false
        yield* Scope.close(session.scope, Exit.void)
        const minutes = Math.round(options.giveUpMs / 60_000)
        options.tell(
          `lost the master: ${why}; the task goes on, and the master is looked for up to ${minutes} min`,
        )
        // A master that takes the framework up and loses it at once is no reason to hurry.
        shortOnes = lastedMs < shortMs ? shortOnes + 1 : 0
        yield* Effect.sleep(Math.min(15_000, 100 * 2 ** Math.min(shortOnes, 10)))
        session = yield* reopen(options, frameworkId)
        isConnected = true
        options.tell("the master is back")
        options.onResubscribed()
        session.start()
      }
    })
    const keeping = yield* Effect.forkScoped(keep)

    const call = (outgoing: OutgoingCall) =>
      Effect.suspend(() => {
        const { client, lost } = session
        if (!isConnected) return Effect.succeed(false)
        return client.call(outgoing).pipe(
          Effect.retry({
            while: (error) => error._tag === "HttpStatusError" && error.status === 503,
            schedule: busyAttempts,
          }),
          Effect.as(true),
          Effect.catchIf(
            (error) => isTransient(error) || isOfOldStream(error),
            ({ message }) => Effect.as(Deferred.succeed(lost, message), false),
          ),
        )
      })
    return { frameworkId, call, failed: Fiber.join(keeping) }
  })
